# SPDX-License-Identifier: GPL-2.0-or-later
"""Keeps confd's facts those of the newest configuration file.

The file is read when it has changed, at most once a second, in a thread of its own: requests are
answered meanwhile. A large one that changes all the time takes a fifth of a processor.

A file that is damaged or half written changes nothing but the log, nor does one that cannot be read,
which is tried again. A file that is gone means that this node is no master candidate any more: then
nothing is answered.
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable
from typing import Protocol

from ganeti.confd.answers import Facts
from ganeti.errors import ConfigurationError
from ganeti.model import configfile
from ganeti.utils.clock import Clock

log = logging.getLogger(__name__)

REST_S = 1.0
REST_SHARE = 4
RECHECK_S = 17.0

Stamp = tuple[int, ...]
UNREAD: Stamp = ()
"""What has not been read; no file has this stamp."""


class Watch(Protocol):
    """What tells of changes: `ganeti.utils.file_watch.FileWatch`."""

    def wait(self, timeout_s: float) -> bool: ...


class Reload:
    """Gives facts to `put_in_service`, None while there is no file. One thread uses it."""

    def __init__(self, path: str, put_in_service: Callable[[Facts | None], None]) -> None:
        self._path, self._put_in_service = path, put_in_service
        self._seen: Stamp | None = UNREAD
        self._serial: int | None = None
        self._told = ""

    def follow(self, watch: Watch, clock: Clock) -> None:
        """Look whenever the watch tells so, and now and then; never returns."""
        while True:
            told = watch.wait(RECHECK_S)
            began = clock.monotonic()
            if self.look(told=told):
                clock.sleep(max(REST_S, REST_SHARE * (clock.monotonic() - began)))

    def look(self, *, told: bool) -> bool:
        """Read the file if it has changed, or if somebody told so; whether it was read."""
        stamp = self._stamp()
        if stamp == self._seen and not (told and stamp):
            return False
        self._seen = stamp
        if stamp is None:
            self._disable()
        else:
            self._read()
        return True

    def _stamp(self) -> Stamp | None:
        """None for no file. Who may not even look has something to read: that tells what is wrong."""
        try:
            state = os.stat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as err:
            return (err.errno or 0,)
        return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns

    def _disable(self) -> None:
        log.info("%s is not there: nothing is answered", self._path)
        self._serial = None
        self._put_in_service(None)

    def _read(self) -> None:
        try:
            with open(self._path, "rb") as file:
                data = file.read()
        except OSError as err:
            self._seen = UNREAD
            self._tell(f"cannot read {self._path}: {err}; {self._what_is_left()}")
        else:
            self._told = ""
            self._load(data)

    def _load(self, data: bytes) -> None:
        try:
            facts = _facts(data)
        except ConfigurationError as err:
            log.error("cannot use %s: %s; %s", self._path, err, self._what_is_left())
        except Exception:  # the rim: in a damaged file anything can be wrong
            log.exception("%s is damaged; %s", self._path, self._what_is_left())
        else:
            self._put_in_service(facts)
            self._serial = facts.cfg.serial_no
            log.info("the configuration with serial number %d is in service", self._serial)

    def _tell(self, text: str) -> None:
        """Once, not each time it is tried."""
        if text != self._told:
            log.error("%s", text)
            self._told = text

    def _what_is_left(self) -> str:
        if self._serial is None:
            return "nothing is answered"
        return f"that with serial number {self._serial} stays in service"


def _facts(data: bytes) -> Facts:
    """The collector would walk through it all again and again, while it is made and ever after."""
    gc.disable()
    try:
        facts = Facts(configfile.load(data))
        gc.freeze()
    finally:
        gc.enable()
    return facts
