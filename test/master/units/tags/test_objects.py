# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules of tags."""

import pytest

from ganeti.errors import OpPrereqError, TagError
from ganeti.master.units.tags import objects
from ganeti.master.units.tags.search import paths_and_objects
from test.support.cluster import a_cluster

CFG = a_cluster().with_nodes("n1.x").with_instance("web.x", tags=("a", "b")).build()


@pytest.mark.parametrize("tag", ["", "a b", "ä!", "x" * 129, "semi;colon"])
def test_malformed_tags(tag: str) -> None:
    with pytest.raises(TagError):
        objects.check_tags([tag])


@pytest.mark.parametrize("tag", ["a", "a.b+c*d/e:f@g-h", "x" * 128, "Ümlaut"])
def test_good_tags(tag: str) -> None:
    objects.check_tags([tag])


def test_short_names_are_found() -> None:
    assert objects.tagged(CFG, "instance", "web") == CFG.instance("web.x")
    assert objects.tagged(CFG, "cluster", None) == CFG.cluster


@pytest.mark.parametrize(("kind", "name"), [("node", "n9"), ("node", None), ("fish", "x")])
def test_unknown_objects(kind: str, name: str | None) -> None:
    with pytest.raises(OpPrereqError):
        objects.tagged(CFG, kind, name)


def test_adding_keeps_order_and_drops_doubles() -> None:
    assert objects.with_tags(CFG.instance("web"), ["b", "c", "c"]) == ("a", "b", "c")


def test_removing_what_is_not_set_removes_nothing() -> None:
    web = CFG.instance("web")
    assert objects.without_tags(web, ["a"]) == ("b",)
    with pytest.raises(OpPrereqError) as caught:
        objects.without_tags(web, ["a", "z"])
    assert "'z'" in str(caught.value)
    assert caught.value.code == "unknown_entity"


def test_the_paths_of_search_tags() -> None:
    assert [path for path, _ in paths_and_objects(CFG)] == [
        "/cluster",
        "/instances/web.x",
        "/nodes/n1.x",
        "/nodegroup/default",
    ]
