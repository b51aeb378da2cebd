# SPDX-License-Identifier: GPL-2.0-or-later
"""A candidate becomes master: nodes that answer as told, and what they are asked to do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from ganeti.bootstrap.master_failover import MasterFailover, NoMajority
from ganeti.contracts.node.packed import Packed
from ganeti.contracts.node.sender import Sender
from ganeti.errors import ConfigurationError, GenericError, OpExecError, OpPrereqError
from ganeti.model import configfile
from ganeti.model.config import Config
from ganeti.model.ssconf_values import ssconf_values
from ganeti.paths import Paths
from ganeti.rpc.runner import Rpc, Target
from ganeti.ssconf import Ssconf
from ganeti.utils.files import Disk
from test.support.clock import FakeClock
from test.support.cluster import a_cluster
from test.support.master_world import PORT, ScriptedNodes

ME, OLD, OTHER = "n2", "n1", "n3"
ACTIVATE = "node_activate_master_ip"
ACTIONS = (
    *("master_obey", "upload_file", "write_ssconf_files", "jobqueue_set_drain_flag"),
    *("node_deactivate_master_ip", "node_stop_master", "node_start_master_daemons"),
)


def nobody(node: str) -> Target:
    raise ConfigurationError(node)


class World:
    """Three candidates of which n1 is the master, and what the command on n2 sees and says."""

    def __init__(self, root: Path, cfg: Config | None = None) -> None:
        self.paths, self.cfg = (
            Paths(str(root)),
            cfg or a_cluster().with_nodes("n1", ME, OTHER).build(),
        )
        for directory in (self.paths.data_dir, self.paths.lock_dir):
            Path(directory).mkdir(parents=True)
        Path(self.paths.config_data).write_bytes(configfile.encode(self.cfg))
        Ssconf(self.paths).write(Disk(), ssconf_values(self.cfg))
        self.nodes, self.clock = ScriptedNodes(self.cfg), FakeClock()
        self.warnings, self.senders = list[str](), list[Sender]()
        self.address_is_up = [False, True]
        self.names = {node.name for node in self.cfg.nodes.values()}
        for name in self.names:
            self.stands(name)
        self.nodes.accepts(*ACTIONS)

    def stands(
        self,
        node: str,
        *rows: tuple[int, int, int],
        master: str = OLD,
        number: int = 1,
        in_sync: Iterable[str] = (ME, OTHER),
    ) -> None:
        """What a node has: epoch, serial numbers of configuration and queue; one answer after the other.

        `number` and `in_sync` are of its record of who has all of the queue.
        """
        uuids = [self.cfg.node(name).uuid for name in in_sync if name in self.names]
        payloads = [
            [epoch, serial, 0.0, queue, 0, number, uuids]
            for epoch, serial, queue in rows or [(0, 1, 1)]
        ]
        self.nodes.says(node, "master_standing", *payloads)
        self.nodes.says(node, "master_node_name", master)

    def is_dead(self, node: str) -> None:
        for call in ("master_standing", "master_node_name", *ACTIONS):
            self.nodes.fails(node, call, "no route to host")

    def run(self, *, me: str = ME, voting: bool = True, with_offline: bool = True) -> int:
        def calls(who: Sender) -> Rpc:
            self.senders.append(who)
            return Rpc(self.nodes, nobody, port=PORT, sender=who)

        failover = MasterFailover(
            self.paths,
            me,
            calls,
            is_up=lambda address: self.address_is_up.pop(0),
            clock=self.clock,
            warn=self.warnings.append,
        )
        return failover.run(voting=voting, with_offline=with_offline)

    def actions(self, node: str) -> list[str]:
        """What a node was asked to do."""
        return [call for name, call, _ in self.nodes.asked if name == node and call in ACTIONS]

    def uploaded(self) -> Config:
        (upload,) = next(a for n, c, a in self.nodes.asked if (n, c) == (ME, "upload_file"))
        return configfile.load(Packed.from_raw(upload[1]).data)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def refused(world: World, error: type[GenericError], *words: str, **how: Any) -> None:
    """The command fails so, and no node was asked to do anything."""
    with pytest.raises(error) as caught:
        world.run(**how)
    for word in words:
        assert word in str(caught.value)
    assert not any(world.actions(node.name) for node in world.cfg.nodes.values())


def test_a_dead_master_is_replaced(world: World) -> None:
    world.is_dead(OLD)
    world.stands(OTHER, (4, 1, 1))
    world.stands(ME, (4, 7, 1))
    assert world.run() == 0
    assert world.senders == [Sender(ME, 0), Sender(ME, 5)]
    assert world.actions(ME) == [
        *("master_obey", "upload_file", "jobqueue_set_drain_flag", "write_ssconf_files"),
        "node_start_master_daemons",
    ]
    assert world.actions(OTHER) == ["master_obey", "upload_file", "write_ssconf_files"]
    assert (world.uploaded().master.name, world.uploaded().serial_no) == (ME, 9)
    assert world.uploaded().cluster.serial_no == world.cfg.cluster.serial_no + 1
    assert [OLD in warning for warning in world.warnings] == [True]


def test_it_is_obeyed_by_all_before_anything_else(world: World) -> None:
    world.run()
    acts = [(node, call, args) for node, call, args in world.nodes.asked if call in ACTIONS]
    assert [(node, call) for node, call, _ in acts[:3]] == [
        *((ME, "master_obey"), (OLD, "master_obey"), (OTHER, "master_obey")),
    ]
    assert all(args == [ME, 1] for _, _, args in acts[:3])


def test_a_living_master_is_stopped_after_the_configuration_names_another(world: World) -> None:
    assert world.run() == 0
    assert world.actions(OLD) == [
        *("master_obey", "upload_file", "write_ssconf_files"),
        *("node_deactivate_master_ip", "node_stop_master"),
    ]
    assert world.warnings == []


def test_half_of_the_nodes_is_not_enough_unless_somebody_insists(tmp_path: Path) -> None:
    world = World(tmp_path, a_cluster().with_nodes(OLD, ME).build())
    world.is_dead(OLD)
    refused(world, NoMajority, OLD, "--no-voting")
    assert world.run(voting=False) == 0
    start = [args for _, call, args in world.nodes.asked if call == "node_start_master_daemons"]
    assert start == [[True]]


def test_a_node_that_is_marked_offline_and_answers_learns_who_is_master(tmp_path: Path) -> None:
    builder = a_cluster().with_nodes(OLD, ME).with_node(OTHER, offline=True)
    world = World(tmp_path, builder.build())
    world.is_dead(OLD)
    assert world.run() == 0
    assert world.actions(OTHER) == ["master_obey", "write_ssconf_files"]


def test_nodes_that_are_offline_may_be_left_out(tmp_path: Path) -> None:
    builder = a_cluster().with_nodes(OLD, ME).with_node("n8", offline=True)
    world = World(tmp_path, builder.with_node("n9", offline=True).build())
    world.is_dead("n8")
    world.is_dead("n9")
    refused(world, NoMajority, "n8, n9")
    assert world.run(with_offline=False) == 0


def test_a_candidate_that_has_more_is_named(world: World) -> None:
    world.stands(OTHER, (0, 2, 1))
    for voting in (True, False):
        refused(world, OpPrereqError, OTHER, "newer", voting=voting)


def test_a_candidate_that_lacks_what_the_master_has_must_wait(world: World) -> None:
    world.stands(OLD, (0, 1, 2))
    refused(world, OpPrereqError, OLD, "lacks")


def test_what_the_master_did_until_it_was_stopped_counts_too(world: World) -> None:
    world.stands(OTHER, (0, 1, 1), (1, 2, 1))
    with pytest.raises(OpPrereqError, match=f"{OTHER} has a newer"):
        world.run()
    assert world.actions(ME) == world.actions(OTHER) == ["master_obey"]


def test_what_a_master_did_that_was_deposed_before_does_not_count(world: World) -> None:
    """Once it obeys, its epoch is as high as the others'."""
    world.stands(OTHER, (1, 90, 9), (3, 90, 9))
    world.stands(ME, (2, 5, 5), (3, 5, 5))
    assert world.run() == 0
    assert world.uploaded().serial_no == 92


