# SPDX-License-Identifier: GPL-2.0-or-later
"""Which jobs may start: the filter rules of the cluster, and limits named in reason trails.

Pure functions: rules and jobs in, limits out. An expression is the query language's nested lists
(``["&", ["==", "OP_ID", "OP_TEST_DELAY"], ...]``), here over the attributes of an opcode, of an entry
of the reason trail, or over the job's number.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ganeti.errors import ParameterError
from ganeti.master.queue.job import Job
from ganeti.model.filter import FilterRule
from ganeti.utils import regex

WATERMARK = "watermark"
RATE_LIMIT = "RATE_LIMIT"
PREDICATES: Mapping[str, Sequence[str]] = {
    "jobid": ("id",),
    "opcode": (),
    "reason": ("source", "reason", "timestamp"),
}
"""What a rule can ask about, and the fields of each; opcodes have their own ones."""
_BUCKET = re.compile(r"rate-limit:(0*([1-9][0-9]{0,8})):(.*)", re.DOTALL)
"""Larger numbers limit nothing; Python refuses to read them when they have thousands of digits."""

Getter = Callable[[str], Any]


class _Missing(LookupError):
    """A field that an expression names is not there."""


class _Malformed(ValueError):
    """A rule holds what is no expression."""


_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=~": lambda value, pattern: regex.compiled(pattern).matches(str(value)),
    "=[]": lambda values, value: value in values,
}


def _holds(expression: Any, get: Getter) -> bool:
    match expression:
        case ["&", *parts]:
            return all(_holds(part, get) for part in parts)
        case ["|", *parts]:
            return any(_holds(part, get) for part in parts)
        case ["!", part]:
            return not _holds(part, get)
        case ["?", str(field)]:
            return bool(get(field))
        case [str(sign), str(field), value] if sign in _COMPARISONS:
            return bool(_COMPARISONS[sign](get(field), value))
    raise _Malformed(expression)


def _is_true_of(expression: Any, get: Getter) -> bool:
    """False too where a field is missing, or cannot be compared so, or the rule makes no sense."""
    try:
        return _holds(expression, get)
    except (_Missing, _Malformed, TypeError, ParameterError, OverflowError, RecursionError):
        return False


def _getter(attributes: Mapping[str, Any]) -> Getter:
    """Looks up a field; a dot leads into nested objects."""

    def get(field: str) -> Any:
        value: Any = attributes
        for part in field.split("."):
            if not isinstance(value, dict) or part not in value:
                raise _Missing(field)
            value = value[part]
        return value

    return get


def _reasons(job: Job) -> Iterator[Sequence[Any]]:
    for op in job.ops:
        yield from op.input.get("reason") or ()


def _with_watermark(expression: Any, watermark: int) -> Any:
    if isinstance(expression, list | tuple):
        return [_with_watermark(part, watermark) for part in expression]
    return watermark if expression == WATERMARK else expression


def _predicate_holds(name: str, expression: Any, rule: FilterRule, job: Job) -> bool:
    match name:
        case "jobid":
            about = _with_watermark(expression, rule.watermark)
            return _is_true_of(about, _getter({"id": job.id}))
        case "opcode":
            return any(_is_true_of(expression, _getter(dict(op.input))) for op in job.ops)
        case "reason":
            entries = (dict(zip(PREDICATES[name], entry, strict=False)) for entry in _reasons(job))
            return any(_is_true_of(expression, _getter(entry)) for entry in entries)
    return False


def applies(rule: FilterRule, job: Job) -> bool:
    """True if all predicates of the rule hold for the job."""
    return all(_predicate_holds(name, what, rule, job) for name, what in rule.predicates)


def in_order(rules: Iterable[FilterRule]) -> list[FilterRule]:
    return sorted(rules, key=lambda rule: (rule.priority, rule.watermark, rule.uuid))


def deciding(rules: Iterable[FilterRule], job: Job) -> FilterRule | None:
    """The first of the ordered rules that applies and does not pass the question on."""
    found = (r for r in rules if r.action != "CONTINUE" and applies(r, job))
    return next(found, None)


def most(rule: FilterRule) -> float:
    """How many jobs may have started for which the rule decides."""
    match rule.action:
        case "PAUSE" | "REJECT":
            return 0
        case [word, limit] if word == RATE_LIMIT:
            return int(limit)
    return math.inf


def buckets(job: Job) -> dict[str, int]:
    """Limits that the job's own reason trail names: how many jobs with the same label may run."""
    found = (_BUCKET.fullmatch(str(entry[1])) for entry in _reasons(job))
    return {f"{match[1]}:{match[3]}": int(match[2]) for match in found if match}
