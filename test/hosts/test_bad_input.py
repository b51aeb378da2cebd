# SPDX-License-Identifier: GPL-2.0-or-later
"""What bad input and bad circumstances get: exit code 1, the kind of error, its object, and nothing half-made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from test.hosts.conftest import fault
from test.hosts.typed import (
    JOB_S,
    SYSTEM,
    listed,
    refused,
    start,
    stop,
    traces,
)
from test.lab import network
from test.lab.hosts import Host
from test.lab.lab import Lab

TAKEN, NEW = (guest.fqdn for guest in network.GUESTS[:2])
ADD = ["gnt-instance", "add", "-o", SYSTEM, "--no-ip-check"]
DISKLESS = [*ADD, "-t", "diskless", "--no-install", "--no-start"]
SHARED = [*ADD, "-t", "sharedfile"]
ON_MASTER = ["-n", "node1.lab"]


@pytest.fixture(scope="module")
def taken(fake_master: Host) -> Iterator[str]:
    """An instance that is there already."""
    fake_master.run([*DISKLESS, *ON_MASTER, TAKEN], timeout_s=JOB_S)
    yield TAKEN
    fake_master.run(["gnt-instance", "remove", "--force", TAKEN], timeout_s=JOB_S)


@pytest.fixture
def spoiled(fake_master: Host) -> Iterator[str]:
    """A name for an instance whose making goes wrong; what is left of it is removed."""
    yield NEW
    if [NEW] in listed(fake_master, "instance", "name"):
        fake_master.run(["gnt-instance", "remove", "--force", NEW], timeout_s=JOB_S)


BAD_ADDS = {
    "name taken": ([*DISKLESS, *ON_MASTER, TAKEN], ["already_exists", TAKEN]),
    "unknown node": ([*DISKLESS, "-n", "node9.lab", NEW], ["unknown_entity", "node9.lab"]),
    "no address": ([*DISKLESS, *ON_MASTER, "nowhere.lab"], ["resolver_error", "nowhere.lab"]),
    "unknown parameter": ([*DISKLESS, *ON_MASTER, "-B", "foo=1", NEW], ["Parameter Error", "foo"]),
    "wrong type": ([*DISKLESS, *ON_MASTER, "-B", "vcpus=many", NEW], ["Parameter Error", "many"]),
    "unknown hv parameter": (
        [*DISKLESS, *ON_MASTER, "-H", "fake:acpi=maybe", NEW],
        ["Parameter Error", "acpi"],
    ),
    "hypervisor not enabled": (
        [*DISKLESS, *ON_MASTER, "-H", "kvm:acpi=true", NEW],
        ["wrong_state", "kvm", "fake"],
    ),
    "size no number": ([*SHARED, "--disk", "0:size=huge", NEW], ["wrong_input", "huge"]),
    "size below zero": ([*SHARED, "--disk", "0:size=-5", NEW], ["wrong_input", "-5"]),
    "size out of policy": (
        [*SHARED, *ON_MASTER, "-s", "100m", NEW],
        ["wrong_input", "disk-size", "100", "default"],
    ),
    "no disk": ([*SHARED, *ON_MASTER, NEW], ["wrong_input", "disk"]),
    "template not enabled": ([*ADD, *ON_MASTER, "-t", "plain", "-s", "1g", NEW], ["plain"]),
    "bad mac": ([*DISKLESS, *ON_MASTER, "--net", "0:mac=zz", NEW], ["wrong_input", "zz"]),
}


@pytest.mark.parametrize("name", BAD_ADDS)
def test_an_instance_that_cannot_be_is_refused(name: str, fake_master: Host, taken: str) -> None:
    argv, words = BAD_ADDS[name]
    refused(fake_master, argv, *words)
    assert listed(fake_master, "instance", "name") == [[taken]]


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["gnt-instance", "info"], "unknown_entity"),
        (["gnt-instance", "list"], "unknown_entity"),
        (["gnt-instance", "remove", "--force"], "unknown_entity"),
        (["gnt-instance", "modify", "-B", "vcpus=2"], "unknown_entity"),
        (["gnt-instance", "startup"], "wrong_input"),
        (["gnt-node", "list"], "unknown_entity"),
        (["gnt-node", "remove"], "unknown_entity"),
        (["gnt-node", "modify", "--drained", "yes"], "unknown_entity"),
        (["gnt-node", "list-tags"], "unknown_entity"),
    ],
)
def test_an_unknown_name_is_told(argv: list[str], code: str, fake_master: Host) -> None:
    refused(fake_master, [*argv, "nosuch.lab"], f"error type: {code}", "nosuch.lab")


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["modify", "-B", "memory=lots"], "lots"),
        (["modify", "-B", "foo=1"], "foo"),
        (["modify", "-H", "foo=1"], "foo"),
        (["modify"], "at least one"),
    ],
)
def test_an_instance_is_not_modified_by_nonsense(
    argv: list[str], word: str, fake_master: Host, taken: str
) -> None:
    refused(fake_master, ["gnt-instance", *argv, taken], word)


def test_an_unknown_os_is_told_by_the_node(fake_master: Host) -> None:
    argv = ["gnt-instance", "add", "-t", "diskless", "-o", "nosuch", *ON_MASTER, NEW]
    refused(fake_master, argv, "command execution error", "nosuch", "node1.lab")


def test_a_node_that_is_down_is_told_and_works_again_later(
    fake_lab: Lab, fake_master: Host, spoiled: str
) -> None:
    home = fake_lab.host("node2")
    argv = [*SHARED, "-s", "1g", "-n", "node2.lab", spoiled]
    stop(home, "ganeti-noded")
    refused(fake_master, argv, "node2.lab")
    assert start(home, "ganeti-noded").returncode == 0
    fake_master.run(argv, timeout_s=JOB_S)
    assert listed(fake_master, "instance", "pnode,status", spoiled) == [["node2.lab", "running"]]


def test_a_full_disk_is_told_and_nothing_is_left(
    fake_lab: Lab, fake_master: Host, spoiled: str
) -> None:
    home = fake_lab.host("node2")
    argv = [*ADD, "-t", "file", "-s", "1g", "-n", "node2.lab", spoiled]
    before = traces(fake_master, home)[1].splitlines()[1:]
    fault(fake_lab, home, "fill")
    try:
        refused(fake_master, argv, "No space left on device", "node2.lab")
    finally:
        fault(fake_lab, home, "unfill")
    assert traces(home)[0].splitlines()[1:] == before
    assert [spoiled] not in listed(fake_master, "instance", "name")
    fake_master.run(argv, timeout_s=JOB_S)


def test_an_instance_whose_os_script_fails_stays_and_is_down(
    fake_master: Host, spoiled: str
) -> None:
    argv = [*SHARED, "-s", "1g", "-n", "node2.lab", "-O", "fail=create", spoiled]
    done = fake_master.outcome(argv, timeout_s=JOB_S)
    assert done.returncode == 1
    assert "command execution error" in done.stderr
    assert "the parameter 'fail' asks for it" in done.stderr
    assert listed(fake_master, "instance", "status,disk.count", spoiled) == [["ADMIN_down", "1"]]
    assert f"/{spoiled}/" in traces(fake_master)[0]
