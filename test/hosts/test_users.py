# SPDX-License-Identifier: GPL-2.0-or-later
"""Daemons with users of their own need nothing of root's."""

from __future__ import annotations

from test.hosts.conftest import a_lab
from test.lab import cluster
from test.lab.cluster import Wish
from test.lab.hosts import Host
from test.lab.main import say

SPLIT = """
for name in gnt-masterd gnt-confd gnt-rapi gnt-daemons gnt-admin; do groupadd -r $name; done
for name in gnt-masterd gnt-confd gnt-rapi; do
    useradd -r -g $name -G gnt-daemons -d / -s /usr/sbin/nologin $name
done
"""


def owner_of(host: Host, daemon: str) -> str:
    return host.run(["sh", "-c", f"stat -c %U /proc/$(cat /run/ganeti/{daemon}.pid)"]).strip()


def test_the_daemons_run_as_their_own_users() -> None:
    with a_lab(2) as lab:
        for host in lab.hosts:
            host.run(["sh", "-ec", SPLIT])
        cluster.make(lab, Wish("fake"), say)
        master = lab.hosts[0]
        assert owner_of(master, "ganeti-masterd") == "gnt-masterd"
        for host in lab.hosts:
            assert owner_of(host, "ganeti-confd") == "gnt-confd"
            master.run(["/usr/lib/ganeti/tools/confd-client", "-r", "0", "-a", host.address.fqdn])
        master.run(["gnt-cluster", "add-tags", "own-user"])
        files = master.run(["stat", "-c", "%U:%G %a", "/var/lib/ganeti/config.data"]).strip()
        assert files == "gnt-masterd:gnt-confd 640"
        sockets = master.run(["sh", "-c", "stat -c '%U:%G %a' /run/ganeti/socket/*"]).split("\n")
        assert [line for line in sockets if line] == ["gnt-masterd:gnt-daemons 660"] * 2
        master.run(["gnt-cluster", "verify"])
        check_takeover(lab.hosts[1])


def check_takeover(new: Host) -> None:
    """What the node daemon has written for the old master, the new one can go on with."""
    new.run(["gnt-cluster", "master-failover"])
    assert owner_of(new, "ganeti-masterd") == "gnt-masterd"
    new.run(["gnt-cluster", "add-tags", "other-host"])
    queue = [f"/var/lib/ganeti/queue/{name}" for name in ("serial", "candidates", "job-1")]
    owners = new.run(["stat", "-c", "%U:%G %a", *queue]).splitlines()
    assert owners == ["gnt-masterd:gnt-daemons 640"] * len(queue)
    new.run(["gnt-cluster", "verify"])
