# SPDX-License-Identifier: GPL-2.0-or-later
"""All declared opcodes: their types compile, and their defaults fit their types."""

import importlib
import pkgutil
from typing import Any

import pytest

import ganeti.opcodes
from ganeti.opcodes import base
from ganeti.schema import types


def declared() -> dict[str, type[base.OpCode]]:
    for module in pkgutil.iter_modules(ganeti.opcodes.__path__):
        importlib.import_module(f"ganeti.opcodes.{module.name}")
    return {k: c for k, c in base.OpCode.REGISTRY.items() if c.__module__.startswith("ganeti.")}


@pytest.mark.parametrize("cls", declared().values(), ids=lambda cls: cls.OP_ID)
def test_defaults_fit_their_types(cls: type[base.OpCode]) -> None:
    checks = base.resolved(cls)
    for name, parameter in cls.PARAMETERS.items():
        if parameter.default is not base.REQUIRED:
            checks[name](parameter.default)
    types.checker(cls.RESULT)


@pytest.mark.parametrize("cls", declared().values(), ids=lambda cls: cls.OP_ID)
def test_the_subject_is_a_parameter(cls: type[base.OpCode]) -> None:
    assert cls.SUBJECT is None or cls.SUBJECT in cls.PARAMETERS


def test_abstract_classes_are_no_opcodes() -> None:
    assert not [name for name in declared() if not name.startswith("OP_")]
    assert "INSTANCE_OP_CODE" not in base.OpCode.REGISTRY


MODIFICATIONS: list[tuple[Any, bool]] = [
    (["add", -1, {"size": 512}], True),
    (["modify", "data", {"mode": "ro"}], True),
    (["add", {"size": 512}], True),
    ([0, {"mode": "ro"}], True),
    (["grow", 0, {}], False),
    (["add", 0, {"size": None}], False),
    (["add"], False),
]


@pytest.mark.parametrize(("disk", "fits"), MODIFICATIONS)
def test_both_forms_of_disk_modifications(disk: Any, fits: bool) -> None:
    raw = {"OP_ID": "OP_INSTANCE_SET_PARAMS", "instance_name": "web1", "disks": [disk]}
    declared()
    if fits:
        assert base.decode(raw).encode()["disks"] == [disk]
    else:
        with pytest.raises(types.Mismatch, match="disks/0"):
            base.decode(raw)


def test_private_parameters_of_several_systems_keep_their_names_on_disk() -> None:
    declared()
    raw = {"OP_ID": "OP_CLUSTER_SET_PARAMS", "osparams_private_cluster": {"debian": {"key": "x"}}}
    stored = base.decode(raw).encode(for_disk=True)
    assert stored["osparams_private_cluster"] == {"debian": {"key": None}}
    assert base.decode(stored).encode(for_disk=True) == stored
