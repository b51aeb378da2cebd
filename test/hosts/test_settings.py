# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings of the cluster and of nodes: what other nodes hear of them, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from test.hosts.typed import CONFIG, DATA, JOB_S, SYSTEM, listed, refused
from test.lab import network
from test.lab.hosts import Host
from test.lab.lab import Lab

NAME = network.GUESTS[7].fqdn
MODIFY = ["gnt-cluster", "modify"]
DISKLESS = ["gnt-instance", "add", "-t", "diskless", "-o", SYSTEM, "--no-ip-check", "--no-start"]


@pytest.fixture
def restored(fake_master: Host) -> Iterator[None]:
    """Whatever a test set is again as it was."""
    yield
    usual = ["-B", "vcpus=default", "-H", "fake:migration_mode=default", "-N", "vlan=default"]
    usual += ["-C", "10", "--node-parameters", "spindle_count=default", "--user-shutdown=no"]
    fake_master.run([*MODIFY, *usual], timeout_s=JOB_S)
    fake_master.run(["gnt-cluster", "verify"], timeout_s=JOB_S)


def ssconf(host: Host, key: str) -> list[str]:
    return host.run(["cat", f"{DATA}/ssconf_{key}"]).splitlines()


def candidates(host: Host) -> list[str]:
    return sorted(ssconf(host, "master_candidates"))


def test_defaults_are_what_instances_and_nodes_have(
    fake_lab: Lab, fake_master: Host, restored: None
) -> None:
    changes = ["-B", "vcpus=3", "-H", "fake:migration_mode=non-live", "-N", "vlan=7"]
    changes += ["--node-parameters", "spindle_count=5", "--user-shutdown=yes"]
    assert fake_master.run([*MODIFY, *changes], timeout_s=JOB_S) == ""
    for host in fake_lab.hosts:
        assert "migration_mode=non-live" in ssconf(host, "hvparams_fake")
        assert ssconf(host, "enabled_user_shutdown") == ["True"]
    info = fake_master.run(["gnt-cluster", "info"]).split("\n")
    told = {"    vcpus: 3", "    migration_mode: non-live", "    vlan: .7", "  spindle_count: 5"}
    assert told <= set(info)
    assert listed(fake_master, "node", "ndp/spindle_count") == [["5"]] * 3
    fake_master.run([*DISKLESS, "-n", "node2.lab", NAME], timeout_s=JOB_S)
    try:
        shown = fake_master.run(["gnt-instance", "info", NAME]).split("\n")
    finally:
        fake_master.run(["gnt-instance", "remove", "--force", NAME], timeout_s=JOB_S)
    assert {"    vcpus: default (3)", "      vlan: .7"} <= set(shown)


def test_parameters_of_an_os_reach_its_instances(fake_master: Host) -> None:
    base, _, _ = SYSTEM.partition("+")
    command = ["gnt-os", "modify", "-O"]
    fake_master.run([*command, "heartbeat=7", base], timeout_s=JOB_S)
    try:
        refused(fake_master, [*command, "heartbeat=often", base], "'often'", base)
        refused(fake_master, [*command, "heartbeat=often", SYSTEM], "'often'", SYSTEM)
        told = fake_master.run(["gnt-cluster", "info"])
    finally:
        fake_master.run([*command, "heartbeat=default", base], timeout_s=JOB_S)
    assert f"OS parameters: \n  {base}: \n    heartbeat: 7\n" in told


def test_the_pool_of_candidates_shrinks_by_hand_and_grows_by_itself(
    fake_lab: Lab, fake_master: Host, restored: None
) -> None:
    third = fake_lab.host("node3")
    demote = ["gnt-node", "modify", "--master-candidate=no", "node3.lab"]
    refused(fake_master, [*MODIFY, "-C", "0"], "protocol error")
    fake_master.run([*MODIFY, "-C", "3"], timeout_s=JOB_S)
    fake_master.run([*MODIFY, "-C", "2"], timeout_s=JOB_S)
    assert len(candidates(third)) == 3
    fake_master.run(demote, timeout_s=JOB_S)
    assert candidates(third) == ["node1.lab", "node2.lab"]
    assert third.outcome(["test", "-e", CONFIG]).returncode == 1
    also = ["gnt-node", "modify", "--drained=yes", "node2.lab"]
    refused(fake_master, also, "wrong_state", "--auto-promote")
    told = fake_master.run([*MODIFY, "-C", "10"], timeout_s=JOB_S)
    assert "INFO: node node3.lab becomes master candidate" in told
    assert candidates(third) == ["node1.lab", "node2.lab", "node3.lab"]
    assert third.outcome(["test", "-e", CONFIG]).returncode == 0


