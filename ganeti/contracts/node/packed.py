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
                    return cls(zlib.decompress(base64.b64decode(text, validate=True)))
                except (binascii.Error, zlib.error, ValueError) as err:
                    raise types.Mismatch(f"damaged content: {err}") from None
        raise types.Mismatch("expected content as [0, text] or [1, base64]")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Packed) and self.data == other.data

    def __hash__(self) -> int:
        return hash(self.data)

    def __repr__(self) -> str:
        return f"<Packed {len(self.data)} bytes>"
