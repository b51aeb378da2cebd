# SPDX-License-Identifier: GPL-2.0-or-later
"""What an opcode is: a named request with declared, typed parameters.

On the wire and in job files an opcode is a JSON object: the parameters in declared order, then the
six that all opcodes share, then ``OP_ID`` (job queue, "Job file"). ``OP_ID`` follows from the class
name. A command needs only to build and encode opcodes; types are compiled when one is decoded.
"""

from __future__ import annotations

import copy
import re
import typing
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, ClassVar, Generic, TypeVar, dataclass_transform

from ganeti.schema import types

REQUIRED: Any = object()
R = TypeVar("R")

REDACTED = "<redacted>"


class Disclosure(Enum):
    """Marks a parameter whose value must not reach the disk, for use in ``Annotated``."""

    PRIVATE = "null on disk"
    SECRET = "redacted on disk"


class Parameter(Generic[R]):
    """One declared parameter.

    `offer` is the value that the commands and the remote API offer for a parameter that the wire requires.
    """

    __slots__ = ("annotation", "default", "doc", "name", "offer")

    def __init__(self, doc: str, default: Any, offer: Any) -> None:
        self.doc, self.default, self.offer = doc, default, offer
        self.name, self.annotation = "", None

    def initial(self) -> Any:
        """The default; a fresh copy where it could be written into."""
        return copy.copy(self.default) if isinstance(self.default, dict | list) else self.default

    def disclosure(self) -> Disclosure | None:
        marks = getattr(self.annotation, "__metadata__", ())
        return next((m for m in marks if isinstance(m, Disclosure)), None)


def param(doc: str, *, default: Any = REQUIRED, offer: Any = None) -> Any:
    """Declare a parameter; without a default the wire requires it."""
    return Parameter(doc, default, offer)


def op_id(class_name: str) -> str:
    """``OP_INSTANCE_REBOOT`` of ``OpInstanceReboot``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", class_name).upper()


def _priority_fits(value: Any) -> bool:
    return value in (-10, 0, 10)


Priority = Annotated[int, types.Check(_priority_fits, "one of -10, 0, 10")]


def _number_of_text(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    return value


JobId = Annotated[int, types.Convert(_number_of_text)]
"""A number; older clients send it as a text."""
Depends = list[tuple[JobId, list[typing.Literal["canceled", "success", "error"]]]]
Reason = list[tuple[str, str, int]]


def _reason_or_empty(value: Any) -> Any:
    return [] if value is None else value


@dataclass_transform(kw_only_default=True, field_specifiers=(param,))
class OpCode:
    """Base of all opcodes; the parameters declared here are the ones every opcode has."""

    OP_ID: ClassVar[str] = ""
    SUBJECT: ClassVar[str | None] = None
    RESULT: ClassVar[Any] = Any
    PARAMETERS: ClassVar[dict[str, Parameter[Any]]] = {}
    REGISTRY: ClassVar[dict[str, type[OpCode]]] = {}
    SHARED: ClassVar[dict[str, Parameter[Any]]] = {}

    dry_run: bool | None = param("Only check the prerequisites", default=None)
    debug_level: types.NonNegative | None = param("Debug level", default=None)
    priority: Priority = param("Priority of the job", default=0)
    depends: Depends | None = param("Jobs that must have ended before", default=None)
    comment: str | None = param("Comment", default=None)
    reason: Annotated[Reason, types.Convert(_reason_or_empty)] = param("Reason trail", default=[])

    def __init_subclass__(cls, *, abstract: bool = False, **kwargs: Any) -> None:
        """`abstract` marks a class that only gives parameters to others; it is no opcode itself."""
        super().__init_subclass__(**kwargs)
        cls.OP_ID = op_id(cls.__name__)
        own = _take_declared(cls)
        inherited = {n: p for n, p in cls.PARAMETERS.items() if n not in OpCode.SHARED}
        cls.PARAMETERS = {**inherited, **own, **OpCode.SHARED}
        if not abstract:
            OpCode.REGISTRY[cls.OP_ID] = cls

    def __init__(self, **values: Any) -> None:
        for name, parameter in self.PARAMETERS.items():
            value = values.pop(name) if name in values else parameter.initial()
            if value is REQUIRED:
                raise TypeError(f"{self.OP_ID}: parameter '{name}' is missing")
            setattr(self, name, value)
        if values:
            raise TypeError(f"{self.OP_ID} has no parameter {', '.join(values)}")

    def encode(self, *, for_disk: bool = False) -> dict[str, types.JSON]:
        """The JSON object; `for_disk` leaves out what must not be stored."""
        raw = {n: types.plain(getattr(self, n)) for n in self.PARAMETERS}
        raw["OP_ID"] = self.OP_ID
        if for_disk:
            resolved(type(self))
            return _without_secrets(self.PARAMETERS, raw)
        return raw

    @property
    def is_confidential(self) -> bool:
        """Whether it has values that must not be stored; of an opcode that was decoded."""
        hidden = (n for n, p in self.PARAMETERS.items() if p.disclosure() is not None)
        return any(getattr(self, name) for name in hidden)

    @staticmethod
    def from_raw(raw: Any) -> OpCode:
        """The opcode of a JSON object: what an annotation with this class means."""
        return decode(raw)

    def raw(self) -> dict[str, types.JSON]:
        return self.encode()

    def replace(self, **changes: Any) -> typing.Self:
        """An opcode with some parameters changed."""
        values = {n: getattr(self, n) for n in self.PARAMETERS}
        return type(self)(**{**values, **changes})

    def summary(self) -> str:
        """``INSTANCE_CREATE(web1.example.org)``: the id and what the opcode is about."""
        text = self.OP_ID.removeprefix("OP_")
        if self.SUBJECT is None:
            return text
        return f"{text}({_subject_text(getattr(self, self.SUBJECT))})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OpCode) and self.encode() == other.encode()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self.summary()}>"


def _take_declared(cls: type[OpCode]) -> dict[str, Parameter[Any]]:
    """The parameters declared in a class body, with name and annotation filled in."""
    own = {n: p for n, p in vars(cls).items() if isinstance(p, Parameter)}
    for name, parameter in own.items():
        parameter.name = name
        parameter.annotation = cls.__annotations__[name]
        delattr(cls, name)
    return own


OpCode.SHARED = _take_declared(OpCode)


def _without_secrets(
    parameters: dict[str, Parameter[Any]], raw: dict[str, types.JSON]
) -> dict[str, types.JSON]:
    """Values of private parameters become null, of secret ones a mark."""
    marks = {Disclosure.PRIVATE: None, Disclosure.SECRET: REDACTED}
    for name, parameter in parameters.items():
        how = parameter.disclosure()
        if how is not None and raw[name]:
            raw[name] = _masked(raw[name], marks[how])
    return raw


def _masked(value: types.JSON, mark: str | None) -> types.JSON:
    """The mark in place of each value, keys kept (per operating system there are two levels)."""
    if isinstance(value, dict):
        return {key: _masked(inner, mark) for key, inner in value.items()}
    return mark


def _exponent(value: float) -> str:
    mantissa, _, exponent = f"{value:e}".partition("e")
    digits = mantissa.rstrip("0")
    return f"{digits}{'0' if digits.endswith('.') else ''}e{int(exponent)}"


def _subject_text(value: Any) -> str:
    """As the original prints it: lists joined, floats with a point, small ones as ``1.0e-3``."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    if isinstance(value, float) and 0 < abs(value) < 0.1:
        return _exponent(value)
    return str(value)


