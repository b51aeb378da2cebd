# SPDX-License-Identifier: GPL-2.0-or-later
"""confd on real hosts: on every candidate, soon after each change, and without the master."""

from __future__ import annotations

from test.hosts import typed
from test.hosts.conftest import fault
from test.hosts.typed import JOB_S
from test.lab import programs
from test.lab.hosts import Host
from test.lab.lab import Lab

CONFD = "ganeti-confd"
TOOL = "/usr/lib/ganeti/tools/confd-client"
ASK = """
import sys
sys.path.insert(0, "/usr/share/ganeti")
from ganeti.confd import callbacks, client
from ganeti.contracts.confd import RequestType, request
newest = callbacks.FilterCallback(lambda upcall: None)
with client.from_ssconf(newest) as confd:
    salt = confd.send(request(RequestType.NODE_ROLE_BYNAME, sys.argv[1]), coverage=client.ALL_PEERS)
    waited = confd.wait_for_reply(salt)
print(newest.newest(salt).answer, waited.sent, newest.is_consistent(salt))
"""


def role(asking: Host, node: Host) -> str:
    """The role that most candidates tell, how many were asked, and whether they agree."""
    return asking.run(["/usr/bin/python3", "-c", ASK, node.address.fqdn]).strip()


def wait_role(asking: Host, node: Host, wanted: str) -> None:
    programs.wait_until(lambda: role(asking, node) == wanted, JOB_S, f"{node.name} is {wanted}")


def tried(asking: Host, server: Host, requests: int = 0) -> list[str]:
    return asking.run([TOOL, "-a", server.address.fqdn, "-r", str(requests)]).splitlines()


def reads(host: Host) -> str:
    """How often the daemon has read from a file, as the kernel counts."""
    lines = host.run(["cat", f"/proc/{typed.daemon_pid(host, CONFD)}/io"]).splitlines()
    return next(line for line in lines if line.startswith("syscr:"))


def test_every_candidate_answers_from_memory(fake_lab: Lab, fake_master: Host) -> None:
    asking = fake_lab.host("node2")
    for server in fake_lab.hosts:
        tried(asking, server)
        before = reads(server)
        lines = tried(asking, server, requests=50)
        assert lines[1] == f"cluster master: {fake_master.address.fqdn}"
        assert lines[-1].startswith("node role: 50 requests in ")
        assert reads(server) == before


def test_a_change_of_a_role_is_told_soon(fake_lab: Lab, fake_master: Host) -> None:
    asking, node = fake_lab.host("node2"), fake_lab.host("node3")
    wait_role(asking, node, "1 3 True")
    fake_master.run(["gnt-node", "modify", "--drained", "yes", node.address.fqdn], timeout_s=JOB_S)
    wait_role(asking, node, "3 2 True")
    silent = asking.outcome([TOOL, "-a", node.address.fqdn], timeout_s=JOB_S)
    assert (silent.returncode, silent.stderr) == (
        1,
        "Did not receive all expected confd replies\n",
    )
    fake_master.run(["gnt-node", "modify", "--drained", "no", node.address.fqdn], timeout_s=JOB_S)
    wait_role(asking, node, "1 3 True")


def test_the_others_answer_while_the_master_is_away(fake_lab: Lab, fake_master: Host) -> None:
    fault(fake_lab, fake_master, "freeze")
    try:
        assert role(fake_lab.host("node2"), fake_master) == "0 3 True"
    finally:
        fault(fake_lab, fake_master, "thaw")
