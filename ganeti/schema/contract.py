# SPDX-License-Identifier: GPL-2.0-or-later
"""Contracts: classes whose methods are the calls of a protocol; the signature *is* the protocol.

A contract lists calls with typed arguments and results. The client side encodes and decodes with it,
the server side subclasses it; mypy checks a caller's arguments and a handler's signature alike. On
the wire arguments are a JSON list in the order of the signature; those with a default may be left out.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, TypeVar

from ganeti.schema import types

F = TypeVar("F", bound=Callable[..., Any])


class Timeout(Enum):
    """How long a caller waits for the answer, in seconds (the field's own classes)."""

    URGENT = 60
    FAST = 300
    NORMAL = 900
    SLOW = 3600
    HOURS_4 = 4 * 3600
    DAY = 24 * 3600


@dataclass(frozen=True)
class Call:
    """One call of a contract.

    `repeatable`: the carrier may send the request again when a connection dies under it.
    `fenced`: a node refuses the call from a master that was deposed.
    `even_offline`: sent also to a node that is marked offline.
    `from_memory`: a node carries it out without its disk, however many calls wait for that.
    `in_turn`: what the call replaces, a name or told by its arguments: a node never carries out an
    older one after a newer one.
    """

    name: str
    parameters: tuple[tuple[str, types.Checker], ...]
    required: int
    result: types.Checker
    timeout: Timeout | Callable[..., float]
    repeatable: bool
    fenced: bool
    even_offline: bool
    from_memory: bool
    in_turn: str | Callable[..., str] | None

    def encode(self, args: Sequence[Any]) -> list[types.JSON]:
        return [types.plain(a) for a in args]

    def decode(self, args: Any) -> list[Any]:
        """The typed arguments of a request; `types.Mismatch` says what does not fit."""
        if not isinstance(args, list) or not self.required <= len(args) <= len(self.parameters):
            raise types.Mismatch(f"{self.name} takes {self._arity()} arguments in a list")
        pairs = zip(self.parameters, args, strict=False)
        return [types.at(name, check, value) for (name, check), value in pairs]

    def timeout_s(self, args: Sequence[Any]) -> float:
        return self.timeout.value if isinstance(self.timeout, Timeout) else self.timeout(*args)

    def replaces(self, args: Sequence[Any]) -> str | None:
        """What these typed arguments replace, if it is done in turn."""
        return self.in_turn(*args) if callable(self.in_turn) else self.in_turn

    def _arity(self) -> str:
        most = len(self.parameters)
        return str(most) if most == self.required else f"{self.required} to {most}"


def call(
    timeout: Timeout | Callable[..., float] = Timeout.NORMAL,
    *,
    repeatable: bool = False,
    fenced: bool = True,
    even_offline: bool = False,
    from_memory: bool = False,
    in_turn: str | Callable[..., str] | None = None,
) -> Callable[[F], F]:
    """Declare a method of a contract to be a call of its protocol."""

    def declare(method: F) -> F:
        declared = (timeout, repeatable, fenced, even_offline, from_memory, in_turn)
        method._declared = declared  # type: ignore[attr-defined]
        return method

    return declare


def _call_of(method: Callable[..., Any]) -> Call:
    declared = method._declared  # type: ignore[attr-defined]
    timeout, repeatable, fenced, even_offline, from_memory, in_turn = declared
    hints = typing.get_type_hints(method, include_extras=True)
    parameters = list(inspect.signature(method).parameters.values())[1:]
    return Call(
        name=method.__name__,
        parameters=tuple((p.name, types.checker(hints[p.name])) for p in parameters),
        required=sum(p.default is p.empty for p in parameters),
        result=types.checker(hints["return"]),
        timeout=timeout,
        repeatable=repeatable,
        fenced=fenced,
        even_offline=even_offline,
        from_memory=from_memory,
        in_turn=in_turn,
    )


class Contract:
    """Base of all contracts. `CALLS` has the calls a contract class declares, by name."""

    CALLS: ClassVar[dict[str, Call]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = {
            name: _call_of(method)
            for name, method in vars(cls).items()
            if hasattr(method, "_declared")
        }
        cls.CALLS = {**cls.CALLS, **own}
        for name, declared in own.items():
            vars(cls)[name]._call = declared


def call_of(method: Callable[..., Any]) -> Call:
    """The declaration behind ``SomeCalls.method``."""
    return typing.cast(Call, method._call)  # type: ignore[attr-defined]
