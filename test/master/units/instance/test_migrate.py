# SPDX-License-Identifier: GPL-2.0-or-later
"""A running instance goes to another node, or stays where it was; it never runs twice."""

from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import OpExecError
from ganeti.master.units.instance.migrate import InstanceMigrate
from ganeti.model.config import Config
from ganeti.opcodes.instance import OpInstanceMigrate
from test.support.cluster import a_cluster
from test.support.trial import Trial

ACTIVE = {"status": "active", "transferred_ram": 1, "total_ram": 4}
COMPLETED, FAILED = {"status": "completed"}, {"status": "failed"}
CALLS = (
    *("bridges_exist", "instance_migratable", "blockdev_close", "blockdev_open"),
    *("accept_instance", "instance_migrate", "instance_balloon_memory"),
    *("instance_finalize_migration_src", "instance_finalize_migration_dst"),
)
GOOD = {"is_degraded": False}
SILENCE = ConnectionError("timed out")


def world(**attributes: Any) -> Config:
    return (
        a_cluster()
        .with_nodes("n1", "n2")
        .with_node("n3", offline=True)
        .with_instance("web", template="sharedfile", **{"admin_state": "up", **attributes})
        .build()
    )


def a_trial(root: Path, *statuses: Any, free: int = 4096, memory: int = 512, **more: Any) -> Trial:
    cfg = more.pop("cfg", None) or world()
    op = OpInstanceMigrate(
        instance_name="web", **{"target_node": "n2", "ignore_ipolicy": True, **more}
    )
    trial = Trial(root, cfg, InstanceMigrate, op)
    info = {"memory": memory, "vcpus": 1, "state": 0, "time": 1.0}
    hv = [{"memory_free": free, "hv_version": [7, 2]}]
    for node in ("n1", "n2"):
        trial.nodes.says(node, "node_info", ["boot", None, hv])
    trial.nodes.says("n1", "instance_info", info)
    trial.nodes.says("n1", "migration_info", "runtime")
    trial.nodes.says("n1", "instance_get_migration_status", *statuses)
    trial.nodes.says("n2", "blockdev_find", GOOD)
    trial.nodes.accepts(*CALLS)
    return trial


def home(trial: Trial) -> str:
    return trial.cfg.nodes[trial.cfg.instance("web").primary_node].name


def test_the_instance_arrives(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, ACTIVE, ACTIVE, COMPLETED)
    trial.run()
    assert home(trial) == "n2"
    after = trial.nodes.calls[trial.nodes.calls.index("n1 instance_migrate") :]
    assert after == [
        "n1 instance_migrate",
        *["n1 instance_get_migration_status"] * 3,
        "n1 instance_finalize_migration_src",
        "n2 instance_finalize_migration_dst",
        "n1 blockdev_close",
        "n2 blockdev_open",
    ]
    assert trial.world.clock.slept == [1.0, 1.0]


def test_a_migration_that_fails_is_undone(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, ACTIVE, FAILED)
    with pytest.raises(OpExecError, match="it runs on n1 as before"):
        trial.run()
    assert home(trial) == "n1"
    assert trial.nodes.calls[-4:] == [
        "n2 instance_finalize_migration_dst",
        "n1 instance_finalize_migration_src",
        "n2 blockdev_close",
        "n1 blockdev_open",
    ]
    ends = [args[-1] for _, call, args in trial.nodes.asked if call.endswith("_dst")]
    assert ends == [False]


def test_a_lost_answer_stops_nothing(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, ACTIVE, COMPLETED)
    trial.nodes.fails("n1", "instance_migrate", "the answer was lost")
    trial.run()
    assert home(trial) == "n2"
    assert "the answer was lost" in trial.warnings[0]


def test_a_migration_that_does_not_begin_is_undone(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, FAILED)
    trial.nodes.fails("n1", "instance_migrate", "no such capability")
    with pytest.raises(OpExecError, match="no such capability"):
        trial.run()
    assert "n2 instance_finalize_migration_dst" in trial.nodes.calls


def test_nothing_is_ended_while_nobody_knows_where_the_guest_is(tmp_path: Path) -> None:
    """The guest may have begun to run on the target, with the same disks."""
    trial = a_trial(tmp_path, ACTIVE, SILENCE)
    with pytest.raises(OpExecError, match="--cleanup -n n2 web"):
        trial.run()
    assert trial.nodes.calls[-1] == "n1 instance_get_migration_status"
    assert sum(trial.world.clock.slept) >= 60
    assert home(trial) == "n1"


