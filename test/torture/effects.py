# SPDX-License-Identifier: GPL-2.0-or-later
"""What an attempt does, by the words in which `inside.work` tells it.

Everything that can be changed is a *thing* with a value; an attempt that succeeds leads from each value
that was possible to the next. What is not there is None.

| thing | value |
|---|---|
| tag T, filter U | True, its priority |
| cpus, drain | the cluster's default, whether the queue takes no jobs |
| instance I | [admin state, processors, tags] |
| node N | [role, whether it can become master] |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Value = Any
Thing = tuple[str, ...]
Step = Callable[[Value], Value]
Effects = dict[Thing, Step]

CANDIDATE, REGULAR = "candidate", "regular"


def effects(what: list[Any]) -> Effects:
    match what:
        case ["tag", *tags]:
            return {("tag", tag): lambda _: True for tag in tags}
        case ["untag", tag]:
            return {("tag", tag): lambda _: None}
        case ["filter", uuid, priority]:
            return {("filter", uuid): lambda _: priority}
        case ["cpus" | "drain" as name, value]:
            return {(name,): lambda _: value}
        case ["node", name, flag, value]:
            return {("node", name): lambda was: node_after(was, flag, value)}
        case [kind, str(name), *values] if kind in INSTANCE_STEPS:
            return {("instance", name): lambda was: INSTANCE_STEPS[kind](was, *values)}
    return {}


INSTANCE_STEPS: dict[str, Callable[..., Value]] = {
    "add": lambda was: was or ["down", None, []],
    "remove": lambda _: None,
    "start": lambda was: was and ["up", *was[1:]],
    "stop": lambda was: was and ["down", *was[1:]],
    "resize": lambda was, value: was and [was[0], value, was[2]],
    "mark": lambda was, tag: was and [*was[:2], sorted({*was[2], tag})],
}


KINDS = ("tag", "untag", "filter", "cpus", "drain", "node", *INSTANCE_STEPS)


def node_after(was: Value, flag: str, value: bool) -> Value:
    """A node has one role; one that is free again becomes a candidate, for the pool has room."""
    role, is_capable = was
    match flag, value:
        case "master_capable", _:
            is_free = value and role == REGULAR and not is_capable
            gives_up = not value and role == CANDIDATE
            return [CANDIDATE if is_free else REGULAR if gives_up else role, value]
        case "master_candidate", _:
            return [CANDIDATE if value else REGULAR, is_capable]
        case _, True:
            return [flag, is_capable]
    if role != flag:
        return was
    return [CANDIDATE if is_capable else REGULAR, is_capable]
