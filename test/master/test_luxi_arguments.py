# SPDX-License-Identifier: GPL-2.0-or-later
"""Every argument of every method with every kind of JSON value, derived from the contract.

What does not fit its declaration is refused with a text and the end of the connection, before the method
sees it. What fits gets a result or an error of the tree: nothing that is sent can be a surprise.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ganeti import errors
from ganeti.contracts.luxi import LuxiCalls
from ganeti.schema import types
from test.support.cluster import a_uuid
from test.support.luxi_world import LuxiWorld, Raw
from test.support.queue_world import scripted

GOOD: dict[str, Any] = {
    "ops": [scripted("nothing").encode()],
    "jobs": [[scripted("nothing").encode()]],
    "job_id": 1,
    "kill": False,
    "priority": 0,
    "age": -1,
    "timeout": 5,
    "fields": [],
    "prev_info": None,
    "prev_serial": None,
    "job_ids": [1],
    "what": "job",
    "qfilter": None,
    "names": [],
    "nodes": [],
    "use_locking": False,
    "uuids": None,
    "uuid": a_uuid(77),
    "predicates": [],
    "action": "ACCEPT",
    "reason": [],
    "kind": "cluster",
    "name": "",
    "drain_flag": False,
    "until": None,
}
"""For each parameter, by its name, a value that fits."""


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 10**400, 1.0, 1.5, -0.5, 1e308),
    *("", "1", "status", "9" * 5000, "\u0663", "\ud800", "\x03", "\0"),
    *([], [None], [[]], [1], [1.0], ["status"], ["\ud800"], ["&"], ["|", ["==", "id", 1]]),
    *(["=~", "status", "("], ["=~", "status", 1], ["?"], ["!"], ["==", "status"], ["==", 1, 1]),
    *(["==", "id", "9" * 5000], ["==", "id", 10**400], ["<", "priority", 10**400]),
    *({}, {"OP_ID": 1}, [{}], [[{}]], [{"OP_ID": "OP_SAMPLE_SCRIPTED", "script": "\ud800"}]),
    *(nested(20), nested(90)),
]

METHODS = sorted(LuxiCalls.CALLS)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LuxiWorld]:
    root: Path = tmp_path_factory.mktemp("luxi")
    made = LuxiWorld(root)
    made.queue.script("\ud800")
    made.queue.until(made.queue.submit("nothing"))
    made.nodes.accepts("set_watcher_pause")
    for node in ("n1", "n2", "n3"):
        made.nodes.says(node, "export_list", [])
        made.nodes.says(node, "all_instances_info", {})
    yield made
    made.close()


def fits(method: str, args: list[Any]) -> bool:
    try:
        LuxiCalls.CALLS[method].decode(args)
    except types.Mismatch:
        return False
    return True


def check(world: LuxiWorld, method: str, args: list[Any]) -> None:
    """Ask; the answer is of the kind that the declaration promises."""
    with Raw(world.paths.query_socket) as client:
        client.ask(method, *args)
        (answer,) = client.answers(1)
        if not fits(method, args):
            assert answer["success"] is False and isinstance(answer["result"], str), args
            assert client.is_ended(), args
            return
        if not answer["success"] and isinstance(answer["result"], str):
            assert method in ("Query", "ReplaceFilter"), args  # no filter
            return
        assert answer["success"] or errors.decode(answer["result"]), args
        client.ask("QueryConfigValues", ["cluster_name"])
        assert client.answers(1)[0]["success"], args


def parameters(method: str) -> list[str]:
    return list(inspect.signature(getattr(LuxiCalls, method)).parameters)[1:]


@pytest.mark.parametrize("method", METHODS)
def test_any_value_in_any_place(
    world: LuxiWorld, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    names = parameters(method)
    good = [GOOD[name] for name in names]
    with caplog.at_level(logging.ERROR):
        check(world, method, good)
        for place in range(len(names)):
            for value in VALUES:
                check(world, method, [*good[:place], value, *good[place + 1 :]])
    assert not caplog.records


@pytest.mark.parametrize("method", [name for name in METHODS if name != "PickupJob"])
def test_the_client_knows_every_method_of_use(world: LuxiWorld, method: str) -> None:
    if method == "DeleteFilter":
        world.client.ReplaceFilter(GOOD["uuid"], 0, [], "ACCEPT", [])
    getattr(world.client, method)(*[GOOD[name] for name in parameters(method)])


@pytest.mark.parametrize("method", METHODS)
def test_too_few_and_too_many_arguments(world: LuxiWorld, method: str) -> None:
    good = [GOOD[name] for name in parameters(method)]
    required = LuxiCalls.CALLS[method].required
    for args in (good[: required - 1] if required else None, [*good, None]):
        if args is not None:
            check(world, method, args)
