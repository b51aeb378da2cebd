# SPDX-License-Identifier: GPL-2.0-or-later
"""Opcodes about instances."""

from __future__ import annotations

from typing import Any, Literal

from ganeti.opcodes.base import OpCode, param
from ganeti.opcodes.shared import (
    SHUTDOWN_TIMEOUT,
    Changes,
    DiskSpec,
    DiskTemplate,
    Hypervisor,
    InstanceOpCode,
    NicSpec,
    Params,
    PrivateParams,
    SecretParams,
)
from ganeti.schema.types import NonEmpty, NonNegative, Positive

CreateMode = Literal["create", "import", "remote-import"]
FileDriver = Literal["blktap", "blktap2", "loop"]
RebootType = Literal["full", "hard", "soft"]
MigrationMode = Literal["live", "non-live"]
AdminStateSource = Literal["admin", "user"]

Verb = Literal["add", "attach", "detach", "modify", "remove"]
NicModification = tuple[Verb, int | str, NicSpec] | tuple[Verb | int, NicSpec]
DiskModification = tuple[Verb, int | str, DiskSpec] | tuple[Verb | int, DiskSpec]
"""Verb, index or name, and settings; or shorter as before 2.7, with the verb or the index alone."""


class OpInstanceCreate(OpCode):
    """Create an instance, or import it from a backup or another cluster."""

    SUBJECT = "instance_name"
    RESULT = list[NonEmpty]
    instance_name: str = param("Name of the instance")
    force_variant: bool = param("Take an OS variant the OS does not list", default=False)
    wait_for_sync: bool = param("Wait until the disks are in sync", default=True)
    name_check: bool = param("The name must resolve", default=True)
    ignore_ipolicy: bool = param("Create it against the instance policy", default=False)
    opportunistic_locking: bool = param("Let the allocator use what is free now", default=False)
    beparams: Params = param("Backend parameters", default={})
    disks: list[DiskSpec] = param("The disks")
    disk_template: DiskTemplate | None = param("Disk template", default=None)
    group_name: NonEmpty | None = param("Node group the allocator shall use", default=None)
    file_driver: FileDriver | None = param("Driver of file disks", default=None)
    file_storage_dir: NonEmpty | None = param("Directory below the file storage", default=None)
    hvparams: Params = param("Hypervisor parameters", default={})
    hypervisor: Hypervisor | None = param("Hypervisor; the cluster's first if absent", default=None)
    iallocator: NonEmpty | None = param("Allocator that chooses the nodes", default=None)
    identify_defaults: bool = param("Do not store what equals the default", default=False)
    ip_check: bool = param("The address of the name must be free", default=True)
    conflicts_check: bool = param("The addresses must fit the networks", default=True)
    mode: CreateMode = param("Where the data comes from", offer="create")
    nics: list[NicSpec] = param("The network interfaces")
    no_install: bool | None = param("Do not run the OS create script", default=None)
    osparams: Params = param("OS parameters", default={})
    osparams_private: PrivateParams = param("OS parameters that nobody lists", default=None)
    osparams_secret: SecretParams = param("OS parameters that are not stored", default=None)
    os_type: NonEmpty | None = param("OS definition, with its variant", default=None)
    pnode: NonEmpty | None = param("Primary node", default=None)
    pnode_uuid: NonEmpty | None = param("UUID of the primary node", default=None)
    snode: NonEmpty | None = param("Secondary node", default=None)
    snode_uuid: NonEmpty | None = param("UUID of the secondary node", default=None)
    source_handshake: list[Any] | None = param("Signed greeting of the other cluster", default=None)
    source_instance_name: NonEmpty | None = param("Its name in the other cluster", default=None)
    source_shutdown_timeout: NonNegative = param(
        "Seconds the guest gets to shut down over there", default=SHUTDOWN_TIMEOUT
    )
    source_x509_ca: NonEmpty | None = param("Signing certificate of the source", default=None)
    src_node: NonEmpty | None = param("Node that has the backup", default=None)
    src_node_uuid: NonEmpty | None = param("UUID of the node that has the backup", default=None)
    src_path: NonEmpty | None = param("Directory of the backup", default=None)
    compress: str = param("How the import is compressed on its way", default="none")
    start: bool = param("Start the instance", default=True)
    forthcoming: bool = param("Only reserve its place", default=False)
    commit: bool = param("Make a forthcoming instance a real one", default=False)
    tags: list[NonEmpty] = param("Tags", default=[])
    instance_communication: bool = param("Give it a NIC for talking to the node", default=False)
    helper_startup_timeout: int | None = param("Seconds the helper VM has to start", default=None)
    helper_shutdown_timeout: int | None = param("Seconds the helper VM has to stop", default=None)


