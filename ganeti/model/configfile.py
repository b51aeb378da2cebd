# SPDX-License-Identifier: GPL-2.0-or-later
"""``config.data``: one JSON object and a newline.

What is read is written again with every key that is not known here, in its place. Both the indented
form of old releases and the compact one are read; the compact one is written.

The file can be large and most changes touch one object. So it is encoded in pieces, and a piece of
which nothing changed is used again: the same bytes object, by which others know it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import simplejson

from ganeti import version
from ganeti.errors import ConfigurationError, ConfigVersionMismatch
from ganeti.model.cluster import Cluster
from ganeti.model.config import Config
from ganeti.model.index import Member
from ganeti.model.root import SECTIONS
from ganeti.schema import types

PIECE = 64
"""How many records a piece has, on average."""

_encode = simplejson.JSONEncoder(separators=(",", ":")).encode


def parse(data: bytes) -> dict[str, Any]:
    """The JSON object of the file, of this release's version; raises ConfigurationError."""
    try:
        raw = simplejson.loads(data)
    except ValueError as err:
        raise ConfigurationError(f"the configuration file is damaged: {err}") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("version"), int):
        raise ConfigurationError("the configuration file is damaged: it has no version number")
    if raw["version"] != version.CONFIG:
        raise ConfigVersionMismatch(version.CONFIG, raw["version"])
    for key in ("cluster", "nodes", "instances"):
        if not isinstance(raw.get(key), dict):
            raise ConfigurationError(f"the configuration file is damaged: it has no {key}")
    return raw


def from_raw(raw: Mapping[str, Any]) -> Config:
    """The configuration of a JSON object, which it keeps; raises ConfigurationError."""
    try:
        cluster = types.at("cluster", Cluster.from_raw, raw["cluster"])
        members = [_section(raw, key, kind) for key, (_, kind) in SECTIONS.items()]
    except types.Mismatch as err:
        raise ConfigurationError(f"the configuration file is damaged: {err}") from None
    if not isinstance(raw.get("serial_no"), int):
        raise ConfigurationError("the configuration file is damaged: it has no serial number")
    if cluster.master_node not in raw["nodes"]:
        raise ConfigurationError(
            f"the configuration file names {cluster.master_node} as master, which is no node of it"
        )
    inside = {"cluster", *SECTIONS}
    top = {key: None if key in inside else value for key, value in raw.items()}
    return Config.of(top, cluster, *members)


def _section(raw: Mapping[str, Any], key: str, kind: type[Member]) -> list[Member]:
    section = raw.get(key, {})
    if not isinstance(section, dict):
        raise types.Mismatch("expected an object", (key,))
    return [types.at(key, _member, (kind, uuid, item)) for uuid, item in section.items()]


def _member(row: tuple[type[Member], str, Any]) -> Member:
    kind, uuid, item = row
    member: Member = types.at(uuid, kind.from_raw, item)
    if member.uuid != uuid:
        raise types.Mismatch(f"has the UUID {member.uuid}", (uuid,))
    return member


def load(data: bytes) -> Config:
    """The configuration in the bytes of the file; raises ConfigurationError."""
    return from_raw(parse(data))


def encode(cfg: Config) -> bytes:
    """The bytes of the file."""
    return b"".join(Encoder().pieces(cfg))


class Encoder:
    """Encodes one generation of the configuration after the other. One thread uses it."""

    def __init__(self, piece: int = PIECE) -> None:
        self._piece = piece
        self._sections: dict[str, tuple[Mapping[str, Any], list[bytes]]] = {}
        self._pieces: dict[str, dict[str, tuple[list[Member], bytes]]] = {}

    def pieces(self, cfg: Config) -> list[bytes]:
        """The file in pieces; those that stayed the same are the same objects."""
        result = []
        lead = "{"
        for key, value in cfg.top.items():
            start = f"{lead}{_encode(key)}:"
            lead = ","
            if key in SECTIONS:
                result += [f"{start}{{".encode(), *self._section(key, cfg), b"}"]
            else:
                item = cfg.cluster.raw() if key == "cluster" else value
                result.append(f"{start}{_encode(item)}".encode())
        return [*result, b"}\n"]

    def _section(self, key: str, cfg: Config) -> list[bytes]:
        section: Mapping[str, Member] = getattr(cfg, SECTIONS[key][0])
        last, pieces = self._sections.get(key, (None, []))
        if section is not last:
            pieces = self._changed(key, section)
            self._sections[key] = (section, pieces)
        return pieces

    def _changed(self, key: str, section: Mapping[str, Member]) -> list[bytes]:
        old, new = self._pieces.get(key, {}), {}
        lead = ""
        for records in _cut(section, self._piece):
            name = f"{lead}{records[0].uuid}"
            before = old.get(name)
            same = before is not None and before[0] == records
            new[name] = before if before and same else (records, _encoded(lead, records))
            lead = ","
        self._pieces[key] = new
        return [data for _, data in new.values()]


def _cut(section: Mapping[str, Member], piece: int) -> Iterator[list[Member]]:
    """The records in runs; where one begins depends on its UUID, not on what stands before it."""
    run: list[Member] = []
    for uuid, record in section.items():
        if run and hash(uuid) % piece == 0:
            yield run
            run = []
        run.append(record)
    if run:
        yield run


def _encoded(lead: str, records: list[Member]) -> bytes:
    text: str = _encode({record.uuid: record.raw() for record in records})
    return f"{lead}{text[1:-1]}".encode()
