# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests as bytes: what is understood, what is refused, how errors look."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import simplejson

from ganeti import errors
from ganeti.contracts.luxi import LuxiCalls
from ganeti.errors import HooksAbort, JobLost, OpPrereqError, ResolverError
from ganeti.luxi import framing
from ganeti.master.luxi_requests import Requests
from ganeti.master.query import filter as filters
from ganeti.opcodes import instance
from ganeti.opcodes.base import OpCode
from ganeti.opcodes.test import OpTestDelay


class Methods(LuxiCalls):
    """Answers with what the test has put into `outcome`."""

    def __init__(self, outcome: Any = None) -> None:
        self.outcome = outcome
        self.asked: list[Any] = []

    def _end(self, *args: Any) -> Any:
        self.asked.append(args)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def SubmitJob(self, ops: list[OpCode]) -> int:
        return int(self._end(ops))

    def ArchiveJob(self, job_id: int) -> bool:
        return self._end(job_id)  # type: ignore[no-any-return]

    def QueryClusterInfo(self) -> dict[str, Any]:
        return self._end()  # type: ignore[no-any-return]


def answers(methods: Methods, data: bytes) -> list[tuple[bytes, bool]]:
    found: list[tuple[bytes, bool]] = []
    Requests(methods)(data, lambda answer, is_last: found.append((answer, is_last)))
    return found


def answer(methods: Methods, method: Any, *args: Any, **more: Any) -> tuple[Any, bool]:
    data = simplejson.dumps({"method": method, "args": args, **more}).encode()
    ((raw, is_last),) = answers(methods, data)
    return framing.decode(raw.removesuffix(framing.END)), is_last


def test_an_answer_is_compact_and_ends_with_the_mark() -> None:
    data = b'{"method": "ArchiveJob", "args": [5]}\n'
    assert answers(Methods(True), data) == [(b'{"success":true,"result":true}\x03', False)]


@pytest.mark.parametrize(
    "version", [None, 2090000, 2100000, 2120000, 2160000, 2170000, 3000000, 3010000]
)
def test_versions_that_speak_the_same_are_accepted(version: Any) -> None:
    assert answer(Methods(True), "ArchiveJob", 5, version=version)[0]["success"]


@pytest.mark.parametrize("version", [2050000, 2080000, 2180000, 4000000, 1, 0, "3000000", [], {}])
def test_another_version_is_an_error(version: Any) -> None:
    got, is_last = answer(Methods(True), "ArchiveJob", 5, version=version)
    assert got["result"][0] == "LuxiError"
    assert not is_last


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        b"[]",
        b"{}",
        b"5",
        b'"text"',
        b"null",
        b"{",
        b'{"method": "ArchiveJob", "args": [5]',
        b'{"method": "ArchiveJob", "args": [5]} {}',
        b'\xff{"method": "ArchiveJob", "args": [5]}',
        b'{"method": "ArchiveJob\xc3", "args": [5]}',
        b'{"method": "ArchiveJob", "args": [NaN]}',
        b'{"method": "WaitForJobChange", "args": [5, [], [Infinity], null, 1]}',
        b'{"method": "ArchiveJob", "args": [%s]}' % (b"9" * 5000),
        b'{"method": "ArchiveJob", "args": [1e999]}',
        b'{"method": "ArchiveJob", "args": [5], "more": %s}' % (b"[" * 100_000),
        b'{"method": "ArchiveJob", "args": [5], "more": %s}' % (b"[" * 200 + b"]" * 200),
        b'{"method": ["ArchiveJob"], "args": [5]}',
        b'{"method": "ArchiveJob"}',
        b'{"args": []}',
        b'{"method": null, "args": []}',
        b'{"method": "ArchiveJob", "args": null}',
        b'{"method": "ArchiveJob", "args": {"job_id": 5}}',
        b'{"method": "ArchiveJob", "args": []}',
        b'{"method": "ArchiveJob", "args": [5, 6]}',
        b'{"method": "ArchiveJob", "args": ["five"]}',
        b'{"method": "ArchiveJob", "args": [true]}',
        b'{"method": "NoSuchMethod", "args": []}',
        b'{"method": "__init__", "args": []}',
        b'{"method": "_end", "args": []}',
        b'{"method": "Query", "args": ["color", [], null]}',
        b'{"method": "QueryTags", "args": ["color", ""]}',
        b'{"method": "SubmitJob", "args": [[{}]]}',
        b'{"method": "SubmitJob", "args": [[{"OP_ID": "OP_NO_SUCH"}]]}',
        b'{"method": "SubmitJob", "args": [[{"OP_ID": "OP_TEST_DELAY"}]]}',
        b'{"method": "SubmitJob", "args": [[{"OP_ID": "OP_TEST_DELAY", "duration": "x"}]]}',
        b'{"method": "SubmitJob", "args": [[{"OP_ID": "OP_TEST_DELAY", "duration": 1, "x": 1}]]}',
    ],
)
def test_what_breaks_the_protocol_is_answered_with_a_text_and_the_end(data: bytes) -> None:
    methods = Methods(True)
    ((raw, is_last),) = answers(methods, data)
    got = framing.decode(raw.removesuffix(framing.END))
    assert got["success"] is False
    assert isinstance(got["result"], str) and got["result"]
    assert is_last
    assert methods.asked == []


