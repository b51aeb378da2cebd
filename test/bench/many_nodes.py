# SPDX-License-Identifier: GPL-2.0-or-later
"""500 nodes with 10,000 instances, each with a DRBD disk, all but a few of which are a stub.

The first host is the master, the second a candidate and at last the master, the third is all the
others: it has their addresses and answers in their names. The master's network, TLS and files are real.
"""

from __future__ import annotations

import json

from test.bench import synthetic
from test.bench.measuring import Bench, lab_of, probed, program, put_file, say, stop_master
from test.lab.hosts import Host

NODES, INSTANCES = 500, 10_000
CANDIDATES = 8
NET = "10.200.0.0/16"
CONFIG = "/var/lib/ganeti/config.data"
CERTIFICATE = "/var/lib/ganeti/server.pem"
CHECKSUMS = "/root/bench/checksums"
IGNORED = ("ENODESSH", "ECLUSTERFILECHECK", "ECLUSTERCFG")
"""A stub has no SSH, is asked after files that only some have, and needs more ports than there are."""

SUMS = "sha1sum /etc/hosts $(find /var/lib/ganeti -maxdepth 1 -type f)"

COMMANDS = {
    "nodes_500_instance_list_s": ["gnt-instance", "list"],
    "nodes_500_node_list_s": ["gnt-node", "list"],
    "nodes_500_verify_s": ["gnt-cluster", "verify", *(f"--ignore-errors={c}" for c in IGNORED)],
    "nodes_500_redist_s": ["gnt-cluster", "redist-conf"],
}
KEYS = (
    *("nodes_500_start_s", "nodes_500_change_s", "nodes_500_ssconf_s"),
    *COMMANDS,
    *("nodes_500_memory_kb", "nodes_500_node_add_s", "nodes_500_failover_s"),
)


def measure(bench: Bench) -> None:
    if not bench.asked(*KEYS):
        return
    with lab_of(3, "bench-nodes", members=2) as lab:
        master, other, stub = lab.hosts
        make_nodes(master, other, stub)
        bench.note_asked({"nodes_500_start_s": probed(master, "voted_answer", 1)})
        bench.measure("nodes_500_change_s", lambda: probed(master, "change_instance", 10))
        bench.measure("nodes_500_ssconf_s", lambda: probed(master, "change", 5))
        put_file(stub, CHECKSUMS, master.run(["sh", "-c", SUMS]))
        for key, argv in COMMANDS.items():
            bench.measure(key, lambda a=argv: probed(master, "command", 3, *a))  # type: ignore[misc]
        bench.measure("nodes_500_memory_kb", lambda: probed(master, "memory", 1))
        add_and_fail_over(bench, master, other)


def make_nodes(master: Host, other: Host, stub: Host) -> None:
    """Replace the configuration by a large one, and let somebody answer for the nodes in it."""
    start_stub(stub, master)
    for host in (master, other):
        host.run(["ip", "route", "add", NET, "via", stub.address.primary])
    stop_master(master)
    empty = master.run(["cat", CONFIG]).encode()
    data = synthetic.cluster_of(empty, INSTANCES, NODES, CANDIDATES)
    say(f"{NODES} nodes, {INSTANCES} instances with DRBD: {len(data) / 1e6:.1f} MB")
    put_file(master, CONFIG, data.decode())


def start_stub(stub: Host, master: Host) -> None:
    certificate = "/root/bench/cluster.pem"
    put_file(stub, certificate, master.run(["cat", CERTIFICATE]))
    stub.run(["ip", "route", "add", "local", NET, "dev", "lo"])
    put_file(stub, CHECKSUMS, "")
    counts = (str(NODES), str(INSTANCES))
    words = program("stub_nodes.py", certificate, CHECKSUMS, *counts, master.address.fqdn)
    stub.run(["sh", "-c", 'setsid "$@" </dev/null >/root/bench/stub.log 2>&1 &', "stub", *words])


def add_and_fail_over(bench: Bench, master: Host, other: Host) -> None:
    """The second host is added once more, and takes over."""
    op = {"OP_ID": "OP_NODE_ADD", "node_name": other.address.fqdn, "readd": True, "reason": []}
    bench.measure("nodes_500_node_add_s", lambda: probed(master, "job", 1, json.dumps(op)))
    bench.measure(
        "nodes_500_failover_s", lambda: probed(other, "once", 1, "gnt-cluster", "master-failover")
    )
