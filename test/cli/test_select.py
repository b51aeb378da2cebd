# SPDX-License-Identifier: GPL-2.0-or-later
"""Which instances a command is about, and when it asks."""

from typing import Any

import pytest

from test.support.cli import CommandLine

NODES = {
    "n1": ["red", ["a", "b"], ["c"]],
    "n2": ["blue", ["c"], ["a"]],
}
INSTANCES = {"a": ["web"], "b": ["db"], "c": ["web"]}


@pytest.fixture
def cluster(cli: CommandLine) -> CommandLine:
    def nodes(names: list[str], fields: list[str], lock: bool) -> list[Any]:
        rows = {n: NODES[n] for n in (names or NODES) if n in NODES}
        values = [
            {"tags": [tag], "pinst_list": primary, "sinst_list": secondary}
            for tag, primary, secondary in rows.values()
        ]
        return [[row[field] for field in fields] for row in values]

    def instances(names: list[str], fields: list[str], lock: bool) -> list[Any]:
        chosen = [n for n in (names or INSTANCES) if n in INSTANCES]
        return [[{"name": n, "tags": INSTANCES[n]}[field] for field in fields] for n in chosen]

    cli.master.answers |= {"QueryNodes": nodes, "QueryInstances": instances}
    return cli


def stopped(cli: CommandLine, *words: str) -> list[str]:
    cli.run("gnt-instance", "shutdown", "--force-multiple", *words)
    return [op["instance_name"] for op in cli.master.ops]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["a", "c"], ["a", "c"]),
        (["a", "a"], ["a"]),
        (["--instance", "b"], ["b"]),
        (["--all"], ["a", "b", "c"]),
        (["--node", "n2"], ["c", "a"]),
        (["--primary", "n1"], ["a", "b"]),
        (["--secondary", "n1", "n2"], ["c", "a"]),
        (["--tags", "web"], ["a", "c"]),
        (["--node-tags", "red"], ["a", "b", "c"]),
        (["--pri-node-tags", "blue", "red"], ["a", "b", "c"]),
        (["--sec-node-tags", "blue"], ["a"]),
        (["--all", "--instance", "b"], ["b"]),
    ],
)
def test_selection(cluster: CommandLine, words: list[str], names: list[str]) -> None:
    assert stopped(cluster, *words) == names


@pytest.mark.parametrize("words", [[], ["--node"], ["--all", "a"], ["nobody"], ["--tags", "x"]])
def test_nothing_selected(cluster: CommandLine, words: list[str]) -> None:
    code, out, err = cluster.run("gnt-instance", "startup", *words)
    assert (code, out) == (1, "")
    assert "error type: wrong_input" in err
    assert cluster.master.ops == []


@pytest.mark.parametrize(
    ("words", "warning"),
    [
        (["a", "nobody", "c", "none"], "Warning: there is no instance nobody, none\n"),
        (["--node", "n1", "n9"], "Warning: there is no node n9\n"),
        (["a", "a"], ""),
        (["--tags", "web", "none"], ""),
    ],
)
def test_unknown_names_beside_known_ones_are_told(
    cluster: CommandLine, words: list[str], warning: str
) -> None:
    code, _, err = cluster.run("gnt-instance", "startup", "--force-multiple", *words)
    assert (code, err) == (0, warning)
    assert cluster.master.ops


def test_all_of_nothing_is_no_failure(cli: CommandLine) -> None:
    cli.master.answers["QueryInstances"] = []
    code, out, err = cli.run("gnt-instance", "startup", "--all")
    assert (code, out.count("\n"), err) == (0, 1, "")


def test_one_named_instance_needs_no_question(cluster: CommandLine) -> None:
    assert cluster.run("gnt-instance", "startup", "a") == (
        0,
        "Waiting for job 1 for a ...\n",
        "",
    )
    assert cluster.terminal.questions == []


def test_several_need_one(cluster: CommandLine) -> None:
    cluster.terminal.answers = ["y"]
    assert cluster.run("gnt-instance", "startup", "a", "b")[0] == 0
    (question,) = cluster.terminal.questions
    assert question.endswith("Affected instances:\n  a\n  b")
    assert "2 instances" in question


def test_a_single_one_by_its_node_needs_one_too(cluster: CommandLine) -> None:
    cluster.terminal.answers = ["n"]
    assert cluster.run("gnt-instance", "reboot", "--primary", "n2") == (1, "", "")
    assert cluster.master.ops == []


def test_without_a_terminal_the_answer_is_no(cluster: CommandLine) -> None:
    assert cluster.run("gnt-instance", "startup", "a", "b") == (1, "", "")
    assert cluster.master.ops == []


@pytest.mark.parametrize(
    ("words", "asks"),
    [
        (["a"], True),
        (["-f", "a"], False),
        (["--force-multiple", "a"], False),
        (["-f", "a", "b"], True),
        (["--force-multiple", "a", "b"], False),
    ],
)
def test_reinstalling_is_asked_for_even_once(
    cluster: CommandLine, words: list[str], asks: bool
) -> None:
    cluster.terminal.answers = ["y"]
    assert cluster.run("gnt-instance", "reinstall", *words)[0] == 0
    assert len(cluster.terminal.questions) == asks


def test_options_become_parameters(cluster: CommandLine) -> None:
    options = (
        "--no-remember",
        "--paused",
        "-H",
        "acpi=false",
        "-B",
        "memory=1g",
        "--ignore-offline",
    )
    cluster.run("gnt-instance", "start", *options, "a")
    (op,) = cluster.master.ops
    assert op["OP_ID"] == "OP_INSTANCE_STARTUP"
    assert (op["no_remember"], op["startup_paused"], op["ignore_offline_nodes"]) == (True,) * 3
    assert op["hvparams"] == {"acpi": False}
    assert op["beparams"] == {"minmem": 1024, "maxmem": 1024}
    cluster.run("gnt-instance", "reboot", "-t", "soft", "--shutdown-timeout=5", "b")
    assert (cluster.master.ops[1]["reboot_type"], cluster.master.ops[1]["shutdown_timeout"]) == (
        "soft",
        5,
    )
