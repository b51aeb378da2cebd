# SPDX-License-Identifier: GPL-2.0-or-later
"""The faults a host can have; this list is closed.

kill        a power cut: what was not fsynced is gone           undone by boot
boot        power on; disks are checked, services start
cut [PEER]  silence on both networks, to all or to one peer     undone by heal
heal        all cuts of this host are mended
freeze      every process stops where it is; TCP still connects undone by thaw
thaw        they go on
fill        the disk with /var/lib/ganeti and /srv is full      undone by unfill
unfill      it is not
readonly    that disk turns read-only under everyone, as after an I/O error
dead-disk   that disk answers with I/O errors                   both undone by kill and boot
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from test.lab import disks
from test.lab.hosts import Host
from test.lab.lab import Lab
from test.lab.network import Cut
from test.lab.programs import LabError


def kill(lab: Lab, host: Host) -> None:
    host.power_cut()


def boot(lab: Lab, host: Host) -> None:
    host.power_on()
    host.wait_up()


def cut(lab: Lab, host: Host, peer: str | None = None) -> None:
    other = None if peer is None else lab.host(peer).name
    if other == host.name:
        raise LabError(f"{host.name} cannot be cut from itself")
    wanted = Cut(host.name, other)
    lab.write_cuts([*(old for old in lab.description.cuts if old != wanted), wanted])


def heal(lab: Lab, host: Host) -> None:
    lab.write_cuts(old for old in lab.description.cuts if not old.touches(host.name))


def freeze(lab: Lab, host: Host) -> None:
    host.first_pid()
    host.place.cgroup.freeze()


def thaw(lab: Lab, host: Host) -> None:
    host.first_pid()
    host.place.cgroup.thaw()


def fill(lab: Lab, host: Host) -> None:
    host.data_disk(disks.fill)


def unfill(lab: Lab, host: Host) -> None:
    host.data_disk(disks.unfill)


def readonly(lab: Lab, host: Host) -> None:
    host.data_disk(disks.make_read_only)


def dead_disk(lab: Lab, host: Host) -> None:
    host.data_disk(disks.shut_down)


@dataclass(frozen=True)
class Fault:
    """What a fault does, and whether it may name a peer."""

    act: Callable[..., None]
    takes_peer: bool = False


FAULTS = {
    "kill": Fault(kill),
    "boot": Fault(boot),
    "cut": Fault(cut, takes_peer=True),
    "heal": Fault(heal),
    "freeze": Fault(freeze),
    "thaw": Fault(thaw),
    "fill": Fault(fill),
    "unfill": Fault(unfill),
    "readonly": Fault(readonly),
    "dead-disk": Fault(dead_disk),
}


def inject(lab: Lab, host_name: str, fault_name: str, arguments: list[str]) -> None:
    """Give a host a fault, or take it away."""
    fault = FAULTS[fault_name]
    if len(arguments) > fault.takes_peer:
        raise LabError(f"fault {fault_name}: too many arguments: {' '.join(arguments)}")
    host = lab.host(host_name)
    with lab.locked():
        fault.act(lab, host, *arguments)