def test_others_that_know_a_newer_master(world: World) -> None:
    for node in (OLD, OTHER):
        world.stands(node, master=OTHER)
    refused(world, OpPrereqError, OTHER, "out of date")


def test_a_candidate_that_lacks_a_part_of_the_queue_is_told_who_has_it(world: World) -> None:
    """By serial numbers both have the same."""
    world.is_dead(OLD)
    world.stands(OTHER, number=2, in_sync=[OTHER])
    refused(world, OpPrereqError, OTHER, "newer")


def test_one_that_is_still_getting_what_it_lacks_knows_it(world: World) -> None:
    world.is_dead(OLD)
    for node in (ME, OTHER):
        world.stands(node, number=2, in_sync=[OTHER])
    refused(world, OpPrereqError, OTHER, "newer")


def test_nobody_is_left_who_has_more(world: World) -> None:
    world.is_dead(OLD)
    for node in (ME, OTHER):
        world.stands(node, number=2, in_sync=[])
    assert world.run() == 0


def test_changes_that_a_candidate_has_which_lacks_jobs_are_lost(world: World) -> None:
    world.is_dead(OLD)
    world.stands(ME, number=2, in_sync=[ME])
    world.stands(OTHER, (0, 2, 1))
    assert world.run() == 0
    assert any(OTHER in text and "lost" in text for text in world.warnings)
    assert world.uploaded().serial_no == 4


ANOTHER = "it obeys n3 of epoch 1"


