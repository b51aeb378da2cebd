# SPDX-License-Identifier: GPL-2.0-or-later
"""From a command line to an exit code."""

import os
import pathlib
import subprocess
import sys

import pytest

from ganeti import errors
from ganeti.cli import main
from ganeti.cli.world import World
from ganeti.luxi.client import NoMasterError
from ganeti.paths import Paths
from test.support.cli import CommandLine

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize("tool", main.TOOLS)
def test_overview(cli: CommandLine, tool: str) -> None:
    code, out, err = cli.run(tool)
    lines = out.splitlines()
    assert (code, err) == (1, "")
    assert lines[2:4] == ["", "Commands:"]
    assert lines[-1] == ""
    names = [line.split()[0] for line in lines[4:-1] if line[:2] != "  "]
    assert names == sorted(main.load(tool).commands)
    assert cli.run(tool, "--help") == (0, out, "")
    assert cli.run(tool, "no-such-command") == (1, out, "")


def test_version(cli: CommandLine) -> None:
    code, out, _ = cli.run("gnt-node", "--version")
    assert code == 0
    assert out.startswith("gnt-node (ganeti ")


@pytest.mark.parametrize("tool", main.TOOLS)
def test_every_command_explains_itself(cli: CommandLine, tool: str) -> None:
    for name in main.load(tool).commands:
        code, out, err = cli.run(tool, name, "--help")
        assert (code, err) == (0, "")
        assert out.startswith(f"Usage\n=====\n  {tool} {name}")


def test_wrong_options_show_the_usage(cli: CommandLine) -> None:
    code, out, err = cli.run("gnt-job", "info", "--frob")
    assert (code, out) == (2, "")
    assert err == (
        "Usage\n=====\n  gnt-job info <job>...\n\ngnt-job: error: no such option: --frob\n"
    )


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["gnt-cluster", "getmaster", "x"], "no arguments"),
        (["gnt-node", "modify"], "1 argument(s)"),
        (["gnt-job", "info"], "at least 1 argument(s)"),
        (["gnt-cluster", "watcher", "info", "a", "b"], "only 2 argument(s)"),
    ],
)
def test_numbers_of_arguments(cli: CommandLine, words: list[str], wanted: str) -> None:
    assert cli.run(*words) == (1, "", f"Error: Command {words[1]} expects {wanted}\n")


def test_options_end_at_the_first_argument(cli: CommandLine) -> None:
    cli.master.answers["QueryTags"] = []
    code, _, err = cli.run("gnt-node", "list-tags", "node1", "--debug")
    assert (code, err) == (1, "Error: Command list-tags expects 1 argument(s)\n")


def test_unknown_words_are_refused(cli: CommandLine) -> None:
    code, _, err = cli.run("gnt-cluster", "queue", "stop")
    assert code == 1
    assert "wrong_input" in err
    assert "'stop'" in err


def test_bad_yes_or_no_is_one_line(cli: CommandLine) -> None:
    code, out, err = cli.run("gnt-node", "modify", "--offline=maybe", "node1")
    assert (code, out) == (1, "")
    assert err == "Failure: 'maybe' is neither yes nor no\n"


def test_unknown_parameters_are_found_before_a_job_is_made(cli: CommandLine) -> None:
    code, _, err = cli.run("gnt-instance", "modify", "-B", "vcpuz=1", "web1")
    assert code == 1
    assert err.startswith("Parameter Error: ")
    assert "'vcpuz'" in err
    assert cli.master.ops == []


def test_default_options_come_from_the_environment(cli: CommandLine) -> None:
    cli.world.environ = {"GNT_NODE_LIST": "--no-headers -o 'name'"}
    cli.master.answers["Query"] = {
        "fields": [{"name": "name", "title": "Node", "kind": "text", "doc": "Name"}],
        "data": [[[0, "node1"]]],
    }
    assert cli.run("gnt-node", "list") == (0, "node1\n", "")


def test_default_options_must_be_words(cli: CommandLine) -> None:
    cli.world.environ = {"GNT_NODE_LIST": "-o 'name"}
    code, out, err = cli.run("gnt-node", "list")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "GNT_NODE_LIST" in err


def _no_master(cli: CommandLine, name: str | None) -> None:
    cli.master.answers["QueryTags"] = NoMasterError("/run/socket")
    if name:
        path = pathlib.Path(cli.paths.ssconf("master_node"))
        path.parent.mkdir(parents=True)
        path.write_text(f"{name}\n", encoding="utf-8")


def test_without_a_cluster(cli: CommandLine) -> None:
    _no_master(cli, None)
    code, out, err = cli.run("gnt-cluster", "list-tags")
    assert (code, out) == (1, "")
    assert "error type: wrong_input" in err
    assert "not in a cluster" in err


