# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-filter``."""

import json
from typing import Any

import pytest

from ganeti.errors import GenericError
from test.support.cli import CommandLine
from test.support.cluster import a_uuid

UUID = a_uuid(1)
PREDICATES = [["jobid", [">", "id", "watermark"]]]
FIELDS = ["watermark", "priority", "predicates", "action", "reason_trail"]


@pytest.fixture
def rules(cli: CommandLine) -> CommandLine:
    cli.master.answers["ReplaceFilter"] = lambda uuid, *_: uuid or UUID
    return cli


def stored(cli: CommandLine) -> Any:
    """What was to be stored last: UUID, priority, predicates, action."""
    method, *args, reason = cli.master.calls[-1]
    assert (method, reason[-1][0]) == ("ReplaceFilter", "gnt:client:gnt-filter")
    return args


def test_add(rules: CommandLine) -> None:
    words = ("--priority=3", f"--predicates={json.dumps(PREDICATES)}", "--action=RATE_LIMIT 2")
    assert rules.run("gnt-filter", "add", *words) == (0, f"{UUID}\n", "")
    assert stored(rules) == [None, 3, PREDICATES, "RATE_LIMIT 2"]
    assert rules.run("gnt-filter", "add")[0] == 0
    assert stored(rules) == [None, 0, [], "CONTINUE"]


def test_replace(rules: CommandLine) -> None:
    words = ("--reason=upgrade", "--action", "PAUSE", a_uuid(5))
    assert rules.run("gnt-filter", "replace", *words) == (0, f"{a_uuid(5)}\n", "")
    assert stored(rules) == [a_uuid(5), 0, [], "PAUSE"]
    assert [entry[:2] for entry in rules.master.calls[-1][-1]] == [
        ("gnt:user", "upgrade"),
        ("gnt:client:gnt-filter", "replace"),
    ]


@pytest.mark.parametrize("text", ["{", '{"jobid": []}', '["jobid"]', '[["jobid", "id"]]', "3"])
def test_predicates_that_are_none(rules: CommandLine, text: str) -> None:
    code, out, err = rules.run("gnt-filter", "add", "--predicates", text)
    assert (code, out, rules.master.calls) == (1, "", [])
    assert err.startswith(f"Failure: '{text}' is no")
    assert err.count("\n") == 1


def test_a_priority_below_zero(rules: CommandLine) -> None:
    code, _, err = rules.run("gnt-filter", "add", "--priority=-1")
    assert (code, rules.master.calls) == (1, [])
    assert "error type: wrong_input" in err


def test_delete(cli: CommandLine) -> None:
    cli.master.answers["DeleteFilter"] = None
    assert cli.run("gnt-filter", "delete", UUID) == (0, "", "")
    cli.master.answers["DeleteFilter"] = GenericError("there is no such filter")
    code, _, err = cli.run("gnt-filter", "delete", UUID)
    assert (code, err) == (1, "Unhandled Ganeti error: there is no such filter\n")


def test_info(cli: CommandLine) -> None:
    trail = [["gnt:user", "upgrade", 1], ["luxid", "", 2]]
    cli.master.answers["QueryFilters"] = [[UUID, 7, 0, PREDICATES, ["RATE_LIMIT", 2], trail]]
    assert cli.run("gnt-filter", "info") == (
        0,
        f"UUID: {UUID}\n"
        "  Watermark: 7\n"
        "  Priority: 0\n"
        "  Predicates: [['jobid', ['>', 'id', 'watermark']]]\n"
        "  Action: ['RATE_LIMIT', 2]\n"
        "  Reason trail: [['gnt:user', 'upgrade', 1], ['luxid', '', 2]]\n",
        "",
    )
    assert cli.master.calls == [("QueryFilters", [], ["uuid", *FIELDS])]


def test_info_of_an_unknown_filter(cli: CommandLine) -> None:
    cli.master.answers["QueryFilters"] = [[UUID, 7, 0, [], "PAUSE", []]]
    code, out, err = cli.run("gnt-filter", "info", UUID, a_uuid(9))
    assert code == 1
    assert out.startswith(f"UUID: {UUID}\n")
    assert a_uuid(9) in err
    assert UUID not in err


def test_list(cli: CommandLine) -> None:
    titles = ["UUID", "Watermark", "Priority", "Predicates", "Action", "ReasonTrail"]
    cli.master.answers["Query"] = {
        "fields": [
            {"name": name, "title": title, "kind": "other", "doc": ""}
            for name, title in zip(["uuid", *FIELDS], titles, strict=True)
        ],
        "data": [[[0, value] for value in (UUID, 7, 0, [], ["RATE_LIMIT", 2], [["a", "b", 1]])]],
    }
    code, out, err = cli.run("gnt-filter", "list", UUID)
    assert (code, err) == (0, "")
    assert out == (
        f"{'UUID':36} Watermark Priority Predicates Action            ReasonTrail\n"
        f"{UUID} 7         0        []         ['RATE_LIMIT', 2] [['a', 'b', 1]]\n"
    )
    assert cli.master.calls == [
        ("Query", "filter", ["uuid", *FIELDS], ["|", ["==", "uuid", UUID]]),
    ]
