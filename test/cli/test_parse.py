# SPDX-License-Identifier: GPL-2.0-or-later
"""Values of options."""

from typing import Any

import pytest

from ganeti.cli import parse
from ganeti.errors import OpPrereqError, ParameterError

KEY_VALUES: list[tuple[str, dict[str, Any]]] = [
    ("", {}),
    ("maxmem=1g,vcpus=2", {"maxmem": "1g", "vcpus": "2"}),
    ("auto_balance", {"auto_balance": True}),
    ("no_acpi", {"acpi": False}),
    ("-kernel_path", {"kernel_path": None}),
    (r"args=a\,b\\c", {"args": r"a,b\c"}),
    ("args=a=b", {"args": "a=b"}),
    ("empty=", {"empty": ""}),
]


@pytest.mark.parametrize(("text", "values"), KEY_VALUES)
def test_key_values(text: str, values: dict[str, Any]) -> None:
    assert parse.key_values(text) == values


def test_a_key_comes_once() -> None:
    with pytest.raises(ParameterError, match="'a' is given twice"):
        parse.key_values("a=1,no_a")


IDENTIFIED: list[tuple[str, Any]] = [
    ("kvm", ("kvm", {})),
    ("kvm:acpi=true,vnc_tls", ("kvm", {"acpi": "true", "vnc_tls": True})),
    ("no_kvm", ("kvm", False)),
    ("-kvm", ("kvm", None)),
    ("-1:add,size=1g", ("-1", {"add": True, "size": "1g"})),
]


@pytest.mark.parametrize(("text", "value"), IDENTIFIED)
def test_identified(text: str, value: Any) -> None:
    assert parse.identified(text) == value


def test_what_is_removed_has_no_settings() -> None:
    with pytest.raises(ParameterError):
        parse.identified("no_kvm:acpi=true")


def test_groups_of_settings() -> None:
    assert parse.identified_lists("min:cpu-count=1/max:cpu-count=8//min:a=1") == [
        {"min": {"cpu-count": "1"}, "max": {"cpu-count": "8"}},
        {"min": {"a": "1"}},
    ]


@pytest.mark.parametrize("text", ["min", "min:", "min:a", "min:a=1/min:a=2", ""])
def test_groups_need_a_value_for_each_key(text: str) -> None:
    with pytest.raises(ParameterError):
        parse.identified_lists(text)


def test_settings_by_name() -> None:
    assert parse.by_name([]) is None
    assert parse.by_name([("kvm", {"acpi": "x"}), ("fake", {})]) == {
        "kvm": {"acpi": "x"},
        "fake": {},
    }
    wrongs: list[list[parse.Ident]] = [[("kvm", None)], [("kvm", {}), ("kvm", {})]]
    for wrong in wrongs:
        with pytest.raises(ParameterError, match="'kvm'"):
            parse.by_name(wrong)


@pytest.mark.parametrize(
    ("text", "words"), [("", []), ("a,b", ["a", "b"]), (r"a\,b,", ["a,b", ""]), ("a\\", ["a\\"])]
)
def test_words(text: str, words: list[str]) -> None:
    assert parse.words(text) == words


@pytest.mark.parametrize(("text", "value"), [("YES", True), ("true", True), ("No", False)])
def test_yes_and_no(text: str, value: bool) -> None:
    assert parse.yes_no(text) is value


def test_neither_yes_nor_no() -> None:
    with pytest.raises(ParameterError, match="'maybe'"):
        parse.yes_no("maybe")


@pytest.mark.parametrize(
    ("text", "value"), [("90", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400), ("1w", 604800)]
)
def test_time_spans(text: str, value: int) -> None:
    assert parse.seconds(text) == value


@pytest.mark.parametrize("text", ["", "1y", "-5", "h", "1.5h"])
def test_no_time_spans(text: str) -> None:
    with pytest.raises(OpPrereqError):
        parse.seconds(text)


def test_ranges_of_user_ids() -> None:
    assert parse.uid_ranges("2000,1000-1099") == [(1000, 1099), (2000, 2000)]
    for wrong in ("a", "5-3", "1-2-3"):
        with pytest.raises(OpPrereqError):
            parse.uid_ranges(wrong)
