# SPDX-License-Identifier: GPL-2.0-or-later
"""The query fields of job filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti.errors import Code, OpPrereqError
from ganeti.master.query.field import Field, Kind, Need, Resource, Sources, attribute, by_name
from ganeti.master.queue import filters

OTHER = Kind.OTHER


class FilterResource(Resource):
    """In the order in which the rules are looked at."""

    NAME = "filter"
    KEY = "uuid"
    FIELDS = by_name(
        [
            attribute("uuid", OTHER, "UUID", "UUID"),
            attribute("watermark", OTHER, "Watermark", "Last job when it was made"),
            attribute("priority", OTHER, "Priority", "Smaller ones are looked at first"),
            Field(
                "predicates",
                OTHER,
                "Predicates",
                "What holds for its jobs",
                lambda f, _: f.raw()["predicates"],
            ),
            Field(
                "action",
                OTHER,
                "Action",
                "What becomes of its jobs",
                lambda f, _: f.raw()["action"],
            ),
            Field(
                "reason_trail",
                OTHER,
                "ReasonTrail",
                "Who made it, and why",
                lambda f, _: f.raw()["reason_trail"],
            ),
        ]
    )

    def everything(self, sources: Sources, needs: frozenset[Need]) -> Sequence[Any]:
        return filters.in_order(sources.cfg.filters.values())

    def named(self, sources: Sources, keys: Sequence[Any], *, strict: bool) -> Sequence[Any]:
        unknown = [key for key in keys if key not in sources.cfg.filters]
        if strict and unknown:
            raise OpPrereqError(f"there is no filter {', '.join(unknown)}", Code.UNKNOWN_ENTITY)
        return [rule for key in dict.fromkeys(keys) if (rule := sources.cfg.filters.get(key))]
