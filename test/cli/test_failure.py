# SPDX-License-Identifier: GPL-2.0-or-later
"""Errors on the terminal: the form of each class and its exit code."""

import pytest

from ganeti import errors
from ganeti.cli import failure, filters
from ganeti.cli.filters import Place
from ganeti.luxi.client import LostError, NoAccessError, NoAnswerError, NoMasterError, ProtocolError

FORMS: list[tuple[Exception, int, str]] = [
    (
        errors.OpPrereqError("no such node", errors.Code.UNKNOWN_ENTITY),
        1,
        "Failure: prerequisites not met for this operation:\n"
        "error type: unknown_entity, error details:\nno such node",
    ),
    (
        errors.OpPrereqError("too short"),
        1,
        "Failure: prerequisites not met for this operation:\ntoo short",
    ),
    (errors.OpExecError("went wrong"), 1, "Failure: command execution error:\nwent wrong"),
    (errors.TagError("a b"), 1, "Failure: invalid tag(s) given:\na b"),
    (
        errors.HooksAbort([["n1", "10-check", "no room"], ["n2", "20-x", ""]]),
        1,
        "Failure: hooks execution failed:\n"
        "  node: n1, script: 10-check, output: no room\n"
        "  node: n2, script: 20-x, (no output)",
    ),
    (errors.HooksFailure("no hooks"), 1, "Failure: hooks general failure: no hooks"),
    (errors.TypeEnforcementError("vcpus: x"), 1, "Parameter Error: vcpus: x"),
    (errors.JobLost("job 7"), 1, "Error checking job status: job 7"),
    (
        errors.ConfigurationError("no master"),
        2,
        "Corrupt configuration file: no master\nAborting.",
    ),
    (errors.JobCanceled("job 7"), 1, "Unhandled Ganeti error: job 7"),
    (errors.LockError("x"), 1, "Unhandled Ganeti error: x"),
    (
        ProtocolError("broken"),
        1,
        "Unhandled protocol error while talking to the master daemon:\nbroken",
    ),
    (
        errors.QueryFilterParseError("not understood", Place("a b", 2, "the end is expected")),
        1,
        "Error while parsing query filter: not understood\na b\n  ^\nthe end is expected",
    ),
    (failure.Complaint("just this"), 1, "just this"),
]


@pytest.mark.parametrize(("error", "code", "text"), FORMS, ids=lambda v: type(v).__name__)
def test_forms(error: Exception, code: int, text: str) -> None:
    assert failure.describe(error) == (code, text)


@pytest.mark.parametrize(
    "error",
    [
        errors.ResolverError("web9", -2, "Name or service not known"),
        errors.ParameterError("vcpuz"),
        errors.JobQueueDrainError("the queue is drained"),
        errors.JobQueueFull(),
        OSError(28, "No space left on device"),
    ],
)
def test_one_line_failures(error: Exception) -> None:
    code, text = failure.describe(error)
    assert (code, text[:9], text.count("\n")) == (1, "Failure: ", 0)


def test_a_parameter_is_quoted() -> None:
    assert "'vcpuz'" in failure.describe(errors.ParameterError("vcpuz"))[1]


@pytest.mark.parametrize(
    ("error", "begin"),
    [
        (NoAccessError("/run/socket: Permission denied"), "No permission: /run/socket"),
        (NoAnswerError("no answer"), "The master daemon did not answer in time."),
        (LostError("it went away"), "Unhandled protocol error"),
    ],
)
def test_each_way_the_talk_can_fail_has_its_words(error: Exception, begin: str) -> None:
    code, text = failure.describe(error)
    assert code == 1
    assert text.startswith(begin)


def test_the_daemon_that_is_missing_is_named_in_two_lines() -> None:
    code, text = failure.describe(NoMasterError("/run/socket"))
    first, second = text.splitlines()
    assert code == 1
    assert "/run/socket" in first
    assert second.endswith("?")


def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        failure.describe(KeyError("bug"))


def test_positions_of_real_filters() -> None:
    with pytest.raises(errors.QueryFilterParseError) as caught:
        filters.parse_filter("a == ")
    assert failure.describe(caught.value)[1].splitlines()[1:3] == ["a == ", "     ^"]
