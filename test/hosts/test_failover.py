# SPDX-License-Identifier: GPL-2.0-or-later
"""The master is lost, or thought to be; another host takes over, and no node obeys two masters."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from ganeti.contracts.node.files import FileCalls
from ganeti.contracts.node.jobs import JobCalls
from ganeti.contracts.node.system import SystemCalls
from ganeti.schema.contract import Contract
from test.hosts import typed
from test.hosts.conftest import a_lab, fault
from test.lab import cluster, network, programs
from test.lab.cluster import Wish
from test.lab.hosts import Host
from test.lab.lab import Lab
from test.lab.main import say

DATA = "/var/lib/ganeti"
NODE_LOG, MASTER_LOG = "/var/log/ganeti/node-daemon.log", "/var/log/ganeti/master-daemon.log"
EXIT_CODE = "/root/masterd-exit"
DEPOSED = "11\n"
FAILOVER = ["gnt-cluster", "master-failover"]
STEP_S = 90.0
"""A node that was away is tried again after half a minute at the latest."""

OBEYS = re.compile(r"obeying (\S+) of epoch (\d+) (?:from now on|as before)")
CALL = re.compile(r" (\S+):\d+ POST /(\w+) HTTP/1.1 200$")
CONTRACTS: tuple[type[Contract], ...] = (FileCalls, JobCalls, SystemCalls)
FENCED = {name for cls in CONTRACTS for name, call in cls.CALLS.items() if call.fenced}


@pytest.fixture
def lab() -> Iterator[Lab]:
    with a_lab(3) as lab:
        cluster.make(lab, Wish("fake"), say)
        yield lab


def run_in_foreground(master: Host) -> None:
    """The master daemon, whose exit code is kept when it ends."""
    typed.stop(master, "ganeti-masterd")
    line = f"setsid sh -c 'ganeti-masterd -f; echo $? > {EXIT_CODE}' >/dev/null 2>&1 </dev/null &"
    master.run(["sh", "-c", line])
    programs.wait_until(lambda: typed.answers(master), STEP_S, "the master daemon answers")


def wait_deposed(host: Host) -> None:
    def exit_code() -> str:
        return host.outcome(["cat", EXIT_CODE]).stdout

    programs.wait_until(lambda: exit_code() != "", STEP_S, f"{host.name} is deposed")
    assert exit_code() == DEPOSED
    assert "another master has taken over" in host.run(["grep", "CRITICAL", MASTER_LOG])


def wait_obeyed(host: Host, master: Host) -> None:
    """Until the host knows its new master."""
    programs.wait_until(
        lambda: host.run(["gnt-cluster", "getmaster"]).strip() == master.address.fqdn,
        STEP_S,
        f"{host.name} obeys {master.name}",
    )


def kept(host: Host) -> list[str]:
    """What was set aside there."""
    return host.run(["sh", "-c", f"cd {DATA} && ls -d *.superseded-* 2>/dev/null || :"]).split()


def owns_address(host: Host) -> bool:
    address = network.CLUSTER.primary
    return address in host.run(["ip", "-o", "address", "show", "to", address])


def check_one_master(lab: Lab, first: Host) -> None:
    """In no node's log a call of a master stands after the node began to obey another one."""
    names = {host.address.primary: host.address.fqdn for host in lab.hosts}
    for host in lab.hosts:
        obeyed, epoch, calls = first.address.fqdn, 0, 0
        for line in host.run(["cat", NODE_LOG]).splitlines():
            if found := OBEYS.search(line):
                is_known = (found[1], int(found[2])) == (obeyed, epoch)
                assert int(found[2]) > epoch or is_known, line
                obeyed, epoch = found[1], int(found[2])
            elif (found := CALL.search(line)) and found[2] in FENCED:
                assert names[found[1]] == obeyed, f"{host.name}: {line}"
                calls += 1
        assert epoch > 0
        assert calls > 0


