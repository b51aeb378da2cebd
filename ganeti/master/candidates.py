# SPDX-License-Identifier: GPL-2.0-or-later
"""Which master candidates have everything that was acknowledged, and what the others lack.

A commit is over when every candidate that is *in sync* has answered. One that fails, or is silent for
some seconds, falls *behind*: commits no longer wait for it; what it lacks is collected and sent until
it acknowledges all of it, then it is in sync again. So an acknowledged change survives the loss of the
master if a candidate that was in sync takes over. Nobody waits for a node that has let another commit
wait in vain and has not answered since; one that answers again gets at once what it lacks.

Serves the configuration and the job queue alike: `C` is what is sent, `merge` makes one content of two
that were not sent yet. All state has one lock, under which nothing is sent and nobody is called.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from ganeti.errors import GenericError
from ganeti.master.alarms import Alarms
from ganeti.master.reach import Reach
from ganeti.rpc.runner import Deposed

log = logging.getLogger(__name__)

C = TypeVar("C")
C_contra = TypeVar("C_contra", contravariant=True)

PATIENCE_S = 5.0
FIRST_RETRY_S, LAST_RETRY_S = 1.0, 30.0

Done = Callable[[Exception | None], None]


class Transport(Protocol[C_contra]):
    """Sends content to one candidate and calls `done` once, on any thread, with the failure if any."""

    def send(self, candidate: str, content: C_contra, done: Done) -> None: ...


@dataclass
class _Member(Generic[C]):
    """One candidate. `unsent` is what it lacks, but for what is on its way."""

    name: str
    acknowledged: int
    behind: str = ""
    unsent: C | None = None
    on_its_way: tuple[int, C] | None = None
    retry_s: float = FIRST_RETRY_S
    is_resting: bool = field(default=False)


class CandidateSet(Generic[C]):
    """The candidates other than this host, by UUID; `label` gives the name that people know.

    `what` they are called in the log: other nodes than candidates can be kept up to date too.
    """

    def __init__(
        self,
        transport: Transport[C],
        merge: Callable[[C, C], C],
        alarms: Alarms,
        *,
        label: Callable[[str], str] = str,
        what: str = "master candidate",
        patience_s: float = PATIENCE_S,
        reach: Reach | None = None,
    ) -> None:
        self._transport, self._merge, self._alarms = transport, merge, alarms
        self._label, self._what, self._patience_s = label, what, patience_s
        self._reach = reach or Reach()
        self._reach.when_back(self._is_back)
        self._members: dict[str, _Member[C]] = {}
        self._version = 0
        self._deposed: Deposed | None = None
        self.when_caught_up: Callable[[], None] = _nobody_asks
        self._changed = threading.Condition()

    def names(self) -> set[str]:
        with self._changed:
            return set(self._members)

    def behind(self) -> dict[str, str]:
        """The candidates that lack something, and why."""
        with self._changed:
            return {name: m.behind for name, m in self._members.items() if m.behind}

    def unsent(self) -> dict[str, C]:
        """What candidates lack, but for what is on its way to them."""
        with self._changed:
            members = self._members.values()
            return {m.name: m.unsent for m in members if m.unsent is not None}

    def join(self, name: str, backlog: C | None = None) -> None:
        """A candidate is new here. What it lacks is sent; until it has that it counts as behind."""
        member: _Member[C] = _Member(name, self._version)
        if backlog is not None:
            member.unsent, member.behind = backlog, "it is still getting what it lacks"
        with self._changed:
            self._members[name] = member
        self._send_to([member])

    def leave(self, name: str) -> None:
        """This node is no candidate any more; nobody waits for it."""
        with self._changed:
            self._members.pop(name, None)
            self._changed.notify_all()

    def keep_only(self, names: Iterable[str]) -> None:
        """Let all others leave."""
        for name in self.names() - set(names):
            self.leave(name)

    def commit(self, content: C) -> Commit[C]:
        """Send to everyone; the caller does its own write meanwhile and then waits."""
        with self._changed:
            self._raise_if_deposed()
            self._version += 1
            commit = Commit(self, self._version, time.monotonic() + self._patience_s)
            members = list(self._members.values())
            for member in members:
                self._add_unsent(member, content)
        self._send_to(members)
        return commit

    def _add_unsent(self, member: _Member[C], content: C) -> None:
        unsent = member.unsent
        member.unsent = content if unsent is None else self._merge(unsent, content)

    def _send_to(self, members: Iterable[_Member[C]]) -> None:
        for member in members:
            content = self._take(member)
            if content is not None:
                self._send(member, content)

    def _send(self, member: _Member[C], content: C) -> None:
        try:
            self._transport.send(member.name, content, lambda error: self._answered(member, error))
        except GenericError as err:  # it could not even begin
            self._answered(member, err)

    def _take(self, member: _Member[C]) -> C | None:
        """What to send now, if the candidate is not busy with something else."""
        with self._changed:
            is_busy = member.on_its_way is not None or member.is_resting
            if member.unsent is None or is_busy or not self._has(member):
                return None
            content, member.unsent = member.unsent, None
            member.on_its_way = (self._version, content)
            return content

    def _answered(self, member: _Member[C], error: Exception | None) -> None:
        with self._changed:
            assert member.on_its_way is not None
            was_behind = bool(member.behind)
            (version, content), member.on_its_way = member.on_its_way, None
            if error is None:
                self._got(member, version)
            elif isinstance(error, Deposed):
                self._deposed = error
            else:
                newer = member.unsent
                member.unsent = content if newer is None else self._merge(content, newer)
                self._rest(member, str(error))
            self._changed.notify_all()
        if error is None:
            self._reach.answered(member.name)
            self._send_to([member])
            if was_behind and not member.behind:
                self.when_caught_up()

    def _got(self, member: _Member[C], version: int) -> None:
        member.acknowledged, member.retry_s = version, FIRST_RETRY_S
        if member.behind and member.unsent is None:
            member.behind = ""
            log.info("%s %s is in sync", self._what, self._label(member.name))

    def _rest(self, member: _Member[C], reason: str) -> None:
        """Leave a failing candidate alone for a while."""
        if self._has(member):
            self._fall_behind(member, reason)
            member.is_resting = True
            self._alarms.after(member.retry_s, lambda: self._try_again(member))
            member.retry_s = min(LAST_RETRY_S, member.retry_s * 2)

    def _is_back(self, name: str) -> None:
        """The node answers again."""
        member = self._members.get(name)
        if member is not None and member.is_resting:
            member.retry_s = FIRST_RETRY_S
            self._try_again(member)

    def _try_again(self, member: _Member[C]) -> None:
        with self._changed:
            member.is_resting = False
        self._send_to([member])

    def _has(self, member: _Member[C]) -> bool:
        """False once it has left, or left and joined anew."""
        return self._members.get(member.name) is member

    def _fall_behind(self, member: _Member[C], reason: str) -> None:
        if not member.behind:
            label = self._label(member.name)
            log.warning(
                "%s %s is behind, changes do not wait for it: %s", self._what, label, reason
            )
        member.behind = reason

    def _raise_if_deposed(self) -> None:
        if self._deposed is not None:
            raise self._deposed

    def wait_for(self, version: int, deadline: float) -> Mapping[str, str]:
        """Wait until this version is durable; see `Commit.wait`."""
        with self._changed:
            while late := self._awaited(version):
                silent = [member for member in late if self._reach.is_silent(member.name)]
                if silent or not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    self._stop_waiting_for(silent or late)
            self._raise_if_deposed()
        return self.behind()

    def _stop_waiting_for(self, members: Iterable[_Member[C]]) -> None:
        for member in members:
            self._reach.waited_in_vain(member.name)
            self._fall_behind(member, f"no answer for {self._patience_s:g} seconds")

    def _awaited(self, version: int) -> list[_Member[C]]:
        if self._deposed is not None:
            return []
        members = self._members.values()
        return [m for m in members if not m.behind and m.acknowledged < version]


def _nobody_asks() -> None:
    """In place of whoever wants to know that a candidate is in sync again; called on any thread."""


@dataclass(frozen=True)
class Commit(Generic[C]):
    """A change on its way to the candidates."""

    candidates: CandidateSet[C]
    version: int
    deadline: float

    def wait(self) -> Mapping[str, str]:
        """Return when every candidate in sync has it; the answer names those that are behind.

        Raises `Deposed` if a candidate obeys another master: then nothing may be acknowledged.
        """
        return self.candidates.wait_for(self.version, self.deadline)
