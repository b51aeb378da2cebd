# SPDX-License-Identifier: GPL-2.0-or-later
"""What an admin types on the master, and what is seen of its effect."""

from __future__ import annotations

import json

from ganeti.utils import process
from test.lab import layer, programs
from test.lab.hosts import Host

DAEMON_UTIL = "/usr/lib/ganeti/daemon-util"
DATA = "/var/lib/ganeti"
CONFIG = f"{DATA}/config.data"
JOB_S = 120.0
SYSTEM = f"{layer.OS_DIRECTORY.rpartition('/')[2]}+default"
# All that an operation can leave: the configuration and the files of disks.
TRACES = f"sha256sum {CONFIG}; find /srv/ganeti | sort"
JOBS = f"cd {DATA}/queue && sha256sum serial job-*"

# Calls a node daemon in the name of a master that it has not heard of yet.
NODE_CALL = """
import json, sys
sys.path.insert(0, "/usr/share/ganeti")
from ganeti.contracts.node import sender, system
from ganeti.paths import DEFAULT as paths
from ganeti.rpc.runner import Rpc, Target
from ganeti.rpc.transport import Credentials, Transport
name, address, call, args = sys.argv[1:]
carrier = Transport(Credentials(paths.server_pem, (paths.client_pem, paths.server_pem)))
who = sender.Sender("node1.lab", sender.read_epoch(paths.master_epoch) + 1)
target = Target("", name, address)
rpc = Rpc(carrier, lambda uuid: target, port=1811, sender=who)
print(rpc.one(target, getattr(system.SystemCalls, call))(*json.loads(args)))
carrier.close()
"""


def node_call(master: Host, node: Host, call: str, *args: object) -> str:
    """What a call about the node as a whole gives, over a new connection."""
    where = [node.address.fqdn, node.address.primary]
    return master.run([programs.PYTHON, "-c", NODE_CALL, *where, call, json.dumps(args)])


def listed(master: Host, kind: str, fields: str, *names: str) -> list[list[str]]:
    """What `gnt-KIND list` says, as rows of words."""
    layout = ["--no-headers", "--separator=|", "-o", fields]
    output = master.run([f"gnt-{kind}", "list", *layout, *names])
    return [line.split("|") for line in output.splitlines()]


def traces(*hosts: Host) -> list[str]:
    return [host.run(["sh", "-c", TRACES]) for host in hosts]


def digest(host: Host, path: str) -> str:
    return host.run(["sha256sum", path]).split()[0]


def refused(master: Host, argv: list[str], *words: str) -> process.Result:
    """A command that must fail with exit code 1, say these words, and change nothing on the master."""
    before = traces(master)
    done = master.outcome(argv, timeout_s=JOB_S)
    assert done.returncode == 1, done.output
    for word in words:
        assert word in done.stderr
    assert traces(master) == before
    return done


def submitted(master: Host, argv: list[str]) -> str:
    """The number of the job of a command that does not wait for it."""
    program, verb, *words = argv
    done = master.outcome([program, verb, "--submit", *words])
    assert done.returncode == 0, done.output
    return done.stderr.split()[-1]


def job_status(master: Host, job: str) -> str:
    [[status]] = listed(master, "job", "status", job)
    return status


def wait_job(master: Host, job: str, *statuses: str) -> None:
    programs.wait_until(
        lambda: job_status(master, job) in statuses, JOB_S, f"job {job} is {' or '.join(statuses)}"
    )


def daemon_pid(host: Host, name: str) -> str:
    """The number of a daemon's process inside its host."""
    return host.run(["cat", f"/run/ganeti/{name}.pid"]).strip()


def send(host: Host, signal_name: str, pid: str) -> None:
    host.run(["kill", f"-{signal_name}", pid])


def wait_ended(host: Host, pid: str) -> None:
    programs.wait_until(
        lambda: host.outcome(["test", "-d", f"/proc/{pid}"]).returncode == 1, JOB_S, f"{pid} ends"
    )


def start(host: Host, name: str) -> process.Result:
    return host.outcome([DAEMON_UTIL, "start", name])


def stop(host: Host, name: str) -> None:
    host.run([DAEMON_UTIL, "stop", name])


def answers(master: Host) -> bool:
    return master.outcome(["gnt-cluster", "master-ping"]).returncode == 0
