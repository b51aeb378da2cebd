# SPDX-License-Identifier: GPL-2.0-or-later
"""A queue with two other candidates for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from test.support.queue_world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, "n2", "n3")
    made.start()
    yield made
    made.queue.shutdown()
    made.queue.close(timeout_s=1)
