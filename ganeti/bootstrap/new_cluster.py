# SPDX-License-Identifier: GPL-2.0-or-later
"""The first configuration of a cluster, as a pure function of the request and the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ganeti.errors import Code, OpPrereqError
from ganeti.model import ipolicy, settings
from ganeti.model.cluster import Cluster
from ganeti.model.config import Config
from ganeti.model.group import INITIAL, NodeGroup
from ganeti.model.node import Node
from ganeti.model.params import be, disk, nd, nic, state
from ganeti.model.params.hv import registry
from ganeti.paths import Paths

Params = Mapping[str, Any]

FIRST_FREE_PORT = 11000
DEFAULT_POOL = 10


@dataclass(frozen=True)
class InitRequest:
    """What `gnt-cluster init` was told. None and empty dicts mean the default."""

    cluster_name: str
    secondary_ip: str | None = None
    primary_ip_version: int = 4
    master_netdev: str | None = None
    master_netmask: int | None = None
    mac_prefix: str | None = None
    use_external_mip_script: bool = False
    enabled_hypervisors: tuple[str, ...] = ("kvm",)
    enabled_disk_templates: tuple[str, ...] = ("drbd", "plain")
    hvparams: Mapping[str, Params] = field(default_factory=dict)
    beparams: Params = field(default_factory=dict)
    nicparams: Params = field(default_factory=dict)
    ndparams: Params = field(default_factory=dict)
    diskparams: Mapping[str, Params] = field(default_factory=dict)
    ipolicy: Params = field(default_factory=dict)
    hv_state: Params = field(default_factory=dict)
    disk_state: Params = field(default_factory=dict)
    vg_name: str | None = None
    drbd_helper: str | None = None
    file_storage_dir: str | None = None
    shared_file_storage_dir: str | None = None
    gluster_storage_dir: str | None = None
    candidate_pool_size: int | None = None
    uid_pool: tuple[tuple[int, int], ...] = ()
    default_iallocator: str | None = None
    default_iallocator_params: Params = field(default_factory=dict)
    prealloc_wipe_disks: bool = False
    maintain_node_health: bool = False
    enabled_user_shutdown: bool = False
    modify_etc_hosts: bool = True
    modify_ssh_setup: bool = True
    install_image: str | None = None
    zeroing_image: str | None = None
    compression_tools: tuple[str, ...] | None = None
    ssh_key_type: str = "rsa"
    ssh_key_bits: int | None = None


@dataclass(frozen=True)
class HostFacts:
    """What the first node found out about itself."""

    node_name: str
    primary_ip: str
    secondary_ip: str
    cluster_ip: str
    family: int
    rsa_key: str
    dsa_key: str
    client_digest: str
    default_iallocator: str
    directories: Mapping[str, str]


SSH_BITS = {"rsa": 2048, "dsa": 1024, "ecdsa": 384}


def storage_directories(request: InitRequest, paths: Paths) -> dict[str, str]:
    """The directories of the enabled file-based templates, by template."""
    directories = {
        "file": (request.file_storage_dir, paths.default_file_storage_dir),
        "sharedfile": (request.shared_file_storage_dir, paths.default_shared_file_storage_dir),
    }
    return {
        template: usual if given is None else given
        for template, (given, usual) in directories.items()
        if template in request.enabled_disk_templates
    }


def ssh_bits(request: InitRequest) -> int:
    """The length of SSH keys; raises OpPrereqError for one that the type does not have."""
    kind, bits = request.ssh_key_type, request.ssh_key_bits or SSH_BITS[request.ssh_key_type]
    allowed = {
        "rsa": bits >= 768,
        "dsa": bits == SSH_BITS["dsa"],
        "ecdsa": bits in (256, 384, 521),
    }
    if not allowed[kind]:
        raise OpPrereqError(f"{kind} keys cannot have {bits} bits", Code.WRONG_INPUT)
    return bits


def netmask(request: InitRequest) -> int:
    """The prefix length of the cluster's address."""
    ipv6 = request.primary_ip_version == 6
    if request.master_netmask is None:
        return 128 if ipv6 else 32
    return settings.netmask(request.master_netmask, ipv6=ipv6)


def filled_hvparams(request: InitRequest) -> dict[str, dict[str, Any]]:
    """The parameters of all hypervisors; those that are enabled or named must make sense."""
    filled = {}
    for name in registry.names():
        own = registry.typed(name, request.hvparams.get(name, {}), cluster=True)
        filled[name] = {**registry.defaults(name), **own}
        if name in request.enabled_hypervisors or name in request.hvparams:
            registry.check_syntax(name, filled[name])
    return filled


def filled_diskparams(request: InitRequest) -> dict[str, dict[str, Any]]:
    filled = disk.all_defaults()
    for template, own in request.diskparams.items():
        filled[template] |= disk.typed(template, own)
    if request.vg_name:
        filled["drbd"].setdefault("metavg", request.vg_name)
        filled["drbd"]["metavg"] = request.diskparams.get("drbd", {}).get("metavg", request.vg_name)
    for template in request.diskparams:
        disk.check(template, filled[template])
    return filled


