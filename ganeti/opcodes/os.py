# SPDX-License-Identifier: GPL-2.0-or-later
"""Opcodes about OS definitions."""

from __future__ import annotations

from typing import Any

from ganeti.opcodes.base import OpCode, param
from ganeti.schema.types import NonEmpty


class OpOsDiagnose(OpCode):
    """Tell which OS definitions the nodes have, and in what state."""

    RESULT = list[list[Any]]
    output_fields: list[NonEmpty] = param("Fields to return")
    names: list[NonEmpty] = param("Names of the definitions; all if empty", default=[])
