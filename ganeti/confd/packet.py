# SPDX-License-Identifier: GPL-2.0-or-later
"""The packets of confd: one UDP datagram for each message, signed with the key of the cluster.

    plj0{"hmac":"<40 hex digits>","msg":"<the inner JSON as a string>","salt":"<text>"}

The HMAC-SHA1 covers the salt and the message exactly as they were sent; its key is the whole content
of ``hmac.key``, the line end too. The salt of a request is the time, that of a reply what the request
asked for. Both ends read and write packets with this module.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

import simplejson

from ganeti.errors import ConfigurationError

MAGIC = b"plj0"
MOST_BYTES = 61440
MOST_SKEW_S = 300
_BLOCK_BYTES = 64
_MOST_DIGITS = 18

_decode = simplejson.JSONDecoder().decode
_quote = simplejson.JSONEncoder().encode


class Key:
    """The HMAC key; it does not show itself.

    An HMAC (RFC 2104) hashes a block of the key before the text, and another before that hash. Both
    are hashed once for all packets: it takes two thirds of the time of the library's own.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes) -> None:
        short = secret if len(secret) <= _BLOCK_BYTES else hashlib.sha1(secret).digest()
        block = short.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha1(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha1(bytes(byte ^ 0x5C for byte in block))

    def sign(self, salt: bytes, msg: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(salt + msg)
        outer.update(inner.digest())
        return outer.hexdigest().encode()


def read_key(path: str) -> Key:
    """The key in its file; raises ConfigurationError."""
    try:
        with open(path, "rb") as file:
            secret = file.read()
    except OSError as err:
        raise ConfigurationError(f"the key of the cluster cannot be read: {err}") from None
    if not secret.strip():
        raise ConfigurationError(f"the key of the cluster is empty: {path}")
    return Key(secret)


class Message(NamedTuple):
    """An inner message as it is signed, and as it stands in the packet."""

    text: bytes
    quoted: bytes

    @classmethod
    def of(cls, msg: str) -> Message:
        return cls(msg.encode(), _quote(msg).encode())


class Signed(NamedTuple):
    """What a packet carries."""

    salt: str
    msg: str


def pack(key: Key, salt: str, message: Message) -> bytes:
    """The packet; UnicodeEncodeError for a salt that is no text."""
    signature = key.sign(salt.encode(), message.text)
    return b'%b{"hmac":"%b","msg":%b,"salt":%b}' % (
        MAGIC,
        signature,
        message.quoted,
        _quote(salt).encode(),
    )


def unpack(key: Key, data: bytes) -> Signed | None:
    """What a packet carries; None if it is broken, or signed with another key."""
    if not data.startswith(MAGIC):
        return None
    try:
        outer = _decode(data[len(MAGIC) :].decode())
        if type(outer) is not dict:
            return None
        salt, msg, signature = outer.get("salt"), outer.get("msg"), outer.get("hmac")
        if not (type(salt) is type(msg) is type(signature) is str):
            return None
        good = key.sign(salt.encode(), msg.encode())
        return Signed(salt, msg) if hmac.compare_digest(good, signature.encode()) else None
    except (ValueError, RecursionError):  # no JSON, or nested so deeply; text that is no Unicode
        return None


def time_salt(now: float) -> str:
    """The salt of a request."""
    return str(int(now))


def is_timely(salt: str, now: float) -> bool:
    """Whether the salt of a request is a time that is not long ago, nor far ahead."""
    is_number = salt.isascii() and salt.isdigit() and len(salt) <= _MOST_DIGITS
    return is_number and abs(now - int(salt)) <= MOST_SKEW_S
