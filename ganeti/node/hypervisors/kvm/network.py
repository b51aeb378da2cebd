# SPDX-License-Identifier: GPL-2.0-or-later
"""Tap devices of guests: opened here, inherited by QEMU, connected by the script ``kvm-ifup``.

A tap lives as long as somebody has it open: when QEMU ends, or does not start, nothing is left. The
file ``nic/<instance>/<number>`` holds the tap's name.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganeti.errors import HypervisorError
from ganeti.model.instance import Instance
from ganeti.model.nic import Nic
from ganeti.node import network_variables
from ganeti.paths import SCRIPT_PATH, Paths
from ganeti.utils.process import Runner

IFUP_TIMEOUT_S = 60
TUN = "/dev/net/tun"
VHOST = "/dev/vhost-net"

_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000
_IFF_MULTI_QUEUE, _IFF_ONE_QUEUE, _IFF_VNET_HDR = 0x0100, 0x2000, 0x4000
_IFREQ = "16sH22x"


@dataclass(frozen=True)
class Tap:
    """An open tap device: a descriptor for each queue, and those of vhost where it is used."""

    name: str
    fds: tuple[int, ...]
    vhost_fds: tuple[int, ...] = ()

    def close(self) -> None:
        """QEMU has descriptors of its own by now, or the tap goes."""
        for fd in (*self.fds, *self.vhost_fds):
            os.close(fd)


@dataclass(frozen=True)
class TapWish:
    """What the parameters of a guest want its taps to be."""

    queues: int
    offloads: bool
    vhost: bool

    @classmethod
    def of(cls, hvparams: Mapping[str, Any]) -> TapWish:
        """Queues, offloads and vhost are for virtio only."""
        virtio = hvparams["nic_type"] == "paravirtual"
        return cls(
            queues=hvparams["virtio_net_queues"] if virtio else 1,
            offloads=virtio and hvparams["vnet_hdr"],
            vhost=virtio and hvparams["vhost_net"],
        )

    def flags(self) -> int:
        queue = _IFF_MULTI_QUEUE if self.queues > 1 else _IFF_ONE_QUEUE
        return _IFF_TAP | _IFF_NO_PI | queue | (_IFF_VNET_HDR if self.offloads else 0)


class Taps:
    """Makes tap devices."""

    def open(self, wish: TapWish) -> Tap:
        """A new tap, under a name that the kernel chooses."""
        fds: list[int] = []
        vhost: list[int] = []
        try:
            name = b""
            for _ in range(wish.queues):
                fds.append(_open_device(TUN))
                name = _attach(fds[-1], name, wish.flags())
            if wish.vhost:
                vhost += [_open_device(VHOST) for _ in fds]
        except OSError as err:
            Tap("", tuple(fds), tuple(vhost)).close()
            raise HypervisorError(f"a tap device cannot be made: {err}") from err
        return Tap(name.decode(), tuple(fds), tuple(vhost))


def _open_device(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CLOEXEC)


def _attach(fd: int, name: bytes, flags: int) -> bytes:
    """Make the device, or add a queue to it; its name."""
    answer = fcntl.ioctl(fd, _TUNSETIFF, struct.pack(_IFREQ, name, flags))
    return bytes(struct.unpack(_IFREQ, answer)[0].rstrip(b"\0"))


def environment(instance: Instance, seq: int, nic: Nic, tap: str) -> dict[str, str]:
    """What scripts are told of an interface (extension points, "Network scripts")."""
    params = nic.nicparams
    env = {
        "PATH": SCRIPT_PATH,
        "INSTANCE": instance.name,
        "MAC": nic.mac,
        "MODE": params["mode"],
        "INTERFACE": tap,
        "INTERFACE_INDEX": str(seq),
        "INTERFACE_UUID": nic.uuid,
        "TAGS": " ".join(instance.tags),
        "LINK": params.get("link") or "",
        "VLAN": params.get("vlan") or "",
    }
    if nic.name:
        env["INTERFACE_NAME"] = nic.name
    if nic.ip:
        env["IP"] = nic.ip
    if params["mode"] == "bridged":
        env["BRIDGE"] = env["LINK"]
    return {**env, **network_variables.of(nic)}


class Connector:
    """Runs the administrator's or our script for a tap."""

    def __init__(self, paths: Paths, runner: Runner) -> None:
        self._paths, self._runner = paths, runner

    def connect(self, instance: Instance, seq: int, nic: Nic, tap: str) -> None:
        """Connect a tap to the network; raises HypervisorError with what the script said."""
        env = environment(instance, seq, nic, tap)
        result = self._runner.run(
            [self._paths.kvm_ifup], timeout_s=IFUP_TIMEOUT_S, env=env, reset_env=True
        )
        if result.failed:
            raise HypervisorError(
                f"NIC {seq} of {instance.name} cannot be connected: {result.error_text()}"
            )


def must_wait(nic: Nic, *, incoming: bool) -> bool:
    """A routed address must not move before the guest has."""
    return incoming and nic.nicparams["mode"] == "routed"
