# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything that is declared, as plain values: what `tools/dump-declarations` prints."""

from __future__ import annotations

from typing import Any

from ganeti.contracts.luxi import LuxiCalls
from ganeti.master.query import engine
from ganeti.model.params.table import table
from ganeti.node import server
from ganeti.opcodes.base import REQUIRED, OpCode, Parameter
from ganeti.schema import types
from ganeti.utils import loading
from test.support import commands


def everything() -> dict[str, Any]:
    """One JSON document; the keys are those that programs which compare releases look for."""
    return {
        "opcodes": opcodes(),
        "commands": commands.commands(),
        "aliases": commands.aliases(),
        "fields": engine.declared(),
        "default_fields": commands.default_fields(),
        "exit_codes": commands.exit_codes(),
        "rpc": sorted(name for handler in server.handler_classes() for name in handler.CALLS),
        "luxi": sorted(LuxiCalls.CALLS),
        **table(),
    }


def opcodes() -> dict[str, list[dict[str, Any]]]:
    """The parameters of every opcode, in order."""
    loading.load_all("ganeti.opcodes")
    return {
        name: [_parameter(p) for p in cls.PARAMETERS.values()]
        for name, cls in sorted(OpCode.REGISTRY.items())
        if cls.__module__.startswith("ganeti.")
    }


def _parameter(parameter: Parameter[Any]) -> dict[str, Any]:
    if parameter.default is REQUIRED:
        return {"name": parameter.name, "required": True}
    return {"name": parameter.name, "default": types.plain(parameter.default)}
