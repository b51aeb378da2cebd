# SPDX-License-Identifier: GPL-2.0-or-later
"""Real guests among failing daemons and refused wishes: the guest's own counter is the witness."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from test.hosts import typed
from test.hosts.typed import JOB_S, SYSTEM, listed
from test.lab import network, programs
from test.lab.guests import Guest
from test.lab.hosts import Host
from test.lab.lab import Lab

STEADY, SHORT = (guest.fqdn for guest in network.GUESTS[5:7])
HOME = "node2"


def add_command(name: str, *more: str) -> list[str]:
    disk = ["-t", "sharedfile", "-s", "1g", "-o", SYSTEM, "-O", "heartbeat=0.1"]
    return ["gnt-instance", "add", *disk, "--no-ip-check", "-n", f"{HOME}.lab", *more, name]


def remove(master: Host, name: str) -> None:
    if [name] in listed(master, "instance", "name"):
        force = ["--force", "--ignore-failures", "--shutdown-timeout=0"]
        master.run(["gnt-instance", "remove", *force, name], timeout_s=JOB_S)


@pytest.fixture(scope="module")
def steady(cluster_lab: Lab) -> Iterator[Guest]:
    """A guest that runs on through all tests here, without a restart."""
    master = cluster_lab.hosts[0]
    guest = Guest(cluster_lab, STEADY)
    master.run(add_command(STEADY), timeout_s=JOB_S)
    guest.wait_counting()
    yield guest
    remove(master, STEADY)


@pytest.fixture
def unscathed(cluster_lab: Lab, steady: Guest) -> Iterator[Guest]:
    """The guest counts on after the test, in the same processes and on its first start."""
    home = cluster_lab.host(HOME)
    before = steady.processes(home)
    yield steady
    assert steady.wait_counting().boot == 1
    assert steady.processes(home) == before


@pytest.fixture
def short_lived(master: Host) -> Iterator[str]:
    yield SHORT
    remove(master, SHORT)


def verify(master: Host) -> None:
    programs.wait_until(
        lambda: master.outcome(["gnt-cluster", "verify"], timeout_s=JOB_S).returncode == 0,
        JOB_S,
        "gnt-cluster verify finds no error",
    )


@pytest.mark.parametrize(("name", "daemon"), [("node1", "masterd"), (HOME, "noded")])
def test_a_guest_does_not_feel_the_death_of_a_daemon(
    cluster_lab: Lab, master: Host, unscathed: Guest, name: str, daemon: str
) -> None:
    host = cluster_lab.host(name)
    pid = typed.daemon_pid(host, f"ganeti-{daemon}")
    typed.send(host, "KILL", pid)
    typed.wait_ended(host, pid)
    unscathed.wait_counting()
    assert typed.start(host, f"ganeti-{daemon}").returncode == 0
    assert typed.daemon_pid(host, f"ganeti-{daemon}") != pid
    assert listed(master, "instance", "status", unscathed.name) == [["running"]]
    verify(master)


def test_a_guest_does_not_feel_that_all_daemons_stop(
    cluster_lab: Lab, master: Host, unscathed: Guest
) -> None:
    for host in cluster_lab.hosts:
        host.run([typed.DAEMON_UTIL, "stop-all"])
    unscathed.wait_counting()
    for host in reversed(cluster_lab.hosts):  # the master asks the others whether it may be
        host.run([typed.DAEMON_UTIL, "start-all"])
    verify(master)
    assert listed(master, "instance", "status", unscathed.name) == [["running"]]


@pytest.fixture
def bridge_at_home(cluster_lab: Lab) -> Iterator[str]:
    """A bridge that one node has and the others have not."""
    home = cluster_lab.host(HOME)
    home.run(["ip", "link", "add", "elsewhere", "up", "type", "bridge"])
    yield "elsewhere"
    home.run(["ip", "link", "delete", "elsewhere"])


def test_a_target_without_the_bridge_is_refused(
    cluster_lab: Lab, master: Host, bridge_at_home: str, short_lived: str
) -> None:
    master.run(add_command(short_lived, "--net", f"0:link={bridge_at_home}"), timeout_s=JOB_S)
    guest = Guest(cluster_lab, short_lived)
    before = guest.wait_counting()
    migrate = ["gnt-instance", "migrate", "--force", "-n", "node3.lab", short_lived]
    typed.refused(master, migrate, "environment_error", bridge_at_home, "node3.lab")
    assert guest.hosts() == [HOME]
    assert guest.wait_counting().boot == before.boot
    refused_add = [*add_command("guest9.lab", "--net", "0:link=nobridge")]
    typed.refused(master, refused_add, "nobridge", f"{HOME}.lab")


def test_qemu_that_dies_at_once_is_told_with_its_own_words(
    cluster_lab: Lab, master: Host, short_lived: str
) -> None:
    argv = add_command(short_lived, "-H", "kvm:kvm_extra=-nosuchoption")
    done = master.outcome(argv, timeout_s=JOB_S)
    assert done.returncode == 1
    assert "command execution error" in done.stderr
    assert "nosuchoption" in done.stderr
    assert Guest(cluster_lab, short_lived).hosts() == []
    assert listed(master, "instance", "status", short_lived) == [["ERROR_down"]]


def test_a_guest_goes_there_and_back_and_is_at_home_where_it_is(
    cluster_lab: Lab, master: Host, short_lived: str
) -> None:
    """QEMU says of a guest that once came to it that its migration is completed, for ever."""
    master.run(add_command(short_lived), timeout_s=JOB_S)
    guest = Guest(cluster_lab, short_lived)
    boot = guest.wait_counting().boot
    migrate = ["gnt-instance", "migrate", "--force", "-n"]
    for node in ("node3", HOME):
        master.run([*migrate, f"{node}.lab", short_lived], timeout_s=JOB_S)
        assert guest.hosts() == [node]
        assert guest.wait_counting().boot == boot
    for node in ("node3", HOME):
        master.run([*migrate, f"{node}.lab", "--cleanup", short_lived], timeout_s=JOB_S)
        assert guest.hosts() == [HOME]
    assert guest.wait_counting().boot == boot
