# SPDX-License-Identifier: GPL-2.0-or-later
"""The cluster's own settings: ``cluster`` in the configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.schema.record import Record, optional, stored

Params = Mapping[str, Any]


class Cluster(Record):
    """Its `serial_no` grows with every change of what stands in ssconf."""

    uuid: str = stored(default="")
    cluster_name: str = stored()
    serial_no: int = stored()
    ctime: float = stored(default=0)
    mtime: float = stored(default=0)
    tags: tuple[str, ...] = optional(default=())

    rsahostkeypub: str = stored()
    dsahostkeypub: str | None = optional(default=None)
    ssh_key_type: str = stored(default="rsa")
    ssh_key_bits: int = stored(default=2048)
    modify_etc_hosts: bool = stored(default=True)
    modify_ssh_setup: bool = stored(default=True)
    candidate_certs: Mapping[str, str] = stored(default={})

    master_node: str = stored()
    master_ip: str = stored()
    master_netdev: str = stored()
    master_netmask: int = stored(default=32)
    use_external_mip_script: bool = stored(default=False)
    primary_ip_family: int = stored(default=2)

    highest_used_port: int = stored()
    tcpudp_port_pool: tuple[int, ...] = stored(default=())
    mac_prefix: str = stored()
    uid_pool: tuple[tuple[int, int], ...] = stored(default=())

    volume_group_name: str | None = optional(default=None)
    reserved_lvs: tuple[str, ...] = stored(default=())
    drbd_usermode_helper: str | None = optional(default=None)
    file_storage_dir: str = stored(default="")
    shared_file_storage_dir: str = stored(default="")
    gluster_storage_dir: str = stored(default="")
    enabled_disk_templates: tuple[str, ...] = stored(default=())
    prealloc_wipe_disks: bool = stored(default=False)

    enabled_hypervisors: tuple[str, ...] = stored()
    hvparams: Mapping[str, Params] = stored(default={})
    os_hvp: Mapping[str, Mapping[str, Params]] = stored(default={})
    beparams: Mapping[str, Params] = stored(default={})
    nicparams: Mapping[str, Params] = stored(default={})
    ndparams: Params = stored(default={})
    diskparams: Mapping[str, Params] = stored(default={})
    osparams: Mapping[str, Params] = stored(default={})
    osparams_private_cluster: Mapping[str, Params] = stored(default={})
    ipolicy: Params = stored(default={})
    hv_state_static: Mapping[str, Params] = stored(default={})
    disk_state_static: Mapping[str, Mapping[str, Params]] = stored(default={})

    hidden_os: tuple[str, ...] = stored(default=())
    blacklisted_os: tuple[str, ...] = stored(default=())
    default_iallocator: str = stored(default="")
    default_iallocator_params: Params = stored(default={})
    candidate_pool_size: int = stored()
    max_running_jobs: int = stored(default=20)
    max_tracked_jobs: int = stored(default=25)
    maintain_node_health: bool = stored(default=False)
    enabled_user_shutdown: bool = stored(default=False)
    install_image: str = stored(default="")
    zeroing_image: str = stored(default="")
    compression_tools: tuple[str, ...] = stored(default=("gzip", "gzip-fast", "gzip-slow"))
    instance_communication_network: str = stored(default="")
    data_collectors: Mapping[str, Params] = stored(default={})
