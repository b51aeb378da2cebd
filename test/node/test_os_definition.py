# SPDX-License-Identifier: GPL-2.0-or-later
"""OS definitions: good ones, broken ones, and which of several counts."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ganeti.node import os_definition
from ganeti.node.os_definition import OsError
from test.support.node_host import NodeHost

SCRIPTS = ("create", "import", "export", "rename", "verify")
GOOD = {
    "ganeti_api_version": "20\n15\n",
    "variants.list": "# of this OS\ndefault\n\n  minimal\n",
    "parameters.list": "size The size of it\nKind\n",
}


def define(
    node: NodeHost,
    name: str = "lab",
    files: Mapping[str, str] = GOOD,
    *,
    scripts: tuple[str, ...] = SCRIPTS,
    base: int = 0,
) -> str:
    """A definition in one of the directories of the search path; its own directory."""
    directory = f"{node.paths.os_search_path[base]}/{name}"
    for file, text in files.items():
        node.write(f"{directory}/{file}", text)
    for script in scripts:
        node.script(f"{directory}/{script}")
    return directory


def read(node: NodeHost) -> os_definition.OsDefinition:
    found = os_definition.find(node.paths.os_search_path, "lab")
    assert found is not None
    return found


def test_a_good_one(node: NodeHost) -> None:
    define(node)
    found = read(node)
    assert found.problem == ""
    assert found.api == 20
    assert list(found.variants) == ["default", "minimal"]
    assert list(found.parameters) == [("size", "The size of it"), ("kind", "")]
    assert found.is_trusted


def test_older_interfaces_need_less(node: NodeHost) -> None:
    define(node, files={**GOOD, "ganeti_api_version": "5\n10\n"}, scripts=SCRIPTS[:-1])
    found = read(node)
    assert (found.problem, found.api) == ("", 10)
    assert (list(found.variants), list(found.parameters)) == ([], [])


def test_an_untrusted_one(node: NodeHost) -> None:
    define(node, scripts=("create_untrusted", *SCRIPTS[1:]))
    found = read(node)
    assert (found.problem, found.is_trusted) == ("", False)


BROKEN = [
    ({}, SCRIPTS, "cannot be read: .*ganeti_api_version|are none of those that are known"),
    ({"ganeti_api_version": "99\n"}, SCRIPTS, "are none of those that are known: 10, 15, 20"),
    ({"ganeti_api_version": "new\n"}, SCRIPTS, "is not a list of numbers"),
    (GOOD, SCRIPTS[1:], "missing or not executable: create"),
    (GOOD, ("create", "verify"), "missing or not executable: import, export, rename"),
    (GOOD, SCRIPTS[:-1], "missing or not executable: verify"),
]


@pytest.mark.parametrize(("files", "scripts", "problem"), BROKEN)
def test_broken_ones(
    node: NodeHost, files: Mapping[str, str], scripts: tuple[str, ...], problem: str
) -> None:
    define(node, files=files, scripts=scripts)
    found = read(node)
    with pytest.raises(OsError, match=f"cannot be used: .*({problem})"):
        os_definition.require(node.paths.os_search_path, "lab+default")
    assert found.problem


def test_a_script_must_be_executable(node: NodeHost) -> None:
    directory = define(node, scripts=SCRIPTS[1:])
    node.write(f"{directory}/create", "#!/bin/sh\n")
    assert "create" in read(node).problem


def test_what_cannot_be_read_hides_no_other(node: NodeHost) -> None:
    directory = define(node, files={"ganeti_api_version": "20\n", "parameters.list": ""})
    node.write(f"{directory}/variants.list/oops")
    define(node, "other")
    rows = {row.name: row.problem for row in os_definition.find_all(node.paths.os_search_path)}
    assert "cannot be read" in rows["lab"]
    assert rows["other"] == ""


def test_the_first_of_the_search_path_counts(node: NodeHost) -> None:
    second = define(node, base=1)
    assert read(node).path == second
    first = define(node, base=0)
    assert read(node).path == first
    paths = [row.path for row in os_definition.find_all(node.paths.os_search_path)]
    assert paths == [first, second]


@pytest.mark.parametrize("name", ["", "nothing", "../lab", "+default"])
def test_names_of_nothing(node: NodeHost, name: str) -> None:
    define(node)
    with pytest.raises(OsError, match="there is no OS"):
        os_definition.require(node.paths.os_search_path, name)


VARIANTS = [
    ("lab+default", False, None),
    ("lab+strange", True, None),
    ("lab+strange", False, "does not have the variant 'strange'"),
    ("lab", False, "needs a variant"),
]


@pytest.mark.parametrize(("name", "force", "problem"), VARIANTS)
def test_variants(node: NodeHost, name: str, force: bool, problem: str | None) -> None:
    define(node)
    if problem is None:
        os_definition.check_variant(read(node), name, force=force)
    else:
        with pytest.raises(OsError, match=problem):
            os_definition.check_variant(read(node), name, force=force)


def test_no_variants(node: NodeHost) -> None:
    define(node, files={**GOOD, "variants.list": ""})
    os_definition.check_variant(read(node), "lab", force=False)
    with pytest.raises(OsError, match="has no variants"):
        os_definition.check_variant(read(node), "lab+default", force=True)


def test_parameters(node: NodeHost) -> None:
    define(node)
    os_definition.check_names(read(node), ["size", "os-image"])
    with pytest.raises(OsError, match="has no parameter colour, weight"):
        os_definition.check_names(read(node), ["weight", "size", "colour"])
