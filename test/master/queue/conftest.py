# SPDX-License-Identifier: GPL-2.0-or-later
"""A queue with two other candidates for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from test.support.queue_world import PATIENCE_S, World


def _living(made: World) -> Iterator[World]:
    made.start()
    yield made
    made.queue.shutdown()
    made.queue.close(timeout_s=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from _living(World(tmp_path, "n2", "n3"))


@pytest.fixture
def patient_world(tmp_path: Path) -> Iterator[World]:
    """New jobs have all the time of the world to get to where they run."""
    yield from _living(World(tmp_path, "n2", "n3", set_out_s=PATIENCE_S))
