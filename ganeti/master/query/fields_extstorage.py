# SPDX-License-Identifier: GPL-2.0-or-later
"""The query fields of providers of external storage, put together from what all nodes have.

In a group a provider is good if it is on each of the group's nodes that may have instances and are online
(external storage, "extstorage_diagnose").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ganeti.contracts.node.storage import ProviderRow, StorageCalls
from ganeti.master.query.field import Field, Kind, Need, Resource, Sources, by_name
from ganeti.model.node import Node
from ganeti.utils import text

OTHER = Kind.OTHER


@dataclass(frozen=True)
class Provider:
    """`found`: what each node that answered has under the name, the first in the search path first."""

    name: str
    found: list[tuple[Node, list[ProviderRow]]]

    def node_status(self) -> dict[str, list[list[Any]]]:
        """Per node, rows without the name."""
        return {node.name: [list(row[1:]) for row in rows] for node, rows in self.found}

    def is_good_in(self, group: str) -> bool:
        return all(rows and rows[0][2] for node, rows in self.found if node.group == group)

    def parameters(self) -> list[tuple[str, str]]:
        """Those that all nodes have where it is good; with the texts of the first."""
        counting = [rows[0][4] for _, rows in self.found if rows and rows[0][2]]
        if not counting:
            return []
        common = set.intersection(*({name for name, _ in row} for row in counting))
        return [(name, doc) for name, doc in counting[0] if name in common]


def _group_status(provider: Provider, sources: Sources) -> dict[str, bool]:
    groups = {node.group for node, _ in provider.found}
    return {sources.cfg.groups[uuid].name: provider.is_good_in(uuid) for uuid in groups}


class ExtStorageResource(Resource):
    NAME = "extstorage"
    FIELDS = by_name(
        [
            Field("name", Kind.TEXT, "Name", "Name", lambda p, _: p.name),
            Field(
                "node_status",
                OTHER,
                "NodeStatus",
                "What each node has",
                lambda p, _: p.node_status(),
            ),
            Field(
                "nodegroup_status",
                OTHER,
                "NodegroupStatus",
                "Whether it is good on all nodes of each group",
                _group_status,
            ),
            Field(
                "parameters",
                OTHER,
                "Parameters",
                "Parameters that all nodes have, with texts",
                lambda p, _: p.parameters(),
            ),
        ]
    )

    def everything(self, sources: Sources, needs: frozenset[Need]) -> Sequence[Provider]:
        nodes = [node for node in sources.cfg.online_nodes() if node.vm_capable]
        replies = sources.services.rpc.all(
            [node.uuid for node in nodes], StorageCalls.extstorage_diagnose
        )()
        rows = {n.name: replies[n.uuid].value for n in nodes if not replies[n.uuid].failed}
        names = {row[0] for of_node in rows.values() for row in of_node}
        answered = [(node, rows[node.name]) for node in nodes if node.name in rows]
        return [
            Provider(name, [(node, [r for r in found if r[0] == name]) for node, found in answered])
            for name in text.nice_sort(names)
        ]

    def named(self, sources: Sources, keys: Sequence[Any], *, strict: bool) -> Sequence[Any]:
        found = {one.name: one for one in self.everything(sources, frozenset())}
        return [found[key] for key in dict.fromkeys(keys) if key in found]
