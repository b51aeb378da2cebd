# SPDX-License-Identifier: GPL-2.0-or-later
"""The exception tree, and its form on the wire.

An error travels over LUXI and stands in job files as ``[class name, [argument, ...]]`` (LUXI protocol,
"Error encoding"). The arguments are exactly those the constructor got, so that a client builds an equal
exception from them. What a class prints in ``str()`` is the text for people.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """Why a prerequisite was not met; printed by the commands, so part of the interface."""

    RESOLVER = "resolver_error"
    NO_RESOURCES = "insufficient_resources"
    TEMP_NO_RESOURCES = "temp_insufficient_resources"
    WRONG_INPUT = "wrong_input"
    WRONG_STATE = "wrong_state"
    UNKNOWN_ENTITY = "unknown_entity"
    ALREADY_EXISTS = "already_exists"
    NOT_UNIQUE = "resource_not_unique"
    INTERNAL = "internal_error"
    ENVIRONMENT = "environment_error"


class GenericError(Exception):
    """Base of every error that is told to users."""

    def __str__(self) -> str:
        return " ".join(str(arg) for arg in self.args)


class LockError(GenericError):
    """A lock could not be taken."""


class PidFileLockError(LockError):
    """Another process holds the PID file: the daemon runs already."""


class HypervisorError(GenericError):
    """A hypervisor refused or failed."""


class HotplugError(HypervisorError):
    """A device could not be added to or taken from a running instance."""


class ProgrammerError(GenericError):
    """A bug of ours, found by a check."""


class BlockDeviceError(GenericError):
    """A block device could not be made, found or changed."""


class ConfigurationError(GenericError):
    """The configuration is missing, damaged or refuses a change."""


class ConfigVersionMismatch(ConfigurationError):
    """Arguments: expected version, version found."""

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(expected, actual)

    def __str__(self) -> str:
        return (
            f"the configuration has version {self.args[1]}, this program needs {self.args[0]};"
            " run cfgupgrade"
        )


class ConfigVerifyError(ConfigurationError):
    """Arguments: message, list of findings."""

    def __init__(self, message: str, details: Sequence[str]) -> None:
        super().__init__(message, list(details))

    def __str__(self) -> str:
        return f"{self.args[0]}: {'; '.join(self.args[1])}"


class AddressPoolError(GenericError):
    """An address pool is full or the address is not of it."""


class ReservationError(GenericError):
    """A MAC, address, name, port or minor is reserved already."""


class RemoteError(GenericError):
    """A call to a node failed."""


class SignatureError(GenericError):
    """A signature does not match."""


class ParameterError(GenericError):
    """A parameter is unknown or out of place."""


class ResultValidationError(GenericError):
    """An answer has the wrong shape."""


class OpPrereqError(GenericError):
    """A check of an operation failed; nothing was changed. Arguments: message, code."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(*((message,) if code is None else (message, str(code))))

    def __str__(self) -> str:
        return str(self.args[0])

    @property
    def code(self) -> str | None:
        return self.args[1] if len(self.args) > 1 else None


class OpExecError(GenericError):
    """An operation failed while it was carried out."""


class OpResultError(GenericError):
    """An operation returned what its declaration does not allow."""


class OpRetryNotSupportedError(GenericError):
    """The logical unit has no second way to try."""


class DeviceCreationError(GenericError):
    """A disk could not be created on a node."""


class OpCodeUnknown(GenericError):
    """There is no such opcode."""


class JobLost(GenericError):
    """The job is not, or no longer, in the queue."""


class JobCanceled(GenericError):
    """The job was cancelled."""


class JobFileCorrupted(GenericError):
    """A job file cannot be read."""


class ResolverError(GenericError):
    """Arguments: host name, errno, text of the resolver."""

    def __init__(self, host: str, number: int | None, text: str) -> None:
        super().__init__(host, number, text)

    def __str__(self) -> str:
        return f"the name '{self.args[0]}' cannot be resolved: {self.args[2]}"


class HooksFailure(GenericError):
    """The hooks could not be run at all."""