def test_a_dead_master_is_replaced(lab: Lab) -> None:
    old, new, other = lab.hosts
    typed.refused(old, FAILOVER, "already")
    job = typed.submitted(old, ["gnt-debug", "delay", "-l", "0.01"])
    typed.wait_job(old, job, "success")
    old.run(["gnt-job", "archive", job])
    lacked = typed.submitted(old, ["gnt-debug", "delay", "-l", "3"])
    typed.wait_job(old, lacked, "running")
    fault(lab, other, "cut")
    typed.wait_job(old, lacked, "success")
    old.run(["gnt-cluster", "add-tags", "before"])
    fault(lab, old, "kill")
    fault(lab, other, "heal")
    typed.refused(other, [*FAILOVER, "--no-voting", "--yes-do-it"], new.address.fqdn, "newer")
    done = new.outcome(FAILOVER, timeout_s=STEP_S)
    assert (done.returncode, done.stdout) == (0, ""), done.output
    assert new.run(["gnt-cluster", "list-tags"]) == "before\n"
    assert [typed.job_status(new, number) for number in (job, lacked)] == ["success"] * 2
    assert owns_address(new)
    assert other.run(["gnt-cluster", "getmaster"]) == f"{new.address.fqdn}\n"
    fault(lab, old, "boot")
    wait_obeyed(old, new)
    assert not owns_address(old)
    assert typed.start(old, "ganeti-masterd").failed
    assert "ERROR" not in new.run(["gnt-cluster", "verify"])
    back = old.outcome(FAILOVER, timeout_s=STEP_S)
    assert (back.returncode, back.output) == (0, "")
    assert old.run(["gnt-cluster", "list-tags"]) == "before\n"
    assert f"Job ID: {job}\n" in old.run(["gnt-job", "info", job])
    check_one_master(lab, old)


def test_a_master_that_was_cut_off_ends_and_keeps_what_it_did_alone(lab: Lab) -> None:
    old, new, _ = lab.hosts
    run_in_foreground(old)
    fault(lab, old, "cut")
    old.run(["gnt-cluster", "add-tags", "alone"], timeout_s=STEP_S)
    job = typed.submitted(old, ["gnt-debug", "delay", "-l", "0.01"])
    typed.wait_job(old, job, "success")
    alone = old.outcome(["gnt-cluster", "add-tags", "b"], timeout_s=STEP_S)
    assert alone.returncode == 0
    done = new.outcome(FAILOVER, timeout_s=STEP_S)
    assert (done.returncode, done.stdout) == (0, ""), done.output
    new.run(["gnt-cluster", "add-tags", "together"])
    assert owns_address(old) and owns_address(new)
    fault(lab, old, "heal")
    wait_deposed(old)
    wait_obeyed(old, new)
    programs.wait_until(lambda: not owns_address(old), STEP_S, "the address is given back")
    assert new.run(["gnt-cluster", "list-tags"]) == "together\n"
    aside = kept(old)
    config = next(name for name in aside if name.startswith("config.data"))
    assert old.outcome(["grep", "-c", '"alone"', f"{DATA}/{config}"]).returncode == 0
    archives = [name for name in aside if name.startswith("queue")]
    content = old.run(["sh", "-c", f"cd {DATA} && tar -xOf {archives[-1]} queue/job-{job}"])
    assert '"success"' in content
    assert [kept(host) for host in lab.hosts[1:]] == [[], []]
    assert "ERROR" not in new.run(["gnt-cluster", "verify"])
    check_one_master(lab, old)


def test_a_frozen_master_that_goes_on_ends(lab: Lab) -> None:
    old, new, other = lab.hosts
    run_in_foreground(old)
    fault(lab, old, "freeze")
    done = new.outcome(FAILOVER, timeout_s=2 * STEP_S)
    assert done.returncode == 1, done.output
    assert "address" in done.stderr
    fault(lab, old, "thaw")
    wait_deposed(old)
    wait_obeyed(old, new)
    programs.wait_until(lambda: not owns_address(old), STEP_S, "the address is given back")
    new.run(["gnt-cluster", "activate-master-ip"])
    new.run(["gnt-debug", "test-jobqueue"])
    refused = other.outcome([*FAILOVER, "--no-voting"])
    assert refused.returncode == 1
    assert other.run(["gnt-cluster", "getmaster"]) == f"{new.address.fqdn}\n"
    check_one_master(lab, old)
