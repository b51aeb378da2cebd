# SPDX-License-Identifier: GPL-2.0-or-later
"""An admin's day without mishap: each command does on real hosts what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from test.hosts import typed
from test.hosts.terminal import Terminal
from test.hosts.typed import DATA, JOB_S, SYSTEM, listed, refused
from test.lab import cluster, network
from test.lab.cluster import Wish
from test.lab.hosts import Host
from test.lab.lab import Lab

NAME, OTHER = (guest.fqdn for guest in network.GUESTS[2:4])
LEAVER = network.host_address("node3")
# A host as it comes from its installer: nobody's key opens it, and its own is unknown.
NEW_HOST = """
rm /root/.ssh/authorized_keys /etc/ssh/ssh_host_*
ssh-keygen -q -A
/etc/init.d/ssh restart
"""
DELAY = ["gnt-debug", "delay"]
INTERRUPT = "socat -u OPEN:/dev/null UNIX-CONNECT:$(echo /run/ganeti/socket/*-delay)"


@pytest.fixture
def instance(fake_master: Host) -> Iterator[str]:
    """A running instance with a disk on node2, which is removed in the end by whatever name it has."""
    what = ["-t", "sharedfile", "-s", "1g", "-o", SYSTEM, "--no-ip-check", "-n", "node2.lab"]
    fake_master.run(["gnt-instance", "add", *what, NAME], timeout_s=JOB_S)
    yield NAME
    for [name] in listed(fake_master, "instance", "name"):
        if name in (NAME, OTHER):
            fake_master.run(["gnt-instance", "remove", "--force", name], timeout_s=JOB_S)


def status(master: Host, name: str) -> str:
    [[found]] = listed(master, "instance", "status", name)
    return found


def roles(master: Host) -> str:
    return "".join(role for [role] in listed(master, "node", "role"))


def modify_node(master: Host, *options: str) -> str:
    return master.run(["gnt-node", "modify", *options, "node3.lab"], timeout_s=JOB_S)


def test_an_instance_from_start_to_removal(fake_lab: Lab, fake_master: Host, instance: str) -> None:
    def act(*words: str) -> str:
        return fake_master.run(["gnt-instance", *words], timeout_s=JOB_S)

    assert status(fake_master, instance) == "running"
    act("reboot", instance)
    refused(fake_master, ["gnt-instance", "rename", instance, OTHER], "wrong_state", instance)
    refused(fake_master, ["gnt-instance", "reinstall", "-f", instance], "wrong_state", instance)
    act("shutdown", instance)
    assert status(fake_master, instance) == "ADMIN_down"
    act("reinstall", "-f", instance)
    modified = act("modify", "-B", "vcpus=2,maxmem=256m", instance)
    assert f"Modified instance {instance}" in modified
    assert listed(fake_master, "instance", "vcpus,be/maxmem", instance) == [["2", "256"]]
    act("rename", "--no-ip-check", instance, OTHER)
    assert (fake_lab.place.shared / OTHER).exists()
    assert not (fake_lab.place.shared / instance).exists()
    act("startup", OTHER)
    assert status(fake_master, OTHER) == "running"
    act("remove", "--force", OTHER)
    assert listed(fake_master, "instance", "name") == []
    assert not (fake_lab.place.shared / OTHER).exists()


def test_a_removal_without_a_terminal_is_not_done(fake_master: Host, instance: str) -> None:
    done = refused(fake_master, ["gnt-instance", "remove", instance])
    assert done.output.strip() == ""
    assert status(fake_master, instance) == "running"


@pytest.mark.parametrize("kind", ["cluster", "node"])
def test_tags_come_and_go(fake_master: Host, kind: str) -> None:
    name = ["node2.lab"] if kind == "node" else []

    def tags(verb: str, *words: str) -> str:
        return fake_master.run([f"gnt-{kind}", f"{verb}-tags", *name, *words])

    assert tags("add", "b", "a") == ""
    assert tags("list") == "a\nb\n"
    path = "/nodes/node2.lab" if kind == "node" else "/cluster"
    assert f"{path} a\n" in fake_master.run(["gnt-cluster", "search-tags", "^a$"])
    tags("remove", "a")
    refused(fake_master, [f"gnt-{kind}", "remove-tags", *name, "a"], "unknown_entity", "a")
    refused(fake_master, [f"gnt-{kind}", "add-tags", *name, "a b"], "invalid tag(s)", "a b")
    tags("remove", "b")
    assert tags("list") == ""


def test_a_job_that_waits_can_be_cancelled_and_one_that_runs_be_watched(fake_master: Host) -> None:
    running = typed.submitted(fake_master, [*DELAY, "--interruptible", "-r", "1", "600"])
    typed.wait_job(fake_master, running, "running")
    waiting = typed.submitted(fake_master, [*DELAY, "0.01"])
    typed.wait_job(fake_master, waiting, "waiting")
    locks = fake_master.run(["gnt-debug", "locks"])
    assert f"exclusive:{waiting}" in locks
    assert waiting in fake_master.run(["gnt-job", "cancel", waiting])
    assert typed.job_status(fake_master, waiting) == "canceled"
    fake_master.run(["sh", "-c", INTERRUPT])
    watched = fake_master.run(["gnt-job", "watch", running])
    assert watched.startswith(f"Output from job {running} follows\n")
    assert "0/0" in watched
    assert typed.job_status(fake_master, running) == "success"
    info = fake_master.run(["gnt-job", "info", running])
    assert f"Job ID: {running}\n" in info
    assert "OP_TEST_DELAY" in info
    done = fake_master.outcome(["gnt-job", "cancel", waiting])
    assert (done.returncode, waiting in done.stdout) == (1, True)


def test_jobs_can_be_archived(fake_master: Host) -> None:
    job = typed.submitted(fake_master, [*DELAY, "0.01"])
    typed.wait_job(fake_master, job, "success")
    fake_master.run(["gnt-job", "archive", job])
    assert [job] not in listed(fake_master, "job", "id")
    assert f"Job ID: {job}\n" in fake_master.run(["gnt-job", "info", job])
    assert "Job ID 99999 not found" in fake_master.run(["gnt-job", "info", "99999"])
    refused(fake_master, ["gnt-job", "archive", "99999"], "99999")
    refused(fake_master, ["gnt-job", "cancel", "first"], "wrong_input", "first")


def test_a_command_runs_on_every_node_and_on_the_master_last(fake_master: Host) -> None:
    blocks = fake_master.run(["gnt-cluster", "command", "hostname"]).split("-" * 48 + "\n")[1:]
    nodes = ["node2.lab", "node3.lab", "node1.lab"]
    assert blocks == [f"node: {name}\n{name}\n\nreturn code = 0\n" for name in nodes]


def test_a_file_is_copied_to_all_nodes(fake_lab: Lab, fake_master: Host) -> None:
    fake_master.run(["tee", "/root/news"], stdin="good")
    assert fake_master.run(["gnt-cluster", "copyfile", "/root/news"]) == ""
    assert [host.run(["cat", "/root/news"]) for host in fake_lab.hosts] == ["good"] * 3
    refused(fake_master, ["gnt-cluster", "copyfile", "/root/nosuch"], "wrong_input", "/root/nosuch")


def test_a_drained_queue_takes_no_job(fake_master: Host) -> None:
    fake_master.run(["gnt-cluster", "queue", "drain"])
    try:
        assert fake_master.run(["gnt-cluster", "queue", "info"]).endswith(" set\n")
        done = refused(fake_master, [*DELAY, "0.01"], "drained")
        assert done.stderr.startswith("Failure: ")
    finally:
        fake_master.run(["gnt-cluster", "queue", "undrain"])
    assert fake_master.run(["gnt-cluster", "queue", "info"]).endswith(" unset\n")
    fake_master.run([*DELAY, "0.01"])


def test_the_watcher_can_be_paused(fake_master: Host) -> None:
    def watcher(*words: str) -> str:
        return fake_master.run(["gnt-cluster", "watcher", *words])

    free = watcher("info")
    until = watcher("pause", "1h")
    assert (watcher("info"), until.endswith(".\n")) == (until, True)
    assert watcher("continue") != until
    assert watcher("info") == free


def test_what_the_cluster_says_of_itself(fake_lab: Lab, fake_master: Host) -> None:
    for host in fake_lab.hosts:
        assert host.run(["gnt-cluster", "getmaster"]) == "node1.lab\n"
    assert "Configuration format: 3000000\n" in fake_master.run(["gnt-cluster", "version"])
    assert fake_master.run(["gnt-cluster", "master-ping"]) == ""
    info = fake_master.run(["gnt-cluster", "info"])
    assert info.startswith(f"Cluster name: {network.CLUSTER.fqdn}\n")


def test_shared_files_can_be_sent_again(fake_lab: Lab, fake_master: Host) -> None:
    other = fake_lab.host("node2")
    key = f"{DATA}/rapi.pem"
    other.run(["sh", "-c", f"chmod u+w {key}; echo spoiled >{key}"])
    done = fake_master.outcome(["gnt-cluster", "verify"], timeout_s=JOB_S)
    assert (done.returncode, f"{key} differs" in done.stdout) == (1, True)
    fake_master.run(["gnt-cluster", "redist-conf"], timeout_s=JOB_S)
    assert typed.digest(other, key) == typed.digest(fake_master, key)
    fake_master.run(["gnt-cluster", "verify"], timeout_s=JOB_S)


@pytest.mark.parametrize(
    "argv",
    [
        ["gnt-instance", "list"],
        ["gnt-node", "list"],
        ["gnt-job", "list"],
        ["gnt-cluster", "info"],
        ["gnt-cluster", "verify"],
        ["gnt-cluster", "command", "true"],
        ["gnt-cluster", "destroy", "--yes-do-it"],
    ],
    ids=" ".join,
)
def test_another_node_names_the_master(fake_lab: Lab, argv: list[str]) -> None:
    refused(fake_lab.host("node2"), argv, "error type: wrong_input", "node1.lab")


def test_a_cluster_is_not_made_twice_nor_destroyed_by_mistake(fake_master: Host) -> None:
    refused(fake_master, ["gnt-cluster", "init", "second.lab"], "wrong_state")
    done = refused(fake_master, ["gnt-cluster", "destroy"], "--yes-do-it")
    assert len(done.stderr.splitlines()) == 1
    done = refused(fake_master, ["gnt-cluster", "destroy", "--yes-do-it"], "node2.lab")


def test_a_node_changes_its_role_and_comes_back(fake_lab: Lab, fake_master: Host) -> None:
    assert roles(fake_master) == "MCC"
    assert " - drained -> True\n" in modify_node(fake_master, "--drained", "yes")
    assert roles(fake_master) == "MCD"
    assert "already" in modify_node(fake_master, "--drained", "yes")
    modify_node(fake_master, "--drained", "no")
    modify_node(fake_master, "--master-candidate", "no")
    assert roles(fake_master) == "MCR"
    assert fake_lab.host("node3").outcome(["test", "-e", typed.CONFIG]).returncode == 1
    modify_node(fake_master, "--master-candidate", "yes")
    modify_node(fake_master, "--offline", "yes")
    assert roles(fake_master) == "MCO"
    back = modify_node(fake_master, "--force", "--offline", "no")
    assert "does not have this change" not in back
    assert roles(fake_master) == "MCC"
    for bad in (["--offline", "yes"], ["--drained", "yes"], ["--master-candidate", "no"]):
        refused(fake_master, ["gnt-node", "modify", *bad, "node1.lab"], "wrong_input", "node1.lab")
    fake_master.run(["gnt-cluster", "verify"], timeout_s=JOB_S)


def test_a_node_leaves_and_joins_again(fake_lab: Lab, fake_master: Host) -> None:
    leaver = fake_lab.host("node3")
    refused(fake_master, ["gnt-node", "remove", "node1.lab"], "wrong_input", "master")
    refused(fake_master, ["gnt-node", "add", "node2.lab"], "node2.lab", "--readd")
    fake_master.run(["gnt-node", "remove", "node3.lab"], timeout_s=JOB_S)
    assert roles(fake_master) == "MC"
    assert leaver.run(["find", DATA, "-type", "f"]) == ""
    for argv in (["gnt-instance", "list"], ["gnt-job", "list"], ["gnt-cluster", "verify"]):
        done = leaver.outcome(argv)
        assert (done.returncode, "error type: wrong_input" in done.stderr) == (1, True)
    assert leaver.outcome(["gnt-cluster", "getmaster"]).returncode == 2
    fake_master.run(["gnt-cluster", "verify"], timeout_s=JOB_S)
    fake_master.run(["tee", "-a", "/etc/hosts"], stdin=f"{LEAVER.primary} {LEAVER.fqdn}\n")
    leaver.run(["sh", "-c", NEW_HOST])
    join_by_password(fake_master, leaver)
    assert roles(fake_master) == "MCC"
    fake_master.run(["gnt-cluster", "verify"], timeout_s=JOB_S)


def join_by_password(master: Host, host: Host) -> None:
    """Judge the host's key, mistype the password, and type it."""
    fingerprints = host.run(["sh", "-c", "cat /etc/ssh/*.pub | ssh-keygen -lf -"])
    prompt = f"Password of root on {host.address.fqdn}: "
    command = f"gnt-node add -s {host.address.secondary} {host.address.fqdn}"
    with Terminal(master, command) as terminal:
        question = terminal.answer("y/[n]/?: ", "y")
        terminal.answer(prompt, "mistyped")
        between = terminal.answer(prompt, "lab")
        code, last = terminal.end()
    (shown,) = re.findall(r"SHA256:[\w+/]+", question)
    assert shown in fingerprints
    assert "mistyped" not in between
    assert (code, "will be a master candidate" in last) == (0, True)


def test_a_destroyed_cluster_leaves_a_host_without_a_cluster(
    new_cluster: Callable[[int, Wish], Lab],
) -> None:
    lab = new_cluster(1, Wish("fake"))
    host = lab.hosts[0]
    assert host.run(["gnt-cluster", "destroy", "--yes-do-it"], timeout_s=JOB_S) == ""
    assert host.run(["find", DATA, "-type", "f"]) == ""
    assert "ganeti" not in host.run(["ps", "-e", "-o", "comm"])
    assert network.CLUSTER.primary not in host.run(["ip", "-o", "address"])
    for argv in (["gnt-node", "list"], ["gnt-cluster", "destroy", "--yes-do-it"]):
        done = host.outcome(argv)
        assert (done.returncode, "error type: wrong_input" in done.stderr) == (1, True)
    done = host.outcome(["gnt-cluster", "getmaster"])
    assert (done.returncode, done.stdout) == (2, "")
    host.run(cluster.init_command(host, Wish("fake"), {}), timeout_s=JOB_S)
    assert host.run(["gnt-cluster", "getmaster"]) == "node1.lab\n"
