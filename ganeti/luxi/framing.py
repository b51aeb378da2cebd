# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages of the local protocol: a UTF-8 JSON object, then one byte 0x03 (LUXI, "Transport").

Encoders escape U+0003, so the byte never stands inside a message. What is written is compact ASCII.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NoReturn

import simplejson

END = b"\x03"
LIMIT = 64 * 1024 * 1024
"""A peer that sends more than this without an end mark does not speak the protocol."""


def _no_number(word: str) -> NoReturn:
    """Parsers take ``NaN`` and infinities, which JSON does not have."""
    raise ValueError(f"{word} is no number")


_loads = simplejson.JSONDecoder(parse_constant=_no_number).decode
_dumps = simplejson.JSONEncoder(
    separators=(",", ":"), namedtuple_as_object=False, ignore_nan=True
).encode


class Malformed(ValueError):
    """What arrived is no message of the protocol."""


class Splitter:
    """Cuts a stream of bytes into messages."""

    def __init__(self, limit: float = LIMIT) -> None:
        self._limit = limit
        self._ready: deque[bytes] = deque()
        self._begun = bytearray()

    def feed(self, data: bytes) -> None:
        """Bytes as they came; raises `Malformed` when no end mark comes for too long."""
        *ends, rest = data.split(END)
        for piece in ends:
            self._ready.append(bytes(self._begun + piece))
            self._begun = bytearray()
        self._begun += rest
        if len(self._begun) > self._limit:
            raise Malformed(f"no end of message within {self._limit} bytes")

    def take(self) -> bytes | None:
        """The next whole message without its end mark, or None."""
        return self._ready.popleft() if self._ready else None


def encode(message: Any) -> bytes:
    """The bytes of a message, end mark included."""
    return _dumps(message).encode("ascii") + END


def decode(data: bytes) -> dict[str, Any]:
    """The object of a message; raises `Malformed`."""
    try:
        message = _loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as err:
        raise Malformed(f"a message is no JSON text: {err}") from None
    if not isinstance(message, dict):
        raise Malformed("a message must be a JSON object")
    return message
