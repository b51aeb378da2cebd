# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-instance add``."""

from __future__ import annotations

from typing import Any

from ganeti.cli import devices, jobs
from ganeti.cli.command import Argument, Command, Run
from ganeti.cli.options import JOB, flag, value
from ganeti.errors import Code, OpPrereqError
from ganeti.opcodes.instance import OpInstanceCreate

DISK = value(
    "--disk", kind="identified", dest="disks", repeat=True, doc="A disk: N:size=SIZE,mode=rw,..."
)
NET = value(
    "--net",
    kind="identified",
    dest="nics",
    repeat=True,
    doc="A NIC: N:mac=...,ip=...,mode=...,link=...",
)
COMMUNICATION = value(
    "-c",
    "--communication",
    kind="bool",
    dest="instance_communication",
    metavar="yes|no",
    doc="Whether it has a NIC to talk to its node",
)
HYPERVISOR = value(
    "-H",
    "--hypervisor-parameters",
    kind="identified",
    dest="hypervisor",
    doc="The hypervisor, with parameters if need be: kvm:acpi=false,...",
)
NODE = value(
    "-n", "--node", dest="placement", metavar="PRIMARY[:SECONDARY]", doc="Where it shall be"
)
NO_NICS = flag("--no-nics", doc="Without network interfaces")
NO_INSTALL = flag("--no-install", doc="Do not run the OS create script, and do not start it")
OS_SIZE = value(
    "-s", "--os-size", kind="size", dest="sd_size", metavar="SIZE", doc="Size of its only disk"
)
TAGS = value("--tags", kind="plain_words", default=[], doc="Tags, with commas between them")


def _add(run: Run) -> int:
    opts = run.opts
    if opts.forthcoming and opts.commit:
        raise OpPrereqError("--forthcoming and --commit exclude each other", Code.WRONG_INPUT)
    op = run.opcode(
        OpInstanceCreate,
        instance_name=run.args[0],
        mode="create",
        disks=devices.new_disks(opts.disks, opts.sd_size, opts.disk_template),
        nics=devices.new_nics(opts.nics, none=opts.no_nics),
        instance_communication=bool(opts.instance_communication),
        **_hypervisor(opts.hypervisor),
        **_nodes(opts.placement),
    )
    jobs.submit(run, op)
    return 0


def _hypervisor(given: Any) -> dict[str, Any]:
    if given is None:
        return {"hypervisor": None, "hvparams": {}}
    hypervisor, parameters = given
    return {"hypervisor": hypervisor, "hvparams": parameters}


def _nodes(placement: str | None) -> dict[str, Any]:
    primary, _, secondary = (placement or "").partition(":")
    return {"pnode": primary or None, "snode": secondary or None}


COMMAND = Command(
    "Create an instance",
    _add,
    (Argument("instance"),),
    (
        *("beparams", DISK, "disk_template", "file_storage_dir", "file_driver", HYPERVISOR),
        *("iallocator", NET, NODE, "group_name", "ip_check", "conflicts_check", "name_check"),
        *(NO_NICS, "wait_for_sync", "osparams", "osparams_private", "osparams_secret", OS_SIZE),
        *("opportunistic_locking", TAGS, "forthcoming", "commit", "start", "os_type"),
        *("force_variant", NO_INSTALL, "ignore_ipolicy", COMMUNICATION),
        *("helper_startup_timeout", "helper_shutdown_timeout", *JOB),
    ),
    OpInstanceCreate,
)
