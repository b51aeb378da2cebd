# SPDX-License-Identifier: GPL-2.0-or-later
"""Hooks of a node: which run, in which order, with what, and what is reported."""

from __future__ import annotations

import os

import pytest

from ganeti.errors import HooksAbort, HooksFailure
from ganeti.node import hook_scripts
from ganeti.node.handlers.hooks import HookHandlers
from test.support.node_host import NodeHost

ENV = {"GANETI_OP_CODE": "OP_INSTANCE_CREATE"}


def hook(node: NodeHost, name: str, directory: str = "instance-add-pre.d") -> str:
    return node.script(f"{node.paths.hooks_dir}/{directory}/{name}")


def run(
    node: NodeHost, hpath: str = "instance-add", phase: str = "pre"
) -> list[tuple[str, int, str]]:
    return HookHandlers(node.host).hooks_runner(hpath, phase, ENV)


def test_no_hooks(node: NodeHost) -> None:
    assert run(node) == []


def test_scripts_run_in_order_and_see_nothing_else(node: NodeHost) -> None:
    names = ["20-b", "10-a", "Z_1", "a"]
    paths = {name: hook(node, name) for name in names}
    node.runner.on(paths["10-a"], stdout="out", stderr="err")
    rows = run(node)
    assert [row[0] for row in rows] == [
        f"instance-add-pre.d/{name}" for name in ("10-a", "20-b", "Z_1", "a")
    ]
    assert rows[0][1:] == (2, "outerr")
    for call in node.runner.calls:
        assert (call.env, call.reset_env, call.cwd) == (ENV, True, "/")
        assert len(call.argv) == 1


def test_what_is_no_hook_is_skipped(node: NodeHost) -> None:
    for name in ("hook.sh", "old~", "10-a.dpkg-old"):
        hook(node, name)
    hook(node, ".hidden")
    base = f"{node.paths.hooks_dir}/instance-add-pre.d"
    node.write(f"{base}/not-executable")
    os.mkdir(f"{base}/directory")
    os.symlink("/nowhere", f"{base}/dangling")
    rows = run(node)
    assert {code for _, code, _ in rows} == {0}
    assert {output for _, _, output in rows} == {""}
    assert ".hidden" not in "".join(row[0] for row in rows)
    assert len(rows) == 6
    assert node.runner.calls == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"returncode": 1, "stdout": "no", "stderr": "!"}, "no!"),
        ({"returncode": 1}, "exited with code 1"),
        ({"returncode": -9}, "killed by signal 9"),
        ({"timed_out": True}, "ran out of time"),
    ],
)
def test_failures_do_not_stop_the_others(
    node: NodeHost, answer: dict[str, int | str | bool], expected: str
) -> None:
    first, _second = hook(node, "1"), hook(node, "2")
    node.runner.on(first, **answer)  # type: ignore[arg-type]
    assert run(node) == [
        ("instance-add-pre.d/1", 1, expected),
        ("instance-add-pre.d/2", 2, ""),
    ]


@pytest.mark.parametrize(("hpath", "phase"), [("../x", "pre"), ("x", "now"), ("", "pre")])
def test_paths_that_make_no_sense(node: NodeHost, hpath: str, phase: str) -> None:
    with pytest.raises(HooksFailure, match="is not the path of hooks"):
        run(node, hpath, phase)


def test_hooks_of_the_nodes_own(node: NodeHost) -> None:
    node.ssconf(cluster_name="c.example.com", master_node="n1.example.com")
    path = hook(node, "tell", "master-ip-turnup-post.d")
    hook_scripts.run_local(
        node.host, "master-ip-turnup", "post", "OP_CLUSTER_IP_TURNUP", {"MASTER_IP": "10.0.0.9"}
    )
    (call,) = node.runner.calls
    assert call.argv == (path,)
    assert call.env == {
        "PATH": "/sbin:/bin:/usr/sbin:/usr/bin",
        "GANETI_HOOKS_VERSION": "2",
        "GANETI_HOOKS_PHASE": "post",
        "GANETI_HOOKS_PATH": "master-ip-turnup",
        "GANETI_OP_CODE": "OP_CLUSTER_IP_TURNUP",
        "GANETI_OBJECT_TYPE": "CLUSTER",
        "GANETI_DATA_DIR": node.paths.data_dir,
        "GANETI_CLUSTER": "c.example.com",
        "GANETI_MASTER": "n1.example.com",
        "GANETI_MASTER_IP": "10.0.0.9",
    }


@pytest.mark.parametrize(("phase", "aborts"), [("pre", True), ("post", False)])
def test_only_a_pre_hook_can_refuse(node: NodeHost, phase: str, aborts: bool) -> None:
    path = hook(node, "refuse", f"master-ip-turnup-{phase}.d")
    node.runner.on(path, returncode=1, stdout="not today")
    try:
        hook_scripts.run_local(node.host, "master-ip-turnup", phase, "OP_X", {})
    except HooksAbort as err:
        assert aborts
        assert "not today" in str(err)
    else:
        assert not aborts
