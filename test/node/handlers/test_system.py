# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls about the node as a whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import simplejson

from ganeti import version
from ganeti.contracts.node.sender import Sender
from ganeti.errors import CommandError, GenericError
from ganeti.node.fence import Superseded
from ganeti.node.handlers.system import SystemHandlers
from ganeti.queue_record import Record
from ganeti.utils import net, x509
from test.support import pki
from test.support.node_host import BOOT_ID, NodeHost


@pytest.fixture
def calls(node: NodeHost) -> SystemHandlers:
    return SystemHandlers(node.host)


def test_who_is_who(node: NodeHost, calls: SystemHandlers) -> None:
    assert calls.version() == version.PROTOCOL
    assert calls.master_node_name() == ""
    node.ssconf(master_node="n1.example.com")
    assert calls.master_node_name() == "n1.example.com"
    assert calls.master_info() == ("", "", "n1.example.com", net.IPV4, "")
    node.ssconf(master_netdev="eth0", master_ip="192.0.2.1", master_netmask="32")
    assert calls.master_info() == ("eth0", "192.0.2.1", "n1.example.com", net.IPV4, "32")


def test_an_open_vswitch(node: NodeHost, calls: SystemHandlers) -> None:
    node.runner.on("ovs-vsctl")
    calls.node_configure_ovs("switch1", "eth1")
    calls.node_configure_ovs("switch2", None)
    assert node.runner.commands == [
        ("ovs-vsctl", "--may-exist", "add-br", "switch1"),
        ("ovs-vsctl", "--may-exist", "add-port", "switch1", "eth1"),
        ("ovs-vsctl", "--may-exist", "add-br", "switch2"),
    ]
    node.runner.missing("ovs-vsctl")
    with pytest.raises(CommandError, match="cannot be started"):
        calls.node_configure_ovs("switch1", None)


def test_a_node_outside_is_asked_the_same(node: NodeHost, calls: SystemHandlers) -> None:
    question = {"version": None}
    assert calls.node_verify_light(question, "c", {}) == calls.node_verify(question, "c", {})


def test_the_standing_of_a_candidate(node: NodeHost, calls: SystemHandlers) -> None:
    assert calls.master_standing() == (0, 0, 0.0, 0, 0, 0, [])
    node.write(node.paths.config_data, simplejson.dumps({"serial_no": 7, "mtime": 12.5}))
    node.write(node.paths.queue_serial, "42\n")
    record = Record(2, 5, frozenset({"uuid-2", "uuid-1"}))
    node.write(node.paths.queue_candidates, record.encoded().decode())
    calls.master_obey("n1", 3)
    assert calls.master_standing() == (3, 7, 12.5, 42, 2, 5, ["uuid-1", "uuid-2"])
    for path in (node.paths.config_data, node.paths.queue_candidates):
        node.write(path, "{")
    assert calls.master_standing() == (3, 0, 0.0, 42, 0, 0, [])


def test_an_older_master_is_not_obeyed(node: NodeHost, calls: SystemHandlers) -> None:
    calls.master_obey("n2", 5)
    with pytest.raises(Superseded):
        calls.master_obey("n1", 4)
    node.host.fence.admit(Sender("n2", 5))


def test_node_info(node: NodeHost, calls: SystemHandlers) -> None:
    boot_id, storage, hypervisors = calls.node_info(None, None)
    assert (boot_id, storage, hypervisors) == (BOOT_ID, None, None)
    units = [("file", str(node.root), []), ("lvm-vg", "xenvg", [False]), ("file", "/nowhere", [])]
    _, storage, hypervisors = calls.node_info(units, [("fake", {})])
    assert storage is not None
    assert hypervisors is not None
    first, *others = storage
    assert first is not None
    assert (first["type"], first["name"]) == ("file", str(node.root))
    assert 0 < first["storage_free"] <= first["storage_size"]
    assert others == [None, None]
    assert hypervisors[0]["memory_total"] == 8192


def test_verify_hands_on(calls: SystemHandlers) -> None:
    assert calls.node_verify({"version": None}, "c", {}) == {
        "version": [version.PROTOCOL, version.RELEASE]
    }


def test_addresses_and_bridges(node: NodeHost, calls: SystemHandlers) -> None:
    assert calls.node_has_ip_address("127.0.0.1")
    assert not calls.node_has_ip_address("192.0.2.1")
    node.write("sys/class/net/br0/bridge/x")
    calls.bridges_exist(["br0"])
    with pytest.raises(GenericError, match="no bridge br1, br2"):
        calls.bridges_exist(["br0", "br1", "br2"])


def test_the_digest_of_the_certificate(node: NodeHost, calls: SystemHandlers) -> None:
    pki.node().save(Path(node.paths.client_pem))
    digest = x509.digest(Path(node.paths.client_pem).read_text())
    assert calls.node_crypto_tokens([("ssl", "get", None)]) == [("ssl", digest)]
    with pytest.raises(GenericError, match="action 'eat' on tokens of kind 'ssl'"):
        calls.node_crypto_tokens([("ssl", "eat", None)])


