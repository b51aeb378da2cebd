# SPDX-License-Identifier: GPL-2.0-or-later
"""What a node can have of its own."""

import pytest

from ganeti.errors import Code, OpPrereqError
from ganeti.model.params import nd


def test_default_takes_a_value_away() -> None:
    old = {"spindle_count": 3, "ssh_port": 23}
    assert nd.of_node({"spindle_count": "default", "ovs": "true"}, old) == {
        "ssh_port": 23,
        "ovs": True,
    }


@pytest.mark.parametrize(
    ("name", "value"), [("spindle_count", "-1"), ("exclusive_storage", True), ("oob_program", "x")]
)
def test_what_makes_no_sense_for_a_node_is_refused(name: str, value: object) -> None:
    with pytest.raises(OpPrereqError, match=name) as caught:
        nd.of_node({name: value}, {})
    assert caught.value.code == Code.WRONG_INPUT
