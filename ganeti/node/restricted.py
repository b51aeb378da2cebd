# SPDX-License-Identifier: GPL-2.0-or-later
"""Restricted commands: what the administrator of this node lets the master run.

Directory and file belong to root and nobody else may write them. Every refusal is slow and looks the
same, so that nothing can be found out by trying; the reason stands in this node's log.
"""

from __future__ import annotations

import logging
import os
import re
import stat

from ganeti.errors import GenericError
from ganeti.node.host import Host
from ganeti.utils.filelock import FileLock

log = logging.getLogger(__name__)

NAME = re.compile(r"[a-zA-Z0-9_-]+")
MAX_MODE = 0o755
LOCK_S = 8.0
REFUSAL_S = 10.0
TIMEOUT_S = 3000.0


class Refused(GenericError):
    """The command is not run."""


def run(host: Host, name: str) -> str:
    """Run a command; what it printed on both streams."""
    try:
        path = _checked(host.paths.restricted_commands_dir, name)
        with FileLock(host.paths.restricted_lock, clock=host.clock) as lock:
            lock.acquire(timeout_s=LOCK_S)
            result = host.runner.run([path], timeout_s=TIMEOUT_S, env={}, reset_env=True, cwd="/")
    except (OSError, GenericError) as err:
        log.error("restricted command %r refused: %s", name, err)
        host.clock.sleep(REFUSAL_S)
        raise Refused(f"the restricted command '{name}' cannot be run") from None
    if result.failed:
        raise GenericError(f"restricted command '{name}' {result.fail_reason}: {result.output}")
    return result.output


def _checked(directory: str, name: str) -> str:
    """The path of a command; raises Refused."""
    if not NAME.fullmatch(name):
        raise Refused("the name has other characters than letters, digits, - and _")
    _check_owned(directory, os.lstat(directory))
    path = f"{directory}/{name}"
    state = os.lstat(path)
    _check_owned(path, state)
    if not stat.S_ISREG(state.st_mode) or not state.st_mode & stat.S_IXUSR:
        raise Refused(f"{path} is not an executable file")
    return path


def _check_owned(path: str, state: os.stat_result) -> None:
    if (state.st_uid, state.st_gid) != (0, 0):
        raise Refused(f"{path} does not belong to root")
    if stat.S_IMODE(state.st_mode) & ~MAX_MODE:
        raise Refused(f"{path} has a mode above {MAX_MODE:o}")
