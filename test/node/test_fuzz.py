# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests that nobody would send, and what earlier ones have found; `make fuzz-noded` sends more."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganeti.http.messages import Peer, Request
from test.fuzz import rpc_bodies

TOGETHER = 25


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
def test_no_request_gets_an_answer_that_it_should_not(seed: int) -> None:
    with rpc_bodies.a_world() as world:
        maker = rpc_bodies.Maker(random.Random(seed), world.root)
        for _ in range(TOGETHER):
            name, request = maker.make()
            found = rpc_bodies.problem(request, world.ask(request))
            assert found is None, f"{name} {request.body!r}"


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("instance_start", b'[{"name": "../web"}, false, []]', b"instance_hvp_bep"),
        ("instance_info", b'["../../x", "fake", {}]', b"a name without '/'"),
        ("instance_finalize_migration_dst", b'[{"forthcoming": true}, null, true]', b"with a name"),
        ("node_ensure_daemon", b'["../../tmp/x", true]', b"a name without '/'"),
        ("export_remove", b'[".."]', b"a name without '/'"),
        ("export_info", b'["a\\u0000b"]', b"expected a path"),
        ("master_obey", b'["\\ud800", 5]', b"is not JSON"),
        ("node_activate_master_ip", b"[{}, false]", b"expected an address"),
        ("blockdev_rename", b'[[[{"dev_type": "file"}, []]]]', b"devlist/0"),
        ("test_delay", b"[1e999]", b"a number"),
        ("version", b"[" * 100_000, b"nested deeper"),
        (
            "jobqueue_update",
            '["queue/job-\u0661", [0, ""]]'.encode(),
            b"not a file of the job queue",
        ),
    ],
)
def test_what_was_found(name: str, body: bytes, words: bytes) -> None:
    """Paths that lead elsewhere, half characters, deep nesting, parts that are missing."""
    with rpc_bodies.a_world() as world:
        response = world.ask(Request("POST", f"/{name}", {}, body, Peer("192.0.2.1", 1)))
        assert response.status in (200, 400)
        assert words in response.body.replace(b"&#x27;", b"'")
