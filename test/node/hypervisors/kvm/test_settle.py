# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganeti.node.hypervisors.kvm import settle
from test.node.hypervisors.kvm.guests import an_instance
from test.node.hypervisors.kvm.test_migrate import Answers

BE = {"minmem": 128, "maxmem": 512}


@pytest.mark.parametrize(("free", "expected"), [(64, 128), (300, 300), (4096, 512)])
def test_a_guest_starts_with_what_there_is(free: int, expected: int) -> None:
    assert settle.start_memory(BE, free) == expected


@pytest.mark.parametrize(("memory", "told"), [(512, []), (300, [300 * 1024 * 1024])])
def test_the_rest_is_given_back(memory: int, told: list[int]) -> None:
    answers = Answers()
    settle.give_back(answers.qmp, BE, memory)
    assert [arguments["value"] for _, arguments in answers.told] == told


@pytest.mark.parametrize("kind", ["vnc", "spice"])
def test_the_password_is_the_first_line_of_its_file(tmp_path: Path, kind: str) -> None:
    secret = tmp_path / "password"
    secret.write_text("open sesame\nsecond line\n")
    bind = "vnc_bind_address" if kind == "vnc" else "spice_bind"
    hv = {**an_instance().hvparams, bind: "0.0.0.0", f"{kind}_password_file": str(secret)}
    answers = Answers()
    settle.set_passwords(answers.qmp, hv)
    expected = {"protocol": kind, "password": "open sesame"}
    assert answers.told == [("set_password", expected)]


@pytest.mark.parametrize("hv", [{}, {"vnc_password_file": "/nowhere"}])
def test_no_display_no_password(hv: dict[str, Any]) -> None:
    answers = Answers()
    settle.set_passwords(answers.qmp, {**an_instance().hvparams, **hv})
    assert answers.told == []


def test_a_guest_on_all_processors_is_not_pinned() -> None:
    answers = Answers()
    settle.pin(answers.qmp, "all", [])
    assert answers.told == []
