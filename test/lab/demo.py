# SPDX-License-Identifier: GPL-2.0-or-later
"""`make demo`: three hosts become a cluster, a guest lives through a migration and through its host's death.

What the last lines claim was seen from outside the cluster: where a QEMU process runs, and what the guest itself
wrote to its disk. The cluster goes on running until `make demo-down`.
"""

from __future__ import annotations

import sys
import time

from test.lab import cluster, faults, network, programs
from test.lab.cluster import Wish
from test.lab.guests import Guest
from test.lab.hosts import Host
from test.lab.lab import Lab
from test.lab.main import say, still_up
from test.lab.os.lab_guest import Counter
from test.lab.places import lab_place
from test.lab.programs import LabError

NAME = "demo"
GUEST = network.GUESTS[0]
JOB_S = 120


def main() -> int:
    started = time.monotonic()
    lab = Lab(lab_place(NAME))
    try:
        lab.up(3, say)
        cluster.make(lab, Wish(), say)
        findings = play(lab)
    except LabError as err:
        print(f"demo: {err}", file=sys.stderr)
        if lab.exists:
            print(still_up(lab), file=sys.stderr)
        return 1
    say(f"\nSeen in {time.monotonic() - started:.0f} s:")
    for finding in findings:
        say(f"  {finding}")
    say("The cluster goes on: `make demo-shell` enters node1, `make demo-down` ends it.")
    return 0


def play(lab: Lab) -> list[str]:
    """The story; each finding is checked before it is told."""
    master, home, refuge = lab.hosts
    guest = Guest(lab, GUEST.fqdn)
    return [
        born(master, guest, home),
        moved(master, guest, home, refuge),
        rescued(lab, master, guest, refuge, home),
    ]


def born(master: Host, guest: Guest, home: Host) -> str:
    typed(master, ["gnt-instance", "add", *instance_options(home), guest.name])
    first = guest.wait_counting()
    require_home(guest, home)
    answered = master.run(
        ["arping", "-c", "1", "-w", "10", "-I", network.GUEST_BRIDGE, GUEST.primary]
    )
    mac = answered.split("[")[1].split("]")[0]
    return f"{guest.name} booted on {home.name}, counts ({told(first)}), and {GUEST.primary} answers from {mac}."


def instance_options(home: Host) -> list[str]:
    disk = ["--disk-template", "sharedfile", "--disk", "0:size=1G"]
    system = ["--os-type", "lab-guest+default", "--os-parameters", "heartbeat=0.2"]
    nic = ["--net", f"0:ip={GUEST.primary}"]
    return [*disk, *system, *nic, "--node", home.address.fqdn]


def moved(master: Host, guest: Guest, home: Host, refuge: Host) -> str:
    before = guest.wait_counting()
    typed(master, ["gnt-instance", "migrate", "--force", "-n", refuge.address.fqdn, guest.name])
    after = guest.wait_counting()
    require_home(guest, refuge)
    require(
        after.boot == before.boot, f"the guest started anew: {told(before)}, then {told(after)}"
    )
    require(after.tick > before.tick, f"the guest did not count on: {told(before)}, {told(after)}")
    job = last_job(master, "INSTANCE_MIGRATE")
    return (
        f"Job {job} migrated it live: QEMU left {home.name} and runs on {refuge.name}; "
        f"it counted on ({told(before)}, then {told(after)}) and never started anew."
    )


def rescued(lab: Lab, master: Host, guest: Guest, dead: Host, refuge: Host) -> str:
    say(f"the power of {dead.name} is cut")
    faults.inject(lab, dead.name, "kill", [])
    before = guest.counter()
    require(before is not None and not guest.hosts(), f"{guest.name} still runs on {guest.hosts()}")
    assert before is not None
    typed(master, ["gnt-node", "modify", "--offline", "yes", dead.address.fqdn])
    options = ["--force", "-n", refuge.address.fqdn]
    typed(master, ["gnt-instance", "failover", *options, guest.name])
    after = guest.wait(lambda now: now.boot == before.boot + 1, "starts anew")
    require_home(guest, refuge)
    job = last_job(master, "INSTANCE_FAILOVER")
    return (
        f"{dead.name} lost its power; job {job} failed {guest.name} over to {refuge.name}, "
        f"where it started anew and counts ({told(before)}, then {told(after)})."
    )


def typed(master: Host, command: list[str]) -> None:
    """Run a command on the master and show both, as on its terminal."""
    say(f"{master.name}# {' '.join(command)}")
    output = master.run(command, timeout_s=JOB_S)
    if output.strip():
        say(output.rstrip())


def last_job(master: Host, kind: str) -> str:
    """The number of the newest job of a kind that succeeded."""
    listing = master.run(
        ["gnt-job", "list", "--no-headers", "--separator=|", "-o", "id,status,summary"]
    )
    jobs = [line.split("|") for line in listing.splitlines()]
    numbers = [
        number for number, status, summary in jobs if status == "success" and kind in summary
    ]
    require(bool(numbers), f"no successful job {kind} among:\n{listing}")
    return numbers[-1].strip()


def require_home(guest: Guest, home: Host) -> None:
    try:
        programs.wait_until(
            lambda: guest.hosts() == [home.name], JOB_S, f"QEMU on {home.name} alone"
        )
    except LabError as err:
        raise LabError(f"{err}; {guest.name} runs on {guest.hosts()}") from None


def require(true: bool, otherwise: str) -> None:
    if not true:
        raise LabError(otherwise)


def told(counter: Counter) -> str:
    return f"start {counter.boot}, number {counter.tick}"


if __name__ == "__main__":
    sys.exit(main())
