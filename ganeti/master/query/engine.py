# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers queries: chooses objects, fetches what the fields need, makes rows.

``Query`` answers with cells of ``[status, value]``; the older calls with plain values. Names and
statuses are those of the LUXI protocol ("Query methods").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ganeti.errors import Code, OpPrereqError
from ganeti.master.query import filter as filters
from ganeti.master.query.field import (
    UNAVAILABLE,
    Absent,
    Field,
    Need,
    Resource,
    Sources,
    known_fields,
    plain,
    unknown,
)
from ganeti.master.query.fields_cluster import ClusterResource
from ganeti.master.query.fields_export import ExportResource
from ganeti.master.query.fields_extstorage import ExtStorageResource
from ganeti.master.query.fields_filter import FilterResource
from ganeti.master.query.fields_group import GroupResource
from ganeti.master.query.fields_instance import InstanceResource
from ganeti.master.query.fields_job import JobResource
from ganeti.master.query.fields_lock import LockResource
from ganeti.master.query.fields_network import NetworkResource
from ganeti.master.query.fields_node import NodeResource
from ganeti.master.query.fields_os import OsResource
from ganeti.master.services import Services
from ganeti.utils import text

RESOURCES: dict[str, Resource] = {
    resource.NAME: resource
    for resource in (
        ClusterResource(),
        ExportResource(),
        ExtStorageResource(),
        FilterResource(),
        GroupResource(),
        InstanceResource(),
        JobResource(),
        LockResource(),
        NetworkResource(),
        NodeResource(),
        OsResource(),
    )
}


def query(services: Services, what: str, fields: Sequence[str], qfilter: Any) -> dict[str, Any]:
    """The answer of ``Query``; fields that do not exist are told, not refused."""
    resource = _resource(what)
    chosen = [resource.FIELDS.get(name) or unknown(name) for name in fields]
    items, view = _filtered(Sources(services), resource, chosen, qfilter)
    return {"fields": [field.definition() for field in chosen], "data": _cells(items, view, chosen)}


def query_fields(what: str, names: Sequence[str] | None) -> dict[str, Any]:
    """The answer of ``QueryFields``; all fields if none is named."""
    known = _resource(what).FIELDS
    wanted = text.nice_sort(known) if names is None else names
    return {"fields": [(known.get(name) or unknown(name)).definition() for name in wanted]}


def plain_rows(
    services: Services, what: str, fields: Sequence[str], qfilter: Any
) -> list[list[Any]]:
    """Rows of values, null where there is none; fields that do not exist are refused."""
    resource = _resource(what)
    chosen = known_fields(resource, fields)
    items, view = _filtered(Sources(services), resource, chosen, qfilter)
    return [plain(item, view, chosen) for item in items]


def old_style(
    services: Services, what: str, fields: Sequence[str], names: Sequence[Any]
) -> list[list[Any]]:
    """Rows of values of the named objects, or of all; unknown names are left out."""
    if not names:
        return plain_rows(services, what, fields, None)
    resource = _resource(what)
    chosen, sources = known_fields(resource, fields), Sources(services)
    items = resource.named(sources, names, strict=False)
    view = resource.view(sources, items, _needs(chosen))
    return [plain(item, view, chosen) for item in items]


def declared() -> dict[str, list[dict[str, str]]]:
    """Every field of every kind of objects: name, title, kind."""
    keys = ("name", "title", "kind")
    return {
        name: [{key: field.definition()[key] for key in keys} for field in resource.FIELDS.values()]
        for name, resource in RESOURCES.items()
    }


def _resource(what: str) -> Resource:
    if what not in RESOURCES:
        known = ", ".join(RESOURCES)
        raise OpPrereqError(f"'{what}' cannot be queried, only {known}", Code.WRONG_INPUT)
    return RESOURCES[what]


def _needs(fields: Iterable[Field]) -> frozenset[Need]:
    return frozenset(field.needs for field in fields if field.needs)


def _filtered(
    sources: Sources, resource: Resource, chosen: Sequence[Field], qfilter: Any
) -> tuple[Sequence[Any], Any]:
    """The objects that pass, and the view for them.

    What must be fetched is fetched only for these, unless the filter itself looks at it.
    """
    needs = _needs(chosen)
    if qfilter is None:
        items = resource.everything(sources, needs)
        return items, resource.view(sources, items, needs)
    wanted = filters.parse(qfilter, resource.FIELDS, resource.KEY)
    if wanted.keys is not None:
        items = resource.named(sources, wanted.keys, strict=True)
        return items, resource.view(sources, items, needs)
    items = resource.everything(sources, needs | wanted.needs)
    if wanted.needs:
        view = resource.view(sources, items, needs | wanted.needs)
        return [item for item in items if wanted.test(item, view)], view
    view = resource.view(sources, items, frozenset())
    items = [item for item in items if wanted.test(item, view)]
    return items, resource.view(sources, items, needs)


def _cells(items: Sequence[Any], view: Any, fields: Sequence[Field]) -> list[list[Any]]:
    """The rows of an answer. This loop is most of the time of a large query."""
    getters = [field.get for field in fields]
    absent, rows = UNAVAILABLE.cell, []
    for item in items:
        row: list[Any] = []
        for get in getters:
            value = get(item, view)
            if value is None:
                row.append(absent)
            elif value.__class__ is Absent:
                row.append(value.cell)
            else:
                row.append((0, value))
        rows.append(row)
    return rows