def role(master: Host, name: str) -> str:
    [[found]] = listed(master, "node", "role", name)
    return found


def test_a_node_that_cannot_be_master_has_no_keys_of_others(
    fake_lab: Lab, fake_master: Host
) -> None:
    third = fake_lab.host("node3")

    def modify(*options: str, name: str = "node3.lab") -> list[str]:
        return ["gnt-node", "modify", *options, name]

    able, unable = modify("--master-capable=yes"), modify("--master-capable=no")
    fake_master.run(unable, timeout_s=JOB_S)
    assert role(fake_master, "node3.lab") == "R"
    assert third.run(["cat", f"{DATA}/ganeti_pub_keys"]) == ""
    for argv, word in (
        (modify("--master-candidate=yes"), "wrong_state"),
        (modify("--drained=yes", "--offline=yes"), "wrong_input"),
        (modify("--node-parameters", "exclusive_storage=true"), "exclusive_storage"),
        (modify("--secondary-ip", "10.79.0.99"), "environment_error"),
        (modify("--secondary-ip", network.host_address("node2").secondary), "not_unique"),
        (modify("--master-capable=no", name="node1.lab"), "master-failover"),
        (modify(), "at least one"),
    ):
        refused(fake_master, argv, word)
    fake_master.run(["gnt-cluster", "verify"], timeout_s=JOB_S)
    fake_master.run(able, timeout_s=JOB_S)
    assert role(fake_master, "node3.lab") == "C"
    fake_master.run(["gnt-cluster", "verify"], timeout_s=JOB_S)


@pytest.mark.parametrize("flag", ["offline", "drained"])
def test_a_node_that_is_put_aside_gets_no_instance(fake_master: Host, flag: str) -> None:
    change = ["gnt-node", "modify", "--force", f"--{flag}"]
    fake_master.run([*change, "yes", "node3.lab"], timeout_s=JOB_S)
    try:
        refused(fake_master, [*DISKLESS, "-n", "node3.lab", NAME], "node3.lab", flag)
        [[memory]] = listed(fake_master, "node", "mfree", "node3.lab")
        assert (memory == "*") == (flag == "offline")
        fake_master.run(["gnt-cluster", "verify"], timeout_s=JOB_S)
    finally:
        fake_master.run([*change, "no", "node3.lab"], timeout_s=JOB_S)
    assert role(fake_master, "node3.lab") == "C"


REFUSED = {
    "nothing": ([], "at least one"),
    "hypervisor in use": (["--enabled-hypervisors=kvm"], "wrong_state"),
    "no such hypervisor": (["--enabled-hypervisors=vmware"], "vmware"),
    "template in use": (
        ["--enabled-disk-templates=file", "--ipolicy-disk-templates=file"],
        "diskless",
    ),
    "template without volumes": (["--enabled-disk-templates=diskless,plain"], "volume group"),
    "allowed but not enabled": (
        ["--enabled-disk-templates=diskless,file"],
        "--ipolicy-disk-templates",
    ),
    "memory": (["-B", "minmem=2g"], "minmem"),
    "no number": (["-B", "vcpus=many"], "Parameter Error"),
    "unknown parameter": (["-H", "fake:acpi=true"], "Parameter Error"),
    "NIC mode": (["-N", "mode=tunnelled"], "'tunnelled'"),
    "netmask": (["--master-netmask=99"], "99"),
    "MAC prefix": (["--mac-prefix=xyz"], "xyz"),
}


@pytest.fixture(scope="module")
def user(fake_master: Host) -> Iterator[str]:
    """An instance that needs its hypervisor and its template."""
    fake_master.run([*DISKLESS, "-n", "node2.lab", NAME], timeout_s=JOB_S)
    yield NAME
    fake_master.run(["gnt-instance", "remove", "--force", NAME], timeout_s=JOB_S)


@pytest.mark.parametrize("name", REFUSED)
def test_settings_that_cannot_be_are_refused(name: str, fake_master: Host, user: str) -> None:
    options, word = REFUSED[name]
    assert user
    before = fake_master.run(["cat", CONFIG])
    done = fake_master.outcome([*MODIFY, *options], timeout_s=JOB_S)
    assert done.returncode == (2 if name == "NIC mode" else 1)
    assert (done.stdout, word in done.stderr) == ("", True)
    assert fake_master.run(["cat", CONFIG]) == before
