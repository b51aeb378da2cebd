# SPDX-License-Identifier: GPL-2.0-or-later
"""Starting, stopping and rebooting: what is written down before and after what the node does."""

from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import OpExecError, OpPrereqError
from ganeti.master.units.instance.reboot import InstanceReboot
from ganeti.master.units.instance.reinstall import InstanceReinstall
from ganeti.master.units.instance.shutdown import InstanceShutdown
from ganeti.master.units.instance.startup import InstanceStartup
from ganeti.opcodes.instance import (
    OpInstanceReboot,
    OpInstanceReinstall,
    OpInstanceShutdown,
    OpInstanceStartup,
)
from test.support.cluster import a_cluster
from test.support.trial import Trial

RUNS = {"memory": 512, "vcpus": 1, "state": 0, "time": 1.0}
USER_DOWN = {**RUNS, "state": 1}
KINDS: dict[str, tuple[Any, Any]] = {
    "startup": (InstanceStartup, OpInstanceStartup),
    "shutdown": (InstanceShutdown, OpInstanceShutdown),
    "reboot": (InstanceReboot, OpInstanceReboot),
    "reinstall": (InstanceReinstall, OpInstanceReinstall),
}


def a_trial(
    root: Path,
    kind: str,
    info: dict[str, Any],
    *,
    state: str = "down",
    node: Any = None,
    **request: Any,
) -> Trial:
    unit, opcode = KINDS[kind]
    cluster = a_cluster().with_nodes("n1").with_node("n2", **(node or {}))
    attributes: dict[str, Any] = {
        "admin_state": state,
        "disks_active": state == "up",
        "hypervisor": "fake",
    }
    cfg = cluster.with_instance("web", template="sharedfile", on="n2", **attributes).build()
    trial = Trial(root, cfg, unit, opcode(instance_name="web", **request))
    trial.nodes.says("n2", "instance_info", info)
    trial.nodes.says("n2", "node_info", ["boot", None, [{"memory_free": 4096}]])
    trial.nodes.says("n2", "blockdev_assemble", ["/x", "/y", None])
    trial.nodes.says("n2", "os_validate", True)
    trial.nodes.accepts(
        *("bridges_exist", "blockdev_shutdown", "instance_start", "instance_shutdown"),
        *("instance_reboot", "instance_os_add"),
    )
    return trial


def acts(trial: Trial) -> list[str]:
    looks = ("bridges_exist", "instance_info", "node_info", "os_validate")
    return [call for _, call, _ in trial.nodes.asked if call not in looks]


def state(trial: Trial) -> tuple[str, bool]:
    web = trial.cfg.instance("web")
    return web.admin_state, web.disks_active


@pytest.mark.parametrize(
    ("kind", "info", "before", "request_", "calls", "after"),
    [
        ("startup", {}, "down", {}, ["blockdev_assemble", "instance_start"], ("up", True)),
        ("startup", RUNS, "up", {}, [], ("up", True)),
        (
            "startup",
            USER_DOWN,
            "up",
            {},
            ["instance_shutdown", "blockdev_shutdown", "blockdev_assemble", "instance_start"],
            ("up", True),
        ),
        (
            "startup",
            {},
            "down",
            {"no_remember": True},
            ["blockdev_assemble", "instance_start"],
            ("down", False),
        ),
        ("shutdown", RUNS, "up", {}, ["instance_shutdown", "blockdev_shutdown"], ("down", False)),
        (
            "shutdown",
            RUNS,
            "up",
            {"no_remember": True},
            ["instance_shutdown", "blockdev_shutdown"],
            ("up", True),
        ),
        ("reboot", RUNS, "up", {"reboot_type": "soft"}, ["instance_reboot"], ("up", True)),
        (
            "reboot",
            RUNS,
            "up",
            {"reboot_type": "full"},
            ["instance_shutdown", "blockdev_shutdown", "blockdev_assemble", "instance_start"],
            ("up", True),
        ),
        (
            "reboot",
            {},
            "down",
            {"reboot_type": "hard"},
            ["blockdev_assemble", "instance_start"],
            ("up", True),
        ),
        (
            "reinstall",
            {},
            "down",
            {},
            ["blockdev_assemble", "instance_os_add", "blockdev_shutdown"],
            ("down", False),
        ),
    ],
)
def test_the_steps(
    tmp_path: Path,
    kind: str,
    info: dict[str, Any],
    before: str,
    request_: dict[str, Any],
    calls: list[str],
    after: tuple[str, bool],
) -> None:
    trial = a_trial(tmp_path, kind, info, state=before, **request_)
    trial.run()
    assert acts(trial) == calls
    assert state(trial) == after


