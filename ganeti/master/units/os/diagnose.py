# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_OS_DIAGNOSE: which OS definitions the nodes have, and how good they are."""

from __future__ import annotations

from typing import Any

from ganeti.master.query import engine, fields_os
from ganeti.master.unit import LogicalUnit
from ganeti.opcodes.os import OpOsDiagnose


class OsDiagnose(LogicalUnit[OpOsDiagnose]):
    """Plain rows of the query resource `os`."""

    def execute(self) -> list[list[Any]]:
        wanted = fields_os.shown(self.op.names, self.op.output_fields)
        return engine.plain_rows(self.services, "os", self.op.output_fields, wanted)
