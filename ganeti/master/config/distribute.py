# SPDX-License-Identifier: GPL-2.0-or-later
"""How the configuration gets to the candidates, and ssconf to all nodes.

A candidate gets the whole file by `upload_file`. It is compressed once for all of them, and of the
pieces that did not change since the last time not even once: each piece is a run of deflate blocks
that refers to nothing before it (zlib's full flush), and their checksums can be combined.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ganeti.contracts.node.files import FileCalls
from ganeti.contracts.node.packed import Packed
from ganeti.master.config.localfile import MODE
from ganeti.paths import DEFAULT
from ganeti.rpc.runner import Deposed, Pending, Prepared, Rpc, prepare

LEVEL = 1

_HEADER = b"\x78\x01"
_LAST_BLOCK = b"\x03\x00"
_ADLER_BASE = 65521

Done = Callable[[Exception | None], None]


@dataclass(frozen=True)
class _Piece:
    """A run of deflate blocks that stands for itself."""

    blocks: bytes
    checksum: int
    length: int

    @classmethod
    def of(cls, data: bytes) -> _Piece:
        compress = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        blocks = compress.compress(data) + compress.flush(zlib.Z_FULL_FLUSH)
        return cls(blocks, zlib.adler32(data), len(data))


def _combined(first: int, second: int, length: int) -> int:
    """The Adler-32 of two texts one after the other; `length` is that of the second."""
    rest = length % _ADLER_BASE
    low = ((first & 0xFFFF) + (second & 0xFFFF) - 1) % _ADLER_BASE
    high = (rest * (first & 0xFFFF) + (first >> 16) + (second >> 16) - rest) % _ADLER_BASE
    return high << 16 | low


class Compressor:
    """Makes zlib streams of texts in pieces. One thread uses it."""

    def __init__(self) -> None:
        self._pieces: dict[bytes, _Piece] = {}

    def compress(self, pieces: Iterable[bytes]) -> bytes:
        """The stream; pieces that were there the last time cost nothing."""
        self._pieces = {data: self._pieces.get(data) or _Piece.of(data) for data in pieces}
        parts = [self._pieces[data] for data in pieces]
        checksum = zlib.adler32(b"")
        for part in parts:
            checksum = _combined(checksum, part.checksum, part.length)
        blocks = b"".join(part.blocks for part in parts)
        return b"".join((_HEADER, blocks, _LAST_BLOCK, checksum.to_bytes(4, "big")))


class Content(Packed):
    """The file as candidates get it, compressed already. `call`: what carries it to all of them."""

    def __init__(self, data: bytes, compressed: bytes) -> None:
        super().__init__(data)
        self._wire = [1, base64.b64encode(compressed).decode("ascii")]
        self.call: Prepared[None] | None = None

    def raw(self) -> list[Any]:
        return self._wire


def newest(_older: Any, newer: Any) -> Any:
    """A node that lacks two generations needs only the second."""
    return newer


class ConfigTransport:
    """Sends the file to candidates; `user` and `group` own it there."""

    def __init__(self, rpc: Rpc, *, user: str, group: str, now: Callable[[], float]) -> None:
        self._rpc, self._user, self._group, self._now = rpc, user, group, now

    def send(self, candidate: str, content: Content, done: Done) -> None:
        content.call = content.call or self._encoded(content)
        pending = self._rpc.start(candidate, content.call)
        pending.when_done(lambda answered: done(_failure(answered)))

    def _encoded(self, content: Content) -> Prepared[None]:
        now = self._now()
        upload = (DEFAULT.config_data, content, MODE, self._user, self._group, now, now)
        return prepare(FileCalls.upload_file)(upload)


class SsconfTransport:
    """Sends the values of ssconf to nodes; the same values, to all of them, are encoded once."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        self._last: tuple[Mapping[str, str], Prepared[None]] | None = None

    def send(self, node: str, content: Mapping[str, str], done: Done) -> None:
        pending = self._rpc.start(node, self._encoded(content))
        pending.when_done(lambda answered: done(_failure(answered)))

    def _encoded(self, content: Mapping[str, str]) -> Prepared[None]:
        last = self._last
        if last is None or last[0] is not content:
            self._last = last = content, prepare(FileCalls.write_ssconf_files)(dict(content))
        return last[1]


class _Failed(Exception):
    """What a node answered instead of success."""


def _failure(answered: Pending[None]) -> Exception | None:
    try:
        reply = answered.reply()
    except Deposed as err:
        return err
    return _Failed(reply.error) if reply.failed else None