def test_a_short_silence_does_not_matter(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, ACTIVE, SILENCE, SILENCE, COMPLETED)
    trial.run()
    assert home(trial) == "n2"


def test_memory_that_the_target_lacks_is_taken_away_first(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, COMPLETED, free=300, memory=512)
    trial.run()
    (balloon,) = [args for _, call, args in trial.nodes.asked if call == "instance_balloon_memory"]
    assert balloon[1] == 300
    assert trial.nodes.calls.index("n1 instance_balloon_memory") < trial.nodes.calls.index(
        "n2 accept_instance"
    )


def test_unless_that_is_not_allowed(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, COMPLETED, free=300, memory=512, allow_runtime_changes=False)
    with pytest.raises(OpExecError, match="--no-runtime-changes"):
        trial.run()
    assert "n2 accept_instance" not in trial.nodes.calls


def test_what_does_not_run_is_failed_over_without_looking_for_memory(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, free=0, allow_failover=True, cfg=world(admin_state="down"))
    trial.nodes.accepts("instance_shutdown", "blockdev_shutdown")
    trial.run()
    assert home(trial) == "n2"
    assert "n2 node_info" not in trial.nodes.calls


def test_disks_that_stay_open_on_the_source_are_warned_about(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, COMPLETED)
    trial.nodes.fails("n1", "blockdev_close", "busy")
    trial.run()
    assert trial.nodes.calls[-1] == "n2 blockdev_open"
    (warning,) = trial.warnings
    assert "not closed on n1" in warning
    assert "busy" in warning


# Cleaning up.


def cleanup(root: Path, here: list[list[str]], there: list[list[str]], **more: Any) -> Trial:
    """What the two nodes run, one look after the other."""
    trial = a_trial(root, cleanup=True, **more)
    trial.nodes.says("n1", "instance_list", *here)
    trial.nodes.says("n2", "instance_list", *there)
    return trial


def ends(trial: Trial) -> list[tuple[str, bool]]:
    """On which node the migration was ended, and whether with success."""
    calls = {"instance_finalize_migration_src": 1, "instance_finalize_migration_dst": 2}
    return [(n, args[calls[call]]) for n, call, args in trial.nodes.asked if call in calls]


def test_one_that_arrived_is_written_down(tmp_path: Path) -> None:
    trial = cleanup(tmp_path, [[]], [["web"]])
    trial.run()
    assert home(trial) == "n2"
    assert ends(trial) == []
    assert trial.nodes.calls[-2:] == ["n1 blockdev_close", "n2 blockdev_open"]


def test_one_whose_memory_is_all_there_is_not_killed_but_finished(tmp_path: Path) -> None:
    trial = cleanup(tmp_path, [["web"], []], [["web"]])
    trial.nodes.says("n1", "instance_get_migration_status", COMPLETED)
    trial.run()
    assert ends(trial) == [("n1", True), ("n2", True)]
    assert home(trial) == "n2"


def test_one_that_is_on_its_way_is_given_back(tmp_path: Path) -> None:
    trial = cleanup(tmp_path, [["web"]], [["web"], []])
    trial.nodes.says("n1", "instance_get_migration_status", ACTIVE)
    trial.run()
    assert ends(trial) == [("n2", False), ("n1", False)]
    assert home(trial) == "n1"
    assert trial.nodes.calls[-2:] == ["n2 blockdev_close", "n1 blockdev_open"]


def test_one_that_runs_there_but_is_not_whole_is_let_alone(tmp_path: Path) -> None:
    trial = cleanup(tmp_path, [["web"]], [["web"]])
    trial.nodes.says("n1", "instance_get_migration_status", {"status": "postcopy-active"})
    with pytest.raises(OpExecError, match="still gets memory"):
        trial.run()
    assert ends(trial) == []


def test_a_guest_at_home_is_let_alone(tmp_path: Path) -> None:
    """The target that was named is the primary node already."""
    trial = cleanup(tmp_path, [["web"]], [[]], target_node="n1")
    trial.run()
    assert ends(trial) == []
    assert home(trial) == "n1"
