# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's syslog as a place for log messages: facility daemon, datagrams to ``/dev/log``."""

from __future__ import annotations

import logging
from logging.handlers import SysLogHandler

SOCKET = "/dev/log"


class Syslog(SysLogHandler):
    """As long as nobody listens there, messages are dropped; once somebody does, he hears the next one."""

    def __init__(self, path: str = SOCKET) -> None:
        super().__init__(path, SysLogHandler.LOG_DAEMON)

    def handleError(self, record: logging.LogRecord) -> None:
        pass
