# SPDX-License-Identifier: GPL-2.0-or-later
"""Allocators on a node."""

from __future__ import annotations

import os

import pytest

from ganeti.errors import GenericError
from ganeti.node.handlers.allocator import AllocatorHandlers
from test.support.node_host import NodeHost
from test.support.runner import Call


def program(node: NodeHost, name: str = "hail") -> str:
    return node.script(f"{node.paths.iallocator_search_path[1]}/{name}")


def test_an_allocator_gets_the_question_in_a_file(node: NodeHost) -> None:
    path, seen = program(node), []

    def answer(call: Call) -> str:
        with open(call.argv[1], encoding="utf-8") as file:
            seen.append(file.read())
        return '{"success": true}'

    node.runner.on(path, do=answer, stderr="warning")
    calls = AllocatorHandlers(node.host)
    found = calls.iallocator_runner("hail", '{"q": "é"}', {"mode": "fast", "verbose": None})
    assert found == '{"success": true}'
    assert seen == ['{"q": "é"}']
    (call,) = node.runner.calls
    assert call.argv[2:] == ("--mode=fast", "--verbose")
    assert not os.path.exists(call.argv[1])


def test_an_allocator_that_fails_is_told_whole(node: NodeHost) -> None:
    node.runner.on(program(node), returncode=2, stdout="half an answer", stderr="no idea")
    with pytest.raises(GenericError, match=r"'hail' exited with code 2: half an answerno idea"):
        AllocatorHandlers(node.host).iallocator_runner("hail", "{}", {})


@pytest.mark.parametrize("name", ["missing", "data", "../hail", "hail.old"])
def test_what_is_no_allocator_is_not_run(node: NodeHost, name: str) -> None:
    directory = node.paths.iallocator_search_path[0]
    node.script(f"{directory}/hail.old")
    node.script(f"{directory}/../hail")
    node.write(f"{directory}/data")
    with pytest.raises(GenericError, match="there is no allocator"):
        AllocatorHandlers(node.host).iallocator_runner(name, "{}", {})
    assert node.runner.calls == []
