# SPDX-License-Identifier: GPL-2.0-or-later
"""Hooks by call."""

from __future__ import annotations

from ganeti.contracts.node.hooks import HookCalls, Row
from ganeti.node import hook_scripts
from ganeti.node.host import Host


class HookHandlers(HookCalls):
    """Each script sees the environment of the call and nothing else."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def hooks_runner(self, hpath: str, phase: str, env: dict[str, str]) -> list[Row]:
        return hook_scripts.run(self._host, hpath, phase, env)
