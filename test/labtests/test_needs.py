# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lab says it needs is what it runs, and what `make` installs."""

from __future__ import annotations

from test.lab import guest_build, needs, programs


def test_whatever_unpacks_a_kernel_is_needed() -> None:
    assert {unpack[0] for unpack in guest_build.PACKERS.values()} <= needs.PROGRAMS.keys()


def test_make_installs_all_but_itself() -> None:
    installed = (programs.TREE / "Makefile").read_text().partition(".PHONY")[0].split()
    assert set(needs.PROGRAMS.values()) - set(installed) == {"make"}
