# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks and NICs on the command line."""

from typing import Any

import pytest

from ganeti.cli import devices, parse
from ganeti.errors import OpPrereqError, TypeEnforcementError


def given(*words: str) -> list[parse.Ident]:
    return [parse.identified(word) for word in words]


NEW_DISKS: list[tuple[list[str], int | None, str | None, list[dict[str, Any]]]] = [
    (["0:size=10g"], None, "plain", [{"size": 10240}]),
    (
        ["1:size=1g,mode=ro", "0:size=500"],
        None,
        None,
        [{"size": 500}, {"size": 1024, "mode": "ro"}],
    ),
    ([], 2048, "drbd", [{"size": 2048}]),
    (["0:adopt=lv0,vg=x"], None, "plain", [{"adopt": "lv0", "vg": "x"}]),
    (["0:size=1g,spindles=2"], None, "plain", [{"size": 1024, "spindles": 2}]),
    (
        ["0:size=1g,provider=pvd,pool=a"],
        None,
        "ext",
        [{"size": 1024, "provider": "pvd", "pool": "a"}],
    ),
    ([], None, "diskless", []),
]


@pytest.mark.parametrize(("words", "size", "template", "disks"), NEW_DISKS)
def test_new_disks(
    words: list[str], size: int | None, template: str | None, disks: list[dict[str, Any]]
) -> None:
    assert devices.new_disks(given(*words), size, template) == disks


@pytest.mark.parametrize(
    ("words", "size", "template"),
    [
        ([], None, "plain"),
        ([], None, None),
        (["0:size=1g"], None, "diskless"),
        ([], 512, "diskless"),
        (["0:size=1g"], 512, "plain"),
        (["0:mode=ro"], None, "plain"),
        (["0:size=1g,adopt=x"], None, "plain"),
        (["0:adopt=x,spindles=1"], None, "plain"),
        (["1:size=1g"], None, "plain"),
        (["x:size=1g"], None, "plain"),
        (["16:size=1g"], None, "plain"),
        (["0:size=1g", "0:size=2g"], None, "plain"),
        (["0:size=large"], None, "plain"),
        (["0:size=1g,spindles=x"], None, "plain"),
        (["0:size=1g,spindles"], None, "plain"),
        (["0:size=1g,-spindles"], None, "plain"),
        (["\u00b2:size=1g"], None, "plain"),
        (["no_0"], None, "plain"),
    ],
)
def test_new_disks_that_make_no_sense(
    words: list[str], size: int | None, template: str | None
) -> None:
    with pytest.raises(OpPrereqError) as caught:
        devices.new_disks(given(*words), size, template)
    assert caught.value.code == "wrong_input"


def test_new_nics() -> None:
    assert devices.new_nics([], none=False) == [{}]
    assert devices.new_nics([], none=True) == []
    assert devices.new_nics(given("1:ip=pool,network=lan"), none=False) == [
        {},
        {"ip": "pool", "network": "lan"},
    ]


def test_nics_that_make_no_sense() -> None:
    with pytest.raises(OpPrereqError):
        devices.new_nics(given("0:ip=pool"), none=True)
    with pytest.raises(OpPrereqError):
        devices.new_nics(given("8:ip=pool"), none=False)
    for word in ("0:color=red", "0:mac", "0:-link"):
        with pytest.raises(TypeEnforcementError):
            devices.new_nics(given(word), none=False)


DISK_CHANGES: list[tuple[str, Any]] = [
    ("add:size=1g", ("add", -1, {"size": 1024})),
    ("0:add,size=1g", ("add", 0, {"size": 1024})),
    ("-1:add,size=1g", ("add", -1, {"size": 1024})),
    ("remove", ("remove", -1, {})),
    ("1:remove", ("remove", 1, {})),
    ("data:detach", ("detach", "data", {})),
    ("attach:name=data", ("attach", -1, {"name": "data"})),
    ("2:mode=ro", ("modify", 2, {"mode": "ro"})),
    ("2:modify,mode=ro", ("modify", 2, {"mode": "ro"})),
]


@pytest.mark.parametrize(("word", "change"), DISK_CHANGES)
def test_changes_of_disks(word: str, change: Any) -> None:
    assert devices.disk_changes(given(word)) == [change]


@pytest.mark.parametrize(
    "word", ["add", "0:add", "0:remove,size=1g", "remove:mode=ro", "0:add,remove", "no_0"]
)
def test_changes_of_disks_that_make_no_sense(word: str) -> None:
    with pytest.raises(OpPrereqError):
        devices.disk_changes(given(word))


def test_changes_of_nics() -> None:
    assert devices.nic_changes(
        given("add", "0:remove", "1:link=br1", "eth1:modify,mac=generate")
    ) == [
        ("add", -1, {}),
        ("remove", 0, {}),
        ("modify", 1, {"link": "br1"}),
        ("modify", "eth1", {"mac": "generate"}),
    ]
    with pytest.raises(TypeEnforcementError):
        devices.nic_changes(given("0:attach"))
