# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-instance modify``."""

from __future__ import annotations

from ganeti.cli import devices, failure, jobs, report
from ganeti.cli.command import Argument, Command, Run
from ganeti.cli.instance_add import COMMUNICATION, DISK, NET
from ganeti.cli.options import JOB, flag
from ganeti.errors import Code, OpPrereqError
from ganeti.opcodes.instance import OpInstanceSetParams

OFFLINE = flag("--offline", dest="offline_inst", doc="Reserve no resources for it; it must be down")
ONLINE = flag("--online", dest="online_inst", doc="Reserve resources for it again")

_CHANGES = (
    *("beparams", "disks", "hvparams", "nics", "disk_template", "ext_params", "pnode", "os_name"),
    *("osparams", "osparams_private", "offline_inst", "online_inst", "runtime_mem"),
    *("file_driver", "file_storage_dir"),
)


def _modify(run: Run) -> int:
    opts, name = run.opts, run.args[0]
    if not any(getattr(opts, c) for c in _CHANGES) and opts.instance_communication is None:
        raise failure.Complaint(failure.NO_CHANGE)
    if opts.offline_inst and opts.online_inst:
        raise OpPrereqError("--offline and --online exclude each other", Code.WRONG_INPUT)
    _check_template(run)
    op = run.opcode(
        OpInstanceSetParams,
        instance_name=name,
        nics=devices.nic_changes(opts.nics),
        disks=devices.disk_changes(opts.disks),
        offline=True if opts.offline_inst else False if opts.online_inst else None,
    )
    if opts.hotplug and not opts.force and any(verb == "modify" for verb, *_ in op.nics):
        run.confirm(
            f"Changing a NIC of the running instance {name} takes the NIC away for a moment and "
            "puts another in its place. Continue?"
        )
    _report(run, name, jobs.submit(run, op))
    return 0


def _report(run: Run, name: str, result: list[list[str]] | None) -> None:
    if not report.changes(run, "instance", name, result):
        return
    run.say(
        "Most changes take effect when the instance is started next, by the cluster's commands."
    )
    if any(key.startswith("hv/") for key, _ in result or ()):
        run.say("Changed hypervisor parameters do not come into effect by a live migration.")


def _check_template(run: Run) -> None:
    """What goes with which disk template."""
    opts = run.opts
    if opts.ext_params and opts.disk_template != "ext":
        raise failure.Complaint("--ext-params goes with '-t ext' only")
    if opts.disk_template == "ext" and not opts.ext_params.get("provider"):
        raise failure.Complaint("'-t ext' needs --ext-params provider=NAME")
    if not (opts.disk_template or opts.file_driver or opts.file_storage_dir):
        return
    from ganeti.model.templates import TEMPLATES

    template = TEMPLATES.get(opts.disk_template or "")
    if (opts.file_driver or opts.file_storage_dir) and not (template and template.file_based):
        raise failure.Complaint("--file-driver and --file-storage-dir need a template with files")
    if template and template.internally_mirrored and not (opts.remote_node or opts.iallocator):
        raise failure.Complaint(
            f"Changing the template to {template.name} needs a secondary node: -n NODE or -I NAME"
        )


COMMAND = Command(
    "Change the settings, disks and NICs of an instance",
    _modify,
    (Argument("instance"),),
    (
        *("beparams", DISK, "force", "hvparams", NET, "disk_template", "remote_node"),
        *("iallocator", "os_name", "force_variant", "osparams", "osparams_private"),
        *("wait_for_sync", OFFLINE, ONLINE, "ignore_ipolicy", "runtime_mem"),
        *("conflicts_check", "pnode", "hotplug", "hotplug_if_possible", COMMUNICATION),
        *("ext_params", "file_driver", "file_storage_dir", *JOB),
    ),
    OpInstanceSetParams,
)
