# SPDX-License-Identifier: GPL-2.0-or-later
"""One unit over a world of its own, taken through its life as the processor does.

trial = Trial(tmp_path, cfg, InstanceReboot, OpInstanceReboot(instance_name="web", …))
trial.nodes.accepts("bridges_exist", "instance_reboot")
cfg = trial.run()
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ganeti.master.locks.plan import Level
from ganeti.master.unit import JobLog, LogicalUnit
from ganeti.model.config import Config
from ganeti.opcodes.base import OpCode
from test.support.master_world import MasterWorld


class GivenBack:
    """The locks of a unit that nobody else wants; what it gives back is noted by level."""

    def __init__(self) -> None:
        self.levels: list[Level] = []

    def release(self, level: Level, names: Iterable[str] | None = None) -> None:
        self.levels.append(level)

    def downgrade(self, level: Level, names: Iterable[str] | None = None) -> None:
        self.levels.append(level)

    def owned(self, level: Level) -> frozenset[str]:
        raise AssertionError("units do not ask what they hold")


class Trial:
    """`lines` is what the user is told, `result` what `execute` returned, `locks` what it gave back."""

    def __init__(
        self, root: Path, cfg: Config, kind: type[LogicalUnit[Any]], opcode: OpCode
    ) -> None:
        self.world, self.lines = MasterWorld(root, cfg), list[str]()
        self.nodes, self.locks = self.world.nodes, GivenBack()
        self.result: Any = None
        self.unit = kind(opcode, self.world.services, "job-1/0")
        self.unit.log = JobLog(self._tell)
        self.unit.locks = self.locks

    def _tell(self, _kind: str, told: str | list[str]) -> None:
        self.lines += [told] if isinstance(told, str) else told

    @property
    def cfg(self) -> Config:
        return self.world.store.current

    def check(self) -> None:
        """All that comes before anything is changed."""
        self.unit.expand()
        self.unit.lock_plan()
        self.unit.check()

    def run(self) -> Config:
        """The configuration afterwards."""
        self.check()
        self.result = self.unit.execute()
        return self.cfg

    @property
    def warnings(self) -> list[str]:
        mark = " - WARNING: "
        return [line.removeprefix(mark) for line in self.lines if line.startswith(mark)]
