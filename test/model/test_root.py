# SPDX-License-Identifier: GPL-2.0-or-later
"""A change makes another root: what it shares, what its indexes know, what it refuses."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ganeti.errors import ConfigurationError
from ganeti.model.cluster import Cluster
from ganeti.model.config import Config
from ganeti.model.disk import Disk
from ganeti.model.index import Claim, Index, Reference
from ganeti.model.instance import Instance
from ganeti.model.nic import Nic
from test.support.cluster import a_cluster, a_uuid


def a_config() -> Config:
    return (
        a_cluster()
        .with_group("far")
        .with_nodes("n1", "n2")
        .with_node("n3", group="far")
        .with_network("net", "192.0.2.0/28", groups=("default",))
        .with_instance("web", template="drbd", on="n1", secondary="n2")
        .with_instance("db", template="plain", on="n2")
        .with_instance("none", on="n2")
        .build()
    )


CFG = a_config()


def names(found: Any) -> list[str]:
    return [item.name for item in found]


def test_what_the_indexes_know() -> None:
    n1, n2 = CFG.node("n1").uuid, CFG.node("n2").uuid
    web = CFG.instance("web")
    assert names(CFG.members(CFG.group("default").uuid)) == ["n1", "n2"]
    assert names(CFG.instances_on(n2)) == ["db", "none"]
    assert names(CFG.secondaries_on(n2)) == ["web"]
    assert names(CFG.secondaries_on(n1)) == []
    assert CFG.nodes_of(web) == [n1, n2]
    assert CFG.nodes_of(CFG.instance("none")) == [n2]
    assert [CFG.disk_template(CFG.instance(n)) for n in ("web", "db", "none")] == [
        "drbd",
        "plain",
        "diskless",
    ]
    assert CFG.owner_of(CFG.disks_of(web)[0]) == web.uuid
    assert CFG.master.name == "n1"


def test_online_nodes_and_candidates() -> None:
    cfg = CFG.changed([CFG.node("n3").replace(offline=True, master_candidate=False)])
    assert names(cfg.online_nodes()) == ["n1", "n2"]
    assert names(cfg.candidates()) == ["n1", "n2"]
    assert names(CFG.online_nodes()) == ["n1", "n2", "n3"]


def test_a_change_shares_what_stayed_the_same() -> None:
    changed = CFG.changed([CFG.instance("web").replace(admin_state="up")])
    assert CFG.instance("web").admin_state == "down"
    assert changed.instance("web").admin_state == "up"
    assert changed.nodes is CFG.nodes
    assert changed.disks is CFG.disks
    assert changed.instance("db") is CFG.instance("db")


def new_instance(**changes: Any) -> Instance:
    values = {"uuid": a_uuid(999), "name": "new", "primary_node": CFG.node("n1").uuid}
    values |= {"os": "noop", "hypervisor": "kvm"}
    return Instance(**{**values, **changes})


DRBD = CFG.disks_of(CFG.instance("web"))[0]


@pytest.mark.parametrize(
    ("put", "text"),
    [
        (new_instance(name="web"), "instance name web is taken"),
        (new_instance(primary_node="x"), "primary node of an instance.*there is no object x"),
        (new_instance(disks=("x",)), "disk of an instance.*there is no object x"),
        (new_instance(disks=(DRBD.uuid,)), "disk of an instance .* is taken"),
        (new_instance(network_port=11000), "TCP port 11000 is taken"),
        (
            new_instance(nics=(Nic(uuid="u", mac=CFG.instance("web").nics[0].mac.upper()),)),
            "MAC address .* is taken",
        ),
        (
            new_instance(nics=(Nic(uuid="u", mac="aa:00:00:11:11:11", network="x"),)),
            "network of a NIC.*there is no object x",
        ),
        (DRBD.replace(uuid=a_uuid(998)), "is taken"),
        (DRBD.replace(nodes=("x",)), "node of a disk.*there is no object x"),
        (CFG.node("n2").replace(name="n1"), "node name n1 is taken"),
        (CFG.node("n2").replace(primary_ip="10.0.0.2"), "address of a node 10.0.0.2 is taken"),
        (CFG.node("n2").replace(group="x"), "group of a node.*there is no object x"),
        (CFG.group("far").replace(name="default"), "group name default is taken"),
        (CFG.group("far").replace(networks={"x": {}}), "network of a group.*there is no object x"),
        (CFG.cluster.replace(master_node="x"), "master node.*there is no object x"),
    ],
)
def test_what_cannot_be_is_refused(put: Any, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        CFG.changed([put])


@pytest.mark.parametrize(
    ("removed", "text"),
    [
        (CFG.node("n1"), "is still"),
        (CFG.node("n2"), "is still primary node of an instance"),
        (CFG.group("default"), "is still group of a node"),
        (CFG.network("net"), "is still network of a group"),
        (DRBD, "is still disk of an instance"),
        (new_instance(), "is not in the configuration"),
    ],
)
def test_what_others_need_stays(removed: Any, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        CFG.changed([], [removed])


def test_an_instance_goes_with_its_disks() -> None:
    web = CFG.instance("web")
    changed = CFG.changed([], [web, *CFG.disks_of(web)])
    assert "web" not in names(changed.instances.values())
    assert DRBD.uuid not in changed.disks
    assert changed.index.owner(Claim.MINOR, (web.primary_node, 0)) is None


def test_two_can_swap_what_each_had_alone() -> None:
    web, db = CFG.instance("web"), CFG.instance("db")
    changed = CFG.changed([web.replace(name="db"), db.replace(name="web")])
    assert changed.instance("web").uuid == db.uuid


def test_of_two_that_have_the_same_one_can_go() -> None:
    """Such a file is loaded, so that it can be repaired; verify tells of it."""
    web, db = CFG.instance("web"), CFG.instance("db")
    twin = db.replace(nics=(db.nics[0].replace(mac=web.nics[0].mac),))
    others = [entry for entry in CFG.entries() if not isinstance(entry, Cluster) and entry != db]
    cfg = Config.of(CFG.top, CFG.cluster, [*others, twin])
    changed = cfg.changed([], [twin, *cfg.disks_of(twin)])
    assert changed.index.owner(Claim.MAC, web.nics[0].mac) == web.uuid


NODES = st.sampled_from([node.uuid for node in CFG.nodes.values()])
SLOTS = st.integers(1000, 1004)


class IndexMachine(RuleBasedStateMachine):
    """Indexes that are carried along are those that are built anew."""

    def __init__(self) -> None:
        super().__init__()
        self.cfg = CFG

    def attempt(self, put: Any, removed: Any = ()) -> None:
        with contextlib.suppress(ConfigurationError):
            self.cfg = self.cfg.changed(put, removed)

    @rule(slot=SLOTS, node=NODES, name=st.sampled_from("abc"), port=st.integers(11005, 11007))
    def put_instance(self, slot: int, node: str, name: str, port: int) -> None:
        self.attempt(
            [new_instance(uuid=a_uuid(slot), name=name, primary_node=node, network_port=port)]
        )

    @rule(slot=SLOTS, nodes=st.tuples(NODES, NODES), minor=st.integers(0, 2))
    def put_disk(self, slot: int, nodes: tuple[str, str], minor: int) -> None:
        id_ = (*nodes, 11010 + slot, minor, minor, "secret")
        disk = Disk(uuid=a_uuid(slot + 100), dev_type="drbd", logical_id=id_, size=1, nodes=nodes)
        self.attempt([disk])

    @rule(instance=SLOTS, disk=SLOTS)
    def attach(self, instance: int, disk: int) -> None:
        found = self.cfg.instances.get(a_uuid(instance))
        if found is not None:
            self.attempt([found.replace(disks=(a_uuid(disk + 100),))])

    @rule(slot=SLOTS)
    def remove(self, slot: int) -> None:
        found = [self.cfg.instances.get(a_uuid(slot)), self.cfg.disks.get(a_uuid(slot + 100))]
        for item in found:
            if item is not None:
                self.attempt([], [item])

    @rule(node=NODES, group=st.sampled_from(list(CFG.groups)))
    def move_node(self, node: str, group: str) -> None:
        self.attempt([self.cfg.nodes[node].replace(group=group)])

    @invariant()
    def same_as_built_anew(self) -> None:
        anew = Index.of(self.cfg.entries())
        for kind in Claim:
            assert self.cfg.index.owned(kind) == anew.owned(kind)
        for reference in Reference:
            for uuid in (entry.uuid for entry in self.cfg.entries()):
                assert self.cfg.index.referrers(reference, uuid) == anew.referrers(reference, uuid)


TestIndexes = IndexMachine.TestCase
TestIndexes.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
