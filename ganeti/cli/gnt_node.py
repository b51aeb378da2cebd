# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-node``: the hosts of the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti.cli import failure, jobs, listing, node_add, report, tags, tree
from ganeti.cli.command import Argument, Command, Run, Tool
from ganeti.cli.options import DRY_RUN, JOB, PRIORITY
from ganeti.opcodes.node import OpNodeRemove, OpNodeSetParams
from ganeti.utils import text

ONE_NODE = (Argument("node"),)

_INFO_FIELDS = (
    *("name", "pip", "sip", "pinst_list", "sinst_list", "master_candidate", "drained", "offline"),
    *("master_capable", "vm_capable", "powered", "ndparams", "custom_ndparams"),
)


def _info(run: Run) -> int:
    def ask(names: Sequence[str]) -> list[Any]:
        return run.world.client.QueryNodes(names, list(_INFO_FIELDS), False)

    run.show(tree.render([_node_tree(row) for row in report.named(run, "node", run.args, ask)]))
    return 0


def _node_tree(row: Sequence[Any]) -> tree.Fields:
    node = dict(zip(_INFO_FIELDS, row, strict=True))
    flags = ("drained", "offline", "powered", "master_capable", "vm_capable")
    fields = {
        "Node name": node["name"],
        "primary ip": node["pip"],
        "secondary ip": node["sip"],
        "master candidate": node["master_candidate"],
        # `powered` is null where no out-of-band program tells it.
        **{name: node[name] for name in flags if name != "powered" or node[name] is not None},
    }
    if node["vm_capable"]:
        fields["primary for instances"] = text.nice_sort(node["pinst_list"])
        fields["secondary for instances"] = text.nice_sort(node["sinst_list"])
    fields["node parameters"] = tree.inherited(node["custom_ndparams"], node["ndparams"])
    return tree.Fields(fields)


_ROLES = (
    *("master_candidate", "drained", "offline", "master_capable", "vm_capable"),
    *("secondary_ip", "ndparams", "hv_state", "disk_state"),
)


def _modify(run: Run) -> int:
    if all(getattr(run.opts, name) is None for name in _ROLES):
        raise failure.Complaint(failure.NO_CHANGE)
    name = run.args[0]
    if run.opts.offline is False and not run.opts.force:
        run.confirm(
            f"Setting the offline flag of {name} to false may let it run old copies of instances; "
            "'gnt-node add --readd' is the safe way. Continue?"
        )
    report.changes(run, "node", name, jobs.submit(run, run.opcode(OpNodeSetParams, node_name=name)))
    return 0


def _remove(run: Run) -> int:
    jobs.submit(run, OpNodeRemove(node_name=run.args[0]))
    return 0


TOOL = Tool(
    "the hosts of the cluster",
    {
        "add": node_add.COMMAND,
        "info": Command("Show all about nodes", _info, (Argument("node", 0, None),)),
        "list": listing.list_command(listing.NODE, "List nodes"),
        "list-fields": listing.fields_command(listing.NODE, "List the fields of nodes"),
        "modify": Command(
            "Change the role or the settings of a node",
            _modify,
            ONE_NODE,
            ("force", *_ROLES, "auto_promote", "powered", *JOB),
            OpNodeSetParams,
        ),
        "remove": Command("Take a node out of the cluster", _remove, ONE_NODE, (DRY_RUN, PRIORITY)),
        **tags.commands("node"),
    },
    {"show": "info"},
    env_defaults=("list",),
)
