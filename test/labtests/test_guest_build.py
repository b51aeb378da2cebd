# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import lzma
import shutil
import struct
from pathlib import Path

import pytest

from test.lab import guest_build
from test.lab.programs import LabError

MODULES_DEP = """\
kernel/drivers/virtio/virtio_ring.ko:
kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
kernel/net/core/failover.ko.xz:
kernel/drivers/net/net-thing.ko.xz: kernel/net/core/failover.ko.xz
"""


def bzimage(payload: bytes) -> bytes:
    """The least that the boot protocol says of a kernel: two setup sectors, then the payload."""
    image = bytearray(3 * 512)
    image[0x1F1] = 2
    struct.pack_into("<II", image, 0x248, 16, len(payload) + 4)
    return bytes(image) + bytes(16) + payload + struct.pack("<I", 99) + b"rest of the image"


@pytest.mark.skipif(not shutil.which("xz"), reason="needs xz")
def test_the_kernel_is_taken_out_of_its_image(tmp_path: Path) -> None:
    kernel = b"\x7fELF" + bytes(range(256))
    packed = lzma.compress(kernel, check=lzma.CHECK_CRC32)
    (tmp_path / "packed").write_bytes(guest_build.packed_kernel(bzimage(packed)))
    guest_build.unpack_kernel(tmp_path / "packed", tmp_path / "kernel")
    assert (tmp_path / "kernel").read_bytes() == kernel


def test_an_unknown_packing_is_named(tmp_path: Path) -> None:
    (tmp_path / "packed").write_bytes(bytes.fromhex("deadbeef0102"))
    with pytest.raises(LabError, match="deadbeef0102"):
        guest_build.unpack_kernel(tmp_path / "packed", tmp_path / "kernel")


def test_modules_come_after_what_they_need_and_once() -> None:
    order = guest_build.load_order(MODULES_DEP, ["virtio_blk", "net_thing", "virtio", "built_in"])
    assert order == [
        "kernel/drivers/virtio/virtio_ring.ko",
        "kernel/drivers/virtio/virtio.ko",
        "kernel/drivers/block/virtio_blk.ko",
        "kernel/net/core/failover.ko.xz",
        "kernel/drivers/net/net-thing.ko.xz",
    ]
