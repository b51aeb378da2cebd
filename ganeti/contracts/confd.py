# SPDX-License-Identifier: GPL-2.0-or-later
"""What confd can be asked and what it answers: the inner message of each packet.

    request  {"protocol": 1, "type": 1, "query": "node1.example.com", "rsalt": "<uuid>"}
    reply    {"protocol": 1, "status": 0, "answer": 4, "serial": 17}

How messages are signed and carried is told in `ganeti.confd.packet`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple

import simplejson

from ganeti.schema.record import Record

PROTOCOL = 1

Query = None | str | Mapping[str, Any]


class RequestType(IntEnum):
    """The comment is what the query has to be; a node goes by its full name."""

    PING = 0  # nothing
    NODE_ROLE_BYNAME = 1  # node
    NODE_PIP_BY_INSTANCE_IP = 2  # object with IP or IP_LIST, and LINK
    CLUSTER_MASTER = 3  # nothing: its name; object with FIELDS
    NODE_PIP_LIST = 4  # nothing
    MC_PIP_LIST = 5  # nothing
    INSTANCES_IPS_LIST = 6  # link; nothing: the cluster's default link
    NODE_DRBD = 7  # node
    NODE_INSTANCES = 8  # node
    INSTANCE_DISKS = 9  # instance, by name or UUID
    CONFIG_QUERY = 10  # JSON pointer
    DATA_COLLECTORS = 11  # nothing


class QueryKey(StrEnum):
    """The keys of a query that is an object."""

    LINK = "0"
    IP = "1"
    IP_LIST = "2"
    FIELDS = "3"


class MasterField(IntEnum):
    """What FIELDS of CLUSTER_MASTER lists."""

    NAME = 0
    IP = 1
    MASTER_NODE_PRIMARY_IP = 2


class NodeRole(IntEnum):
    """The answer to NODE_ROLE_BYNAME."""

    MASTER = 0
    CANDIDATE = 1
    OFFLINE = 2
    DRAINED = 3
    REGULAR = 4


class Status(IntEnum):
    """How a request went."""

    OK = 0
    ERROR = 1
    NOT_IMPLEMENTED = 2


class ErrorCode(IntEnum):
    """The answer that goes with `Status.ERROR`."""

    UNKNOWN_ENTRY = 0
    INTERNAL = 1
    ARGUMENT = 2


class Request(NamedTuple):
    """`rsalt` is the salt of the reply, by which the client knows it."""

    type: RequestType
    query: Query
    rsalt: str

    def encode(self) -> str:
        return _encode({"protocol": PROTOCOL, **self._asdict()})

    @classmethod
    def decode(cls, msg: str) -> Request | None:
        """None for what is no request of this protocol."""
        raw = _object(msg)
        number, query, rsalt = raw.get("type"), raw.get("query"), raw.get("rsalt")
        if type(number) is not int or number not in _TYPES:
            return None
        if type(query) not in _QUERIES or type(rsalt) is not str or not _is_unicode(rsalt):
            return None
        return cls(_TYPES[number], query, rsalt)


def request(kind: RequestType, query: Query = None) -> Request:
    """A request with a salt of its own."""
    return Request(kind, query, str(uuid.uuid4()))


class Reply(NamedTuple):
    """`serial` tells which of two replies is newer; with an error it is 0."""

    status: int
    answer: Any
    serial: int

    def encode(self) -> str:
        return _encode({"protocol": PROTOCOL, **self._asdict()})

    @classmethod
    def decode(cls, msg: str) -> Reply | None:
        """None for what is no reply of this protocol."""
        raw = _object(msg)
        status, serial = raw.get("status"), raw.get("serial")
        if type(status) is not int or type(serial) is not int or "answer" not in raw:
            return None
        return cls(status, raw["answer"], serial)


def _is_unicode(text: str) -> bool:
    """JSON can spell half of a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _object(msg: str) -> dict[str, Any]:
    """The JSON object of a message of this protocol; empty for anything else.

    Types are compared, not only values: in Python true equals 1, and so does 1.0.
    """
    try:
        raw = _decode(msg)
    except (ValueError, RecursionError):  # the latter: nested too deeply
        return {}
    if type(raw) is not dict:
        return {}
    protocol = raw.get("protocol")
    return raw if type(protocol) is int and protocol == PROTOCOL else {}


def _record(value: Any) -> Any:
    """Records may stand anywhere in an answer."""
    if isinstance(value, Record):
        return value.raw()
    raise TypeError(f"{value!r:.80} cannot stand in an answer")


_TYPES: dict[int, RequestType] = {int(kind): kind for kind in RequestType}
_QUERIES = (str, type(None), dict)
_decode = simplejson.JSONDecoder().decode
_encode = simplejson.JSONEncoder(
    separators=(",", ":"), namedtuple_as_object=False, default=_record
).encode
