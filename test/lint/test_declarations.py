# SPDX-License-Identifier: GPL-2.0-or-later
"""What is declared is carried out, and by whom: nothing is declared for show."""

import inspect
from pathlib import Path

from ganeti.contracts.luxi import LuxiCalls
from ganeti.contracts.node import packed, sender
from ganeti.master import luxi_methods
from ganeti.master.unit import LogicalUnit
from ganeti.node import absent, server
from ganeti.opcodes.base import OpCode
from ganeti.schema.contract import Contract
from ganeti.utils import loading

ROOT = Path(__file__).parents[2]
NOT_TYPED = {
    "OP_CLUSTER_QUERY": "the same as a LUXI call, for clients that submit it",
    "OP_CLUSTER_CONFIG_QUERY": "the same as a LUXI call, for clients that submit it",
    "OP_QUERY": "the same as a LUXI call, for clients that submit it",
    "OP_QUERY_FIELDS": "the same as a LUXI call, for clients that submit it",
    "OP_TAGS_GET": "the same as a LUXI call, for clients that submit it",
    "OP_CLUSTER_VERIFY_CONFIG": "submitted by OP_CLUSTER_VERIFY",
    "OP_CLUSTER_VERIFY_GROUP": "submitted by OP_CLUSTER_VERIFY",
    "OP_INSTANCE_CONSOLE": "the command asks the query field `console`",
}
"""Opcodes that no command submits, and why."""


def opcodes() -> dict[str, type[OpCode]]:
    loading.load_all("ganeti.opcodes")
    return {
        name: found
        for name, found in OpCode.REGISTRY.items()
        if found.__module__.startswith("ganeti.")
    }


def test_every_opcode_has_a_unit() -> None:
    loading.load_all("ganeti.master.units")
    assert [name for name, cls in opcodes().items() if cls not in LogicalUnit.UNITS] == []


def test_every_opcode_has_a_command() -> None:
    text = "".join(path.read_text() for path in (ROOT / "ganeti/cli").glob("*.py"))
    silent = {name for name, cls in opcodes().items() if cls.__name__ not in text}
    assert silent == NOT_TYPED.keys() & silent
    assert {name for name in silent if name not in NOT_TYPED} == set()


def test_every_parameter_is_documented() -> None:
    undocumented = [
        f"{name}.{parameter.name}"
        for name, cls in opcodes().items()
        for parameter in cls.PARAMETERS.values()
        if not parameter.doc
    ]
    assert undocumented == []


def contracts() -> list[type[Contract]]:
    loading.load_all("ganeti.contracts")
    assert packed and sender
    return [
        cls
        for cls in Contract.__subclasses__()
        if cls.__module__.startswith("ganeti.contracts.node")
    ]


def test_every_call_has_a_handler_or_says_what_it_lacks() -> None:
    handlers = list(server.handler_classes())
    assert absent.ABSENT.keys() <= set(contracts())
    assert not [c for c in absent.ABSENT if any(issubclass(cls, c) for cls in handlers)]
    for contract in set(contracts()) - absent.ABSENT.keys():
        (handler,) = [cls for cls in handlers if issubclass(cls, contract)]
        missing = [
            name
            for name in contract.CALLS
            if inspect.getattr_static(handler, name) is inspect.getattr_static(contract, name)
        ]
        assert missing == [], f"{handler.__name__} lacks {missing}"


def test_every_luxi_method_is_served() -> None:
    served = luxi_methods.LuxiMethods
    missing = {n for n in LuxiCalls.CALLS if getattr(served, n) is getattr(LuxiCalls, n)}
    assert missing == set()
