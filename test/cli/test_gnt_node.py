# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-node``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganeti.cli import node_add, options
from ganeti.cli.command import Run
from ganeti.errors import OpPrereqError
from ganeti.utils import net
from ganeti.utils.net import Host
from test.support.cli import CommandLine, Outcome

ND = {"oob_program": "", "spindle_count": 4}
ALPHA = {
    "name": "alpha.example.net",
    "pip": "192.0.2.11",
    "sip": "198.51.100.11",
    "pinst_list": ["db10.example.net", "cache.example.net"],
    "sinst_list": [],
    "master_candidate": True,
    "drained": False,
    "offline": False,
    "master_capable": True,
    "vm_capable": True,
    "powered": None,
    "ndparams": ND,
    "custom_ndparams": {"spindle_count": 4},
}
BETA = {**ALPHA, "name": "beta.example.net", "vm_capable": False, "powered": True}


def test_info(cli: CommandLine, golden: Callable[[str, str], None]) -> None:
    cli.master.answers["QueryNodes"] = lambda names, fields, lock: [
        [node[field] for field in fields] for node in (ALPHA, BETA)
    ]
    code, out, err = cli.run("gnt-node", "info")
    assert (code, err) == (0, "")
    golden("cli/node-info.txt", out)


def test_info_tells_which_of_several_nodes_is_unknown(cli: CommandLine) -> None:
    cli.master.answers["QueryNodes"] = lambda names, fields, lock: [
        [ALPHA[field] for field in fields] for name in names if name == "alpha"
    ]
    code, out, err = cli.run("gnt-node", "info", "alpha", "nobody")
    assert (code, err) == (0, "Warning: there is no node nobody\n")
    assert out.startswith("- Node name: alpha.example.net\n")


def test_info_of_an_unknown_node_is_an_empty_line(cli: CommandLine) -> None:
    cli.master.answers["QueryNodes"] = []
    assert cli.run("gnt-node", "info", "nobody") == (0, "\n", "")


def test_modify(cli: CommandLine) -> None:
    cli.master.outcomes = [Outcome([[["drained", True], ["master_candidate", False]]])]
    options = (
        "-D",
        "yes",
        "-C",
        "no",
        "--node-powered=yes",
        "-s",
        "198.51.100.9",
        "--auto-promote",
    )
    assert cli.run("gnt-node", "modify", *options, "alpha") == (
        0,
        "Modified node alpha\n - drained -> True\n - master_candidate -> False\n",
        "",
    )
    (op,) = cli.master.ops
    assert (op["node_name"], op["drained"], op["master_candidate"]) == ("alpha", True, False)
    assert (op["powered"], op["secondary_ip"], op["auto_promote"]) == (True, "198.51.100.9", True)
    assert (op["offline"], op["force"], op["ndparams"]) == (None, False, None)


def test_short_keys_are_padded(cli: CommandLine) -> None:
    cli.master.outcomes = [Outcome([[["be", 1]]])]
    assert cli.run("gnt-node", "modify", "-D", "no", "a")[1] == "Modified node a\n - be    -> 1\n"


def test_modify_without_a_result_says_nothing(cli: CommandLine) -> None:
    cli.master.outcomes = [Outcome([[]])]
    result = cli.run("gnt-node", "modify", "--node-parameters", "spindle_count=2", "alpha")
    assert result == (0, "", "")
    assert cli.master.ops[0]["ndparams"] == {"spindle_count": 2}


@pytest.mark.parametrize("words", [[], ["--node-powered=no"], ["--auto-promote"], ["-f"]])
def test_modify_needs_a_change(cli: CommandLine, words: list[str]) -> None:
    code, out, err = cli.run("gnt-node", "modify", *words, "alpha")
    assert (code, out, err.count("\n"), cli.master.ops) == (1, "", 1, [])


def test_taking_a_node_back_is_asked_for(cli: CommandLine) -> None:
    assert cli.run("gnt-node", "modify", "-O", "no", "alpha") == (1, "", "")
    assert "alpha" in cli.terminal.questions[0]
    assert cli.run("gnt-node", "modify", "-O", "no", "-f", "alpha")[0] == 0
    assert cli.run("gnt-node", "modify", "-O", "yes", "alpha")[0] == 0


def test_remove(cli: CommandLine) -> None:
    assert cli.run("gnt-node", "remove", "--dry-run", "alpha") == (0, "", "")
    assert (cli.master.ops[0]["OP_ID"], cli.master.ops[0]["dry_run"]) == ("OP_NODE_REMOVE", True)


KNOWN = [["localhost", "192.0.2.9", False, 22]]


