# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-instance``: the virtual machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti.cli import (
    failure,
    instance_add,
    instance_console,
    instance_info,
    instance_modify,
    jobs,
    listing,
    select,
    tags,
)
from ganeti.cli.command import Argument, Command, Run, Tool
from ganeti.cli.confirm import NO, Choice
from ganeti.cli.options import FORCE, JOB, PRIORITY, SUBMIT, flag
from ganeti.errors import Code, OpPrereqError
from ganeti.opcodes.instance import (
    OpInstanceActivateDisks,
    OpInstanceDeactivateDisks,
    OpInstanceFailover,
    OpInstanceMigrate,
    OpInstanceReboot,
    OpInstanceReinstall,
    OpInstanceRemove,
    OpInstanceRename,
    OpInstanceShutdown,
    OpInstanceStartup,
)

ONE_INSTANCE = (Argument("instance"),)
NON_LIVE = flag("--non-live", dest="live", default=True, doc="As --migration-mode non-live")
SELECT_OS = flag("--select-os", doc="Choose the OS from a list")


def _ask(run: Run, question: str) -> None:
    """The usual question about one instance, which must exist; -f answers it."""
    if run.opts.force:
        return
    name = run.args[0]
    if not run.world.client.QueryInstances([name], ["name"], False):
        raise OpPrereqError(f"instance '{name}' is not known", Code.UNKNOWN_ENTITY)
    run.confirm(question)


def _one_target(run: Run) -> None:
    if run.opts.iallocator and run.opts.target_node:
        raise OpPrereqError("-I and -n exclude each other", Code.WRONG_INPUT)


def _goal(run: Run) -> str:
    """Where the instance goes, as far as it is known before the job."""
    if run.opts.iallocator:
        return f"the node that {run.opts.iallocator} chooses"
    return run.opts.target_node or "its other node"


def _activate_disks(run: Run) -> int:
    op = run.opcode(OpInstanceActivateDisks, instance_name=run.args[0])
    for node, disk, device in jobs.submit(run, op):
        run.say(f"{node}:{disk}:{device}")
    return 0


def _deactivate_disks(run: Run) -> int:
    jobs.submit(run, run.opcode(OpInstanceDeactivateDisks, instance_name=run.args[0]))
    return 0


def _failover(run: Run) -> int:
    name = run.args[0]
    _one_target(run)
    _ask(run, f"Failing over will stop instance {name} and start it on {_goal(run)}. Continue?")
    if run.opts.ignore_consistency:
        run.confirm(
            f"With --ignore-consistency instance {name} may start with old data, and what was "
            "written since is lost. Continue?"
        )
    jobs.submit(run, run.opcode(OpInstanceFailover, instance_name=name))
    return 0


def _migrate(run: Run) -> int:
    name = run.args[0]
    _one_target(run)
    if not run.opts.live and run.opts.mode:
        raise OpPrereqError("--non-live and --migration-mode exclude each other", Code.WRONG_INPUT)
    if run.opts.cleanup:
        _ask(run, f"Instance {name} will be recovered from a migration that failed. Continue?")
    else:
        _ask(run, f"Instance {name} will be migrated to {_goal(run)}. Continue?")
    mode = run.opts.mode if run.opts.live else "non-live"
    op = run.opcode(OpInstanceMigrate, instance_name=name, mode=mode, live=None)
    jobs.submit(run, op)
    return 0


def _remove(run: Run) -> int:
    name = run.args[0]
    _ask(run, f"This will remove instance {name} and all data on its disks is lost. Continue?")
    jobs.submit(run, run.opcode(OpInstanceRemove, instance_name=name))
    return 0


def _rename(run: Run) -> int:
    old, new = run.args
    if not run.opts.name_check:
        _ask(run, f"The new name {new} will be taken without looking it up. Continue?")
    result = jobs.submit(run, run.opcode(OpInstanceRename, instance_name=old, new_name=new))
    if result:
        run.say(f"Instance '{old}' renamed to '{result}'")
    return 0