def test_a_guest_that_does_not_start_gives_its_disks_back(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, "startup", {})
    trial.nodes.fails("n2", "instance_start", "no memory")
    with pytest.raises(OpExecError, match="no memory"):
        trial.run()
    assert acts(trial)[-1] == "blockdev_shutdown"
    assert state(trial)[0] == "up"


def test_a_guest_that_does_not_stop_is_meant_to(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, "shutdown", RUNS, state="up")
    trial.nodes.fails("n2", "instance_shutdown", "timed out")
    with pytest.raises(OpExecError, match="timed out"):
        trial.run()
    assert state(trial) == ("down", True)
    assert "blockdev_shutdown" not in acts(trial)


@pytest.mark.parametrize(
    ("kind", "before", "found", "last"),
    [
        ("startup", {}, RUNS, "instance_start"),
        ("shutdown", RUNS, {}, "blockdev_shutdown"),
    ],
)
def test_a_lost_answer_is_found_out(
    tmp_path: Path, kind: str, before: Any, found: Any, last: str
) -> None:
    trial = a_trial(tmp_path, kind, before, state="up")
    trial.nodes.loses("n2", f"instance_{'start' if kind == 'startup' else kind}")
    trial.nodes.says("n2", "instance_info", *([before, found] if kind == "startup" else [found]))
    trial.run()
    assert acts(trial)[-1] == last
    assert state(trial)[0] == ("up" if kind == "startup" else "down")


@pytest.mark.parametrize("kind", ["startup", "shutdown"])
def test_a_lost_answer_to_what_did_not_happen_is_a_failure(tmp_path: Path, kind: str) -> None:
    still = {} if kind == "startup" else RUNS
    trial = a_trial(tmp_path, kind, still, state="up")
    trial.nodes.loses("n2", f"instance_{'start' if kind == 'startup' else kind}")
    with pytest.raises(OpExecError, match="the line is dead"):
        trial.run()
    assert ("blockdev_shutdown" in acts(trial)) is (kind == "startup")


def test_nothing_is_taken_away_from_a_guest_that_may_run(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, "startup", {})
    trial.nodes.loses("n2", "instance_start")
    trial.nodes.says("n2", "instance_info", {}, ConnectionError("no route"))
    with pytest.raises(OpExecError, match=r"not known whether instance .* runs: .*no route"):
        trial.run()
    assert acts(trial)[-1] == "instance_start"


@pytest.mark.parametrize(("kind", "after"), [("startup", "up"), ("shutdown", "down")])
def test_of_an_offline_node_only_the_wish_is_noted(tmp_path: Path, kind: str, after: str) -> None:
    more: dict[str, Any] = {"ignore_offline_nodes": True, "node": {"offline": True}}
    trial = a_trial(tmp_path / "a", kind, RUNS, **more)
    trial.run()
    assert (state(trial)[0], trial.nodes.asked) == (after, [])
    with pytest.raises(OpPrereqError, match="marked offline"):
        a_trial(tmp_path / "b", kind, RUNS, node={"offline": True}).run()


def test_an_os_that_fails_takes_the_disks_down(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, "reinstall", {})
    trial.nodes.fails("n2", "instance_os_add", "exit code 7")
    with pytest.raises(OpExecError, match="exit code 7"):
        trial.run()
    assert acts(trial)[-1] == "blockdev_shutdown"


def test_a_running_guest_is_not_installed_over(tmp_path: Path) -> None:
    """It is marked down and runs all the same."""
    with pytest.raises(OpPrereqError, match="runs on n2"):
        a_trial(tmp_path, "reinstall", RUNS).run()


def test_overrides_are_for_this_start_only(tmp_path: Path) -> None:
    request = {"minmem": "64", "maxmem": "default"}
    trial = a_trial(tmp_path, "startup", {}, beparams=request)
    before = trial.cfg.instance("web").beparams
    trial.run()
    (carried,) = [args[0] for _, call, args in trial.nodes.asked if call == "instance_start"]
    assert (carried["beparams"]["minmem"], carried["beparams"]["maxmem"]) == (64, 128)
    assert trial.cfg.instance("web").beparams == before
    assert request == {"minmem": "64", "maxmem": "default"}


def test_overrides_must_go_together(tmp_path: Path) -> None:
    with pytest.raises(OpPrereqError, match="minmem"):
        a_trial(tmp_path, "startup", {}, beparams={"maxmem": "64"}).run()
