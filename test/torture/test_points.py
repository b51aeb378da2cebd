# SPDX-License-Identifier: GPL-2.0-or-later
"""The names by which the torture ends a master are names of the product."""

from __future__ import annotations

import pytest

from ganeti.contracts.node.files import FileCalls
from ganeti.contracts.node.jobs import JobCalls
from ganeti.utils.files import Primitives
from test.torture.inside.work import Worker
from test.torture.points import POINTS, STEPS, Step

COPIES = {*JobCalls.CALLS, *FileCalls.CALLS}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_each_step_is_one_of_the_product(step: Step) -> None:
    call = step.name.removeprefix("send ")
    is_call = call != step.name
    assert step.name == "answer" or hasattr(Primitives, step.name) or is_call
    assert not is_call or call in {*COPIES, "another call"}
    assert not step.favourite or hasattr(Worker, step.favourite)


def test_each_primitive_is_a_point() -> None:
    primitives = {name for name in vars(Primitives) if not name.startswith("_")}
    assert primitives - {"mkdir"} == {step.name for step in STEPS} & primitives
    assert {"before answer", "after answer", "after sync_directory"} <= POINTS.keys()
