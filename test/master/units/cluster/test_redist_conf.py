# SPDX-License-Identifier: GPL-2.0-or-later
"""What all nodes share is sent once more, and who did not get it is named."""

import os
from pathlib import Path

from ganeti.master.units.cluster.redist_conf import ClusterRedistConf
from ganeti.opcodes.cluster import OpClusterRedistConf
from test.support.cluster import a_cluster
from test.support.trial import Trial


def a_trial(root: Path) -> Trial:
    cfg = a_cluster().with_cluster(modify_etc_hosts=False).with_nodes("n1", "n2").build()
    trial = Trial(root, cfg, ClusterRedistConf, OpClusterRedistConf())
    Path(trial.world.paths.hmac_key).write_text("key")
    trial.nodes.accepts("upload_file")
    trial.nodes.says("n2", "version", 0)
    return trial


def test_files_and_ssconf_are_sent(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    before = trial.cfg.cluster.serial_no
    assert trial.run().cluster.serial_no == before + 1
    sent = [(n, args[0][0]) for n, call, args in trial.nodes.asked if call == "upload_file"]
    assert sent == [("n2", trial.world.paths.hmac_key)]
    assert trial.warnings == []


def test_nodes_that_did_not_get_it_are_named(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    trial.world.store.behind = ["node n2 does not have the newest ssconf files"]
    trial.nodes.fails("n2", "upload_file", "read-only file system")
    trial.run()
    ssconf, upload = trial.warnings
    assert "ssconf" in ssconf
    assert "could not be copied to node n2" in upload


def test_a_file_that_cannot_be_read_does_not_hide_the_rest(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    os.unlink(trial.world.paths.hmac_key)
    os.mkdir(trial.world.paths.hmac_key)
    Path(trial.world.paths.rapi_pem).write_text("certificate")
    trial.run()
    assert trial.world.paths.hmac_key in trial.warnings[0]
    assert trial.nodes.calls == ["n2 version", "n2 upload_file"]


def test_a_node_that_is_down_is_waited_for_once(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    trial.nodes.fails("n2", "version", "no route to host")
    trial.run()
    (warning,) = trial.warnings
    assert "node n2" in warning and "no route to host" in warning
    assert trial.nodes.calls == ["n2 version"]
