# SPDX-License-Identifier: GPL-2.0-or-later
"""A master daemon with a user of its own needs nothing of root's."""

from __future__ import annotations

from test.hosts.conftest import a_lab
from test.lab import cluster
from test.lab.cluster import Wish
from test.lab.main import say

SPLIT = """
for name in gnt-masterd gnt-confd gnt-rapi gnt-daemons gnt-admin; do groupadd -r $name; done
for name in gnt-masterd gnt-confd gnt-rapi; do
    useradd -r -g $name -G gnt-daemons -d / -s /usr/sbin/nologin $name
done
"""


def test_the_master_daemon_runs_as_its_own_user() -> None:
    with a_lab(2) as lab:
        for host in lab.hosts:
            host.run(["sh", "-ec", SPLIT])
        cluster.make(lab, Wish("fake"), say)
        master = lab.hosts[0]
        owner = master.run(
            ["sh", "-c", "stat -c %U /proc/$(cat /run/ganeti/ganeti-masterd.pid)"]
        ).strip()
        assert owner == "gnt-masterd"
        master.run(["gnt-cluster", "add-tags", "own-user"])
        files = master.run(["stat", "-c", "%U:%G %a", "/var/lib/ganeti/config.data"]).strip()
        assert files == "gnt-masterd:gnt-confd 640"
        master.run(["gnt-cluster", "verify"])
