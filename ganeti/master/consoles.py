# SPDX-License-Identifier: GPL-2.0-or-later
"""How the console of an instance is reached, per hypervisor; pure functions of the configuration.

The description is what OP_INSTANCE_CONSOLE and the query field `console` give out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ganeti.model.config import Config
from ganeti.model.instance import Instance
from ganeti.model.node import Node
from ganeti.paths import Paths

VNC_BASE_PORT = 5900
Console = dict[str, Any]


def console(cfg: Config, paths: Paths, instance: Instance) -> Console:
    """The description of the instance's console."""
    node = cfg.nodes[instance.primary_node]
    describe = _KINDS.get(instance.hypervisor, _no_console)
    return {
        "instance": instance.name,
        "message": None,
        "host": None,
        "port": None,
        "user": None,
        "command": None,
        "display": None,
        **describe(paths, instance, node, cfg.hvparams(instance)),
    }


def _message(text: str) -> Console:
    return {"kind": "msg", "message": text}


def _ssh(node: Node, command: list[str]) -> Console:
    return {"kind": "ssh", "host": node.name, "user": "root", "command": command}


def _no_console(paths: Paths, instance: Instance, node: Node, hv: Mapping[str, Any]) -> Console:
    return _message(f"instance {instance.name} has no console on hypervisor {instance.hypervisor}")


def _kvm(paths: Paths, instance: Instance, node: Node, hv: Mapping[str, Any]) -> Console:
    if hv["serial_console"]:
        control = f"{paths.kvm_ctrl_dir}/{instance.name}"
        return _ssh(
            node,
            [
                paths.kvm_console_wrapper,
                "/usr/bin/socat",
                instance.name,
                f"{control}.monitor",
                "STDIO,raw,echo=0,escape=0x1d",
                f"UNIX-CONNECT:{control}.serial",
            ],
        )
    if hv["vnc_bind_address"] and instance.network_port:
        return _vnc(instance, node, hv)
    if hv["spice_bind"]:
        return {"kind": "spice", "host": hv["spice_bind"], "port": instance.network_port}
    return _message(f"instance {instance.name} has neither serial console, VNC nor SPICE")


def _vnc(instance: Instance, node: Node, hv: Mapping[str, Any]) -> Console:
    assert instance.network_port is not None
    anywhere = hv["vnc_bind_address"] in ("0.0.0.0", "::")
    return {
        "kind": "vnc",
        "host": node.name if anywhere else hv["vnc_bind_address"],
        "port": instance.network_port,
        "display": instance.network_port - VNC_BASE_PORT,
    }


def _fake(paths: Paths, instance: Instance, node: Node, hv: Mapping[str, Any]) -> Console:
    return _message("instances of the fake hypervisor have no console")


_KINDS: dict[str, Callable[[Paths, Instance, Node, Mapping[str, Any]], Console]] = {
    "kvm": _kvm,
    "fake": _fake,
}
