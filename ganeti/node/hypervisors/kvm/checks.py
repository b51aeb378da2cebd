# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether parameters of KVM guests fit this node."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator, Mapping
from typing import Any

from ganeti.errors import GenericError, HypervisorError
from ganeti.node.hypervisors.kvm import devices
from ganeti.node.hypervisors.kvm.capabilities import Capabilities, Prober
from ganeti.utils import net

Hv = Mapping[str, Any]

SOCAT = "/usr/bin/socat"
_SCSI_MODELS = {"lsi": "lsi53c895a"}
"""Names that QEMU takes for a device beside its own."""


def node_problem(hvparams: Hv, prober: Prober) -> str | None:
    """What the node lacks for guests at all."""
    found = []
    try:
        prober.of(hvparams["kvm_path"])
    except HypervisorError as err:
        found.append(str(err))
    if not os.path.isfile(SOCAT):
        found.append(f"{SOCAT} is missing, which consoles need; install socat")
    return "; ".join(found) or None


def problems(hvparams: Hv, capabilities: Capabilities) -> list[str]:
    """What of the parameters this QEMU and this node cannot do."""
    return [
        *_machine_problems(hvparams, capabilities),
        *_device_problems(hvparams, capabilities),
        *_user_problems(hvparams),
        *_display_problems(hvparams),
    ]


def _machine_problems(hv: Hv, capabilities: Capabilities) -> Iterator[str]:
    try:
        capabilities.machine(hv["machine_version"])
    except HypervisorError as err:
        yield str(err)
    if hv["kvm_flag"] and "-accel" in hv["kvm_extra"].split():
        yield "-accel in kvm_extra goes only with an empty kvm_flag"


def _device_problems(hv: Hv, capabilities: Capabilities) -> Iterator[str]:
    wanted = {"nic_type": devices.driver(devices.NIC, hv)}
    wanted["disk_type"] = devices.driver(devices.DISK, hv)
    if devices.needs_scsi_controller(hv):
        model = hv["scsi_controller_type"]
        wanted["scsi_controller_type"] = _SCSI_MODELS.get(model, model)
    for parameter, name in wanted.items():
        if name is not None and name not in capabilities.devices:
            yield f"{parameter}: QEMU {capabilities.release} on this node has no device {name}"


def _user_problems(hv: Hv) -> Iterator[str]:
    if hv["security_model"] == "user":
        try:
            pwd.getpwnam(hv["security_domain"])
        except KeyError:
            yield f"security_domain: there is no user {hv['security_domain']} on this node"


def _display_problems(hv: Hv) -> Iterator[str]:
    try:
        display_address(hv)
    except GenericError as err:
        yield str(err)


def display_address(hv: Hv) -> str:
    """Where VNC or SPICE listens: an address, a directory, or the address of a named interface."""
    bind = str(hv["vnc_bind_address"] or hv["spice_bind"])
    if not bind or bind.startswith("/") or net.is_ip(bind):
        return bind
    return net.interface_address(bind, _family(hv))


def _family(hv: Hv) -> int:
    return net.IPV6 if hv["spice_bind"] and hv["spice_ip_version"] == 6 else net.IPV4
