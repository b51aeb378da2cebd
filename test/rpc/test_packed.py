# SPDX-License-Identifier: GPL-2.0-or-later
"""Contents of files inside calls."""

from __future__ import annotations

import base64
import os
import zlib
from pathlib import Path
from typing import Any

import pytest

from ganeti.contracts.node.packed import Packed
from ganeti.rpc import upload
from ganeti.schema import types


@pytest.mark.parametrize("data", [b"", b"text", "\u00fcber".encode(), b"x" * 511])
def test_short_text_travels_as_it_is(data: bytes) -> None:
    assert Packed(data).raw() == [0, data.decode()]
    assert Packed.from_raw(Packed(data).raw()).data == data


@pytest.mark.parametrize("data", [b"x" * 512, b"\xff\xfe", bytes(range(256)) * 100])
def test_long_or_binary_content_is_compressed(data: bytes) -> None:
    kind, text = Packed(data).raw()
    assert kind == 1
    assert zlib.decompress(base64.b64decode(text)) == data
    assert Packed.from_raw([kind, text]).data == data


def test_it_is_packed_once() -> None:
    packed = Packed(b"x" * 1000)
    assert packed.raw()[1] is packed.raw()[1]
    assert types.plain([packed]) == [packed.raw()]


@pytest.mark.parametrize(
    "value", [None, [0], [2, "x"], [0, 5], "text", [1, "!"], [1, "eA=="], [True, b"x"]]
)
def test_what_is_not_packed_is_refused(value: Any) -> None:
    with pytest.raises(types.Mismatch):
        types.checker(Packed)(value)


def test_half_a_content_is_none() -> None:
    kind, text = Packed(b"x" * 1000).raw()
    half = base64.b64encode(base64.b64decode(text)[:-6]).decode()
    with pytest.raises(types.Mismatch, match="it is not whole"):
        Packed.from_raw([kind, half])


def test_a_content_that_claims_to_be_larger_than_all_memory_is_refused() -> None:
    data = zlib.compress(bytes((256 << 20) + 1), 1)
    with pytest.raises(types.Mismatch, match="more than 268435456 bytes"):
        Packed.from_raw([1, base64.b64encode(data).decode()])


def test_a_file_is_uploaded_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    path.chmod(0o640)
    os.utime(path, (1000.5, 2000.25))
    name, content, mode, user, group, atime, mtime = upload.details(str(path))
    assert (name, content.data, mode) == (str(path), b"content", 0o640)
    assert (user, group) == (path.owner(), path.group())
    assert (atime, mtime) == (1000.5, 2000.25)
