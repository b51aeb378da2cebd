# SPDX-License-Identifier: GPL-2.0-or-later
"""What `gnt-cluster verify` finds in a group, as the user reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganeti import version
from ganeti.master.units.cluster.verify_group import ClusterVerifyGroup
from ganeti.master.verify import files
from ganeti.model.config import Config
from ganeti.opcodes.cluster import OpClusterVerifyGroup
from test.support.clock import FakeClock
from test.support.cluster import a_cluster
from test.support.trial import Trial

CFG = a_cluster().with_node("m").with_group("far").with_node("f", group="far").build()


def a_trial(root: Path, cfg: Config, group: str) -> Trial:
    opcode = OpClusterVerifyGroup(group_name=group, error_codes=True)
    return Trial(root, cfg, ClusterVerifyGroup, opcode)


def answer(trial: Trial, node: str, **changed: str) -> dict[str, Any]:
    """A node where all is well, but for what files have other checksums."""
    paths = trial.world.paths
    wanted = files.shared_files(trial.cfg, paths).wanted_on(trial.cfg.node(node))
    now = int(FakeClock().now())
    own = {getattr(paths, name): digest for name, digest in changed.items()}
    return {
        "version": [version.PROTOCOL, version.RELEASE],
        "time": [now, 0],
        "filelist": {**dict.fromkeys(wanted, "1"), **own},
    }


def errors(trial: Trial) -> list[str]:
    return [line for line in trial.lines if "ERROR" in line]


def test_files_are_compared_with_a_master_of_another_group(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, CFG, "far")
    trial.nodes.says("m", "node_verify", {"filelist": answer(trial, "m")["filelist"]})
    trial.nodes.says("f", "node_verify", answer(trial, "f", known_hosts="2"))
    trial.run()
    assert errors(trial) == [
        f"  - ERROR:ECLUSTERFILECHECK:cluster::{trial.world.paths.known_hosts}"
        " differs from the master's on f"
    ]
    assert trial.result is False


def test_a_sound_group(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, CFG, "default")
    trial.nodes.says("m", "node_verify", answer(trial, "m"))
    trial.run()
    assert (errors(trial), trial.result) == ([], True)
    assert trial.nodes.calls == ["m node_verify"]


def test_a_node_that_is_silent(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, CFG, "far")
    trial.nodes.says("m", "node_verify", {"filelist": answer(trial, "m")["filelist"]})
    trial.nodes.fails("f", "node_verify", "no route to host")
    trial.run()
    (line,) = errors(trial)
    assert line.startswith("  - ERROR:ENODERPC:node:f:does not answer: ")
