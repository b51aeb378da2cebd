# SPDX-License-Identifier: GPL-2.0-or-later
"""A host's disks: ext4 images on the machine's own disk, used through loop devices, so that fsync is real.

Two each: `system` keeps what the host changes in its root, `data` holds /var/lib/ganeti and /srv. The faults
take a descriptor of the file system's root directory, which the host's first process keeps open.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from pathlib import Path

from test.lab import programs

SYSTEM_SIZE = 2 << 30
DATA_SIZE = 8 << 30
FREE_S = 10.0
# EXT4_IOC_SHUTDOWN and its flag that drops the journal's tail too: what was not fsynced is gone.
_IOC_SHUTDOWN = 0x8004587D
_NO_LOG_FLUSH = 2
_FILLER = ".fill"
# errors=remount-ro is how Debian installs; without noinit_itable a kernel thread writes for minutes.
_OPTIONS = "loop,errors=remount-ro,noinit_itable"


def make_image(image: Path, size: int, content: Path | None = None) -> None:
    """A sparse image with a file system that holds what lies in `content`, attributes too."""
    with image.open("wb") as file:
        file.truncate(size)
    features = "lazy_itable_init=1,lazy_journal_init=1,nodiscard"
    filled = ["-d", str(content)] if content else []
    programs.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-E", features, *filled, str(image)])


def copy_image(source: Path, image: Path) -> None:
    """A copy that takes no more room than its source has content."""
    programs.run(["cp", "--sparse=always", "--reflink=auto", str(source), str(image)])


def mount_image(image: Path, place: Path) -> None:
    """Check, as a boot does (which replays the journal), and mount."""
    programs.run(["e2fsck", "-p", str(image)], good=(0, 1))
    programs.run(["mount", "-n", "-t", "ext4", "-o", _OPTIONS, str(image), str(place)])


def loops_of(directory: Path) -> list[str]:
    """The loop devices whose images lie below a directory."""
    found = []
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):  # it may be let go at this moment
            if Path(backing.read_text().strip()).is_relative_to(directory):
                found.append(backing.parent.parent.name)
    return found


def wait_free(directory: Path) -> None:
    """Wait until the kernel has let go of all images below a directory, as it does after a kill."""
    programs.wait_until(lambda: not loops_of(directory), FREE_S, f"{directory}: loop devices free")


def shut_down(descriptor: int) -> None:
    """A power cut, or the disk's death: from now on every access is an I/O error."""
    fcntl.ioctl(descriptor, _IOC_SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))


def make_read_only(descriptor: int) -> None:
    """Let the file system find an error, whereupon it turns read-only under everyone."""
    device = os.fstat(descriptor).st_dev
    block = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
    Path(f"/sys/fs/ext4/{block.name}/trigger_fs_error").write_text("1")


def fill(descriptor: int) -> None:
    """Take all the space there is."""
    filler = os.open(_FILLER, os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=descriptor)
    try:
        for unit in (1 << 30, 1 << 20, 1 << 12):
            _grow(filler, unit)
    finally:
        os.close(filler)


def _grow(filler: int, unit: int) -> None:
    end = os.fstat(filler).st_size
    while True:
        try:
            os.posix_fallocate(filler, end, unit)
        except OSError as err:
            if err.errno != errno.ENOSPC:
                raise
            return
        end += unit


def unfill(descriptor: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_FILLER, dir_fd=descriptor)


def is_filled(descriptor: int) -> bool:
    try:
        os.stat(_FILLER, dir_fd=descriptor)
    except OSError:
        return False
    return True
