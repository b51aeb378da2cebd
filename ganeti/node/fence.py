# SPDX-License-Identifier: GPL-2.0-or-later
"""The fence against deposed masters: a node obeys no master with a lower epoch than it has seen.

The highest epoch is on disk before the first call of a new master is answered, so that a crash cannot
make the node forget whom it obeys. Of two masters that took the same epoch it obeys the first, whose
name is in a file beside (``master-epoch.holder``: name, blank, epoch). What must be possible with a dead
disk is only held against the epoch in memory.

A new master asks all nodes what they have before they `obey` it. A node that hears of a new master in
another way was silent then (`missed`): what it has was compared with nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from ganeti import errors
from ganeti.contracts.node.sender import Sender, read_epoch
from ganeti.utils import files
from ganeti.utils.files import Disk, Write

log = logging.getLogger(__name__)

MODE = 0o644
"""The master daemon reads it too, under a user of its own."""

Missed = Callable[[Sender], None]


def _nothing_to_do(_new_master: Sender) -> None:
    pass


class Superseded(errors.GenericError):
    """The caller is not the master any more."""


class Fence:
    """Keeps the highest epoch. The lock is held over the write: until it is done nobody may pass."""

    def __init__(self, path: str, disk: Disk) -> None:
        self._path, self._holder, self._disk = path, f"{path}.holder", disk
        self.when_missed: Missed = _nothing_to_do
        self._lock = threading.Lock()
        self._obeyed = self._remembered(read_epoch(path))
        if self._obeyed.name:
            log.info("obeying %s of epoch %d as before", self._obeyed.name, self._obeyed.epoch)

    def _remembered(self, epoch: int) -> Sender:
        try:
            holder = Sender.parse(files.read_text(self._holder))
        except (FileNotFoundError, ValueError):
            return Sender("", epoch)
        return holder if holder.epoch == epoch else Sender("", epoch)

    @property
    def epoch(self) -> int:
        return self._obeyed.epoch

    def check(self, sender: Sender) -> None:
        """`Superseded` if this node obeys another master. Waits for nothing and remembers nothing.

        So a new master that only passes here may be followed by an older one, as if it had never called.
        """
        obeyed = self._obeyed
        if _outranks(obeyed, sender):
            raise Superseded(
                f"this node obeys {obeyed.name or 'the master'} of epoch {obeyed.epoch},"
                f" not {sender.name or 'a caller'} of epoch {sender.epoch}"
            )

    def admit(self, sender: Sender) -> None:
        """Let a call pass, and obey its master from now on; `Superseded` as in `check`."""
        if sender != self._obeyed:
            self._take(sender, was_asked=False)

    def obey(self, sender: Sender) -> None:
        """The same for a master that has asked this node what it has."""
        self._take(sender, was_asked=self.epoch + 1 >= sender.epoch)

    def _take(self, sender: Sender, *, was_asked: bool) -> None:
        with self._lock:
            self.check(sender)
            if sender.epoch > self.epoch:
                if not was_asked:
                    self.when_missed(sender)
                self._disk.write_many(
                    [
                        Write(self._holder, f"{sender.header()}\n".encode(), MODE),
                        Write(self._path, f"{sender.epoch}\n".encode(), MODE),
                    ]
                )
                log.info("obeying %s of epoch %d from now on", sender.name, sender.epoch)
            if sender.epoch > self.epoch or sender.name:
                self._obeyed = sender


def _outranks(obeyed: Sender, sender: Sender) -> bool:
    if sender.epoch != obeyed.epoch:
        return sender.epoch < obeyed.epoch
    return bool(obeyed.name and sender.name) and sender.name != obeyed.name
