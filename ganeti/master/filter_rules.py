# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the rules that decide which jobs may start, from what a client asks for (LUXI, "Others")."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ganeti.errors import GenericError, ParameterError
from ganeti.master.query import filter as filters
from ganeti.master.queue.filters import PREDICATES, RATE_LIMIT
from ganeti.model.config import Config
from ganeti.model.filter import FilterRule
from ganeti.opcodes.base import Reason

ACTIONS = ("ACCEPT", "CONTINUE", "PAUSE", "REJECT")
OWN_REASON = "luxid"
"""The entry that the master adds to the reason trail of each rule; users see it in lists."""

Action = str | Sequence[Any]
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def made(
    uuid: str,
    priority: int,
    predicates: Sequence[tuple[str, list[Any]]],
    action: Action,
    reason: Reason,
    *,
    watermark: int,
    now: float,
) -> FilterRule:
    """The rule; raises ParameterError for what makes no sense."""
    if not re.fullmatch(_UUID, uuid):
        raise ParameterError(f"'{uuid}' is no UUID; leave it to the master, or name a filter's")
    return FilterRule(
        uuid=uuid,
        watermark=watermark,
        priority=priority,
        predicates=tuple((name, _expression(name, what)) for name, what in predicates),
        action=_action(action),
        reason_trail=(*reason, (OWN_REASON, "", int(now * 1_000_000_000))),
    )


def _expression(name: str, expression: list[Any]) -> Any:
    if name not in PREDICATES:
        known = ", ".join(PREDICATES)
        raise ParameterError(f"there is no predicate '{name}' for jobs (known: {known})")
    known_fields = PREDICATES[name]
    unknown_fields = filters.fields_of(expression).difference(known_fields)
    if known_fields and unknown_fields:
        unknown, known = ", ".join(sorted(unknown_fields)), ", ".join(known_fields)
        raise ParameterError(f"the predicate '{name}' has no field {unknown} (known: {known})")
    return filters.modern(expression)


def _action(action: Action) -> Any:
    """A limit may come as a list, or as one text with a blank."""
    words: list[Any] = action.split() if isinstance(action, str) else list(action)
    match words:
        case [word] if word in ACTIONS:
            return word
        case [word, int(limit)] if word == RATE_LIMIT and limit > 0:
            return RATE_LIMIT, limit
        case [word, str(digits)] if word == RATE_LIMIT and digits.isdecimal() and int(digits) > 0:
            return RATE_LIMIT, int(digits)
    raise ParameterError(
        f"{action!r} is no action of a filter: use {', '.join(ACTIONS)} or {RATE_LIMIT} n"
    )


def find(cfg: Config, uuid: str) -> FilterRule:
    """The rule of that UUID; raises GenericError."""
    rule = cfg.filters.get(uuid)
    if rule is None:
        raise GenericError(f"there is no filter with the UUID '{uuid}'")
    return rule
