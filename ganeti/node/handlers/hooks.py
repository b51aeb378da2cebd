# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the hooks of this node (extension points, "Hooks": what runs, in which order, with what).

Only visible files with harmless names run; editors' backups and the like are skipped, not refused.
"""

from __future__ import annotations

import os
import re
import stat

from ganeti.contracts.node.hooks import HookCalls, Row
from ganeti.errors import HooksFailure
from ganeti.node.host import Host

NAME = re.compile(r"[a-zA-Z0-9_-]+")
PHASES = ("pre", "post")
SKIPPED, FAILED, RAN = 0, 1, 2
TIMEOUT_S = 840.0
"""Less than the call may take, so that the answer still comes."""


class HookHandlers(HookCalls):
    """Each script sees the environment of the call and nothing else."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def hooks_runner(self, hpath: str, phase: str, env: dict[str, str]) -> list[Row]:
        if phase not in PHASES or not NAME.fullmatch(hpath):
            raise HooksFailure(f"'{hpath}' in phase '{phase}' is not the path of hooks")
        directory = f"{hpath}-{phase}.d"
        base = f"{self._host.paths.hooks_dir}/{directory}"
        try:
            names = sorted(name for name in os.listdir(base) if not name.startswith("."))
        except FileNotFoundError:
            return []
        except OSError as err:
            raise HooksFailure(f"the hooks in {base} cannot be listed: {err}") from err
        return [self._row(f"{directory}/{name}", f"{base}/{name}", env) for name in names]

    def _row(self, label: str, path: str, env: dict[str, str]) -> Row:
        if not _runs(path):
            return (label, SKIPPED, "")
        result = self._host.runner.run(
            [path], timeout_s=TIMEOUT_S, env=env, reset_env=True, cwd="/"
        )
        output = result.output or (result.fail_reason if result.failed else "")
        return (label, FAILED if result.failed else RAN, output)


def _runs(path: str) -> bool:
    """A regular, executable file with a harmless name."""
    if not NAME.fullmatch(os.path.basename(path)):
        return False
    try:
        state = os.stat(path)
    except OSError:
        return False
    return stat.S_ISREG(state.st_mode) and os.access(path, os.X_OK)
