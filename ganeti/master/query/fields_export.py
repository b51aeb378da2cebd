# SPDX-License-Identifier: GPL-2.0-or-later
"""The query fields of exports: which instances' copies lie on which node, as the nodes say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ganeti.contracts.node.backup import BackupCalls
from ganeti.master.query.field import (
    NO_DATA,
    OFFLINE,
    Absent,
    Compare,
    Field,
    Kind,
    Need,
    Resource,
    Sources,
    by_name,
    looked_up,
)
from ganeti.model.node import Node
from ganeti.rpc.runner import Reply
from ganeti.utils import text


class Export(NamedTuple):
    """One export, or in its place why a node's are unknown."""

    node: str
    name: str | Absent


def on_node(reply: Reply[list[str]]) -> list[Export]:
    """What one node has; a node without exports has no row."""
    node = reply.node.name
    if reply.failed:
        return [Export(node, OFFLINE if reply.offline else NO_DATA)]
    return [Export(node, name) for name in text.nice_sort(reply.value)]


class ExportResource(Resource):
    """Named by nodes: the key of an export is where it lies."""

    NAME = "export"
    KEY = "node"
    FIELDS = by_name(
        [
            Field(
                *("node", Kind.TEXT, "Node", "Node that it lies on", lambda e, _: e.node),
                compare=Compare.HOST_NAME,
            ),
            Field("export", Kind.TEXT, "Export", "Name of the export", lambda e, _: e.name),
        ]
    )

    def everything(self, sources: Sources, needs: frozenset[Need]) -> Sequence[Export]:
        nodes = {node.name: node for node in sources.cfg.nodes.values()}
        return _ask(sources, (nodes[name] for name in text.nice_sort(nodes)))

    def named(self, sources: Sources, keys: Sequence[Any], *, strict: bool) -> Sequence[Export]:
        return _ask(sources, looked_up(sources.cfg.node, keys, strict=strict))


def _ask(sources: Sources, nodes: Iterable[Node]) -> list[Export]:
    replies = sources.services.rpc.all([n.uuid for n in nodes], BackupCalls.export_list)()
    return [export for reply in replies.values() for export in on_node(reply)]