def test_of_two_at_the_same_time_this_one_gives_way(world: World) -> None:
    """Each has its own node daemon; the other host takes the next epoch while this one waits."""
    world.nodes.fails(OTHER, "master_obey", ANOTHER)
    world.stands(OTHER, (0, 1, 1), (1, 1, 1), (2, 1, 1))
    with pytest.raises(OpExecError, match=f"same time.*{OTHER}"):
        world.run()
    assert world.actions(ME) == ["master_obey"]
    assert world.clock.slept == [4.0]


def test_of_two_at_the_same_time_this_one_wins(world: World) -> None:
    world.nodes.says(OTHER, "master_obey", GenericError(ANOTHER), None)
    for node in (ME, OTHER):
        world.stands(node, (0, 1, 1), (1, 1, 1))
    assert world.run() == 0
    assert [sender.epoch for sender in world.senders] == [0, 1, 1, 2]


def test_of_two_at_the_same_time_the_other_was_here_first(world: World) -> None:
    world.nodes.fails(ME, "master_obey", ANOTHER)
    world.stands(ME, (0, 1, 1), (1, 1, 1))
    with pytest.raises(OpExecError, match="this node obeys it already"):
        world.run()
    assert world.clock.slept == []
    assert world.actions(OLD) == world.actions(OTHER) == []


def test_of_two_at_the_same_time_the_other_has_gone_on_meanwhile(world: World) -> None:
    """With the majority that it had, under the same epoch."""
    world.nodes.fails(OLD, "master_obey", ANOTHER)
    world.stands(OLD, (0, 1, 1), (1, 1, 1))
    world.stands(OTHER, (0, 1, 1), (1, 1, 1), (1, 3, 1))
    with pytest.raises(OpPrereqError, match=f"{OTHER} has a newer"):
        world.run()
    assert world.actions(ME) == ["master_obey"]


def test_a_node_that_cannot_remember_whom_it_obeys_counts_as_silent(world: World) -> None:
    world.nodes.fails(OTHER, "master_obey", "no space left on device")
    assert world.run() == 0
    assert any(OTHER in text and "no space" in text for text in world.warnings)
    assert world.actions(OTHER) == ["master_obey"]


def test_this_host_must_remember_it(world: World) -> None:
    world.nodes.fails(ME, "master_obey", "no space left on device")
    with pytest.raises(OpExecError, match="cannot write"):
        world.run()
    assert world.actions(OLD) == world.actions(OTHER) == []


def test_a_configuration_that_was_set_aside_is_named(world: World) -> None:
    aside = f"{world.paths.config_data}.superseded-1"
    Path(world.paths.config_data).rename(aside)
    refused(world, ConfigurationError, aside)


@pytest.mark.parametrize(("me", "words"), [(OLD, "already"), ("n7", "n1, n2, n3")])
def test_who_cannot_become_master(world: World, me: str, words: str) -> None:
    refused(world, OpPrereqError, words, me=me)


def test_a_host_in_no_cluster(world: World) -> None:
    Ssconf(world.paths).clear(Disk())
    refused(world, OpPrereqError, "not in a cluster")


def test_its_own_node_daemon_must_run(world: World) -> None:
    world.is_dead(ME)
    refused(world, OpExecError, "node daemon")


def test_this_host_is_the_last_to_call_itself_the_master(world: World) -> None:
    """A takeover that breaks off before can be given again."""
    world.nodes.fails(ME, "write_ssconf_files", "no space left on device")
    with pytest.raises(GenericError, match="no space"):
        world.run()
    asked = [node for node, call, _ in world.nodes.asked if call == "write_ssconf_files"]
    assert asked == [OLD, OTHER, ME]
    world.nodes.says(ME, "write_ssconf_files", None)
    for node in (OLD, OTHER):
        world.stands(node, (1, 3, 1), master=ME)
    world.stands(ME, (1, 3, 1))
    assert world.run() == 0


def test_an_address_that_stays_where_it_is(world: World) -> None:
    world.address_is_up = [True] * 50
    assert world.run() == 1
    assert [world.cfg.cluster.master_ip in warning for warning in world.warnings] == [True]
    assert 29 < sum(world.clock.slept) < 31


def test_an_old_master_that_keeps_the_address_a_moment_longer(world: World) -> None:
    world.address_is_up = [False, False, False, True]
    world.nodes.says(ME, ACTIVATE, GenericError("another host has the address"), None)
    assert world.run() == 0
    assert [call for node, call, _ in world.nodes.asked if node == ME].count(ACTIVATE) == 2
    assert world.warnings == []


def test_an_address_that_cannot_be_had(world: World) -> None:
    world.address_is_up = [False] * 50
    world.nodes.fails(ME, ACTIVATE, "another host has the address")
    assert world.run() == 1
    assert [w for w in world.warnings if "another host has" in w and "activate-master-ip" in w]
    assert 29 < sum(world.clock.slept) < 31


def test_daemons_that_do_not_start(world: World) -> None:
    world.nodes.fails(ME, "node_start_master_daemons", "too many nodes are silent")
    with pytest.raises(OpExecError, match=r"did not start.*silent"):
        world.run()
