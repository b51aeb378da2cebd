# SPDX-License-Identifier: GPL-2.0-or-later
"""Master candidates come and go with their certificates and keys, whatever fails on the way."""

from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import Code, OpExecError, OpPrereqError
from ganeti.master.units.node.add import NodeAdd
from ganeti.master.units.node.remove import NodeRemove
from ganeti.master.units.node.set_params import NodeSetParams
from ganeti.model.config import Config
from ganeti.opcodes.node import OpNodeAdd, OpNodeRemove, OpNodeSetParams
from test.support.cluster import ClusterBuilder, a_cluster
from test.support.trial import Trial


def pool_of_two(**cluster: Any) -> ClusterBuilder:
    """n1 is the master, n2 a candidate, n3 idle."""
    return (
        a_cluster()
        .with_cluster(candidate_pool_size=2, **cluster)
        .with_nodes("n1", "n2")
        .with_node("n3", master_candidate=False)
    )


def modify(root: Path, cluster: ClusterBuilder, name: str, **request: Any) -> Trial:
    trial = Trial(root, cluster.build(), NodeSetParams, OpNodeSetParams(node_name=name, **request))
    for call in ("node_ssh_key_add", "node_ssh_key_remove"):
        trial.nodes.says("n1", call, [])
    trial.nodes.says("n3", "node_ensure_daemon", True)
    trial.nodes.accepts("node_demote_from_mc")
    return trial


def candidates(cfg: Config) -> list[str]:
    return [node.name for node in cfg.candidates()]


def test_another_node_takes_the_place(tmp_path: Path) -> None:
    trial = modify(tmp_path, pool_of_two(), "n2", drained=True, auto_promote=True)
    trial.nodes.says("n3", "node_crypto_tokens", [["ssl", "aa:33"]])
    cfg = trial.run()
    assert candidates(cfg) == ["n1", "n3"]
    assert cfg.cluster.candidate_certs == {cfg.node("n3").uuid: "aa:33"}
    assert trial.nodes.calls == [
        "n3 node_crypto_tokens",
        "n1 node_ssh_key_add",
        "n3 node_ensure_daemon",
        "n2 node_demote_from_mc",
        "n1 node_ssh_key_remove",
    ]
    assert ("n3", "node_ensure_daemon", ["ganeti-confd", True]) in trial.nodes.asked


def test_nobody_becomes_a_candidate_whose_certificate_is_not_known(tmp_path: Path) -> None:
    trial = modify(tmp_path, pool_of_two(), "n2", drained=True, auto_promote=True)
    trial.nodes.fails("n3", "node_crypto_tokens", "no route to host")
    before = trial.cfg
    with pytest.raises(OpExecError, match="n3"):
        trial.run()
    assert trial.cfg is before


def test_who_leaves_is_shut_out_by_the_same_change(tmp_path: Path) -> None:
    cluster = a_cluster().with_nodes("n1", "n2").build()
    certs = {"candidate_certs": {cluster.node("n2").uuid: "aa:22"}}
    builder = a_cluster().with_cluster(**certs).with_nodes("n1", "n2")
    trial = modify(tmp_path, builder, "n2", offline=True)
    trial.nodes.fails("n1", "node_ssh_key_remove", "timed out")
    with pytest.raises(OpExecError, match="timed out"):
        trial.run()
    assert trial.cfg.cluster.candidate_certs == {}
    assert "n2 node_demote_from_mc" not in trial.nodes.calls


def test_keys_that_do_not_get_through_are_warned_about(tmp_path: Path) -> None:
    trial = modify(tmp_path, pool_of_two(), "n2", drained=True, auto_promote=True)
    trial.nodes.says("n3", "node_crypto_tokens", [["ssl", "aa:33"]])
    trial.nodes.fails("n1", "node_ssh_key_add", "timed out")
    trial.run()
    (warning,) = trial.warnings
    assert "node n3" in warning
    assert trial.nodes.calls[-1] == "n1 node_ssh_key_remove"


@pytest.mark.parametrize("powered", [None, True])
def test_a_node_comes_back_with_its_power(tmp_path: Path, powered: bool | None) -> None:
    builder = a_cluster().with_cluster(candidate_pool_size=1).with_node("n1")
    builder.with_node("n2", offline=True, powered=False, ndparams={"oob_program": "/bin/oob"})
    trial = modify(tmp_path, builder, "n2", offline=False, powered=powered)
    trial.nodes.says("n2", "version", 1)
    if powered:
        assert not trial.run().node("n2").offline
    else:
        with pytest.raises(OpPrereqError, match="powered off"):
            trial.run()