class OpInstanceRemove(InstanceOpCode):
    """Stop an instance and delete it with its disks."""

    RESULT = None
    shutdown_timeout: NonNegative = param(
        "Seconds the guest gets to shut down", default=SHUTDOWN_TIMEOUT
    )
    ignore_failures: bool = param("Remove it although parts of it cannot be", default=False)


class OpInstanceStartup(InstanceOpCode):
    """Start an instance."""

    RESULT = None
    force: bool = param("Start it although a disk cannot be assembled", default=False)
    ignore_offline_nodes: bool = param("Only mark it if its primary is offline", default=False)
    hvparams: Params = param("Hypervisor parameters for this start only", default={})
    beparams: Params = param("Backend parameters for this start only", default={})
    no_remember: bool = param("Do not change what state is wanted", default=False)
    startup_paused: bool = param("Start it with its CPUs stopped", default=False)
    shutdown_timeout: NonNegative = param(
        "Seconds the guest gets to shut down", default=SHUTDOWN_TIMEOUT
    )


class OpInstanceShutdown(InstanceOpCode):
    """Stop an instance."""

    RESULT = None
    force: bool = param("Stop it although it is marked as offline", default=False)
    ignore_offline_nodes: bool = param("Only mark it if its primary is offline", default=False)
    timeout: NonNegative = param("Seconds the guest gets to shut down", default=SHUTDOWN_TIMEOUT)
    no_remember: bool = param("Do not change what state is wanted", default=False)
    admin_state_source: AdminStateSource | None = param("Who wants it to be down", default=None)


class OpInstanceReboot(InstanceOpCode):
    """Reboot an instance."""

    RESULT = None
    shutdown_timeout: NonNegative = param(
        "Seconds the guest gets to shut down", default=SHUTDOWN_TIMEOUT
    )
    ignore_secondaries: bool = param("Start it without its secondary node's disks", default=False)
    reboot_type: RebootType = param("How deep the reboot goes", offer="hard")


class OpInstanceMigrate(InstanceOpCode):
    """Move a running instance to its other node."""

    RESULT = None
    mode: MigrationMode | None = param("Live, or frozen on its way", default=None)
    live: bool | None = param("Older form of the mode", default=None)
    target_node: NonEmpty | None = param("Where to, if its disks are shared", default=None)
    target_node_uuid: NonEmpty | None = param("UUID of the target node", default=None)
    allow_runtime_changes: bool = param("May take memory away to make it fit", default=True)
    ignore_ipolicy: bool = param("Move it against the instance policy", default=False)
    cleanup: bool = param("Tidy up after a migration that failed", default=False)
    iallocator: NonEmpty | None = param("Allocator that chooses the node", default=None)
    allow_failover: bool = param("Fail over if it does not run", default=False)
    ignore_hvversions: bool = param("Move between versions of the hypervisor", default=False)


class OpInstanceFailover(InstanceOpCode):
    """Stop an instance and start it on its other node."""

    RESULT = None
    shutdown_timeout: NonNegative = param(
        "Seconds the guest gets to shut down", default=SHUTDOWN_TIMEOUT
    )
    ignore_consistency: bool = param("Go on with disks that are not in sync", default=False)
    target_node: NonEmpty | None = param("Where to, if its disks are shared", default=None)
    target_node_uuid: NonEmpty | None = param("UUID of the target node", default=None)
    ignore_ipolicy: bool = param("Move it against the instance policy", default=False)
    cleanup: bool = param("Tidy up after a failover that failed", default=False)
    iallocator: NonEmpty | None = param("Allocator that chooses the node", default=None)


