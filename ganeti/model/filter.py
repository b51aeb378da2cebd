# SPDX-License-Identifier: GPL-2.0-or-later
"""A rule for jobs that enter the queue: ``filters.*`` in the configuration file."""

from __future__ import annotations

from typing import Any

from ganeti.schema.record import Record, stored
from ganeti.schema.types import NonNegative


class FilterRule(Record):
    """Rules are looked at in order of priority, watermark, UUID.

    `watermark` is the highest job id when the rule was added. `action` is ``ACCEPT``, ``PAUSE``,
    ``REJECT``, ``CONTINUE`` or ``["RATE_LIMIT", n]``; a predicate is ``[name, expression]`` with the
    names jobid, opcode and reason.
    """

    uuid: str = stored()
    watermark: int = stored()
    priority: NonNegative = stored()
    predicates: tuple[tuple[str, Any], ...] = stored()
    action: str | tuple[str, int] = stored()
    reason_trail: tuple[tuple[str, str, int], ...] = stored()
