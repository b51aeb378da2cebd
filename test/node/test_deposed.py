# SPDX-License-Identifier: GPL-2.0-or-later
"""A master that was cut off hears of another one."""

from __future__ import annotations

import logging
import os
import tarfile
from pathlib import Path

import pytest

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
        assert archive.getnames() == ["queue/job-7", "queue/serial"]
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


@pytest.mark.parametrize("master", ["", "n3.example.com", NEW.name])
def test_other_nodes_keep_their_copies(node: NodeHost, master: str) -> None:
    if master:
        node.ssconf(master_node=master)
    node.write(node.paths.config_data, "{}")
    assert hear(node) == ["config.data"]


def test_a_master_that_is_master_again_lost_nothing(node: NodeHost) -> None:
    node.ssconf(master_node=me())
    node.write(node.paths.config_data, "{}")
    assert hear(node, Sender(me(), 2)) == ["config.data"]


def test_a_master_that_has_nothing_any_more(node: NodeHost) -> None:
    node.ssconf(master_node=me())
    assert hear(node) == []
