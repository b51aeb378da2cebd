# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import os
from pathlib import Path

import pytest
import simplejson

from ganeti.errors import HypervisorError
from ganeti.node.hypervisors.kvm import capabilities
from ganeti.node.hypervisors.kvm.capabilities import Prober
from test.node.hypervisors.kvm.guests import QEMU_7_2
from test.support.runner import FakeRunner

ANSWERS = [
    {"QMP": {"version": {}, "capabilities": ["oob"]}},
    {"id": "qmp_capabilities", "return": {}},
    {"id": "query-version", "return": {"qemu": {"major": 9, "minor": 1, "micro": 2}}},
    {
        "id": "query-machines",
        "return": [
            {"name": "pc-i440fx-9.1", "alias": "pc", "is-default": True},
            {"name": "pc-q35-9.1", "alias": "q35"},
            {"name": "pc-i440fx-7.2"},
        ],
    },
    {
        "id": "query-command-line-options",
        "return": [
            {"option": "run-with", "parameters": [{"name": "user"}, {"name": "chroot"}]},
            {"option": "drive", "parameters": []},
        ],
    },
    {"event": "SHUTDOWN", "timestamp": {}},
    {"id": "qom-list-types", "return": [{"name": "virtio-net-pci"}, {"name": "e1000"}]},
    {"id": "quit", "return": {}},
]
TEXT = "".join(simplejson.dumps(answer) + "\n" for answer in ANSWERS)


def test_answers_are_understood() -> None:
    found = capabilities.parse(TEXT)
    assert found.version == (9, 1, 2)
    assert found.release == "9.1.2"
    assert found.default_machine == "pc-i440fx-9.1"
    assert found.options == {"run-with", "run-with.user", "run-with.chroot", "drive"}
    assert found.devices == {"virtio-net-pci", "e1000"}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("", "pc-i440fx-7.2"), ("pc", "pc-i440fx-7.2"), ("pc-q35-7.2", "pc-q35-7.2")],
)
def test_machine_types_have_full_names(wanted: str, expected: str) -> None:
    assert QEMU_7_2.machine(wanted) == expected


def binary(tmp_path: Path) -> str:
    path = tmp_path / "qemu"
    path.touch()
    return str(path)


def test_a_binary_is_asked_again_when_it_changes(tmp_path: Path) -> None:
    runner, path = FakeRunner(), binary(tmp_path)
    runner.on(path, stdout=TEXT)
    prober = Prober(runner)
    assert prober.of(path) is prober.of(path)
    assert len(runner.calls) == 1
    os.utime(path, (1, 1))
    prober.of(path)
    assert len(runner.calls) == 2


def test_all_is_asked_in_one_go(tmp_path: Path) -> None:
    runner, path = FakeRunner(), binary(tmp_path)
    runner.on(path, stdout=TEXT)
    Prober(runner).of(path)
    (call,) = runner.calls
    assert call.argv[1:4] == ("-S", "-machine", "none")
    asked = [simplejson.loads(line)["execute"] for line in (call.input or "").splitlines()]
    assert asked[0] == "qmp_capabilities"
    assert asked[-1] == "quit"


def test_a_missing_binary_is_named(tmp_path: Path) -> None:
    with pytest.raises(HypervisorError, match="/nowhere/qemu on this node"):
        Prober(FakeRunner()).of("/nowhere/qemu")


@pytest.mark.parametrize("text", ["", "hello\n", '{"id": "query-version", "return": {}}\n'])
def test_what_is_no_qemu_is_refused(tmp_path: Path, text: str) -> None:
    runner, path = FakeRunner(), binary(tmp_path)
    runner.on(path, stdout=text)
    with pytest.raises(HypervisorError, match="does not answer like QEMU"):
        Prober(runner).of(path)


def test_what_a_broken_qemu_says_is_told(tmp_path: Path) -> None:
    runner, path = FakeRunner(), binary(tmp_path)
    runner.on(path, returncode=127, stderr="libfoo.so.1: cannot open shared object file")
    with pytest.raises(HypervisorError, match="libfoo"):
        Prober(runner).of(path)
