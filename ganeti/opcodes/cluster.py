# SPDX-License-Identifier: GPL-2.0-or-later
"""Opcodes about the cluster as a whole."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ganeti.opcodes.base import Disclosure, OpCode, param
from ganeti.opcodes.shared import DiskTemplate, Hypervisor, NicSpec, Params, SubmittedJobs
from ganeti.schema.types import NonEmpty, NonNegative, Positive

OptionalCheck = Literal["nplusone_mem"]
ListChange = Literal["add", "attach", "detach", "remove"]
PrivateByOs = Annotated[dict[str, Params] | None, Disclosure.PRIVATE]
VerifyError = Literal[
    "ECLUSTERCERT",
    "ECLUSTERCFG",
    "ECLUSTERCLIENTCERT",
    "ECLUSTERDANGLINGINST",
    "ECLUSTERDANGLINGNODES",
    "ECLUSTERFILECHECK",
    "EEXTAGS",
    "EGROUPDIFFERENTPVSIZE",
    "EINSTANCEBADNODE",
    "EINSTANCEDOWN",
    "EINSTANCEFAULTYDISK",
    "EINSTANCELAYOUT",
    "EINSTANCEMISSINGCFGPARAMETER",
    "EINSTANCEMISSINGDISK",
    "EINSTANCEPOLICY",
    "EINSTANCESPLITGROUPS",
    "EINSTANCEUNSUITABLENODE",
    "EINSTANCEWRONGNODE",
    "ENODEDRBD",
    "ENODEDRBDHELPER",
    "ENODEDRBDVERSION",
    "ENODEFILECHECK",
    "ENODEFILESTORAGEPATHS",
    "ENODEFILESTORAGEPATHUNUSABLE",
    "ENODEGLUSTERSTORAGEPATHUNUSABLE",
    "ENODEHOOKS",
    "ENODEHV",
    "ENODELVM",
    "ENODEN1",
    "ENODENET",
    "ENODEOOBPATH",
    "ENODEORPHANINSTANCE",
    "ENODEORPHANLV",
    "ENODEOS",
    "ENODERPC",
    "ENODESETUP",
    "ENODESHAREDFILESTORAGEPATHUNUSABLE",
    "ENODESSH",
    "ENODETIME",
    "ENODEUSERSCRIPTS",
    "ENODEVERSION",
]


class OpClusterPostInit(OpCode):
    """Run the hooks of a cluster that was just made."""

    RESULT = bool


class OpClusterDestroy(OpCode):
    """Take the cluster down for good; only the master may be left."""

    RESULT = NonEmpty


class OpClusterQuery(OpCode):
    """Tell all there is to know about the cluster."""

    RESULT = dict[str, Any]


class OpClusterConfigQuery(OpCode):
    """Read some values of the cluster's configuration."""

    RESULT = list[Any]
    output_fields: list[NonEmpty] = param("Names of the values")


class OpClusterActivateMasterIp(OpCode):
    """Bring the cluster's address up on the master."""

    RESULT = None


class OpClusterDeactivateMasterIp(OpCode):
    """Take the cluster's address down on the master."""

    RESULT = None


class OpClusterRedistConf(OpCode):
    """Send the files that all nodes share to all nodes."""

    RESULT = None


class OpClusterVerify(OpCode):
    """Check everything: submits a job for the configuration and one for each node group."""

    RESULT = SubmittedJobs
    debug_simulate_errors: bool = param("Act as if every check had failed", default=False)
    error_codes: bool = param("Print findings in a form for programs", default=False)
    skip_checks: list[OptionalCheck] = param("Checks to leave out", default=[])
    ignore_errors: list[VerifyError] = param("Findings that are only warnings", default=[])
    verbose: bool = param("Say what is being checked", default=False)
    group_name: NonEmpty | None = param("Check only this node group", default=None)
    verify_clutter: bool = param("Look for keys that do not belong", default=False)


class OpClusterVerifyConfig(OpCode):
    """Check the configuration as such."""

    RESULT = bool
    debug_simulate_errors: bool = param("Act as if every check had failed", default=False)
    error_codes: bool = param("Print findings in a form for programs", default=False)
    ignore_errors: list[VerifyError] = param("Findings that are only warnings", default=[])
    verbose: bool = param("Say what is being checked", default=False)


