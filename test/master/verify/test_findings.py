# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines that programs parse, and what counts as an error."""

from ganeti.master.verify.findings import Findings


def test_the_two_forms_of_a_line() -> None:
    found = Findings()
    found.error("ENODESETUP", "n1", "no /sys")
    found.warning("ECLUSTERCERT", "", "old")
    assert found.take_lines(with_codes=False) == [
        "  - ERROR: node n1: no /sys",
        "  - WARNING: cluster : old",
    ]
    found.error("ENODESETUP", "n2", "no /proc")
    assert found.take_lines(with_codes=True) == ["  - ERROR:ENODESETUP:node:n2:no /proc"]
    assert not found.good


def test_ignored_codes_are_warnings() -> None:
    found = Findings(ignored=["ENODESETUP"])
    found.error("ENODESETUP", "n1", "x")
    assert found.good


def test_simulation_makes_every_check_fail() -> None:
    found = Findings(simulate=True)
    found.error_if(False, "ENODETIME", "n1", "clock")
    assert not found.good


def test_nothing_found_is_good() -> None:
    found = Findings()
    found.error_if(0, "ENODETIME", "n1", "clock")
    assert found.good
    assert found.take_lines(with_codes=False) == []
