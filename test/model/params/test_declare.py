# SPDX-License-Identifier: GPL-2.0-or-later
"""Values from people are brought to their types in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import ConfigurationError, OpPrereqError, TypeEnforcementError
from ganeti.model.params import be, declare, disk, nd, nic
from ganeti.model.params.declare import ValueType


@pytest.mark.parametrize(
    ("kind", "value", "typed"),
    [
        (ValueType.BOOL, True, True),
        (ValueType.BOOL, "False", False),
        (ValueType.BOOL, "TRUE", True),
        (ValueType.BOOL, "", False),
        (ValueType.BOOL, 0, False),
        (ValueType.INT, "12", 12),
        (ValueType.INT, 12, 12),
        (ValueType.INT, 12.0, 12),
        (ValueType.FLOAT, "1.5", 1.5),
        (ValueType.FLOAT, 2, 2.0),
        (ValueType.STRING, "x", "x"),
        (ValueType.STRING, False, ""),
        (ValueType.MAYBE_STRING, None, None),
        (ValueType.MAYBE_STRING, False, ""),
        (ValueType.SIZE, 128, 128),
        (ValueType.SIZE, "1g", 1024),
        (ValueType.SIZE, "1.5 GiB", 1536),
        (ValueType.SIZE, "129m", 132),
    ],
)
def test_what_fits(kind: ValueType, value: Any, typed: Any) -> None:
    result = declare.typed("it", kind, value)
    assert (result, type(result)) == (typed, type(typed))


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (ValueType.BOOL, "yes", "it: 'yes' is not true or false"),
        (ValueType.INT, "1.5", "it: '1.5' is not a whole number"),
        (ValueType.INT, 1.5, "it: 1.5 is not a whole number"),
        (ValueType.INT, True, "it: True is not a whole number"),
        (ValueType.INT, None, "it: None is not a whole number"),
        (ValueType.FLOAT, "x", "it: 'x' is not a number"),
        (ValueType.FLOAT, "nan", "it: 'nan' is not a number"),
        (ValueType.FLOAT, "1e999", "it: '1e999' is not a number"),
        (ValueType.STRING, True, "it: True is not a text"),
        (ValueType.STRING, None, "it: None is not a text"),
        (ValueType.MAYBE_STRING, 1, "it: 1 is not a text or null"),
        (ValueType.SIZE, "1q", "it: '1q' is not a size"),
        (ValueType.SIZE, False, "it: False is not a size"),
    ],
)
def test_what_does_not(kind: ValueType, value: Any, text: str) -> None:
    with pytest.raises(TypeEnforcementError) as caught:
        declare.typed("it", kind, value)
    assert str(caught.value).startswith(text)


def test_memory_sets_both_bounds() -> None:
    assert be.typed({"memory": "1g"}) == {"minmem": 1024, "maxmem": 1024}
    assert be.typed({"memory": 512, "minmem": 128}) == {"minmem": 128, "maxmem": 512}


def test_default_takes_a_value_away() -> None:
    changes = be.typed({"vcpus": "default", "maxmem": "2g"})
    assert changes == {"vcpus": "default", "maxmem": 2048}
    assert be.without_defaults(changes) == {"maxmem": 2048}
    assert be.reset(changes) == ["vcpus"]


def test_unknown_parameters_are_refused() -> None:
    with pytest.raises(TypeEnforcementError, match=r"unknown backend parameter 'x'.*auto_balance"):
        be.typed({"x": 1})
    with pytest.raises(TypeEnforcementError, match=r"unknown disk parameter of file 'x'.*none"):
        disk.typed("file", {"x": 1})
    with pytest.raises(TypeEnforcementError, match="unknown disk template 'floppy'"):
        disk.typed("floppy", {})


def test_values_must_make_sense() -> None:
    with pytest.raises(OpPrereqError, match=r"minmem \(256 MiB\) is larger than maxmem"):
        be.check({**be.defaults(), "minmem": 256})
    with pytest.raises(OpPrereqError, match="vcpus: expected an integer above 0, got 0"):
        be.check({**be.defaults(), "vcpus": 0})
    with pytest.raises(OpPrereqError, match="ssh_port: expected a port number"):
        nd.check({**nd.defaults(), "ssh_port": 0})
    with pytest.raises(ConfigurationError, match="mode: expected one of 'bridged'"):
        nic.check({**nic.defaults(), "mode": "magic"})
    with pytest.raises(ConfigurationError, match="needs a link"):
        nic.check({**nic.defaults(), "link": ""})


@pytest.mark.parametrize("letters", ["n", "b", "bd", "db", "fdb"])
def test_barriers_are_sets_of_letters(letters: str) -> None:
    disk.check("drbd", {**disk.all_defaults()["drbd"], "disk-barriers": letters})


@pytest.mark.parametrize("letters", ["", "nb", "bb", "x"])
def test_other_barriers_are_refused(letters: str) -> None:
    with pytest.raises(OpPrereqError, match="disk-barriers"):
        disk.check("drbd", {**disk.all_defaults()["drbd"], "disk-barriers": letters})


def test_node_checks_look_at_the_machine(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert declare.IS_FILE.holds(str(file))
    assert not declare.IS_FILE.holds(str(tmp_path))
    assert declare.IS_DIRECTORY.holds(str(tmp_path))
    assert declare.IS_FILE_OR_URL.holds("http://example.com/x.iso")
    assert not declare.IS_FILE_OR_URL.holds(f"{file}.missing")
