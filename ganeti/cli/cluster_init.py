# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-cluster init`` and ``destroy``: what happens outside of jobs, because there is no master yet,
or no longer one."""

from __future__ import annotations

import optparse
import typing
from typing import Any

from ganeti.cli import cluster_policy, failure, jobs
from ganeti.cli.cluster_modify import compression_tools
from ganeti.cli.command import Argument, Command, Run
from ganeti.cli.options import flag, value
from ganeti.opcodes.cluster import OpClusterDestroy, OpClusterPostInit, OpClusterSetParams

if typing.TYPE_CHECKING:
    from ganeti.bootstrap.new_cluster import InitRequest

DEFAULT_HYPERVISOR = "xen-pvm"
DEFAULT_TEMPLATES = ("drbd", "plain")
DEFAULT_VG = "xenvg"
DEFAULT_DRBD_HELPER = "/bin/true"
GLUSTER_DIR = "/var/run/ganeti/gluster"

NO_ETC_HOSTS = flag(
    "--no-etc-hosts", dest="modify_etc_hosts", default=True, doc="Leave /etc/hosts alone"
)
NO_SSH_INIT = flag("--no-ssh-init", dest="modify_ssh_setup", default=True, doc="Set up no SSH keys")
SECONDARY_IP = value(
    "-s", "--secondary-ip", metavar="ADDRESS", doc="Address of this node for replication"
)
IP_VERSION = value(
    "--primary-ip-version", kind="number", default=4, metavar="4|6", doc="IP version of the nodes"
)
GLUSTER = value(
    "--gluster-storage-dir", default=GLUSTER_DIR, metavar="DIR", doc="Directory of Gluster disks"
)
SSH_BITS = value("--ssh-key-bits", kind="int", doc="Length of the SSH keys to make")
SSH_TYPE = value(
    "--ssh-key-type", kind="choice", choices=("dsa", "ecdsa", "rsa"), doc="Kind of SSH keys"
)
YES_DO_IT = flag(
    "--yes-do-it", "--ya-rly", dest="yes_do_it", doc="Yes, the cluster shall be no more"
)


def _init(run: Run) -> int:
    wanted = request(run.args[0], run.opts)
    from ganeti.bootstrap.cluster_init import ClusterInit

    world = run.world
    ClusterInit(world.paths, world.disk, world.runner, world.clock).run(wanted)
    jobs.submit(run, OpClusterPostInit())
    return 0


def request(name: str, opts: optparse.Values) -> InitRequest:
    """What the options say about the new cluster."""
    from ganeti.bootstrap.new_cluster import InitRequest

    return InitRequest(cluster_name=name, **_storage(opts), **_settings(opts), **_asked(opts))


def _storage(opts: optparse.Values) -> dict[str, Any]:
    """Templates, volume group and DRBD helper, which must fit together."""
    from ganeti.model.templates import TEMPLATES

    templates = tuple(opts.enabled_disk_templates or DEFAULT_TEMPLATES)
    with_lvm = any(TEMPLATES[name].uses_vg for name in templates if name in TEMPLATES)
    if with_lvm and opts.vg_name == "":
        raise failure.Complaint("The enabled disk templates need a volume group; give --vg-name.")
    if opts.vg_name and not with_lvm:
        raise failure.Complaint("A volume group is of no use without a disk template on LVM.")
    with_drbd = "drbd" in templates
    if with_drbd and opts.drbd_helper == "":
        raise failure.Complaint("The disk template drbd needs a --drbd-usermode-helper.")
    if opts.drbd_helper and not with_drbd:
        raise failure.Complaint("A DRBD helper is of no use without the disk template drbd.")
    return {
        "enabled_disk_templates": templates,
        "vg_name": (opts.vg_name or DEFAULT_VG) if with_lvm else None,
        "drbd_helper": (opts.drbd_helper or DEFAULT_DRBD_HELPER) if with_drbd else None,
    }


def _settings(opts: optparse.Values) -> dict[str, Any]:
    """What is worked out of the options."""
    return {
        "enabled_hypervisors": tuple(opts.enabled_hypervisors or (DEFAULT_HYPERVISOR,)),
        "hvparams": opts.hvparams or {},
        "beparams": opts.beparams or {},
        "nicparams": opts.nicparams or {},
        "ndparams": opts.ndparams or {},
        "diskparams": opts.diskparams or {},
        "hv_state": opts.hv_state or {},
        "disk_state": opts.disk_state or {},
        "ipolicy": cluster_policy.from_init_options(opts),
        "uid_pool": tuple(opts.uid_pool or ()),
        "compression_tools": tuple(compression_tools(opts.compression_tools) or ()) or None,
        "default_iallocator_params": opts.default_iallocator_params or {},
        "maintain_node_health": bool(opts.maintain_node_health),
        "prealloc_wipe_disks": bool(opts.prealloc_wipe_disks),
        "enabled_user_shutdown": bool(opts.enabled_user_shutdown),
        "use_external_mip_script": bool(opts.use_external_mip_script),
        "ssh_key_type": opts.ssh_key_type or "rsa",
    }


_AS_ASKED = (
    *("secondary_ip", "primary_ip_version", "master_netdev", "master_netmask", "mac_prefix"),
    *("file_storage_dir", "shared_file_storage_dir", "gluster_storage_dir"),
    *("candidate_pool_size", "default_iallocator", "modify_etc_hosts", "modify_ssh_setup"),
    *("install_image", "zeroing_image", "ssh_key_bits"),
)


def _asked(opts: optparse.Values) -> dict[str, Any]:
    """What goes on as it was typed in."""
    return {name: getattr(opts, name) for name in _AS_ASKED}


def _destroy(run: Run) -> int:
    if not run.opts.yes_do_it:
        raise failure.Complaint(
            "Destroying a cluster cannot be undone. If it shall be done, add --yes-do-it."
        )
    (modify_ssh_setup,) = run.world.client.QueryConfigValues(["modify_ssh_setup"])
    master_uuid = jobs.submit(run, OpClusterDestroy())
    from ganeti.bootstrap import cluster_destroy

    cluster_destroy.finish(
        run.world.paths, master_uuid, modify_ssh_setup=bool(modify_ssh_setup), warn=run.note
    )
    return 0


INIT = Command(
    "Make this host the master of a new cluster",
    _init,
    (Argument("cluster name"),),
    (
        *("beparams", "candidate_pool_size", "enabled_hypervisors", "file_storage_dir"),
        *("hvparams", "mac_prefix", "master_netdev", "master_netmask", "nicparams"),
        *(NO_ETC_HOSTS, NO_SSH_INIT, SECONDARY_IP, "vg_name", "maintain_node_health", "uid_pool"),
        *("drbd_helper", "default_iallocator", "default_iallocator_params", IP_VERSION),
        *("prealloc_wipe_disks", "ndparams", "shared_file_storage_dir"),
        *("use_external_mip_script", "diskparams", "hv_state", "disk_state"),
        *("enabled_disk_templates", GLUSTER, "install_image", "zeroing_image"),
        *("compression_tools", "enabled_user_shutdown", SSH_BITS, SSH_TYPE),
        *(*cluster_policy.POLICY, *cluster_policy.SIZES),
    ),
    OpClusterSetParams,
)
DESTROY = Command("Take the cluster down for good", _destroy, (), (YES_DO_IT,), OpClusterDestroy)