class OpInstanceSetParams(InstanceOpCode):
    """Change the settings, disks or network interfaces of an instance."""

    RESULT = Changes
    force: bool = param("Change it although something speaks against it", default=False)
    force_variant: bool = param("Take an OS variant the OS does not list", default=False)
    ignore_ipolicy: bool = param("Change it against the instance policy", default=False)
    nics: list[NicModification] = param("Changes of network interfaces", default=[])
    disks: list[DiskModification] = param("Changes of disks", default=[])
    beparams: Params = param("Backend parameters", default={})
    runtime_mem: Positive | None = param("Memory the guest shall have now, in MiB", default=None)
    hvparams: Params = param("Hypervisor parameters", default={})
    disk_template: DiskTemplate | None = param("Disk template to convert to", default=None)
    ext_params: Params = param("Parameters of the external storage", default={})
    file_driver: FileDriver | None = param("Driver of file disks", default=None)
    file_storage_dir: NonEmpty | None = param("Directory below the file storage", default=None)
    pnode: NonEmpty | None = param("New primary node, disks being elsewhere", default=None)
    pnode_uuid: NonEmpty | None = param("UUID of the new primary node", default=None)
    remote_node: NonEmpty | None = param("Secondary node for a conversion", default=None)
    remote_node_uuid: NonEmpty | None = param("UUID of the secondary node", default=None)
    iallocator: NonEmpty | None = param("Allocator that chooses the secondary", default=None)
    os_name: NonEmpty | None = param("Name of another OS, without installing it", default=None)
    osparams: Params = param("OS parameters", default={})
    osparams_private: PrivateParams = param("OS parameters that nobody lists", default=None)
    wait_for_sync: bool = param("Wait until the disks are in sync", default=True)
    offline: bool | None = param("Reserve no resources for it", default=None)
    conflicts_check: bool = param("The addresses must fit the networks", default=True)
    hotplug: bool = param("Change the running guest too", default=False)
    hotplug_if_possible: bool = param("The same, if the guest can", default=False)
    instance_communication: bool | None = param("Has a NIC to talk to the node", default=None)


class OpInstanceRename(InstanceOpCode):
    """Give an instance another name."""

    SUBJECT = None
    RESULT = NonEmpty
    new_name: NonEmpty = param("The new name")
    name_check: bool = param("The name must resolve", default=True)
    ip_check: bool = param("The address of the name must be free", default=True)


class OpInstanceReinstall(InstanceOpCode):
    """Run the OS create script again, over the disks."""

    RESULT = None
    force_variant: bool = param("Take an OS variant the OS does not list", default=False)
    os_type: NonEmpty | None = param("Another OS definition, with its variant", default=None)
    osparams: Params | None = param("OS parameters, which it keeps", default=None)
    osparams_private: PrivateParams = param("OS parameters that nobody lists", default=None)
    osparams_secret: SecretParams = param("OS parameters that are not stored", default=None)


class OpInstanceQueryData(OpCode):
    """Tell all there is to know about instances."""

    RESULT = dict[str, dict[str, Any]]
    use_locking: bool = param("Lock the instances while reading", default=False)
    instances: list[NonEmpty] = param("Names of the instances; all if empty", default=[])
    static: bool = param("Ask no nodes", default=False)


class OpInstanceConsole(InstanceOpCode):
    """Tell how to reach the console of an instance."""

    RESULT = dict[str, Any]


class OpInstanceActivateDisks(InstanceOpCode):
    """Assemble the disks of an instance."""

    RESULT = list[tuple[NonEmpty, NonEmpty, NonEmpty | None]]
    ignore_size: bool = param("Take them in whatever size they have", default=False)
    wait_for_sync: bool = param("Wait until the disks are in sync", default=False)


class OpInstanceDeactivateDisks(InstanceOpCode):
    """Shut the disks of an instance down."""

    RESULT = None
    force: bool = param("Do it although the instance may run", default=False)
