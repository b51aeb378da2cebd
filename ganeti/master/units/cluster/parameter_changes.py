# SPDX-License-Identifier: GPL-2.0-or-later
"""New values of the cluster's sets of parameters: what a request says over what is stored.

Pure functions of the stored record. The word `default` restores the built-in value, since nothing
stands above the cluster; for an OS it takes its own value away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ganeti.errors import Code, OpPrereqError
from ganeti.master.units.instance import nics, os_params
from ganeti.model import ipolicy
from ganeti.model.cluster import Cluster
from ganeti.model.params import be, disk, nd, nic
from ganeti.model.params.declare import DEFAULT
from ganeti.model.params.hv import registry

Params = Mapping[str, Any]
ByName = Mapping[str, Params]


def _over(stored: Params, changes: Params, defaults: Params) -> dict[str, Any]:
    new = {key: defaults[key] if value == DEFAULT else value for key, value in changes.items()}
    return {**defaults, **stored, **new}


def hvparams(cluster: Cluster, given: ByName) -> dict[str, Params]:
    """By hypervisor."""
    result = dict(cluster.hvparams)
    for name, own in given.items():
        changes = registry.typed(name, own, cluster=True, allow_default=True)
        result[name] = _over(result.get(name, {}), changes, registry.defaults(name))
    return result


def os_hvp(cluster: Cluster, given: Mapping[str, ByName]) -> dict[str, ByName]:
    """By OS and hypervisor; null in place of the parameters takes all of them away."""
    changed = {os: _of_os(cluster.os_hvp.get(os, {}), by_hv) for os, by_hv in given.items()}
    return _not_empty({**cluster.os_hvp, **changed})


def _of_os(stored: ByName, given: Mapping[str, Params | None]) -> dict[str, Params]:
    changed = {
        hv: os_params.updated(stored.get(hv, {}), registry.typed(hv, own, allow_default=True))
        for hv, own in given.items()
        if own is not None
    }
    removed: dict[str, Params] = {hv: {} for hv, own in given.items() if own is None}
    return _not_empty({**stored, **removed, **changed})


def osparams(stored: ByName, given: ByName) -> dict[str, Params]:
    """By OS, where null does what `default` does; the nodes know what an OS takes."""
    changed = {os: os_params.updated(stored.get(os, {}), _reset(own)) for os, own in given.items()}
    return _not_empty({**stored, **changed})


def _reset(changes: Params) -> Params:
    return {key: DEFAULT if value is None else value for key, value in changes.items()}


def _not_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def beparams(cluster: Cluster, given: Params) -> dict[str, Params]:
    filled = _over(cluster.beparams.get("default", {}), be.typed(given), be.defaults())
    be.check(filled)
    return {**cluster.beparams, "default": filled}


def nicparams(cluster: Cluster, given: Params) -> dict[str, Params]:
    vlan = {"vlan": nics.vlan(given["vlan"])} if given.get("vlan") not in (None, DEFAULT) else {}
    changes = nic.typed({**given, **vlan})
    filled = _over(cluster.nicparams.get("default", {}), changes, nic.defaults())
    nic.check(filled)
    return {**cluster.nicparams, "default": filled}


def ndparams(cluster: Cluster, given: Params) -> dict[str, Any]:
    filled = _over(cluster.ndparams, nd.typed(given), nd.defaults())
    nd.check(filled)
    return filled


def diskparams(cluster: Cluster, given: ByName) -> dict[str, Params]:
    """By template."""
    result = dict(cluster.diskparams)
    for template, own in given.items():
        defaults = disk.of(template).defaults()
        result[template] = _over(result.get(template, {}), disk.typed(template, own), defaults)
        disk.check(template, result[template])
    return result


def policy(cluster: Cluster, given: Params) -> dict[str, Any]:
    """Bounds and templates are replaced as a whole, standard sizes one by one."""
    unset = sorted(key for key, value in given.items() if value in (DEFAULT, [DEFAULT]))
    if unset:
        raise OpPrereqError(
            f"the cluster's instance policy needs a value for {', '.join(unset)}", Code.WRONG_INPUT
        )
    new = ipolicy.filled(ipolicy.typed(given), ipolicy.filled(cluster.ipolicy))
    ipolicy.check(new)
    return new


Change = Callable[[Cluster, Any], Any]
CHANGES: Mapping[str, Change] = {
    "hvparams": hvparams,
    "os_hvp": os_hvp,
    "osparams": lambda c, given: osparams(c.osparams, given),
    "osparams_private_cluster": lambda c, given: osparams(c.osparams_private_cluster, given),
    "beparams": beparams,
    "nicparams": nicparams,
    "ndparams": ndparams,
    "diskparams": diskparams,
    "ipolicy": policy,
}
"""By parameter of the opcode, which is also the attribute of the cluster."""
