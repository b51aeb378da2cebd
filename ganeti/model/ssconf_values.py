# SPDX-License-Identifier: GPL-2.0-or-later
"""What every node knows of the cluster without asking: the values of ssconf.

Formats and orders are an interface (master daemon, "ssconf"): scripts read these files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ganeti import version
from ganeti.model.config import Config
from ganeti.model.index import Claim
from ganeti.model.node import Node
from ganeti.model.params.hv import registry
from ganeti.utils import text

Part = Callable[[Config], Any]


class Value(NamedTuple):
    """`needs`: the parts of the configuration that `get` looks at. `is_costly`: it is cheaper to
    compare these than the values."""

    get: Callable[[Config], str]
    needs: tuple[Part, ...]
    is_costly: bool = False

    def differs(self, old: Config, new: Config) -> bool:
        if all(part(old) is part(new) for part in self.needs):
            return False
        if self.is_costly:
            return any(part(old) != part(new) for part in self.needs)
        return self.get(old) != self.get(new)


def _cluster(cfg: Config) -> Any:
    return cfg.cluster


def _nodes(cfg: Config) -> Any:
    return cfg.nodes


def _groups(cfg: Config) -> Any:
    return cfg.groups


def _networks(cfg: Config) -> Any:
    return cfg.networks


def _instance_names(cfg: Config) -> Any:
    return cfg.index.owned(Claim.INSTANCE_NAME)


def _lines(rows: Iterable[object]) -> str:
    return "\n".join(map(str, rows))


def _of_cluster(get: Callable[[Any], object]) -> Value:
    return Value(lambda cfg: str(get(cfg.cluster)), (_cluster,))


def _of_nodes(
    line: Callable[[Node], str], wanted: Callable[[Node], bool] = lambda _: True
) -> Value:
    def get(cfg: Config) -> str:
        return _lines(line(node) for node in sorted(cfg.nodes.values(), key=_name) if wanted(node))

    return Value(get, (_nodes,))


def _of_candidates(get: Callable[[Node], str]) -> Value:
    def lines(cfg: Config) -> str:
        return _lines(get(cfg.nodes[node.uuid]) for node in sorted(cfg.candidates(), key=_uuid))

    return Value(lines, (_nodes,))


def _uuid(node: Node) -> str:
    return node.uuid


def _name(node: Node) -> str:
    return node.name


def _ssh_ports(cfg: Config) -> str:
    ports = {node.name: cfg.ndparams(node)["ssh_port"] for node in cfg.nodes.values()}
    return _lines(f"{name}={port}" for name, port in sorted(ports.items()))


def _uids(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def _hvparams(hypervisor: str) -> Value:
    def get(cfg: Config) -> str:
        filled = cfg.cluster_hvparams(hypervisor)
        return _lines(f"{name}={_shown(value)}" for name, value in sorted(filled.items()))

    return Value(get, (_cluster,))


def _shown(value: object) -> object:
    return "" if value is None else value


VALUES: Mapping[str, Value] = {
    "cluster_name": _of_cluster(lambda c: c.cluster_name),
    "cluster_tags": _of_cluster(lambda c: _lines(text.nice_sort(c.tags))),
    "enabled_user_shutdown": _of_cluster(lambda c: c.enabled_user_shutdown),
    "file_storage_dir": _of_cluster(lambda c: c.file_storage_dir),
    "gluster_storage_dir": _of_cluster(lambda c: c.gluster_storage_dir),
    **{f"hvparams_{name}": _hvparams(name) for name in registry.names()},
    "hypervisor_list": _of_cluster(lambda c: _lines(c.enabled_hypervisors)),
    "instance_list": Value(
        lambda cfg: _lines(text.nice_sort(map(str, cfg.index.owned(Claim.INSTANCE_NAME)))),
        (_instance_names,),
        is_costly=True,
    ),
    "maintain_node_health": _of_cluster(lambda c: c.maintain_node_health),
    "master_candidates": _of_candidates(lambda node: node.name),
    "master_candidates_certs": _of_cluster(
        lambda c: _lines(f"{uuid}={digest}" for uuid, digest in sorted(c.candidate_certs.items()))
    ),
    "master_candidates_ips": _of_candidates(lambda node: node.primary_ip),
    "master_ip": _of_cluster(lambda c: c.master_ip),
    "master_netdev": _of_cluster(lambda c: c.master_netdev),
    "master_netmask": _of_cluster(lambda c: c.master_netmask),
    "master_node": Value(lambda cfg: cfg.master.name, (_cluster, _nodes)),
    "networks": Value(
        lambda cfg: _lines(sorted(f"{n.uuid} {n.name}" for n in cfg.networks.values())),
        (_networks,),
    ),
    "node_list": _of_nodes(lambda node: node.name),
    "node_primary_ips": _of_nodes(lambda node: f"{node.name} {node.primary_ip}"),
    "node_secondary_ips": _of_nodes(lambda node: f"{node.name} {node.secondary_ip}"),
    "node_vm_capable": _of_nodes(lambda node: f"{node.name}={node.vm_capable}"),
    "nodegroups": Value(
        lambda cfg: _lines(sorted(f"{g.uuid} {g.name}" for g in cfg.groups.values())),
        (_groups,),
    ),
    "offline_nodes": _of_nodes(lambda node: node.name, lambda node: node.offline),
    "online_nodes": _of_nodes(lambda node: node.name, lambda node: not node.offline),
    "primary_ip_family": _of_cluster(lambda c: c.primary_ip_family),
    "release_version": _of_cluster(lambda _: version.RELEASE),
    "shared_file_storage_dir": _of_cluster(lambda c: c.shared_file_storage_dir),
    "ssh_ports": Value(_ssh_ports, (_cluster, _groups, _nodes)),
    "uid_pool": _of_cluster(lambda c: _lines(_uids(*bounds) for bounds in c.uid_pool)),
}


def ssconf_values(cfg: Config) -> dict[str, str]:
    """All values, without the newline at the end of the files."""
    return {key: value.get(cfg) for key, value in VALUES.items()}


def changed(old: Config, new: Config) -> bool:
    """Whether anything differs; only what may differ is looked at."""
    return any(value.differs(old, new) for value in VALUES.values())


class Values:
    """The values of one generation of the configuration after the other."""

    def __init__(self, cfg: Config) -> None:
        self._cfg, self._values = cfg, ssconf_values(cfg)

    def of(self, cfg: Config) -> dict[str, str]:
        """All values; the same object as the last time if none differs."""
        old, self._cfg = self._cfg, cfg
        stale = {key: v.get(cfg) for key, v in VALUES.items() if v.differs(old, cfg)}
        if stale:
            self._values = {**self._values, **stale}
        return self._values
