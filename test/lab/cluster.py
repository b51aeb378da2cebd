# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a lab's hosts a cluster, by the real commands typed on node1."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from test.lab import accel, guest_build, layer, network
from test.lab.hosts import Host
from test.lab.lab import Lab, Say

DISK_TEMPLATES = "sharedfile,file,diskless"
KVM = "kvm"
COMMAND_S = 300


@dataclass(frozen=True)
class Wish:
    """What kind of cluster is wanted."""

    hypervisor: str = KVM
    ipv6: bool = False


def make(lab: Lab, wish: Wish, say: Say, hosts: Sequence[Host] | None = None) -> None:
    """Init on the first host, then add the others; all hosts of the lab, or those named."""
    hvparams: dict[str, str] = {}
    if wish.hypervisor == KVM:
        accelerator = accel.chosen(lab.place)
        say(f"guests run with {accelerator.name}: {accelerator.reason}")
        hvparams = kvm_parameters(accelerator)
    master, *others = hosts or lab.hosts
    _step(master, init_command(master, wish, hvparams), say)
    for host in others:
        _step(master, add_command(host), say)


def kvm_parameters(accelerator: accel.Accelerator) -> dict[str, str]:
    """The cluster's KVM parameters: the lab's guest, and migrations that end under TCG too."""
    return {
        "kvm_path": accel.QEMU,
        "kernel_path": layer.GUEST_KERNEL,
        "initrd_path": layer.GUEST_INITRD,
        "kernel_args": guest_build.KERNEL_ARGS,
        "migration_bandwidth": "1024",
        "migration_downtime": "300",
        **accelerator.hvparams,
    }


def init_command(master: Host, wish: Wish, hvparams: Mapping[str, str]) -> list[str]:
    """`gnt-cluster init` as an admin would type it."""
    command = ["gnt-cluster", "init", "--enabled-hypervisors", wish.hypervisor]
    command += ["--enabled-disk-templates", DISK_TEMPLATES]
    command += ["--master-netdev", network.GUEST_BRIDGE]
    command += ["--nic-parameters", f"link={network.GUEST_BRIDGE}"]
    command += ["--secondary-ip", master.address.secondary]
    if wish.ipv6:
        command += ["--primary-ip-version", "6"]
    if hvparams:
        command += ["-H", f"{wish.hypervisor}:{key_values(hvparams)}"]
    return [*command, network.CLUSTER.fqdn]


def add_command(host: Host) -> list[str]:
    secondary = ["--secondary-ip", host.address.secondary]
    return ["gnt-node", "add", "--no-ssh-key-check", *secondary, host.address.fqdn]


def key_values(parameters: Mapping[str, str]) -> str:
    """Parameters in the commands' own syntax, where a comma in a value needs a backslash."""
    pairs = (f"{name}={_escaped(value)}" for name, value in parameters.items())
    return ",".join(pairs)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,")


def _step(host: Host, command: list[str], say: Say) -> None:
    started = time.monotonic()
    host.run(command, timeout_s=COMMAND_S)
    what = " ".join([*command[:2], command[-1]])
    say(f"{host.name}: {what}: {time.monotonic() - started:.1f} s")
