# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples of doc/luxi.rst do what they say."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from test.support.luxi_world import LuxiWorld

PAGE = Path(__file__).parents[2] / "doc" / "luxi.rst"
_BLOCK = re.compile(r"^\.\. code-block:: python\n\n((?:(?:    .*)?\n)+)", re.MULTILINE)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LuxiWorld]:
    made = LuxiWorld(tmp_path)
    made.queue.script("OP_TEST_DELAY", lambda run: run.feedback("message", "slept") or "rested")
    yield made
    made.close()


def test_the_examples_work(world: LuxiWorld) -> None:
    defined, used, marks, bare = map(textwrap.dedent, _BLOCK.findall(PAGE.read_text()))
    printed: list[Any] = []
    names: dict[str, Any] = {"print": printed.append}
    exec(defined, names)
    names["Client"] = world.new_client
    exec(used, names)
    assert printed == [
        *("slept", ("success", ["rested"]), {"web": "n1"}, "unknown_entity"),
    ]
    exec(marks, names)
    op = names["OpTestDelay"](duration=1.0, reason=[("mine", "mark 1", 1)])
    job_id = world.client.SubmitJob([op.encode()])
    assert names["jobs_with_mark"](world.client, "mark 1") == [job_id]
    exec(bare, names)
    answer = names["ask"](world.paths.master_socket, "QueryConfigValues", ["master_node"])
    assert answer == {"success": True, "result": ["n1"]}
