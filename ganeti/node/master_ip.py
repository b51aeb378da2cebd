# SPDX-License-Identifier: GPL-2.0-or-later
"""The cluster's own address on this node: a script sets it up, hooks run around it (masterd, "Master IP").

The environment of the script is exactly the four variables, not even a PATH.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.errors import GenericError
from ganeti.node import hook_scripts
from ganeti.node.host import Host
from ganeti.utils import net

TIMEOUT_S = 60.0

Params = Mapping[str, Any]


class MasterIpError(GenericError):
    """The cluster's address could not be changed."""


def environment(params: Params) -> dict[str, str]:
    family = "6" if params["ip_family"] == net.IPV6 else "4"
    return {
        "MASTER_NETDEV": str(params["netdev"]),
        "MASTER_IP": str(params["ip"]),
        "MASTER_NETMASK": str(params["netmask"]),
        "CLUSTER_IP_VERSION": family,
    }


def activate(host: Host, params: Params, *, external: bool) -> None:
    _change(host, params, "start", "master-ip-turnup", "OP_CLUSTER_IP_TURNUP", external)


def deactivate(host: Host, params: Params, *, external: bool) -> None:
    _change(host, params, "stop", "master-ip-turndown", "OP_CLUSTER_IP_TURNDOWN", external)


def _change(host: Host, params: Params, word: str, hooks: str, op_id: str, external: bool) -> None:
    env = environment(params)
    hook_scripts.run_local(host, hooks, "pre", op_id, env)
    script = (
        host.paths.external_master_setup_script
        if external
        else host.paths.default_master_setup_script
    )
    result = host.runner.run([script, word], timeout_s=TIMEOUT_S, env=env, reset_env=True)
    if result.failed:
        raise MasterIpError(
            f"{script} {word} {result.fail_reason}: {result.output.strip() or 'it said nothing'}"
        )
    hook_scripts.run_local(host, hooks, "post", op_id, env)


def change_netmask(host: Host, old: int, new: int, address: str, device: str) -> None:
    """Give the address another prefix length: the new one first, so that it never goes away.

    It may be there from an attempt that stopped half-way, hence `replace`.
    """
    if old == new:
        return
    if not net.owns_address(address):
        raise MasterIpError(f"the cluster's address {address} is not up on this node")
    label = ["label", f"{device}:0"] if ":" not in address else []
    for verb, length, more in (("replace", new, label), ("del", old, [])):
        argv = ["ip", "address", verb, f"{address}/{length}", "dev", device, *more]
        result = host.runner.run(argv, timeout_s=TIMEOUT_S)
        if result.failed:
            raise MasterIpError(f"the address {address}/{length}: {result.output.strip()}")
