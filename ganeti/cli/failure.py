# SPDX-License-Identifier: GPL-2.0-or-later
"""Errors on the terminal: the text of each class, and the exit code.

First words, order of lines and codes are an interface (terminal output, "Errors").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

USAGE = 2
"""Exit code of what the option parser refuses, and of a configuration that cannot be read."""


NO_CHANGE = "Please give at least one of the options that change something"


class Refused(Exception):
    """The person said no; ends the command with this exit code and without a word."""

    def __init__(self, exit_code: int = 1) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


class Complaint(Exception):
    """Something the command found by itself: a bare line, exit code 1."""


def describe(error: BaseException) -> tuple[int, str]:
    """Exit code and text of an error."""
    for cls in type(error).__mro__:
        if cls.__name__ in _TEXTS:
            code = USAGE if cls.__name__ == "ConfigurationError" else 1
            return code, _TEXTS[cls.__name__](error)
    raise error


def _under(heading: str) -> Callable[[Any], str]:
    return lambda error: f"{heading}\n{error}"


def _after(words: str) -> Callable[[Any], str]:
    return lambda error: f"{words}{error}"


def _prerequisite(error: Any) -> str:
    heading = "Failure: prerequisites not met for this operation:"
    if error.code is None:
        return f"{heading}\n{error}"
    return f"{heading}\nerror type: {error.code}, error details:\n{error}"


def _hooks(error: Any) -> str:
    rows = [
        f"  node: {node}, script: {script}, " + (f"output: {output}" if output else "(no output)")
        for node, script, output in error.args[0]
    ]
    return "\n".join(["Failure: hooks execution failed:", *rows])


def _resolver(error: Any) -> str:
    return f"Failure: cannot resolve the host name '{error.args[0]}': {error.args[2]}"


def _parameter(error: Any) -> str:
    text = str(error)
    return f"Failure: {text}" if "'" in text else f"Failure: wrong parameter '{text}'"


def _no_master(error: Any) -> str:
    return f"Cannot reach the master daemon at {error}\nIs ganeti-masterd running on this node?"


def _permission(error: Any) -> str:
    return (
        f"No permission: {error}\n"
        "These commands must be run by root, or by a member of the daemons' group."
    )


def _timeout(error: Any) -> str:
    return (
        "The master daemon did not answer in time. Jobs that were submitted go on:\n"
        "see 'gnt-job list', 'gnt-job info NUMBER' and 'gnt-job watch NUMBER'.\n"
        f"{error}"
    )


def _filter(error: Any) -> str:
    """The place is shown below the text of the filter."""
    lines = [f"Error while parsing query filter: {error}"]
    if error.args[1:] and error.args[1]:
        text, position, message = error.args[1]
        lines += [text, " " * position + "^", message]
    return "\n".join(lines)


_TEXTS: dict[str, Callable[[Any], str]] = {
    "OpPrereqError": _prerequisite,
    "OpExecError": _under("Failure: command execution error:"),
    "TagError": _under("Failure: invalid tag(s) given:"),
    "HooksAbort": _hooks,
    "HooksFailure": _after("Failure: hooks general failure: "),
    "ResolverError": _resolver,
    "TypeEnforcementError": _after("Parameter Error: "),
    "ParameterError": _parameter,
    "JobQueueDrainError": _after("Failure: "),
    "JobQueueFull": _after("Failure: "),
    "NoMasterError": _no_master,
    "TimeoutError": _timeout,
    "PermissionError": _permission,
    "ProtocolError": _under("Unhandled protocol error while talking to the master daemon:"),
    "JobLost": _after("Error checking job status: "),
    "QueryFilterParseError": _filter,
    "ConfigurationError": lambda error: f"Corrupt configuration file: {error}\nAborting.",
    "Complaint": str,
    "OSError": _after("Failure: "),
    "GenericError": _after("Unhandled Ganeti error: "),
}
"""By class name; the nearest base that is listed decides."""