class HooksAbort(HooksFailure):
    """A pre hook refused. Argument: list of [node, script, output]."""

    def __init__(self, results: Sequence[Sequence[str]]) -> None:
        super().__init__([list(row) for row in results])

    def __str__(self) -> str:
        rows = (f"{script} on node {node}: {output}" for node, script, output in self.args[0])
        return "hooks refused the operation: " + "; ".join(rows)


class UnitParseError(GenericError):
    """A size could not be read."""


class ParseError(GenericError):
    """A text could not be parsed."""


class QueryFilterParseError(ParseError):
    """Arguments: message, and what the parser said."""

    def __init__(self, message: str, inner: Any = None) -> None:
        super().__init__(message, inner)

    def __str__(self) -> str:
        return str(self.args[0])


class TypeEnforcementError(GenericError):
    """A parameter has a value of the wrong type."""


class X509CertError(GenericError):
    """Arguments: file name, message."""

    def __init__(self, filename: str, message: str) -> None:
        super().__init__(filename, message)

    def __str__(self) -> str:
        return f"certificate {self.args[0]}: {self.args[1]}"


class TagError(GenericError):
    """A tag is malformed or there are too many."""


class CommandError(GenericError):
    """An external command failed or ran out of time."""


class StorageError(GenericError):
    """A storage unit refused or failed."""


class InotifyError(GenericError):
    """A watch on a file could not be set up."""


class JobQueueError(GenericError):
    """The queue does not take the job."""


class JobQueueDrainError(JobQueueError):
    """The queue is drained: new jobs are refused."""


class JobQueueFull(JobQueueError):
    """There are too many jobs in the queue. No arguments."""

    def __init__(self) -> None:
        super().__init__()

    def __str__(self) -> str:
        return "the job queue is full; archive finished jobs with 'gnt-job autoarchive'"


class ConfdMagicError(GenericError):
    """A confd packet starts with the wrong bytes."""


class ConfdClientError(GenericError):
    """The confd client was used wrongly."""


class UdpDataSizeError(GenericError):
    """A datagram would be too large."""


class NoCtypesError(GenericError):
    """ctypes is missing from this Python."""


class IPAddressError(GenericError):
    """An address is malformed or not of this host."""


class LuxiError(GenericError):
    """The LUXI protocol was broken."""


class RapiTestResult(GenericError):
    """Used by tests of the remote API."""


class FileStoragePathError(GenericError):
    """A file storage path is not allowed."""


class SshUpdateError(GenericError):
    """SSH keys could not be distributed."""


def _tree(cls: type[GenericError]) -> dict[str, type[GenericError]]:
    """Every class of ours below and including `cls`, by name.

    Subclasses that other rooms derive travel under the name of the base declared here.
    """
    found = {cls.__name__: cls}
    for sub in cls.__subclasses__():
        if sub.__module__ == __name__:
            found |= _tree(sub)
    return found


CLASSES: dict[str, type[GenericError]] = _tree(GenericError)


def wire_name(error: GenericError) -> str:
    """The class name an error travels under: its own, or that of its nearest declared base."""
    return next(c.__name__ for c in type(error).__mro__ if CLASSES.get(c.__name__) is c)


def _plain(arg: Any) -> Any:
    """What is not JSON travels as its text, so that an error is never lost for another one."""
    match arg:
        case None | bool() | int() | float() | str():
            return arg
        case list() | tuple():
            return [_plain(inner) for inner in arg]
        case dict():
            return {str(key): _plain(inner) for key, inner in arg.items()}
    return str(arg)


def encode(error: BaseException) -> list[Any]:
    """``[class name, [argument, ...]]``; what is not ours travels as a GenericError."""
    if isinstance(error, GenericError):
        return [wire_name(error), [_plain(arg) for arg in error.args]]
    return ["GenericError", [f"{type(error).__name__}: {error}"]]


def decode(value: Any) -> GenericError | None:
    """The exception that `encode` wrote, or None if `value` is no encoded error."""
    match value:
        case [str(name), [*args]] if name in CLASSES:
            error = CLASSES[name].__new__(CLASSES[name])
            error.args = tuple(args)
            return error if _has_text(error) else None
    return None


def _has_text(error: GenericError) -> bool:
    """Whether the arguments are those of the class."""
    try:
        return bool(str(error)) or True
    except (LookupError, TypeError, ValueError):
        return False