def test_on_another_node(cli: CommandLine) -> None:
    _no_master(cli, "node2.example.com")
    code, _, err = cli.run("gnt-cluster", "list-tags")
    assert code == 1
    assert "error type: wrong_input" in err
    assert "node2.example.com" in err


@pytest.mark.parametrize(
    ("word", "path"),
    [
        ("", "/run/ganeti/socket/ganeti-query"),
        ("query", "/run/ganeti/socket/ganeti-query"),
        ("master", "/run/ganeti/socket/ganeti-master"),
        ("/nowhere/socket", "/nowhere/socket"),
    ],
)
def test_the_socket_may_be_named_in_the_environment(
    word: str, path: str, tmp_path: pathlib.Path
) -> None:
    world = World()
    world.environ = {"FORCE_LUXI_SOCKET": word}
    vars(world)["paths"] = Paths(str(tmp_path))
    with pytest.raises(NoMasterError) as caught:
        world.client.QueryTags("cluster", "")
    assert str(caught.value).removeprefix(str(tmp_path)) == path


def test_with_the_daemon_down(cli: CommandLine) -> None:
    _no_master(cli, cli.world.own_name())
    code, _, err = cli.run("gnt-cluster", "list-tags")
    assert code == 1
    assert "/run/socket" in err


def test_errors_of_the_master(cli: CommandLine) -> None:
    cli.master.answers["QueryTags"] = errors.OpPrereqError("no node 'x'", "unknown_entity")
    code, _, err = cli.run("gnt-node", "list-tags", "x")
    assert code == 1
    assert err.endswith("error type: unknown_entity, error details:\nno node 'x'\n")


def test_private_values_stay_out_of_the_log(cli: CommandLine) -> None:
    options = ("-t", "diskless", "--os-parameters-secret", "root=hidden", "-O", "dns=1.1.1.1")
    assert cli.run("gnt-instance", "add", *options, "web1")[0] == 0
    ((program, line),) = cli.world.logged
    assert program == "gnt-instance add"
    assert "web1" in line
    assert "1.1.1.1" in line
    assert "hidden" not in line
    assert cli.master.ops[0]["osparams_secret"] == {"root": "hidden"}


def _python(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
        timeout=60,
    )


HEAVY = (
    *("OpenSSL", "pycurl", "paramiko", "cryptography", "subprocess", "dataclasses", "inspect"),
    *("ganeti.model", "ganeti.rpc", "ganeti.master", "ganeti.bootstrap", "asyncio", "argparse"),
)


@pytest.mark.parametrize("tool", ["gnt-instance", "gnt-node", "gnt-job"])
def test_a_list_starts_quickly_because_it_imports_little(tool: str, tmp_path: pathlib.Path) -> None:
    code = f"""
import sys
from ganeti.cli import main
from ganeti.cli.world import World
from ganeti.paths import Paths
world = World()
vars(world)["paths"] = Paths({str(tmp_path)!r})
main.main({tool!r}, ["list"], world)
print(*sorted(sys.modules))
"""
    done = _python(code)
    loaded = done.stdout.split()
    assert "ganeti.luxi.client" in loaded
    assert "not in a cluster" in done.stderr
    assert [name for name in HEAVY if name in loaded] == []


def test_each_run_leaves_a_line_in_the_log(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "var/log/ganeti/commands.log"
    log.parent.mkdir(parents=True)
    code = f"""
from ganeti.cli import main
from ganeti.cli.world import World
from ganeti.paths import Paths
world = World()
vars(world)["paths"] = Paths({str(tmp_path)!r})
main.main("gnt-node", ["-d", "list-tags", "web1"], world)
main.main("gnt-node", ["list-tags", "-d", "web1"], world)
"""
    done = _python(code)
    text = log.read_text(encoding="utf-8")
    assert ": gnt-node list-tags pid=" in text
    assert "web1" in text
    assert text in done.stderr


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: pathlib.Path) -> None:
    (tmp_path / "var/log/ganeti/commands.log").mkdir(parents=True)
    code = f"""
from ganeti.cli import main
from ganeti.cli.world import World
from ganeti.paths import Paths
world = World()
vars(world)["paths"] = Paths({str(tmp_path)!r})
main.main("gnt-cluster", ["list-tags"], world)
"""
    assert "not in a cluster" in _python(code).stderr


def test_output_that_cannot_be_written_is_a_failure() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from ganeti.cli import main; main.run('gnt-node')"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("Failure: ")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_goes_away_is_no_failure() -> None:
    code = """
import os, sys
read, write = os.pipe()
os.close(read)
os.dup2(write, 1)
from ganeti.cli import main
sys.exit(main.main("gnt-node", ["--help"]))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        stderr=subprocess.PIPE,
        env=environment,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