class OpClusterVerifyGroup(OpCode):
    """Check the nodes and instances of one node group."""

    SUBJECT = "group_name"
    RESULT = bool
    group_name: NonEmpty = param("Name of the node group")
    debug_simulate_errors: bool = param("Act as if every check had failed", default=False)
    error_codes: bool = param("Print findings in a form for programs", default=False)
    skip_checks: list[OptionalCheck] = param("Checks to leave out", default=[])
    ignore_errors: list[VerifyError] = param("Findings that are only warnings", default=[])
    verbose: bool = param("Say what is being checked", default=False)
    verify_clutter: bool = param("Look for keys that do not belong", default=False)


class OpClusterSetParams(OpCode):
    """Change settings of the cluster. What is absent stays; an empty text means none."""

    RESULT = SubmittedJobs | None
    force: bool = param("Change it although something speaks against it", default=False)
    hv_state: Params | None = param("State of hypervisors, as the admin sets it", default=None)
    disk_state: Params | None = param("State of storage, as the admin sets it", default=None)
    vg_name: str | None = param("Volume group", default=None)
    enabled_hypervisors: list[Hypervisor] | None = param("Enabled hypervisors", default=None)
    hvparams: dict[str, Params] | None = param("Parameters per hypervisor", default=None)
    beparams: Params | None = param("Backend parameters", default=None)
    os_hvp: dict[str, Params] | None = param("Hypervisor parameters per OS", default=None)
    osparams: dict[str, Params] | None = param("Parameters per OS", default=None)
    osparams_private_cluster: PrivateByOs = param("The same, not for listing", default=None)
    diskparams: dict[DiskTemplate, Params] | None = param("Parameters per template", default=None)
    candidate_pool_size: Positive | None = param("Wanted master candidates", default=None)
    max_running_jobs: Positive | None = param("Jobs that run at once", default=None)
    max_tracked_jobs: Positive | None = param("Jobs that are watched at once", default=None)
    uid_pool: list[tuple[int, int]] | None = param("User ids for KVM guests", default=None)
    add_uids: list[tuple[int, int]] | None = param("User ids to add", default=None)
    remove_uids: list[tuple[int, int]] | None = param("User ids to take away", default=None)
    maintain_node_health: bool | None = param("The watcher keeps nodes tidy", default=None)
    prealloc_wipe_disks: bool | None = param("Wipe new disks", default=None)
    nicparams: NicSpec | None = param("Parameters of network interfaces", default=None)
    ndparams: Params | None = param("Node parameters", default=None)
    ipolicy: Params | None = param("Instance policy", default=None)
    drbd_helper: str | None = param("Program that DRBD calls", default=None)
    default_iallocator: str | None = param("Allocator", default=None)
    default_iallocator_params: Params | None = param("Parameters of the allocator", default=None)
    mac_prefix: NonEmpty | None = param("First three bytes of new MACs", default=None)
    master_netdev: str | None = param("Interface of the cluster's address", default=None)
    master_netmask: NonNegative | None = param("Length of its network prefix", default=None)
    reserved_lvs: list[NonEmpty] | None = param("Volumes that are not ours", default=None)
    hidden_os: list[tuple[ListChange, NonEmpty]] | None = param("Hide OSes or not", default=None)
    blacklisted_os: list[tuple[ListChange, NonEmpty]] | None = param(
        "Forbid OSes or not", default=None
    )
    use_external_mip_script: bool | None = param(
        "A script of the admin sets the cluster's address", default=None
    )
    enabled_disk_templates: list[DiskTemplate] | None = param("Enabled templates", default=None)
    modify_etc_hosts: bool | None = param("Keep nodes in /etc/hosts", default=None)
    file_storage_dir: str | None = param("Directory of file disks", default=None)
    shared_file_storage_dir: str | None = param("Directory of shared file disks", default=None)
    gluster_storage_dir: str | None = param("Directory of Gluster disks", default=None)
    install_image: str | None = param("Image of the helper VM for installing", default=None)
    instance_communication_network: str | None = param(
        "Network by which guests talk to their node", default=None
    )
    zeroing_image: str | None = param("Image of the helper VM for zeroing", default=None)
    compression_tools: list[NonEmpty] | None = param("Allowed compression tools", default=None)
    enabled_user_shutdown: bool | None = param("Guests may shut themselves down", default=None)
    enabled_data_collectors: dict[str, bool] | None = param(
        "Which data collectors run", default=None
    )
    data_collector_interval: dict[str, int] | None = param(
        "Time between their runs: seconds for the command, microseconds here", default=None
    )