def test_leaving_ends_the_daemon(node: NodeHost, calls: SystemHandlers) -> None:
    node.runner.on(node.paths.daemon_util)
    assert "left the cluster" in calls.node_leave_cluster(False)
    assert node.stops == 1


def test_the_master_stops(node: NodeHost, calls: SystemHandlers) -> None:
    node.runner.on(node.paths.daemon_util)
    calls.node_stop_master()
    assert node.runner.commands == [(node.paths.daemon_util, "stop-master")]


def test_lines_of_the_hosts_file(node: NodeHost, calls: SystemHandlers) -> None:
    hosts = node.write(node.paths.etc_hosts, "127.0.0.1 localhost\n")
    calls.etc_hosts_modify("add", "n1.example.com", "10.0.0.1")
    assert "10.0.0.1\tn1.example.com n1\n" in hosts.read_text()
    calls.etc_hosts_modify("remove", "n1.example.com", None)
    assert hosts.read_text() == "127.0.0.1 localhost\n"


@pytest.mark.parametrize(
    ("mode", "address"), [("add", None), ("remove", "10.0.0.1"), ("change", "10.0.0.1")]
)
def test_changes_of_the_hosts_file_that_make_no_sense(
    calls: SystemHandlers, mode: str, address: str | None
) -> None:
    with pytest.raises(GenericError, match="makes no sense"):
        calls.etc_hosts_modify(mode, "n1.example.com", address)


def test_the_watchers_pause(node: NodeHost, calls: SystemHandlers) -> None:
    assert calls.get_watcher_pause() is None
    calls.set_watcher_pause(1_700_000_000.7)
    assert calls.get_watcher_pause() == 1_700_000_001
    for _ in range(2):
        calls.set_watcher_pause(None)
    assert calls.get_watcher_pause() is None
    node.write(node.paths.watcher_pause, "soon")
    assert calls.get_watcher_pause() is None


def test_a_delay(node: NodeHost, calls: SystemHandlers) -> None:
    calls.test_delay(3.5)
    assert node.clock.slept == [3.5]
    with pytest.raises(GenericError):
        calls.test_delay(-1)


OOB: list[tuple[str, Any]] = [("", None), ("\n", None), ('{"powered": true}', {"powered": True})]


@pytest.mark.parametrize(("printed", "expected"), OOB)
def test_out_of_band(node: NodeHost, calls: SystemHandlers, printed: str, expected: Any) -> None:
    node.runner.on("/opt/oob", stdout=printed)
    assert calls.run_oob("/opt/oob", "power-status", "n2", 60) == expected
    (call,) = node.runner.calls
    assert call.argv == ("/opt/oob", "power-status", "n2")
    assert call.timeout_s == 60


def test_out_of_band_failures(node: NodeHost, calls: SystemHandlers) -> None:
    node.runner.on("/opt/oob", returncode=1, stderr="no such node")
    with pytest.raises(CommandError, match="no such node"):
        calls.run_oob("/opt/oob", "health", "n2", 60)
    node.runner.on("/opt/oob", stdout="fine")
    with pytest.raises(GenericError, match="did not print JSON"):
        calls.run_oob("/opt/oob", "health", "n2", 60)


def test_daemons(node: NodeHost, calls: SystemHandlers) -> None:
    assert calls.node_ensure_daemon("ganeti-confd", True) is False
    node.runner.on(node.paths.daemon_util)
    calls.node_start_master_daemons(True)
    assert (node.runner.calls[0].env or {})["EXTRA_MASTERD_ARGS"] == "--no-voting --yes-do-it"


def test_a_demotion(node: NodeHost, calls: SystemHandlers) -> None:
    node.write(node.paths.config_data, "{}")
    node.runner.on(node.paths.daemon_util, returncode=1)
    calls.node_demote_from_mc()
    assert not os.path.exists(node.paths.config_data)


def test_the_clusters_address(node: NodeHost, calls: SystemHandlers) -> None:
    script = node.paths.default_master_setup_script
    node.runner.on(script)
    params = {"uuid": "u", "ip": "127.0.0.1", "netmask": 32, "netdev": "lo", "ip_family": 2}
    calls.node_activate_master_ip(params, False)
    calls.node_deactivate_master_ip(params, False)
    calls.node_change_master_netmask(32, 32, "127.0.0.1", "lo")
    assert node.runner.commands == [(script, "start"), (script, "stop")]


def test_restricted_commands_are_refused(node: NodeHost, calls: SystemHandlers) -> None:
    with pytest.raises(GenericError, match="cannot be run"):
        calls.restricted_command("rm")
    assert node.clock.slept == [10.0]
