# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_TAGS_SEARCH and OP_TAGS_GET: read tags."""

from __future__ import annotations

from collections.abc import Iterator

from ganeti.errors import Code, OpPrereqError, ParameterError
from ganeti.master.unit import LogicalUnit
from ganeti.master.units.tags import objects
from ganeti.model.config import Config
from ganeti.opcodes.tags import OpTagsGet, OpTagsSearch
from ganeti.utils import regex


def paths_and_objects(cfg: Config) -> Iterator[tuple[str, objects.Tagged]]:
    """Everything that can have tags, under the path that `gnt-cluster search-tags` prints."""
    yield "/cluster", cfg.cluster
    kinds = (
        ("instances", cfg.instances),
        ("nodes", cfg.nodes),
        ("nodegroup", cfg.groups),
        ("network", cfg.networks),
    )
    for kind, table in kinds:
        yield from ((f"/{kind}/{record.name}", record) for record in table.values())


class TagsSearch(LogicalUnit[OpTagsSearch]):
    """Pairs of path and tag for the tags that the expression matches somewhere."""

    def expand(self) -> None:
        try:
            self._pattern = regex.compiled(self.op.pattern)
        except ParameterError as err:
            raise OpPrereqError(str(err), Code.WRONG_INPUT) from None

    def execute(self) -> list[tuple[str, str]]:
        return [
            (path, tag)
            for path, target in paths_and_objects(self.cfg)
            for tag in target.tags
            if self._pattern.matches(tag)
        ]


class TagsGet(LogicalUnit[OpTagsGet]):
    """The tags of one object."""

    def execute(self) -> list[str]:
        return list(objects.tagged(self.cfg, self.op.kind, self.op.name).tags)
