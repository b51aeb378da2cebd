# SPDX-License-Identifier: GPL-2.0-or-later
"""Contents of files inside calls: ``[0, text]``, or ``[1, base64 of zlib]`` from 512 bytes on.

What is no UTF-8 is always compressed. The packed form is made once and serves every call that
carries the same object.
"""

from __future__ import annotations

import base64
import binascii
import functools
import zlib
from typing import Any, Self

from ganeti.schema import types

_COMPRESS_FROM = 512
_LEVEL = 3
_PLAIN, _ZLIB = 0, 1
_MOST_BYTES = 256 << 20
"""A few bytes can claim to be far more than the memory holds."""


class Packed:
    """The content of a file."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @functools.cached_property
    def _encoded(self) -> list[Any]:
        if len(self.data) < _COMPRESS_FROM:
            try:
                return [_PLAIN, self.data.decode()]
            except UnicodeDecodeError:
                pass
        return [_ZLIB, base64.b64encode(zlib.compress(self.data, _LEVEL)).decode("ascii")]

    def raw(self) -> list[Any]:
        """The form on the wire."""
        return self._encoded

    @classmethod
    def from_raw(cls, value: Any) -> Self:
        """Unpack the form on the wire."""
        match value:
            case [0, str(text)]:
                return cls(text.encode())
            case [1, str(text)]:
                try:
                    return cls(_unpacked(base64.b64decode(text, validate=True)))
                except (binascii.Error, zlib.error, ValueError) as err:
                    raise types.Mismatch(f"damaged content: {err}") from None
        raise types.Mismatch("expected content as [0, text] or [1, base64]")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Packed) and self.data == other.data

    def __hash__(self) -> int:
        return hash(self.data)

    def __repr__(self) -> str:
        return f"<Packed {len(self.data)} bytes>"


def _unpacked(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    unpacked = stream.decompress(data, _MOST_BYTES)
    if stream.unconsumed_tail:
        raise ValueError(f"it is more than {_MOST_BYTES} bytes")
    if not stream.eof:
        raise ValueError("it is not whole")
    return unpacked