def nodes_use(cli: CommandLine, family: int) -> None:
    values = {
        "primary_ip_family": str(family),
        "master_node": "m",
        "node_primary_ips": "m 192.0.2.1",
        "node_secondary_ips": "m 198.51.100.1",
    }
    for key, value in values.items():
        path = Path(cli.paths.ssconf(key))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")


@pytest.mark.parametrize(
    ("words", "rows", "part"),
    [
        (["--readd"], [], "--readd"),
        ([], KNOWN, "--readd"),
        (["--readd"], [["localhost", "192.0.2.9", True, 22]], "master"),
    ],
)
def test_what_cannot_be_added(
    cli: CommandLine, words: list[str], rows: list[Any], part: str
) -> None:
    nodes_use(cli, net.IPV4)
    cli.master.answers["QueryNodes"] = lambda names, *_: [[names[0], *row[1:]] for row in rows]
    code, out, err = cli.run("gnt-node", "add", *words, "localhost")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert part in err


@pytest.mark.parametrize(
    ("words", "rows", "part"),
    [
        (["--readd", "-s", "192.0.2.8"], KNOWN, "192.0.2.9"),
        (["--readd", "-g", "blue"], KNOWN, "its group"),
        (["-s", "near"], [], "'near'"),
        ([], [], "give it with -s"),
    ],
)
def test_what_the_job_would_refuse_is_found_before_the_host_is_changed(
    cli: CommandLine, words: list[str], rows: list[Any], part: str
) -> None:
    nodes_use(cli, net.IPV4)
    cli.master.answers["QueryNodes"] = lambda names, *_: [[names[0], *row[1:]] for row in rows]
    code, out, err = cli.run("gnt-node", "add", *words, "localhost")
    assert (code, out, [name for name, *_ in cli.master.calls]) == (1, "", ["QueryNodes"])
    assert "error type: wrong_input" in err
    assert part in err


def test_adding_a_host_without_a_name(cli: CommandLine) -> None:
    nodes_use(cli, net.IPV4)
    code, _, err = cli.run("gnt-node", "add", "no-such-host.invalid")
    assert code == 1
    assert "error type: resolver_error" in err
    assert "no-such-host.invalid" in err


@pytest.mark.parametrize(("family", "other"), [(net.IPV4, "::1"), (net.IPV6, "127.0.0.1")])
def test_a_host_is_looked_up_in_the_nodes_family(cli: CommandLine, family: int, other: str) -> None:
    nodes_use(cli, family)
    code, _, err = cli.run("gnt-node", "add", other)
    assert code == 1
    assert "error type: resolver_error" in err


def test_what_a_host_is_prepared_with(cli: CommandLine) -> None:
    cli.master.answers |= {
        "QueryGroups": [["blue", 2222]],
        "Query": {"fields": [], "data": [[[0, "uuid-1"]], [[0, "uuid-2"]]]},
    }
    request = _request(cli, "--no-ssh-key-check", "-v", "-g", "blue")
    assert (request.ssh_port, request.candidates) == (2222, ["uuid-1", "uuid-2"])
    assert (request.check_host_key, request.verbose) == (False, True)
    assert cli.master.calls[0] == ("QueryGroups", ["blue"], ("name", "ndp/ssh_port"), False)


@pytest.mark.parametrize(
    ("groups", "port"),
    [([["only", 2222]], 2222), ([["blue", 2222], ["default", 22], ["red", 2223]], 22)],
)
def test_without_a_group_the_usual_one_counts(
    cli: CommandLine, groups: list[list[Any]], port: int
) -> None:
    cli.master.answers |= {"QueryGroups": groups, "Query": {"fields": [], "data": []}}
    assert _request(cli).ssh_port == port


@pytest.mark.parametrize(
    ("words", "groups", "code", "part"),
    [
        (["-g", "green"], [], "unknown_entity", "'green'"),
        ([], [["blue", 22], ["red", 22]], "wrong_input", "blue, red"),
    ],
)
def test_a_host_is_not_prepared_for_no_group(
    cli: CommandLine, words: list[str], groups: list[list[Any]], code: str, part: str
) -> None:
    cli.master.answers["QueryGroups"] = groups
    with pytest.raises(OpPrereqError, match=part) as caught:
        _request(cli, *words)
    assert caught.value.code == code


def _request(cli: CommandLine, *words: str) -> Any:
    """What `gnt-node add` makes of its options for a host that is new."""
    opts, _ = options.read("gnt-node", "", "", node_add.COMMAND.all_options(), list(words))
    run = Run(cli.world, "gnt-node", "add", node_add.COMMAND, opts=opts, args=["host"])
    settings = {
        "cluster_name": "hive",
        "modify_ssh_setup": True,
        "ssh_key_type": "rsa",
        "ssh_key_bits": 2048,
    }
    return node_add.request(run, Host("host.example.net", "192.0.2.7"), None, settings)
