# SPDX-License-Identifier: GPL-2.0-or-later
"""``list`` and ``list-fields``."""

from typing import Any

import pytest

from ganeti.cli import listing
from ganeti.errors import OpPrereqError
from test.support.cli import CommandLine

FIELDS = {
    "name": ("Instance", "text"),
    "status": ("Status", "text"),
    "oper_ram": ("Memory", "unit"),
    "tags": ("Tags", "other"),
    "network_port": ("Network_port", "other"),
    "disk.sizes": ("Disk_sizes", "other"),
}
ROWS = {
    "cache.example.net": {
        "name": [0, "cache.example.net"],
        "status": [0, "running"],
        "oper_ram": [0, 512],
        "tags": [0, ["a", "b"]],
        "network_port": [3, None],
        "disk.sizes": [0, [32, 16]],
    },
    "db10.example.net": {
        "name": [0, "db10.example.net"],
        "status": [0, "ADMIN_down"],
        "oper_ram": [3, None],
        "tags": [0, []],
        "network_port": [0, 11000],
        "disk.sizes": [0, []],
    },
}


@pytest.fixture
def instances(cli: CommandLine) -> CommandLine:
    def query(what: str, fields: list[str], qfilter: Any) -> dict[str, Any]:
        definitions = [
            dict(zip(("title", "kind"), FIELDS.get(f, (f, "unknown")), strict=True), name=f)
            for f in fields
        ]
        return {
            "fields": definitions,
            "data": [[row.get(f, [1, None]) for f in fields] for row in ROWS.values()],
        }

    cli.master.answers["Query"] = query
    return cli


def show(cli: CommandLine, *options: str) -> tuple[int, str, str]:
    return cli.run("gnt-instance", "list", *options)


def test_a_table(instances: CommandLine) -> None:
    assert show(instances, "-o", "name,status,oper_ram") == (
        0,
        "Instance          Status     Memory\n"
        "cache.example.net running      512M\n"
        "db10.example.net  ADMIN_down      -\n",
        "",
    )


def test_with_a_separator_sizes_are_in_mib(instances: CommandLine) -> None:
    out = show(instances, "-o", "name,oper_ram", "--separator=|", "--no-headers")[1]
    assert out == "cache.example.net|512\ndb10.example.net|-\n"
    out = show(instances, "-o", "oper_ram", "--separator=|", "--no-headers", "--units=g")[1]
    assert out == "0.5\n-\n"


def test_lists_and_long_markers(instances: CommandLine) -> None:
    out = show(instances, "-v", "--no-headers", "-o", "disk.sizes,network_port,tags")[1]
    assert out == "32,16 (unavail) a,b\n      11000     \n"


def test_unknown_fields(instances: CommandLine) -> None:
    code, out, err = show(instances, "--no-headers", "-o", "name,color,shape")
    assert code == 14
    assert out.splitlines()[0] == "cache.example.net ?? ??"
    assert err == "Warning: Queried for unknown fields color, shape\n"


@pytest.mark.parametrize(
    ("options", "fields", "qfilter"),
    [
        ([], list(listing.INSTANCE.default), None),
        (["-o", "+tags,name"], [*listing.INSTANCE.default, "tags", "name"], None),
        (["-o", "name,name"], ["name", "name"], None),
        (["web1"], list(listing.INSTANCE.default), ["|", ["==", "name", "web1"]]),
        (["-F", "admin_up"], list(listing.INSTANCE.default), ["?", "admin_up"]),
        (["status = 'running'"], list(listing.INSTANCE.default), ["==", "status", "running"]),
    ],
)
def test_what_is_asked(
    instances: CommandLine, options: list[str], fields: list[str], qfilter: Any
) -> None:
    show(instances, *options)
    assert instances.master.calls == [("Query", "instance", fields, qfilter)]


