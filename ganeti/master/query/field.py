# SPDX-License-Identifier: GPL-2.0-or-later
"""What a query field is, and what a kind of objects that can be queried is.

A field is declared once; answers, the typing of filters and the lists of fields follow from it. Field
names, titles, kinds and result states are an interface (query fields).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, ClassVar

from ganeti.errors import Code, OpPrereqError
from ganeti.master.services import Services
from ganeti.model.config import Config
from ganeti.utils import text


class Kind(StrEnum):
    """How a value is shown, and which values a filter may compare it with."""

    TEXT = "text"
    BOOL = "bool"
    NUMBER = "number"
    FLOAT = "float"
    UNIT = "unit"
    TIMESTAMP = "timestamp"
    OTHER = "other"
    UNKNOWN = "unknown"


class Compare(Enum):
    """What equality and order mean where it is not that of the plain values."""

    PLAIN = "as it is"
    HOST_NAME = "a short name equals the full one, whatever the case"
    JOB_ID = "numbers, which may be given as text"
    STAMP = "[seconds, microseconds] as one number"


class Need(Enum):
    """What must be fetched before a field can be read; the configuration is always there."""

    NODE_INFO = "memory, processors and storage of the nodes"
    RUNNING = "which instances run where"
    ARCHIVE = "jobs of the archive"


class Absent:
    """Stands for a value that is not there; `cell` is what the answer has in its place."""

    __slots__ = ("cell",)

    def __init__(self, status: int) -> None:
        self.cell = (status, None)


NULL = Absent(0)
"""A null that is a normal value."""
UNKNOWN = Absent(1)
NO_DATA = Absent(2)
UNAVAILABLE = Absent(3)
"""The field makes no sense for the object; a getter may also return None for it."""
OFFLINE = Absent(4)

Getter = Callable[[Any, Any], Any]
"""Takes an object and the view that its resource made; gives a JSON value, None or an `Absent`."""


@dataclass(frozen=True)
class Field:
    """`doc` is one line that begins with a capital letter and has no full stop."""

    name: str
    kind: Kind
    title: str
    doc: str
    get: Getter
    needs: Need | None = None
    compare: Compare = Compare.PLAIN

    def definition(self) -> dict[str, str]:
        """As answers carry it."""
        return {"name": self.name, "title": self.title, "kind": self.kind.value, "doc": self.doc}


def attribute(
    name: str, kind: Kind, title: str, doc: str, *, of: str = "", compare: Compare = Compare.PLAIN
) -> Field:
    """A field that shows an attribute of the object: the one of its own name, or `of`."""
    shown = of or name
    return Field(name, kind, title, doc, lambda item, _: getattr(item, shown), compare=compare)


def unknown(name: str) -> Field:
    """Stands for a field that was asked for and does not exist."""
    return Field(name, Kind.UNKNOWN, name, f"Unknown field '{name}'", lambda _item, _view: UNKNOWN)


def known_fields(resource: Resource, names: Iterable[str]) -> list[Field]:
    """The fields of the resource; raises OpPrereqError for one that it does not have."""
    names = list(names)
    missing = [name for name in names if name not in resource.FIELDS]
    if missing:
        raise OpPrereqError(
            f"there is no field {', '.join(missing)} of objects of kind {resource.NAME}",
            Code.WRONG_INPUT,
        )
    return [resource.FIELDS[name] for name in names]


def plain(item: Any, view: Any, fields: Iterable[Field]) -> list[Any]:
    """A row of values, null where there is none."""
    values = [field.get(item, view) for field in fields]
    return [None if isinstance(value, Absent) else value for value in values]


def by_name(*groups: Iterable[Field]) -> dict[str, Field]:
    return {field.name: field for group in groups for field in group}


class Sources:
    """Where one query reads; all of it sees the same configuration."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.cfg: Config = services.store.current


class Resource(ABC):
    """One kind of objects that can be queried; `KEY` is the field that names an object."""

    NAME: ClassVar[str]
    KEY: ClassVar[str] = "name"
    FIELDS: ClassVar[Mapping[str, Field]]

    @abstractmethod
    def everything(self, sources: Sources, needs: frozenset[Need]) -> Sequence[Any]:
        """All objects in the order of answers."""

    @abstractmethod
    def named(self, sources: Sources, keys: Sequence[Any], *, strict: bool) -> Sequence[Any]:
        """The objects with these keys, in this order, each once.

        `strict`: an unknown key raises OpPrereqError, where the resource minds at all.
        """

    def view(self, sources: Sources, items: Sequence[Any], needs: frozenset[Need]) -> Any:
        """What the getters get beside the object."""
        return sources


class Order:
    """The nice order of names, kept while the names stay the same.

    Sorting 10,000 names takes longer than all else about a query of them.
    """

    def __init__(self) -> None:
        self._last: tuple[list[str], list[int]] = ([], [])

    def sorted(self, records: Iterable[Any]) -> list[Any]:
        found = list(records)
        names = [record.name or "" for record in found]
        known, places = self._last
        if names != known:
            places = sorted(range(len(names)), key=lambda place: text.nice_key(names[place]))
            self._last = names, places
        return [found[place] for place in places]


def looked_up(find: Callable[[Any], Any], keys: Sequence[Any], *, strict: bool) -> list[Any]:
    """The records that `find` has for the keys, each once; without `strict` unknown keys do not matter."""
    found = {}
    for key in keys:
        try:
            record = find(key)
        except OpPrereqError as err:
            if strict or err.code != Code.UNKNOWN_ENTITY:
                raise
        else:
            found[record.uuid] = record
    return list(found.values())


class ConfigResource(Resource):
    """Objects of the configuration, which have names and UUIDs."""

    def __init__(self) -> None:
        self._order = Order()

    @abstractmethod
    def section(self, cfg: Config) -> Mapping[str, Any]:
        """All records by UUID."""

    @abstractmethod
    def find(self, cfg: Config, name: str) -> Any:
        """The record with the name; raises OpPrereqError."""

    def everything(self, sources: Sources, needs: frozenset[Need]) -> Sequence[Any]:
        return self._order.sorted(self.section(sources.cfg).values())

    def named(self, sources: Sources, keys: Sequence[Any], *, strict: bool) -> Sequence[Any]:
        return looked_up(lambda key: self.find(sources.cfg, key), keys, strict=strict)


def stamps() -> list[Field]:
    """What all stored objects have."""
    return [
        attribute("uuid", Kind.TEXT, "UUID", "UUID"),
        attribute("serial_no", Kind.NUMBER, "SerialNo", "Counts the changes"),
        attribute("ctime", Kind.TIMESTAMP, "CTime", "Time of creation"),
        attribute("mtime", Kind.TIMESTAMP, "MTime", "Time of the last change"),
        Field("tags", Kind.OTHER, "Tags", "Tags", lambda r, _: r.raw().get("tags", [])),
    ]
