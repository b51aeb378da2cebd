# SPDX-License-Identifier: GPL-2.0-or-later
"""A master that was cut off hears of another one."""

from __future__ import annotations

import logging
import os
import tarfile
from pathlib import Path

import pytest

from ganeti import queue_files, queue_record
from ganeti.contracts.node.sender import Sender
from ganeti.model import configfile
from ganeti.node.deposed import Deposition
from ganeti.utils import net
from test.support.cluster import a_cluster
from test.support.node_host import NodeHost

NEW = Sender("n2.example.com", 2)


def me() -> str:
    return net.resolve(net.own_name()).name


def hear(node: NodeHost, sender: Sender = NEW) -> list[str]:
    """What lies in the data directory afterwards."""
    Deposition(node.host, beside=lambda work: work())(sender)
    return sorted(n for n in os.listdir(node.paths.data_dir) if not n.startswith("ssconf"))


def test_what_only_it_had_is_kept(node: NodeHost, caplog: pytest.LogCaptureFixture) -> None:
    node.ssconf(master_node=me())
    node.write(node.paths.config_data, "{}")
    for name in ("serial", "job-7", "lock", "candidates"):
        node.write(f"{node.paths.queue_dir}/{name}", name)
    with caplog.at_level(logging.CRITICAL):
        names = hear(node)
    stamp = f"superseded-{node.clock.now():.0f}"
    assert names == [f"config.data.{stamp}", "queue", f"queue.{stamp}.tar"]
    with tarfile.open(Path(node.paths.data_dir) / names[2]) as archive:
        assert archive.getnames() == ["queue/serial", "queue/job-7"]
    assert NEW.name in caplog.text
    assert all(f"{node.paths.data_dir}/{name}" in caplog.text for name in (names[0], names[2]))
    assert Path(node.paths.job(7)).exists()


def test_the_address_is_given_back(node: NodeHost) -> None:
    cfg = a_cluster().with_nodes("n1").build()
    node.ssconf(master_node=me())
    node.write(node.paths.config_data, configfile.encode(cfg).decode())
    script = node.script(node.paths.default_master_setup_script)
    hear(node)
    assert node.runner.commands == [(script, "stop")]


def test_of_the_archive_what_may_be_nowhere_else_is_moved(node: NodeHost) -> None:
    """Otherwise it would pass for the jobs that the new master gives these numbers."""
    node.ssconf(master_node=me())
    record = queue_record.Record()
    node.write(node.paths.queue_candidates, record.encoded().decode())
    for number, written in ((1, 1000), (2, 2000)):
        node.write(node.paths.archived_job(number), "{}")
        os.utime(node.paths.archived_job(number), (0, written))
    os.utime(node.paths.queue_candidates, (0, 2000))
    (_, kept) = (Path(node.paths.data_dir) / name for name in hear(node))
    with tarfile.open(kept) as archive:
        assert archive.getnames() == ["queue/archive/0/job-2"]
    assert queue_files.archived(node.paths) == {1}


CLUSTER = a_cluster().with_nodes("n1", "n2", "n3").build()


def a_candidate(node: NodeHost, *in_sync: str, epoch: int = 0) -> None:
    """This host is a candidate of n1, and knows who is in sync."""
    node.ssconf(master_node="n1")
    node.write(node.paths.config_data, configfile.encode(CLUSTER).decode())
    record = queue_record.Record(epoch, 4, frozenset(CLUSTER.node(n).uuid for n in in_sync))
    node.write(node.paths.queue_candidates, record.encoded().decode())


@pytest.mark.parametrize(
    ("in_sync", "epoch", "is_kept"),
    [(["n2", "n3"], 0, False), (["n3"], 0, True), ([], 0, True), (["n2", "n3"], 1, True)],
)
def test_a_candidate_keeps_what_the_new_master_may_lack(
    node: NodeHost, in_sync: list[str], epoch: int, is_kept: bool
) -> None:
    """The epoch of a record that is not that of its master tells nothing of the configuration."""
    a_candidate(node, *in_sync, epoch=epoch)
    stamp = f"superseded-{node.clock.now():.0f}"
    kept = [f"config.data.{stamp}", "queue", f"queue.{stamp}.tar"]
    assert hear(node, Sender("n2", 1)) == (kept if is_kept else ["config.data", "queue"])
    assert node.runner.commands == []


def test_a_master_that_came_back_may_lack_what_a_candidate_got_from_it(node: NodeHost) -> None:
    a_candidate(node, "n3")
    assert len(hear(node, Sender("n1", 2))) == 3


@pytest.mark.parametrize("master", ["", "n3.example.com", NEW.name])
def test_other_nodes_have_nothing(node: NodeHost, master: str) -> None:
    if master:
        node.ssconf(master_node=master)
    assert hear(node) == []


def test_a_master_that_is_master_again_lost_nothing(node: NodeHost) -> None:
    node.ssconf(master_node=me())
    node.write(node.paths.config_data, "{}")
    assert hear(node, Sender(me(), 2)) == ["config.data"]


def test_a_master_that_has_nothing_any_more(node: NodeHost) -> None:
    node.ssconf(master_node=me())
    assert hear(node) == []
