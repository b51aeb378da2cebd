# SPDX-License-Identifier: GPL-2.0-or-later
"""A short run of the torture: the master is killed under load, and nothing it acknowledged is lost."""

from __future__ import annotations

from test.hosts.conftest import a_lab
from test.lab import cluster
from test.lab.main import say
from test.torture.__main__ import WISH, run

KILLS, SEED = 6, 459
"""In the plan of this seed another host takes over, a candidate's disk is full, and the power fails."""


def test_a_master_that_is_killed_keeps_its_word() -> None:
    with a_lab(3) as lab:
        cluster.make(lab, WISH, say)
        assert run(lab, KILLS, SEED) == []
