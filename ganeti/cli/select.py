# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands on several instances: which ones, the question, one job for each.

The last selection option on the command line says what the arguments are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ganeti.cli import failure, jobs, report
from ganeti.cli.command import Argument, Command, Run
from ganeti.cli.options import JOB, Option, constant, flag
from ganeti.errors import Code, OpPrereqError
from ganeti.opcodes.base import OpCode


def _mode(flag_: str, mode: str, doc: str) -> Option:
    return constant(flag_, "multi_mode", mode, doc)


SELECTION = (
    flag("--force-multiple", dest="force_multi", doc="Do not ask although there are several"),
    _mode("--all", "cluster", "All instances of the cluster"),
    _mode("--instance", "instances", "The arguments are instances"),
    _mode("--node", "nodes", "Instances whose primary or secondary is one of these nodes"),
    _mode("--primary", "nodes-pri", "Instances whose primary is one of these nodes"),
    _mode("--secondary", "nodes-sec", "Instances whose secondary is one of these nodes"),
    _mode("--tags", "instances-by-tags", "Instances that have one of these tags"),
    _mode("--node-tags", "nodes-by-tags", "As --node, by tags of the nodes"),
    _mode("--pri-node-tags", "nodes-pri-by-tags", "As --primary, by tags of the nodes"),
    _mode("--sec-node-tags", "nodes-sec-by-tags", "As --secondary, by tags of the nodes"),
)

_LISTS = {
    "nodes": ("pinst_list", "sinst_list"),
    "nodes-pri": ("pinst_list",),
    "nodes-sec": ("sinst_list",),
}
"""Which lists of a node a mode reads."""

Question = Callable[[Run, Sequence[str], bool], bool]
"""Run, names, whether it is one instance given by its name → go on?"""


def many(
    opcode: type[OpCode],
    about: str,
    *options: Option | str,
    ask: Question | None = None,
    prepare: Callable[[Run], dict[str, Any] | None] | None = None,
) -> Command:
    """A command that submits one job per selected instance.

    `ask` replaces the usual question; `prepare` yields parameters that follow from no option, or
    None to end here.
    """

    def body(run: Run) -> int:
        return _carry_out(run, opcode, ask or _ask_for_several, prepare)

    arguments = (Argument("instance", 0, None),)
    return Command(about, body, arguments, (*SELECTION, *options, *JOB), opcode)


def _carry_out(
    run: Run,
    opcode: type[OpCode],
    ask: Question,
    prepare: Callable[[Run], dict[str, Any] | None] | None,
) -> int:
    mode = run.opts.multi_mode or "instances"
    names = selected(run, mode)
    if not names:
        return _nothing(run, mode)
    more = prepare(run) if prepare else {}
    if more is None:
        return 1
    one_by_name = mode == "instances" and len(names) == 1
    if not ask(run, names, one_by_name):
        raise failure.Refused
    batch = jobs.Batch(run, announce=not one_by_name)
    for name in names:
        batch.add(name, run.opcode(opcode, instance_name=name, **more))
    return batch.finish()


def _ask_for_several(run: Run, names: Sequence[str], one_by_name: bool) -> bool:
    return (
        one_by_name
        or run.opts.force_multi
        or run.world.terminal.confirm_list(run.name, "instances", names)
    )


def _nothing(run: Run, mode: str) -> int:
    if mode != "cluster":
        words = ", ".join(run.args)
        raise OpPrereqError(f"the selection '{words}' fits no instance", Code.WRONG_INPUT)
    run.say("There are no instances in this cluster.")
    return 0


def selected(run: Run, mode: str) -> list[str]:
    """The names of the instances that are asked for, each once."""
    if mode == "cluster":
        _need(not run.args, "with --all no arguments are taken")
        return [name for (name,) in run.world.client.QueryInstances([], ["name"], False)]
    _need(bool(run.args), "arguments are needed that say which instances are meant")
    if mode == "instances":
        return _named(run)
    if mode == "instances-by-tags":
        rows = run.world.client.QueryInstances([], ["name", "tags"], False)
        return [name for name, tags in rows if set(tags) & set(run.args)]
    return _of_nodes(run, mode)


def _need(condition: bool, text: str) -> None:
    if not condition:
        raise OpPrereqError(text, Code.WRONG_INPUT)


def _named(run: Run) -> list[str]:
    def ask(names: Sequence[str]) -> list[Any]:
        return run.world.client.QueryInstances(names, ["name"], False)

    return _once(name for (name,) in report.named(run, "instance", run.args, ask))


def _of_nodes(run: Run, mode: str) -> list[str]:
    fields = ["tags", *_LISTS[mode.removesuffix("-by-tags")]]

    def ask(names: Sequence[str]) -> list[Any]:
        return run.world.client.QueryNodes(names, fields, False)

    if mode.endswith("-by-tags"):
        rows = [row for row in ask([]) if set(row[0]) & set(run.args)]
    else:
        rows = report.named(run, "node", run.args, ask)
    return _once(name for _, *lists in rows for members in lists for name in members)


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
