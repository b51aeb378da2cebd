# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_TEST_OS_PARAMS: whether secret parameters arrive with their values, which are told to nobody."""

from __future__ import annotations

from ganeti.errors import OpExecError
from ganeti.master.unit import LogicalUnit
from ganeti.opcodes.base import REDACTED
from ganeti.opcodes.test import OpTestOsParams


class TestOsParams(LogicalUnit[OpTestOsParams]):
    def execute(self) -> None:
        for name, secret in (self.op.osparams_secret or {}).items():
            if secret == REDACTED:
                raise OpExecError(f"the value of the secret parameter '{name}' got lost on the way")
            self.log.info(f"secret parameter '{name}' has arrived")
