# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import os

from ganeti.node.machine import Machine, Memory
from test.support.node_host import BOOT_ID, NodeHost


def test_memory_counts_caches_as_free(node: NodeHost) -> None:
    assert node.host.machine.memory() == Memory(total=8192, free=2048, active=2048)


def test_node_info(node: NodeHost) -> None:
    assert node.host.machine.node_info() == {
        "memory_total": 8192,
        "memory_free": 2048,
        "memory_dom0": 2048,
        "cpu_total": 2,
        "cpu_dom0": 2,
        "cpu_nodes": 1,
        "cpu_sockets": 1,
    }


def test_boot_id(node: NodeHost) -> None:
    assert node.host.machine.boot_id() == BOOT_ID


def test_bridges_that_are_missing(node: NodeHost) -> None:
    node.write("sys/class/net/br0/bridge/stp_state")
    node.write("sys/class/net/eth0/mtu")
    assert node.host.machine.missing_bridges(["br0", "eth0", "br1"]) == ["eth0", "br1"]


def test_what_a_node_lacks(node: NodeHost) -> None:
    (problem,) = node.host.machine.setup_problems()
    assert problem.endswith("sysrq-trigger is not a file")
    node.write("proc/sysrq-trigger")
    assert node.host.machine.setup_problems() == []
    os.rmdir(node.root / "sys/block")
    assert len(node.host.machine.setup_problems()) == 1


def test_this_process_is_seen() -> None:
    machine, me = Machine(), os.getpid()
    assert machine.command_line(me)
    assert me in machine.threads(me)
    assert machine.cpu_seconds(me) >= 0
    assert os.getuid() in machine.users_with_processes()


def test_a_process_may_be_called_anything(node: NodeHost) -> None:
    """A number comes round: what runs under that of a guest now is none of ours."""
    machine = node.host.machine
    os.makedirs(node.root / "proc/7")
    (node.root / "proc/7/cmdline").write_bytes(b"\xff\xfe\0-name\0web\0")
    (node.root / "proc/7/stat").write_bytes(b"7 (\xff) ) S " + b"1 " * 10 + b"100 200 0\n")
    assert machine.command_line(7)[1:] == ["-name", "web"]
    assert machine.cpu_seconds(7) == 300 / os.sysconf("SC_CLK_TCK")


def test_a_process_that_is_not_there() -> None:
    machine = Machine()
    assert machine.command_line(99999999) == []
    assert machine.cpu_seconds(99999999) == 0