def resolved(cls: type[OpCode]) -> dict[str, types.Checker]:
    """The checkers of an opcode's parameters, compiled once."""
    if "_CHECKERS" not in vars(cls):
        hints = _hints(cls)
        cls._CHECKERS = {n: types.checker(hints[n]) for n in cls.PARAMETERS}  # type: ignore[attr-defined]
    return typing.cast(dict[str, Callable[[Any], Any]], vars(cls)["_CHECKERS"])


def _hints(cls: type[OpCode]) -> dict[str, Any]:
    hints = typing.get_type_hints(cls, include_extras=True)
    for name, parameter in cls.PARAMETERS.items():
        parameter.annotation = hints[name]
    return hints


class Unknown(types.Mismatch):
    """The object is no opcode that is declared."""


def class_of(raw: Any) -> type[OpCode]:
    """The opcode class a JSON object names; raises `Unknown`."""
    name = raw.get("OP_ID") if isinstance(raw, dict) else raw
    if not isinstance(name, str) or name not in OpCode.REGISTRY:
        raise Unknown(f"unknown opcode {name!r}")
    return OpCode.REGISTRY[name]


def _checked(cls: type[OpCode], name: str, value: Any) -> Any:
    where = f"{cls.OP_ID}.{name}"
    try:
        return types.at(where, resolved(cls)[name], value)
    except types.Mismatch:
        if cls.PARAMETERS[name].disclosure() is None:
            raise
        # Errors are logged, and this one would quote what must not be stored.
        raise types.Mismatch("has not the declared type", (where,)) from None


def decode(raw: Any) -> OpCode:
    """The opcode of a JSON object, defaults filled in.

    Raises `Unknown` for another ``OP_ID`` and `types.Mismatch` for an unknown parameter, a missing
    one or a value that does not fit.
    """
    cls = class_of(raw)
    values = {}
    for name, value in raw.items():
        if name == "OP_ID":
            continue
        if name not in cls.PARAMETERS:
            raise types.Mismatch(f"unknown parameter '{name}'", (cls.OP_ID,))
        if value is not None or cls.PARAMETERS[name].default is REQUIRED:
            values[name] = _checked(cls, name, value)
    for name, parameter in cls.PARAMETERS.items():
        if parameter.default is REQUIRED and name not in values:
            raise types.Mismatch("is missing", (f"{cls.OP_ID}.{name}",))
    return cls(**values)