def filled_ipolicy(request: InitRequest) -> dict[str, Any]:
    """The policy allows no more than the enabled templates."""
    policy = ipolicy.filled(request.ipolicy)
    if "disk-templates" not in request.ipolicy:
        policy["disk-templates"] = list(request.enabled_disk_templates)
    ipolicy.check(policy)
    wrong = sorted(set(policy["disk-templates"]) - set(request.enabled_disk_templates))
    if wrong:
        raise OpPrereqError(
            f"the instance policy allows disk templates that are not enabled: {', '.join(wrong)}",
            Code.WRONG_INPUT,
        )
    return policy


def pool_size(request: InitRequest) -> int:
    size = DEFAULT_POOL if request.candidate_pool_size is None else request.candidate_pool_size
    if size < 1:
        raise OpPrereqError(
            f"the pool of master candidates cannot have the size {size}", Code.WRONG_INPUT
        )
    return size


def first_config(
    request: InitRequest, facts: HostFacts, new_uuid: Callable[[], str], now: float
) -> Config:
    """One cluster, one node that is its master, one group. UUIDs in that order."""
    cluster_uuid, node_uuid, group_uuid = new_uuid(), new_uuid(), new_uuid()
    stamps: dict[str, Any] = {"serial_no": 1, "ctime": now, "mtime": now}
    node = Node(
        uuid=node_uuid,
        name=facts.node_name,
        primary_ip=facts.primary_ip,
        secondary_ip=facts.secondary_ip,
        master_candidate=True,
        offline=False,
        drained=False,
        group=group_uuid,
        **stamps,
    )
    group = NodeGroup(uuid=group_uuid, name=INITIAL, **stamps)
    cluster = _cluster(request, facts, cluster_uuid, node_uuid, stamps)
    return Config.new(cluster=cluster, nodes=[node], groups=[group], now=now)


def _cluster(
    request: InitRequest, facts: HostFacts, uuid: str, node_uuid: str, stamps: Mapping[str, Any]
) -> Cluster:
    return Cluster(
        uuid=uuid,
        cluster_name=request.cluster_name,
        rsahostkeypub=facts.rsa_key,
        dsahostkeypub=facts.dsa_key,
        ssh_key_type=request.ssh_key_type,
        ssh_key_bits=ssh_bits(request),
        modify_etc_hosts=request.modify_etc_hosts,
        modify_ssh_setup=request.modify_ssh_setup,
        candidate_certs={node_uuid: facts.client_digest},
        master_node=node_uuid,
        master_ip=facts.cluster_ip,
        master_netdev=master_netdev(request),
        master_netmask=netmask(request),
        use_external_mip_script=request.use_external_mip_script,
        primary_ip_family=facts.family,
        highest_used_port=FIRST_FREE_PORT - 1,
        mac_prefix=settings.mac_prefix(request.mac_prefix or "aa:00:00"),
        uid_pool=tuple(settings.uid_pool(request.uid_pool)),
        candidate_pool_size=pool_size(request),
        hidden_os=(),
        default_iallocator=request.default_iallocator or facts.default_iallocator,
        default_iallocator_params=dict(request.default_iallocator_params),
        prealloc_wipe_disks=request.prealloc_wipe_disks,
        maintain_node_health=request.maintain_node_health,
        enabled_user_shutdown=request.enabled_user_shutdown,
        install_image=settings.image(request.install_image or ""),
        zeroing_image=settings.image(request.zeroing_image or ""),
        **_tools(request),
        **_parameters(request),
        **_storage(request, facts.directories),
        data_collectors=dict.fromkeys(settings.DATA_COLLECTORS, settings.NEW_COLLECTOR),
        **stamps,
    )


def _tools(request: InitRequest) -> dict[str, Any]:
    if not request.compression_tools:
        return {}
    return {"compression_tools": settings.compression_tools(request.compression_tools)}


def _parameters(request: InitRequest) -> dict[str, Any]:
    backend = {**be.defaults(), **be.typed(request.beparams)}
    be.check(backend)
    link = {"link": master_netdev(request)} if "link" not in request.nicparams else {}
    interface = {**nic.defaults(), **link, **nic.typed(request.nicparams)}
    nic.check(interface)
    machine = {**nd.defaults(), **nd.typed(request.ndparams)}
    nd.check(machine)
    return {
        "enabled_hypervisors": request.enabled_hypervisors,
        "hvparams": filled_hvparams(request),
        "beparams": {"default": backend},
        "nicparams": {"default": interface},
        "ndparams": machine,
        "ipolicy": filled_ipolicy(request),
        "hv_state_static": state.hv_state(request.hv_state, {}),
        "disk_state_static": state.disk_state(request.disk_state, {}),
    }


def master_netdev(request: InitRequest) -> str:
    """The interface of the cluster's address: the default depends on the NIC mode."""
    if request.master_netdev:
        return request.master_netdev
    return "switch1" if request.nicparams.get("mode") == "openvswitch" else nic.DEFAULT_LINK


def _storage(request: InitRequest, directories: Mapping[str, str]) -> dict[str, Any]:
    enabled = request.enabled_disk_templates
    return {
        "enabled_disk_templates": enabled,
        "diskparams": filled_diskparams(request),
        "volume_group_name": request.vg_name or None,
        "drbd_usermode_helper": request.drbd_helper if "drbd" in enabled else None,
        "file_storage_dir": directories.get("file", ""),
        "shared_file_storage_dir": directories.get("sharedfile", ""),
        "gluster_storage_dir": (request.gluster_storage_dir or "") if "gluster" in enabled else "",
    }