def test_unknown_names_beside_a_pattern_are_told(instances: CommandLine) -> None:
    query = instances.master.answers["Query"]

    def strict(what: str, fields: list[str], qfilter: Any) -> dict[str, Any]:
        if qfilter == ["==", "name", "nobody"]:
            raise OpPrereqError("there is no instance 'nobody'", "unknown_entity")
        answer: dict[str, Any] = query(what, fields, qfilter)
        return answer

    instances.master.answers["Query"] = strict
    code, out, err = show(instances, "--no-headers", "-o", "name", "cache", "db*", "nobody")
    assert (code, out) == (0, "cache.example.net\ndb10.example.net\n")
    assert err == "Warning: there is no instance 'nobody'\n"


def test_an_unknown_name_fails_the_list(instances: CommandLine) -> None:
    instances.master.answers["Query"] = OpPrereqError("there is no 'nobody'", "unknown_entity")
    code, out, err = show(instances, "cache", "nobody")
    assert (code, out) == (1, "")
    assert "error type: unknown_entity" in err


def test_a_filter_that_is_not_understood(instances: CommandLine) -> None:
    code, out, err = show(instances, "name ==")
    assert (code, out) == (1, "")
    assert err.splitlines()[1:3] == ["name ==", "       ^"]


def test_no_rows(cli: CommandLine) -> None:
    definition = {"name": "name", "title": "Node", "kind": "text", "doc": "Name"}
    cli.master.answers["Query"] = {"fields": [definition], "data": []}
    assert cli.run("gnt-node", "list") == (0, "Node\n", "")
    assert cli.run("gnt-node", "list", "--no-headers") == (0, "", "")


def test_fields(cli: CommandLine) -> None:
    cli.master.answers["QueryFields"] = {
        "fields": [
            {"name": "disk.size/2", "title": "Disk/2", "kind": "unit", "doc": "Size of disk 2"},
            {"name": "hvparams", "title": "Params", "kind": "other", "doc": "Parameters"},
        ]
    }
    assert cli.run("gnt-instance", "list-fields") == (
        0,
        "Name        Type         Title  Description\n"
        "disk.size/2 Storage size Disk/2 Size of disk 2\n"
        "hvparams    Custom       Params Parameters\n",
        "",
    )
    assert cli.master.calls == [("QueryFields", "instance", None)]


def test_unknown_names_of_fields(cli: CommandLine) -> None:
    definition = {"name": "x", "title": "x", "kind": "unknown", "doc": "Unknown field 'x'"}
    cli.master.answers["QueryFields"] = {"fields": [definition]}
    code, out, _ = cli.run("gnt-job", "list-fields", "x")
    assert code == 14
    assert "Unknown" in out


def test_locks(cli: CommandLine) -> None:
    kinds = dict.fromkeys(listing.LOCK.default, "other")
    rows = [
        [[0, "cluster/BGL"], [0, "shared"], [0, ["12", "14"]], [0, []]],
        [
            [0, "instance/web"],
            [0, None],
            [0, None],
            [0, [["exclusive", ["13"]], ["shared", ["15"]]]],
        ],
    ]
    cli.master.answers["Query"] = {
        "fields": [{"name": n, "title": n.title(), "kind": k, "doc": ""} for n, k in kinds.items()],
        "data": rows,
    }
    text = (
        "Name         Mode   Owner Pending\n"
        "cluster/BGL  shared 12,14 -\n"
        "instance/web -      -     exclusive:13, shared:15\n"
    )
    assert cli.run("gnt-debug", "locks") == (0, text, "")


def test_locks_are_shown_again_and_again(cli: CommandLine) -> None:
    def query(*_: Any) -> dict[str, Any]:
        if len(cli.clock.slept) == 2:
            raise KeyboardInterrupt
        definition = {"name": "name", "title": "Name", "kind": "other", "doc": ""}
        return {"fields": [definition], "data": []}

    cli.master.answers["Query"] = query
    code, out, err = cli.run("gnt-debug", "locks", "--interval", "5")
    assert (code, out) == (1, "Name\n\nName\n\n")
    assert "jobs" in err.lower()
    assert cli.clock.slept == [5, 5]