def test_a_filter_that_is_none_breaks_the_protocol() -> None:
    got, is_last = answer(Methods(filters.Malformed("no filter")), "QueryClusterInfo")
    assert (got["result"], is_last) == ("no filter", True)


@pytest.mark.parametrize(
    ("error", "encoded"),
    [
        (OpPrereqError("no such node", "unknown_entity"), None),
        (JobLost("job 5 is gone"), ["JobLost", ["job 5 is gone"]]),
        (ResolverError("n9", -2, "unknown"), ["ResolverError", ["n9", -2, "unknown"]]),
        (HooksAbort([["n1", "s", "out"]]), ["HooksAbort", [[["n1", "s", "out"]]]]),
        (ZeroDivisionError("by zero"), ["GenericError", ["ZeroDivisionError: by zero"]]),
    ],
)
def test_errors_keep_the_connection(error: Exception, encoded: Any) -> None:
    got, is_last = answer(Methods(error), "QueryClusterInfo")
    wanted = encoded or ["OpPrereqError", ["no such node", "unknown_entity"]]
    assert got == {"success": False, "result": wanted}
    assert not is_last


def test_a_result_that_is_not_json_is_an_error() -> None:
    got, _ = answer(Methods({"a": object()}), "QueryClusterInfo")
    assert got["result"][0] == "GenericError"


def test_the_arguments_of_an_error_that_are_not_json_travel_as_text() -> None:
    error = OpPrereqError(Path("/etc"), "wrong_input")  # type: ignore[arg-type]
    got, _ = answer(Methods(error), "QueryClusterInfo")
    assert got["result"] == ["OpPrereqError", ["/etc", "wrong_input"]]


@pytest.mark.parametrize("outcome", [JobLost("job 5 is gone"), ZeroDivisionError("by zero")])
def test_an_answer_that_comes_later_may_be_an_error(outcome: Exception) -> None:
    future: Future[Any] = Future()
    found = answers(Methods(future), b'{"method": "QueryClusterInfo", "args": []}')
    future.set_exception(outcome)
    ((raw, is_last),) = found
    assert framing.decode(raw[:-1]) == {"success": False, "result": errors.encode(outcome)}
    assert not is_last


def test_an_answer_that_comes_later_and_is_not_json_is_an_error() -> None:
    future: Future[Any] = Future()
    found = answers(Methods(future), b'{"method": "QueryClusterInfo", "args": []}')
    future.set_result(object())
    assert b"GenericError" in found[0][0]


def test_of_equal_keys_the_last_one_counts_and_unknown_ones_do_not() -> None:
    methods = Methods(True)
    data = b'{"method": "x", "method": "ArchiveJob", "color": 1, "args": [], "args": [5]}'
    assert framing.decode(answers(methods, data)[0][0][:-1])["success"]
    assert methods.asked == [(5,)]


def test_the_opcodes_of_haskell_tools_are_taken() -> None:
    """As hbal sends them: nulls for what is not set, no version."""
    shared = {"priority": 0, "depends": None, "comment": "x", "reason": [["hbal", "", 1]]}
    migrate = {
        **shared,
        "OP_ID": "OP_INSTANCE_MIGRATE",
        "instance_name": "i0.x",
        "allow_runtime_changes": False,
        "ignore_ipolicy": False,
        "cleanup": False,
        "allow_failover": True,
        "ignore_hvversions": True,
    }
    methods = Methods(1)
    assert answer(methods, "SubmitJob", [migrate])[0] == {"success": True, "result": 1}
    (((op,),),) = methods.asked
    assert isinstance(op, instance.OpInstanceMigrate)
    assert (op.instance_name, op.allow_failover, op.depends) == ("i0.x", True, None)


def test_opcodes_are_decoded_with_their_defaults() -> None:
    methods = Methods(7)
    answer(methods, "SubmitJob", [{"OP_ID": "OP_TEST_DELAY", "duration": 1, "depends": None}])
    (((op,),),) = methods.asked
    assert op == OpTestDelay(duration=1.0)
    assert op.reason == []


def test_job_numbers_may_be_texts() -> None:
    methods = Methods(True)
    answer(methods, "ArchiveJob", "17")
    assert methods.asked == [(17,)]


def test_an_answer_may_come_later() -> None:
    later: Future[Any] = Future()
    methods = Methods(later)
    found: list[tuple[bytes, bool]] = []
    data = framing.encode({"method": "QueryClusterInfo", "args": []}).removesuffix(framing.END)
    Requests(methods)(data, lambda answer, is_last: found.append((answer, is_last)))
    assert found == []
    later.set_result("nochange")
    assert found == [(b'{"success":true,"result":"nochange"}\x03', False)]


@pytest.mark.parametrize("text", ["é", "\ud800", "\x03", "\ufffd"])
def test_answers_are_plain_ascii(text: str) -> None:
    ((raw, _),) = answers(Methods({"a": text}), b'{"method":"QueryClusterInfo","args":[]}')
    assert raw.isascii()
    assert raw.count(framing.END) == 1
