# SPDX-License-Identifier: GPL-2.0-or-later
"""Signatures are those of the library, and the key file counts to its last byte."""

from __future__ import annotations

import hmac
from pathlib import Path

import pytest

from ganeti.confd import packet
from ganeti.confd.packet import Key, Message, Signed
from ganeti.errors import ConfigurationError


@pytest.mark.parametrize("length", [1, 41, 63, 64, 65, 200])
def test_signatures(length: int) -> None:
    secret = bytes(range(length))
    key = Key(secret)
    for _ in range(2):
        expected = hmac.new(secret, b"saltmessage", "sha1").hexdigest().encode()
        assert key.sign(b"salt", b"message") == expected


def test_the_key_is_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "hmac.key"
    path.write_bytes(b"key\n")
    data = packet.pack(Key(b"key\n"), "salt", Message.of("é"))
    assert packet.unpack(packet.read_key(str(path)), data) == Signed("salt", "é")
    path.write_bytes(b"key")
    assert packet.unpack(packet.read_key(str(path)), data) is None


def test_the_key_does_not_show_itself() -> None:
    assert "secret" not in repr(Key(b"secret"))


def test_a_file_without_a_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        packet.read_key(str(tmp_path / "hmac.key"))
