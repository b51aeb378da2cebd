# SPDX-License-Identifier: GPL-2.0-or-later
"""The query fields of OS definitions, put together from what all nodes have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ganeti.contracts.node.os import OsCalls, OsRow
from ganeti.master.query.field import Field, Kind, Need, Resource, Sources, by_name
from ganeti.utils import text

BOOL, OTHER = Kind.BOOL, Kind.OTHER


class Found(NamedTuple):
    """A definition on one node, as the call answers it (`OsRow`)."""

    name: str
    path: str
    is_good: bool
    message: str
    variants: list[str]
    parameters: list[tuple[str, str]]
    api_versions: list[int]
    trusted: bool


@dataclass
class OsDefinition:
    """One OS. `found`: by node name, the definitions there; the first of a node counts."""

    name: str
    found: dict[str, list[Found]] = field(default_factory=dict)

    @property
    def _counting(self) -> list[Found]:
        return [rows[0] for rows in self.found.values() if rows]

    @property
    def is_valid(self) -> bool:
        """Good on every node."""
        return all(rows and rows[0].is_good for rows in self.found.values())

    @property
    def trusted(self) -> bool:
        return all(one.trusted for one in self._counting)

    def common(self, read: Callable[[Found], list[Any]]) -> list[Any]:
        """What a list has on all nodes; nothing if the definition is broken on one."""
        if not self.is_valid:
            return []
        first, *others = map(read, self._counting)
        return sorted(item for item in first if all(item in other for other in others))

    def node_status(self) -> dict[str, list[list[Any]]]:
        """Per node, rows without the name."""
        return {node: [list(one[1:]) for one in rows] for node, rows in self.found.items()}


def put_together(answers: Mapping[str, Sequence[OsRow]]) -> list[OsDefinition]:
    """`answers`: by node name. A node that lacks an OS that others have gets an empty list."""
    by_node = {node: [Found(*row) for row in answers[node]] for node in text.nice_sort(answers)}
    names = {one.name for rows in by_node.values() for one in rows}
    return [
        OsDefinition(name, {n: [o for o in rows if o.name == name] for n, rows in by_node.items()})
        for name in text.nice_sort(names)
    ]


_FIELDS = [
    Field("name", Kind.TEXT, "Name", "Name", lambda o, _: o.name),
    Field("valid", BOOL, "Valid", "Whether it is good on all nodes", lambda o, _: o.is_valid),
    Field(
        "hidden",
        BOOL,
        "Hidden",
        "Whether it is left out of lists",
        lambda o, s: o.name in s.cfg.cluster.hidden_os,
    ),
    Field(
        "blacklisted",
        BOOL,
        "Blacklisted",
        "Whether new instances may not have it",
        lambda o, s: o.name in s.cfg.cluster.blacklisted_os,
    ),
    Field("trusted", BOOL, "Trusted", "Whether its scripts are trusted", lambda o, _: o.trusted),
    Field(
        "variants",
        OTHER,
        "Variants",
        "Variants that all nodes have",
        lambda o, _: o.common(lambda f: f.variants),
    ),
    Field(
        "parameters",
        OTHER,
        "Parameters",
        "Parameters that all nodes have, with texts",
        lambda o, _: o.common(lambda f: f.parameters),
    ),
    Field(
        "api_versions",
        OTHER,
        "ApiVersions",
        "API versions that all nodes have",
        lambda o, _: o.common(lambda f: f.api_versions),
    ),
    Field("node_status", OTHER, "NodeStatus", "What each node has", lambda o, _: o.node_status()),
    Field(
        "os_hvp",
        OTHER,
        "OsHypervisorParams",
        "Hypervisor parameters for it",
        lambda o, s: s.cfg.cluster.os_hvp.get(o.name, {}),
    ),
    Field(
        "osparams",
        OTHER,
        "OsParameters",
        "OS parameters of the cluster for it",
        lambda o, s: s.cfg.cluster.osparams.get(o.name, {}),
    ),
]


class OsResource(Resource):
    NAME = "os"
    FIELDS = by_name(_FIELDS)

    def everything(self, sources: Sources, needs: frozenset[Need]) -> Sequence[OsDefinition]:
        nodes = [n.uuid for n in sources.cfg.online_nodes() if n.vm_capable]
        replies = sources.services.rpc.all(nodes, OsCalls.os_diagnose)()
        return put_together({r.node.name: r.value for r in replies.values() if not r.failed})

    def named(self, sources: Sources, keys: Sequence[Any], *, strict: bool) -> Sequence[Any]:
        found = {one.name: one for one in self.everything(sources, frozenset())}
        return [found[key] for key in dict.fromkeys(keys) if key in found]


def shown(names: Sequence[str], fields: Sequence[str]) -> list[Any]:
    """The filter of lists for people: what is broken, hidden or blacklisted shows if it is asked for."""
    named = [["|", *(["==", "name", name] for name in names)]] if names else []
    marks = [["!", ["?", mark]] for mark in ("hidden", "blacklisted") if mark not in fields]
    valid = [] if "valid" in fields else [["?", "valid"]]
    return ["&", *named, *marks, *valid]