def _ask_to_reinstall(run: Run, names: Sequence[str], one_by_name: bool) -> bool:
    if run.opts.force_multi or (one_by_name and run.opts.force):
        return True
    return run.world.terminal.confirm_list("reinstall", "instances", names)


def _chosen_os(run: Run) -> dict[str, Any] | None:
    """With ``--select-os`` the person chooses from a numbered list."""
    if not run.opts.select_os:
        return {}
    from ganeti.cli import gnt_os

    names = gnt_os.usable(run)
    if not names:
        raise failure.Complaint("There is no OS that can be used; see 'gnt-os diagnose'.")
    choices = [Choice(str(number), name) for number, name in enumerate(names)]
    run.say("\n".join(f"{choice.letter:>3}: {choice.text}" for choice in choices))
    chosen = run.world.terminal.ask("Number of the OS to install?", (*choices, NO))
    return None if chosen is NO else {"os_type": chosen.text}


TOOL = Tool(
    "the virtual machines of the cluster",
    {
        "activate-disks": Command(
            "Assemble the disks of an instance",
            _activate_disks,
            ONE_INSTANCE,
            ("ignore_size", "wait_for_sync", *SUBMIT, PRIORITY),
            OpInstanceActivateDisks,
        ),
        "add": instance_add.COMMAND,
        "console": instance_console.COMMAND,
        "deactivate-disks": Command(
            "Shut the disks of an instance down",
            _deactivate_disks,
            ONE_INSTANCE,
            ("force", *JOB),
            OpInstanceDeactivateDisks,
        ),
        "failover": Command(
            "Stop an instance and start it on its other node",
            _failover,
            ONE_INSTANCE,
            (
                *(FORCE, "ignore_consistency", "shutdown_timeout", "target_node", "iallocator"),
                *("ignore_ipolicy", "cleanup", *JOB),
            ),
            OpInstanceFailover,
        ),
        "info": instance_info.COMMAND,
        "list": listing.list_command(listing.INSTANCE, "List instances"),
        "list-fields": listing.fields_command(listing.INSTANCE, "List the fields of instances"),
        "migrate": Command(
            "Move a running instance to its other node",
            _migrate,
            ONE_INSTANCE,
            (
                *(FORCE, NON_LIVE, "mode", "cleanup", "target_node", "iallocator"),
                *("allow_failover", "ignore_ipolicy", "ignore_hvversions"),
                *("allow_runtime_changes", *JOB),
            ),
            OpInstanceMigrate,
        ),
        "modify": instance_modify.COMMAND,
        "reboot": select.many(
            OpInstanceReboot,
            "Reboot instances",
            *("reboot_type", "ignore_secondaries", "shutdown_timeout"),
        ),
        "reinstall": select.many(
            OpInstanceReinstall,
            "Install the OS again, over the disks of instances that are down",
            *(FORCE, "os_type", "force_variant", SELECT_OS),
            *("osparams", "osparams_private", "osparams_secret"),
            ask=_ask_to_reinstall,
            prepare=_chosen_os,
        ),
        "remove": Command(
            "Delete an instance with its disks",
            _remove,
            ONE_INSTANCE,
            (FORCE, "shutdown_timeout", "ignore_failures", *JOB),
            OpInstanceRemove,
        ),
        "rename": Command(
            "Give an instance another name",
            _rename,
            (Argument("instance"), Argument("new name")),
            (FORCE, "ip_check", "name_check", *JOB),
            OpInstanceRename,
        ),
        "shutdown": select.many(
            OpInstanceShutdown,
            "Stop instances",
            *("force", "timeout", "ignore_offline_nodes", "no_remember"),
        ),
        "startup": select.many(
            OpInstanceStartup,
            "Start instances",
            *("force", "hvparams", "beparams", "ignore_offline_nodes", "no_remember"),
            "startup_paused",
        ),
        **tags.commands("instance"),
    },
    {"start": "startup", "stop": "shutdown", "show": "info"},
    env_defaults=("list",),
)