def test_the_master_goes_first_to_a_second_network(tmp_path: Path) -> None:
    builder = a_cluster().with_node("n1", secondary_ip="10.0.0.2").with_nodes("n2")
    trial = modify(tmp_path, builder, "n1", secondary_ip="10.7.0.1", force=True)
    trial.nodes.says("n1", "node_has_ip_address", True)
    assert trial.run().node("n1").secondary_ip == "10.7.0.1"
    assert "all nodes need a secondary address" in trial.warnings[0]


def test_only_if_that_is_meant(tmp_path: Path) -> None:
    builder = a_cluster().with_node("n1", secondary_ip="10.0.0.2").with_nodes("n2")
    with pytest.raises(OpPrereqError, match="--force"):
        modify(tmp_path, builder, "n1", secondary_ip="10.7.0.1").run()


# Leaving.


def remove(root: Path, cluster: ClusterBuilder) -> Trial:
    trial = Trial(root, cluster.build(), NodeRemove, OpNodeRemove(node_name="n2"))
    trial.nodes.says("n3", "version", 0)
    trial.nodes.says("n1", "node_ssh_key_remove", [])
    trial.nodes.says("n1", "node_ssh_key_add", [])
    trial.nodes.says("n2", "hooks_runner", [])
    trial.nodes.says("n2", "node_leave_cluster", "")
    trial.nodes.says("n3", "node_crypto_tokens", [["ssl", "aa:33"]])
    trial.nodes.says("n3", "node_ensure_daemon", True)
    trial.nodes.accepts("etc_hosts_modify", "upload_file")
    return trial


def test_a_node_leaves_and_another_takes_its_place(tmp_path: Path) -> None:
    trial = remove(tmp_path, pool_of_two())
    cfg = trial.run()
    assert candidates(cfg) == ["n1", "n3"]
    assert cfg.cluster.candidate_certs == {cfg.node("n3").uuid: "aa:33"}
    assert trial.warnings == []


def test_post_hooks_on_the_leaving_node_see_both_sets_of_variables(tmp_path: Path) -> None:
    trial = remove(tmp_path, pool_of_two())
    trial.run()
    ((path, phase, env),) = [args for _, call, args in trial.nodes.asked if call == "hooks_runner"]
    assert (path, phase) == ("node-remove", "post")
    assert env["GANETI_NODE_NAME"] == env["GANETI_POST_NODE_NAME"] == "n2"


def test_a_node_that_is_out_is_dismissed_whatever_fails(tmp_path: Path) -> None:
    trial = remove(tmp_path, pool_of_two())
    trial.nodes.fails("n1", "node_ssh_key_add", "timed out")
    trial.nodes.fails("n1", "etc_hosts_modify", "read-only file system")
    trial.run()
    assert "n2 node_leave_cluster" in trial.nodes.calls
    assert ["n3" in trial.warnings[0], "read-only" in trial.warnings[1]] == [True, True]


def test_while_its_key_lets_it_in_a_node_does_not_leave(tmp_path: Path) -> None:
    trial = remove(tmp_path, pool_of_two())
    trial.nodes.fails("n1", "node_ssh_key_remove", "timed out")
    with pytest.raises(OpExecError, match="timed out"):
        trial.run()
    assert "n2" in [node.name for node in trial.cfg.nodes.values()]
    assert "n2 node_leave_cluster" not in trial.nodes.calls


def test_a_node_that_is_gone_already_is_told(tmp_path: Path) -> None:
    trial = remove(tmp_path, pool_of_two())
    trial.unit.expand()
    with trial.world.store.write("somebody else") as cfg:
        cfg.remove(cfg.root.node("n2"))
    with pytest.raises(OpPrereqError) as caught:
        trial.unit.check()
    assert caught.value.code == Code.UNKNOWN_ENTITY


# Joining.


def test_a_node_that_cannot_be_reached_leaves_no_trace(tmp_path: Path) -> None:
    cfg = a_cluster().with_nodes("n1", "n2").build()
    trial = Trial(tmp_path, cfg, NodeAdd, OpNodeAdd(node_name="n9"))
    trial.unit._node = cfg.node("n2").replace(name="n9", uuid="9")  # type: ignore[attr-defined]
    trial.nodes.accepts("etc_hosts_modify")
    trial.nodes.says("n1", "node_verify", {"nodelist": {"n9": "permission denied"}})
    with pytest.raises(OpExecError, match="permission denied"):
        trial.unit.execute()
    hosts = [args[:2] for _, call, args in trial.nodes.asked if call == "etc_hosts_modify"]
    assert hosts == [["add", "n9"], ["remove", "n9"]]
    assert trial.cfg is cfg
