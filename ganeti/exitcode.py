# SPDX-License-Identifier: GPL-2.0-or-later
"""Exit codes that scripts read, of the commands and the daemons."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Beside these, 2 is what a wrong option or a broken configuration file gives."""

    SUCCESS = 0
    FAILURE = 1
    NOT_CLUSTER = 5
    NOT_MASTER = 11
    NODE_SETUP_ERROR = 12
    CONFIRMATION_NEEDED = 13
    UNKNOWN_FIELD = 14
