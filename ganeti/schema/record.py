# SPDX-License-Identifier: GPL-2.0-or-later
"""Records: frozen views of JSON objects, with declared and typed attributes.

A record *is* the JSON object it was read from; an attribute is a typed look into it. So unknown keys
are kept, a file that is loaded and written again is equal, and nothing is converted for the 9,999
objects that a change does not touch.

A record is never changed: `replace` makes another. The dicts that attributes give out belong to the
record; they are typed as mappings, so that mypy refuses to write into them.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, ClassVar, Self, dataclass_transform

from ganeti.schema import types

REQUIRED: Any = object()

Check = tuple[str, type, types.Checker, bool]
"""Of one attribute: name, the usual type of its value, how to check any other, whether it must be there."""


class Kind(Enum):
    """Where an attribute lives (the configuration file's own distinction)."""

    STORED = "always in the file"
    OPTIONAL = "left out of the file when null"
    RUNTIME = "only inside calls to nodes, never in the file"


class Attribute:
    """Descriptor of one declared attribute."""

    __slots__ = ("annotation", "check", "default", "direct", "kind", "name")

    def __init__(self, default: Any, kind: Kind) -> None:
        self.default, self.kind = default, kind
        self.name = ""

    def bind(self, name: str, annotation: Any) -> None:
        self.name, self.annotation = name, annotation
        self.check = types.checker(annotation)
        self.direct = _is_direct(annotation)

    def missing(self) -> Any:
        """The value of an attribute that is not there; a fresh one if it could be written into."""
        return self.default.copy() if isinstance(self.default, dict | list) else self.default

    @property
    def is_always_there(self) -> bool:
        """In the file even where nobody gave it a value."""
        return self.kind is Kind.STORED and self.default is not REQUIRED

    def initial(self) -> Any:
        """What a new record has that was not given a value; None is not written."""
        return self.missing() if self.kind is Kind.STORED else None

    def common_type(self) -> type:
        """The type whose values need no closer look; no value has the type `Attribute`."""
        return self.annotation if self.annotation in (str, int, bool, float) else Attribute

    def __get__(self, record: Record | None, owner: type) -> Any:
        if record is None:
            return self
        value = record._raw.get(self.name)
        if value is None:
            return None if self.default is REQUIRED else self.missing()
        return value if self.direct else record._converted(self, value)


def _is_direct(annotation: Any) -> bool:
    """True if the JSON value is the attribute's value; False if it holds records, enums, tuples."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _is_direct(typing.get_args(annotation)[0])
    if annotation in (str, int, bool, float, object, Any, None, type(None)):
        return True
    if origin is typing.Literal:
        return True
    if origin is None or origin is tuple:
        return False
    return all(_is_direct(a) for a in typing.get_args(annotation))


def stored(*, default: Any = REQUIRED) -> Any:
    """An attribute that is always in the file."""
    return Attribute(default, Kind.STORED)


def optional(*, default: Any) -> Any:
    """An attribute that is left out when it is not set (mypy wants the default spelt out)."""
    return Attribute(default, Kind.OPTIONAL)


def runtime(*, default: Any) -> Any:
    """An attribute that only calls to nodes carry."""
    return Attribute(default, Kind.RUNTIME)


@dataclass_transform(
    kw_only_default=True, frozen_default=True, field_specifiers=(stored, optional, runtime)
)
class Record:
    """Base of all records; see the module's text.

    `DRAFT` names an attribute that is true in records which may lack what others must have.
    """

    __slots__ = ("_cache", "_raw")
    ATTRIBUTES: ClassVar[dict[str, Attribute]] = {}
    DRAFT: ClassVar[str] = ""
    _CHECKS: ClassVar[dict[str, Check]] = {}

    _raw: dict[str, Any]
    _cache: dict[str, Any] | None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        hints = typing.get_type_hints(cls, localns={cls.__name__: cls}, include_extras=True)
        own = {n: a for n, a in vars(cls).items() if isinstance(a, Attribute)}
        for name, attribute in own.items():
            attribute.bind(name, hints[name])
        cls.ATTRIBUTES = {**cls.ATTRIBUTES, **own}
        cls._CHECKS = {
            name: (name, attribute.common_type(), attribute.check, attribute.default is REQUIRED)
            for name, attribute in cls.ATTRIBUTES.items()
        }

    def __init__(self, **values: Any) -> None:
        raw = {}
        for name, attribute in self.ATTRIBUTES.items():
            value = values.pop(name) if name in values else attribute.initial()
            if value is REQUIRED:
                raise TypeError(f"{type(self).__name__}: '{name}' is missing")
            if value is not None or attribute.kind is Kind.STORED:
                raw[name] = types.plain(value)
        if values:
            raise TypeError(f"{type(self).__name__} has no attribute {', '.join(values)}")
        self._set(self._checked(raw, self._CHECKS.values()))

    def _set(self, raw: dict[str, Any]) -> None:
        self._raw, self._cache = raw, None

    @classmethod
    def _checked(cls, raw: dict[str, Any], checks: Iterable[Check]) -> dict[str, Any]:
        name = ""
        try:
            for name, common, check, required in checks:
                value = raw.get(name)
                if type(value) is common:
                    continue
                if value is not None:
                    check(value)
                elif required and not raw.get(cls.DRAFT):
                    raise types.Mismatch("is missing")
        except types.Mismatch as err:
            raise err.below(name) from None
        return raw

    @classmethod
    def from_raw(cls, raw: Any) -> Self:
        """The record over a JSON object, which it keeps; `types.Mismatch` names what does not fit."""
        if not isinstance(raw, dict):
            raise types.Mismatch(f"expected an object, got {raw!r:.80}")
        return cls._over(cls._checked(raw, cls._CHECKS.values()))

    @classmethod
    def _over(cls, raw: dict[str, Any]) -> Self:
        record = cls.__new__(cls)
        record._set(raw)
        return record

    def raw(self) -> dict[str, Any]:
        """The JSON object; not to be changed."""
        return self._raw

    def replace(self, **changes: Any) -> Self:
        """A record with some attributes changed; None takes an optional one away."""
        raw = dict(self._raw)
        for name, value in changes.items():
            attribute = self.ATTRIBUTES[name]
            if value is None and attribute.kind is not Kind.STORED:
                raw.pop(name, None)
            else:
                raw[name] = types.plain(value)
        names = self._CHECKS if self.DRAFT in changes else changes
        return self._over(self._checked(raw, map(self._CHECKS.__getitem__, names)))

    def stored(self) -> Self:
        """The record without what only calls carry."""
        carried = [n for n in self._raw if n in self.ATTRIBUTES and self._is_runtime(n)]
        return self.replace(**dict.fromkeys(carried)) if carried else self

    def _is_runtime(self, name: str) -> bool:
        return self.ATTRIBUTES[name].kind is Kind.RUNTIME

    def _converted(self, attribute: Attribute, value: Any) -> Any:
        if self._cache is None:
            self._cache = {}
        if attribute.name not in self._cache:
            self._cache[attribute.name] = attribute.check(value)
        return self._cache[attribute.name]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._raw == other._raw

    __hash__: ClassVar[Callable[[Any], int]] = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        label = self._raw.get("name") or self._raw.get("uuid") or "…"
        return f"<{type(self).__name__} {label}>"
