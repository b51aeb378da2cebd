# SPDX-License-Identifier: GPL-2.0-or-later
"""A cluster on three hosts, with real guests and real failures, typed on the master."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from test.hosts.conftest import fault
from test.hosts.terminal import Terminal
from test.hosts.typed import JOB_S, listed, node_call
from test.lab import demo, network, programs
from test.lab.cluster import Wish
from test.lab.guests import Guest
from test.lab.hosts import Host, State
from test.lab.lab import Lab

# Ctrl-] leaves a console.
LEAVE = b"\x1d"
NAME = network.GUESTS[4].fqdn
ADDRESS = network.GUESTS[4].primary


def add_command(home: str, *more: str, system: str = "lab-guest+default") -> list[str]:
    disk = ["--disk-template", "sharedfile", "--disk", "0:size=1G"]
    nic = ["--net", f"0:ip={ADDRESS}", "--os-type", system, "--node", home]
    return ["gnt-instance", "add", *disk, *nic, *more, NAME]


@pytest.fixture
def guest(cluster_lab: Lab, master: Host) -> Iterator[Guest]:
    """A name for an instance, which is removed in the end if it was made."""
    yield Guest(cluster_lab, NAME)
    if [NAME] in listed(master, "instance", "name"):
        master.run(["gnt-instance", "remove", "--force", "--shutdown-timeout=0", NAME])
    assert not (cluster_lab.place.shared / NAME).exists()


@pytest.fixture
def running(master: Host, guest: Guest) -> Guest:
    """A guest on node2 that counts."""
    master.run(add_command("node2.lab", "-O", "heartbeat=0.1"), timeout_s=JOB_S)
    guest.wait_counting()
    return guest


def test_the_cluster_is_sound(cluster_lab: Lab, master: Host) -> None:
    master.run(["gnt-cluster", "verify"], timeout_s=JOB_S)
    rows = listed(master, "node", "name,role,pip,sip")
    hosts = [(host.address.fqdn, host.address) for host in cluster_lab.hosts]
    assert rows == [
        [name, role, address.primary, address.secondary]
        for (name, address), role in zip(hosts, "MCC", strict=True)
    ]


def test_a_guest_can_be_stopped_started_and_reached(master: Host, running: Guest) -> None:
    master.run(["arping", "-c1", "-w9", "-I", network.GUEST_BRIDGE, ADDRESS])
    master.run(["gnt-instance", "shutdown", NAME], timeout_s=JOB_S)
    last = running.counter()
    assert last is not None
    assert (last.boot, last.state, running.hosts()) == (1, "halted", [])
    assert listed(master, "instance", "status", NAME) == [["ADMIN_down"]]
    master.run(["gnt-instance", "startup", NAME], timeout_s=JOB_S)
    assert running.wait_counting().boot == 2
    master.run(["gnt-instance", "reboot", NAME], timeout_s=JOB_S)
    assert running.wait(lambda now: now.boot == 3, "starts again").tick > 0
    assert running.hosts() == ["node2"]


def test_the_console_leads_to_the_guests_login(master: Host, running: Guest) -> None:
    with Terminal(master, f"gnt-instance console {NAME}", leave=LEAVE) as terminal:
        terminal.type_until("\n", f"{NAME} login:")
        terminal.type_until("root\n", " # ")
        terminal.type_until("cat /run/count\n", "boot=1 tick=")


def test_a_guest_that_ignores_the_power_button_is_ended(master: Host, guest: Guest) -> None:
    stubborn = add_command("node3.lab", "-O", "heartbeat=0.1", system="lab-guest+stubborn")
    master.run(stubborn, timeout_s=JOB_S)
    guest.wait_counting()
    master.run(["gnt-instance", "shutdown", "--timeout=3", NAME], timeout_s=JOB_S)
    last = guest.counter()
    assert last is not None
    assert (last.state, guest.hosts()) == ("running", [])


def test_a_failing_os_script_is_told_with_its_own_words(master: Host, guest: Guest) -> None:
    done = master.outcome(add_command("node2.lab", "-O", "fail=create"), timeout_s=JOB_S)
    assert done.returncode == 1
    assert "create fails because the parameter 'fail' asks for it" in done.output
    assert guest.hosts() == []


def test_a_bad_os_parameter_is_refused_before_anything_is_made(
    cluster_lab: Lab, master: Host, guest: Guest
) -> None:
    done = master.outcome(add_command("node2.lab", "-O", "heartbeat=often"), timeout_s=JOB_S)
    assert done.returncode == 1
    assert "parameter heartbeat: 'often'" in done.output
    assert [NAME] not in listed(master, "instance", "name")
    assert not (cluster_lab.place.shared / NAME).exists()


def test_guests_outlive_the_node_daemon(cluster_lab: Lab, master: Host, running: Guest) -> None:
    home = cluster_lab.host("node2")
    before = running.processes(home)
    home.run(["/usr/lib/ganeti/daemon-util", "stop", "ganeti-noded"])
    running.wait_counting()
    home.run(["/usr/lib/ganeti/daemon-util", "start", "ganeti-noded"])
    assert running.processes(home) == before
    assert listed(master, "instance", "status", NAME) == [["running"]]


def test_powercycle_ends_one_host_alone(cluster_lab: Lab, master: Host) -> None:
    """Its disk is dead, and it has not heard of this master yet: it cannot write down whom it obeys."""
    victim = cluster_lab.host("node3")
    fault(cluster_lab, victim, "dead-disk")
    assert "seconds" in node_call(master, victim, "node_powercycle", "kvm", {})
    programs.wait_until(lambda: victim.state is State.OFF, 20, "node3 is off")
    assert [host.state for host in cluster_lab.hosts] == ["up", "up", "off"]
    fault(cluster_lab, victim, "boot")
    programs.wait_until(lambda: answers(master, victim), JOB_S, "node3 answers again")


def answers(master: Host, host: Host) -> bool:
    return listed(master, "node", "mtotal", host.address.fqdn)[0][0].isdigit()


def test_a_master_that_lost_its_power_goes_on_after_its_boot(
    cluster_lab: Lab, master: Host, running: Guest
) -> None:
    jobs = listed(master, "job", "id,status")
    fault(cluster_lab, master, "kill")
    running.wait_counting()
    fault(cluster_lab, master, "boot")
    assert listed(master, "job", "id,status")[: len(jobs)] == jobs
    assert listed(master, "instance", "name,status") == [[NAME, "running"]]
    master.run(["gnt-instance", "shutdown", NAME], timeout_s=JOB_S)


def test_the_story_of_the_demo(new_cluster: Callable[[int, Wish], Lab]) -> None:
    born, moved, rescued = demo.play(new_cluster(3, Wish()))
    assert "booted on node2" in born
    assert "runs on node3" in moved
    assert "over to node2" in rescued


def test_a_cluster_with_ipv6_addresses(new_cluster: Callable[[int, Wish], Lab]) -> None:
    lab = new_cluster(2, Wish("fake", ipv6=True))
    master = lab.hosts[0]
    assert listed(master, "node", "pip") == [[host.address.primary6] for host in lab.hosts]
    master.run(["gnt-cluster", "verify"], timeout_s=JOB_S)
