#!/usr/bin/python3 -Es
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs inside a host of the lab that is in no cluster: is all nodes of a network at once.

    stub_nodes.py CERTIFICATE CHECKSUMS NODES INSTANCES MASTER      serves until it is ended

A node is known by the address that is called. It does nothing and says that all is well: its instances
run (those whose number leaves the node's number as the rest), its disks are in sync, its files have
the checksums that stand in a file.
"""

import ipaddress
import json
import signal
import sys
import time

sys.path.insert(0, "/usr/share/ganeti")

from ganeti import version
from ganeti.http.channel import TlsSettings
from ganeti.http.messages import Response
from ganeti.http.server import Server

PORT = 1811
A_NETWORK = 250
"""So many nodes have addresses that differ in the last byte alone."""
INFO = {"memory": 512, "vcpus": 1, "state": 0, "time": 1.0}
MEMORY = {
    "memory_total": 65536,
    "memory_free": 32768,
    "memory_dom0": 4096,
    "cpu_total": 16,
    "cpu_nodes": 1,
    "cpu_sockets": 1,
    "cpu_dom0": 1,
}
IN_SYNC = {
    "dev_path": "/dev/drbd0",
    "major": 147,
    "minor": 0,
    "sync_percent": None,
    "estimated_time": None,
    "is_degraded": False,
    "ldisk_status": 1,
}
OS = ["lab-guest", "/srv/ganeti/os/lab-guest", True, "", ["default"], [], [20], True]


class Nodes:
    """All of them. `obeyed` is the epoch of the master that they obey."""

    def __init__(self, checksums, count, instances, master):
        self._checksums, self._count, self._instances = checksums, count, instances
        self._master, self._obeyed = master, 0

    def __call__(self, request):
        node = number_of(request.headers["host"].partition(":")[0])
        answer = getattr(self, request.target.removeprefix("/"), self.nothing)
        payload = answer(node, *json.loads(request.body))
        return Response(200, json.dumps([True, payload]).encode())

    def running(self, node):
        return [f"inst{n}.lab" for n in range(node, self._instances, self._count)]

    def files(self, paths):
        with open(self._checksums) as file:
            known = {path: digest for digest, path in map(str.split, file)}
        return {path: known[path] for path in paths if path in known}

    # Calls.

    def nothing(self, _node, *_args):
        return None

    def version(self, _node):
        return version.PROTOCOL

    def hooks_runner(self, _node, _path, _phase, _env):
        return []

    def instance_list(self, node, *_args):
        return self.running(node)

    def all_instances_info(self, node, *_args):
        return dict.fromkeys(self.running(node), INFO)

    def node_info(self, _node, units, hypervisors):
        storage = [
            {"type": kind, "name": name, "storage_free": 1 << 20, "storage_size": 1 << 21}
            for kind, name, *_ in units or ()
        ]
        return ["boot", storage, [MEMORY for _ in hypervisors or ()]]

    def node_verify(self, node, asked, *_args):
        seconds, rest = divmod(time.time(), 1)
        return {
            "filelist": self.files(asked["filelist"]),
            "instancelist": self.running(node),
            "version": [version.PROTOCOL, version.RELEASE],
            "time": [int(seconds), int(rest * 1e6)],
            "hvinfo": MEMORY,
            "oslist": [OS],
        }

    def blockdev_getmirrorstatus_multi(self, _node, disks):
        return [[True, IN_SYNC] for _ in disks]

    def write_ssconf_files(self, _node, values):
        self._master = values.get("master_node", self._master)

    def master_node_name(self, _node):
        return self._master

    def master_standing(self, _node):
        return [self._obeyed, 0, 0.0, 0, 0, 0, []]

    def master_obey(self, _node, _name, epoch):
        self._obeyed = epoch


def number_of(address):
    _, _, network, host = ipaddress.IPv4Address(address).packed
    return network * A_NETWORK + host - 1


def anybody(_request):
    return "the master"


def main():
    certificate, checksums, nodes, instances, master = sys.argv[1:]
    tls = TlsSettings(certificate, certificate, certificate, lambda _digest, _depth: True)
    answer = Nodes(checksums, int(nodes), int(instances), master)
    server = Server("0.0.0.0", PORT, tls, answer, anybody, max_handshakes=int(nodes))
    server.start()
    signal.pause()


if __name__ == "__main__":
    main()
