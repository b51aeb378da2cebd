# SPDX-License-Identifier: GPL-2.0-or-later
"""The filter language, and names on the command line."""

import re
from typing import Any

import pytest

from ganeti.cli import filters
from ganeti.errors import OpPrereqError, QueryFilterParseError

TEXTS: list[tuple[str, Any]] = [
    ('name =* "web*"', ["=~", "name", r"^web[^.]*(\..*)?$"]),
    (
        "be/vcpus == 3 or be/vcpus = 6",
        ["|", ["==", "be/vcpus", 3], ["==", "be/vcpus", 6]],
    ),
    ("not master_candidate", ["!", ["?", "master_candidate"]]),
    (
        "\"prod\" in tags and status != 'running'",
        ["&", ["=[]", "tags", "prod"], ["!=", "status", "running"]],
    ),
    ("pnode.group =~ m/^rack/i", ["=~", "pnode.group", "(?i)^rack"]),
    ("name =~ #a/b#", ["=~", "name", "a/b"]),
    (r"name =~ /a\/b\d/si", ["=~", "name", r"(?is)a/b\d"]),
    ("name !~ /x/", ["!", ["=~", "name", "x"]]),
    ('name !* "a?"', ["!", ["=~", "name", r"^a[^.](\..*)?$"]]),
    ("'x' not in tags", ["!", ["=[]", "tags", "x"]]),
    ("a and b and c", ["&", ["?", "a"], ["?", "b"], ["?", "c"]]),
    ("a or b and not c", ["|", ["?", "a"], ["&", ["?", "b"], ["!", ["?", "c"]]]]),
    ("(a or b) and c", ["&", ["|", ["?", "a"], ["?", "b"]], ["?", "c"]]),
    ("disk.size/0 >= 1024", [">=", "disk.size/0", 1024]),
    ("x < -5", ["<", "x", -5]),
    (r"name == 'it\'s'", ["==", "name", "it's"]),
]


@pytest.mark.parametrize(("text", "wanted"), TEXTS)
def test_language(text: str, wanted: Any) -> None:
    assert filters.parse_filter(text) == wanted


WRONG = [
    ("", 0),
    ("name ==", 7),
    ("name == web", 8),
    ("(a", 2),
    ("a b", 2),
    ("a and", 5),
    ('"x" tags', 4),
    ("name =~ x", 8),
    ("name =~ /x/q", 8),
    ("a = 1 $", 6),
    ("Or", None),
]


@pytest.mark.parametrize(("text", "position"), WRONG)
def test_errors_tell_the_place(text: str, position: int | None) -> None:
    if position is None:
        assert filters.parse_filter(text) == ["?", text]
        return
    with pytest.raises(QueryFilterParseError) as caught:
        filters.parse_filter(text)
    place = caught.value.args[1]
    assert isinstance(place, filters.Place)
    assert (place.text, place.position) == (text, position)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("web*", "web1.example.com", True),
        ("web*", "myweb.example.com", False),
        ("web?", "web1", True),
        ("web?", "web12", False),
        ("web*.com", "web.x.com", False),
        ("a[b]", "a[b].x", True),
    ],
)
def test_patterns_do_not_cross_dots(pattern: str, name: str, matches: bool) -> None:
    assert bool(re.search(filters.glob(pattern), name)) is matches


def test_names_and_patterns() -> None:
    assert filters.from_arguments([], force=False) is None
    assert filters.from_arguments(["web1", "db*"], force=False) == [
        "|",
        ["==", "name", "web1"],
        ["=~", "name", r"^db[^.]*(\..*)?$"],
    ]


def test_numbers_of_jobs() -> None:
    found = filters.from_arguments(["7"], force=False, name_field="id", numeric=True)
    assert found == ["|", ["==", "id", 7]]
    for word in ("x", "1*"):
        with pytest.raises(OpPrereqError) as caught:
            filters.from_arguments([word], force=False, name_field="id", numeric=True)
        assert caught.value.code == "wrong_input"


@pytest.mark.parametrize("text", ["a or b", "a='x'", "a<1", "(a)"])
def test_one_argument_that_looks_like_a_filter_is_one(text: str) -> None:
    assert filters.from_arguments([text], force=False) == filters.parse_filter(text)


def test_with_the_option_any_word_is_a_filter() -> None:
    assert filters.from_arguments(["offline"], force=True) == ["?", "offline"]
    with pytest.raises(OpPrereqError):
        filters.from_arguments(["a", "b"], force=True)
