# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of one guest, below ``/run/ganeti/kvm-hypervisor`` (node daemon, "KVM driver").

Other programs look there, and a guest that was started by another release is found there.
"""

from __future__ import annotations

import contextlib
import os
import shutil

from ganeti.errors import HypervisorError
from ganeti.paths import Paths
from ganeti.utils import files

DIRECTORY_MODE, LOG_DIRECTORY_MODE = 0o775, 0o750
LOG_LINES = 20
MOST_SOCKET_BYTES = 107
"""The kernel takes no longer path of a socket."""


class GuestFiles:
    """Where a guest's files are, by its name."""

    def __init__(self, paths: Paths, name: str) -> None:
        self._paths, self.name = paths, name
        control = f"{paths.kvm_ctrl_dir}/{name}"
        self.pid = f"{paths.kvm_pid_dir}/{name}"
        self.uid = f"{paths.kvm_uid_dir}/{name}"
        self.runtime = f"{paths.kvm_conf_dir}/{name}.runtime"
        self.nics = f"{paths.kvm_nic_dir}/{name}"
        self.chroot = f"{paths.kvm_chroot_dir}/{name}"
        self.monitor = f"{control}.monitor"
        self.qmp = f"{control}.qmp"
        self.events = f"{control}.kvmd"
        self.serial = f"{control}.serial"
        self.agent = f"{control}.qga"
        self.shut_down = f"{control}.shutdown"
        self.log = f"{paths.kvm_log_dir}/{name}.log"

    def nic(self, seq: int) -> str:
        """The file that names the tap device of an interface."""
        return f"{self.nics}/{seq}"

    def check_lengths(self) -> None:
        """Raises HypervisorError if a socket's path is too long for the kernel."""
        longest = max((self.monitor, self.shut_down), key=len)
        if len(os.fsencode(longest)) > MOST_SOCKET_BYTES:
            raise HypervisorError(
                f"the instance name {self.name} is too long: the path of its sockets, {longest},"
                f" may have {MOST_SOCKET_BYTES} bytes"
            )

    def ensure_directories(self) -> None:
        for path in (self.pid, self.uid, self.runtime, self.nics, self.chroot, self.monitor):
            _make_directory(os.path.dirname(path), DIRECTORY_MODE)
        _make_directory(os.path.dirname(self.log), LOG_DIRECTORY_MODE)

    def note_tap(self, seq: int, tap: str) -> None:
        """Remember which tap an interface has."""
        _make_directory(self.nics, DIRECTORY_MODE)
        with open(self.nic(seq), "w", encoding="ascii") as file:
            file.write(tap)

    def forget_tap(self, seq: int, count: int) -> None:
        """The interface is gone; those after it, of `count` in all, move up."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.nic(seq))
            for number in range(seq + 1, count):
                os.rename(self.nic(number), self.nic(number - 1))

    def remove_log(self) -> None:
        """A guest that starts anew begins its log anew."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.log)

    def log_end(self) -> str:
        """What QEMU wrote last, for error messages: once it is detached, it speaks only there."""
        try:
            lines = files.read_lines(self.log)[-LOG_LINES:]
        except (OSError, UnicodeDecodeError):
            return ""
        return "\n".join(["", *lines])

    def remove(self) -> None:
        """Take away all but the log; a chroot in which something was left is kept aside."""
        for path in (
            *(self.pid, self.uid, self.runtime, self.monitor, self.qmp, self.events),
            *(self.serial, self.agent, self.shut_down),
        ):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        shutil.rmtree(self.nics, ignore_errors=True)
        self._remove_chroot()

    def _remove_chroot(self) -> None:
        try:
            os.rmdir(self.chroot)
        except FileNotFoundError:
            return
        except OSError:
            _make_directory(self._paths.kvm_quarantine_dir, DIRECTORY_MODE)
            number = len(os.listdir(self._paths.kvm_quarantine_dir))
            os.rename(self.chroot, f"{self._paths.kvm_quarantine_dir}/{self.name}-{number}")


def _make_directory(path: str, mode: int) -> None:
    """With this mode, whatever the daemon's umask takes away."""
    if not os.path.isdir(path):
        _make_directory(os.path.dirname(path), mode)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path)
            os.chmod(path, mode)


def names(paths: Paths) -> list[str]:
    """Guests that have a PID file; they may have ended."""
    try:
        return sorted(os.listdir(paths.kvm_pid_dir))
    except FileNotFoundError:
        return []
