# SPDX-License-Identifier: GPL-2.0-or-later
"""The configuration of a running master: many read it, some change it, one thread writes it.

There are two roots. *Published* is durable: in the file here and on every candidate in sync; readers
take it and need no lock. *Head* is published and what was staged on top of it. A transaction edits head
under the store's one lock, with no I/O; then its thread waits. The writer thread writes whatever head
has become, publishes it, and everyone staged by then returns together.

ssconf goes to the nodes while the configuration is written; what failed is replaced there by what is
published, as a start sends everything.

If a write fails, head falls back to published and everyone staged learns why. What failed may
nevertheless lie somewhere, here or on a candidate, so before anything else published is written again,
under the next serial number: one number never stands for two contents. A start is like the time after a
failure, for nobody knows what a crash has left on the candidates.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from ganeti.errors import ConfigurationError, GenericError, ProgrammerError
from ganeti.master.candidates import CandidateSet
from ganeti.master.config.distribute import Compressor, Content
from ganeti.master.config.localfile import ConfigFile
from ganeti.master.config.reserve import Reservations, ReservationTable
from ganeti.master.config.transaction import Transaction
from ganeti.model import upgrade
from ganeti.model.config import Config
from ganeti.model.configfile import Encoder
from ganeti.model.ssconf_values import Values
from ganeti.rpc.runner import Deposed
from ganeti.utils.clock import Clock

log = logging.getLogger(__name__)

FIRST_RETRY_S, LAST_RETRY_S = 1.0, 60.0


@dataclass
class Ticket:
    """A staged transaction, or (`wants_ssconf`) a wish that ssconf be sent whatever changed."""

    transaction: Transaction
    wants_ssconf: bool = False
    error: GenericError | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        """Return when it is durable; raises why it is not."""
        self.done.wait()
        if self.error is not None:
            raise type(self.error)(*self.error.args)


def load(file: ConfigFile, now: float) -> Config:
    """The configuration in the file; raises ConfigurationError."""
    cfg = upgrade.load(file.read(), lambda: str(uuid.uuid4()), now)
    gc.freeze()  # it stays for good: collections need not walk through it
    return cfg


class ConfigStore:
    """Owns the configuration, which was loaded from `file`, from `start` to `close`.

    `candidates` are those besides the master, `nodes` all that are online, the master too.
    """

    def __init__(
        self,
        cfg: Config,
        file: ConfigFile,
        candidates: CandidateSet[Content],
        nodes: CandidateSet[Mapping[str, str]],
        clock: Clock,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._head = self._published = cfg
        # The number after the file's may stand for something that a crash left on a candidate.
        self._serial = cfg.serial_no + 1
        self._is_unsure = True
        self._retry_at, self._retry_s = 0.0, FIRST_RETRY_S
        self._values: Values = Values(cfg)
        self._sent_values: Mapping[str, str] = {}
        self._file, self._candidates, self._nodes = file, candidates, nodes
        self._clock = clock
        self._reservations = ReservationTable(lambda: self._head, random)
        self._writes: dict[str, int] = {}
        self._staged: list[Ticket] = []
        self._deposed: Deposed | None = None
        self._editor: int | None = None
        self._closing = False
        self._encoder, self._compressor = Encoder(), Compressor()
        self.when_published: Callable[[Config, Config], None] = _nobody_asks
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="ConfigWriter", daemon=True)

    def start(self) -> None:
        """Begin to write: first of all what was loaded."""
        self._file.sweep()
        self._thread.start()

    def close(self) -> None:
        """Write what is staged, then end the writer."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    # Reading.

    @property
    def current(self) -> Config:
        """The published configuration."""
        return self._published

    @property
    def staged(self) -> Config:
        """Published, and what is about to be: a new node is called before it is published."""
        return self._head

    def behind(self) -> Mapping[str, str]:
        """The candidates that lack what was acknowledged, and why, by UUID."""
        return self._candidates.behind()

    # Reservations of execution contexts.

    def reserve(self, context: str) -> Reservations:
        return self._reservations.of(context)

    def writes_of(self, context: str) -> int:
        """How many changes the context has made."""
        return self._writes.get(context, 0)

    def release(self, context: str) -> None:
        """The context is over."""
        self._reservations.release(context)
        with self._changed:
            self._writes.pop(context, None)

    # Changing.

    @contextmanager
    def write(self, context: str) -> Iterator[Transaction]:
        """A transaction. Leaving the block returns when the change is durable, or raises and
        nothing has changed. In the block only think: everyone else who writes waits."""
        with self.stage() as ticket:
            yield ticket.transaction
        ticket.wait()
        if not ticket.transaction.is_empty:
            with self._changed:
                self._writes[context] = self._writes.get(context, 0) + 1

    @contextmanager
    def stage(self) -> Iterator[Ticket]:
        """The same without the waiting."""
        with self._changed:
            self._check_editable()
            ticket = Ticket(Transaction(self._head, self._clock.now()))
            self._editor = threading.get_ident()
            try:
                yield ticket
                self._head = ticket.transaction.finished()
            finally:
                self._editor = None
            if ticket.transaction.is_empty and self._head is self._published:
                ticket.done.set()
            else:  # even if it is empty: what it found to be so may not be durable yet
                self._enqueue(ticket)

    def _check_editable(self) -> None:
        if self._editor == threading.get_ident():
            raise ProgrammerError("a transaction inside of a transaction")
        if self._deposed is not None:
            raise Deposed(*self._deposed.args)
        if self._closing:
            raise ConfigurationError("the master daemon is ending; the change was not made")

    def _enqueue(self, ticket: Ticket) -> None:
        self._staged.append(ticket)
        self._changed.notify()

    def push_ssconf(self) -> list[str]:
        """Send ssconf to all online nodes; returns warnings."""
        with self._changed:
            self._check_editable()
            ticket = Ticket(Transaction(self._head, self._clock.now()), wants_ssconf=True)
            self._enqueue(ticket)
        ticket.wait()
        return ticket.transaction.warnings

    # The writer.

    def _run(self) -> None:
        while self._wait_for_work():
            self.write_round()

    def _wait_for_work(self) -> bool:
        with self._changed:
            while not self._staged and not self._closing:
                rest_s = self._rest_s()
                if rest_s is not None and rest_s <= 0:
                    return True
                self._changed.wait(rest_s)
            return bool(self._staged)

    def _rest_s(self) -> float | None:
        """How long until published is to be written again; None if it is not."""
        if not self._is_unsure or self._deposed is not None:
            return None
        return self._retry_at - self._clock.monotonic()

    def write_round(self) -> None:
        """Make head durable and publish it, or fall back to what is published."""
        with self._changed:
            tickets, self._staged = self._staged, []
            target = self._head
        try:
            warnings = self._written(target)
            is_wanted = any(ticket.wants_ssconf for ticket in tickets)
            warnings += self._send_ssconf(self._published, is_wanted)()
        except (OSError, GenericError) as err:
            log.error("the configuration cannot be written: %s", err)
            self._fall_back(tickets, err)
            return
        except Exception as err:
            log.exception("the configuration cannot be written")
            self._fall_back(tickets, err)
            return
        for ticket in tickets:
            ticket.transaction.warnings += warnings
            ticket.done.set()

    def _written(self, target: Config) -> list[str]:
        warnings: list[str] = []
        if self._is_unsure:
            is_all = target is self._published
            warnings += self._write_out(self._published, beside=False)
            if is_all:
                return warnings
        if target is not self._published:
            warnings += self._write_out(target, beside=True)
        return warnings

    def _write_out(self, cfg: Config, *, beside: bool) -> list[str]:
        """Write a generation and publish it. `beside`: send it while it is written here.

        After a failure it is not sent before it is safe here, so that not more than one number
        beyond that of the file here can ever be on a candidate.
        """
        self._file.check_unedited()
        self._serial += 1
        self._is_unsure = True
        new = cfg.stamped(self._serial, self._clock.now())
        pieces = self._encoder.pieces(new)
        data = b"".join(pieces)
        if not beside:
            self._file.write(data)
        self._update_candidates(new)
        before = self._candidates.behind()
        commit = self._candidates.commit(self._content(data, pieces))
        ssconf = self._send_ssconf(new)
        if beside:
            self._file.write(data)
        behind = commit.wait()
        self._is_unsure, self._retry_s = False, FIRST_RETRY_S
        self._publish(cfg, new)
        return [*self._warnings(new, before, behind), *ssconf()]

    def _content(self, data: bytes, pieces: list[bytes]) -> Content:
        compressed = self._compressor.compress(pieces) if self._candidates.names() else b""
        return Content(data, compressed)

    def _update_candidates(self, cfg: Config) -> None:
        names = {node.uuid for node in cfg.candidates()} - {cfg.cluster.master_node}
        self._candidates.keep_only(names)
        for name in names - self._candidates.names():
            self._candidates.join(name)

    def _publish(self, old: Config, new: Config) -> None:
        with self._changed:
            if self._head is old:
                self._head = new
            before, self._published = self._published, new
        self.when_published(before, new)

    def _warnings(
        self, cfg: Config, before: Mapping[str, str], behind: Mapping[str, str]
    ) -> list[str]:
        texts = [
            f"master candidate {_name(cfg, candidate)} does not have this change yet: {why}"
            for candidate, why in behind.items()
            if candidate not in before
        ]
        if behind and len(behind) == len(self._candidates.names()):
            texts.append(
                "no other master candidate has the newest configuration; if the master is lost"
                " now, this change is lost too"
            )
        return texts

    def _send_ssconf(self, cfg: Config, is_wanted: bool = False) -> Callable[[], list[str]]:
        """Send ssconf to the nodes if it changed; those that are new here get it in any case.

        The answer waits for them and returns warnings.
        """
        values = self._values.of(cfg)
        online = {node.uuid for node in cfg.online_nodes()}
        self._nodes.keep_only(online)
        for name in online - self._nodes.names():
            self._nodes.join(name, values)
        if values is self._sent_values and not is_wanted:
            return list
        self._sent_values = values
        before = self._nodes.behind()
        commit = self._nodes.commit(values)
        return lambda: [
            f"node {_name(cfg, node)} does not have the newest ssconf files: {why}"
            for node, why in commit.wait().items()
            if node not in before or is_wanted
        ]

    def _fall_back(self, tickets: list[Ticket], cause: Exception) -> None:
        error = _told(cause)
        with self._changed:
            if isinstance(cause, Deposed):
                self._deposed = cause
            self._retry_at = self._clock.monotonic() + self._retry_s
            self._retry_s = min(LAST_RETRY_S, 2 * self._retry_s)
            failed, self._staged = [*tickets, *self._staged], []
            self._head = self._published
        self._sent_values = {}
        for ticket in failed:
            ticket.error = error
            ticket.done.set()


def _nobody_asks(_before: Config, _after: Config) -> None:
    """In place of whoever wants to know what was published; called by the writer, so in a hurry."""


def _name(cfg: Config, node: str) -> str:
    return cfg.nodes[node].name if node in cfg.nodes else node


def _told(cause: Exception) -> GenericError:
    """The error that everyone gets whose change was staged."""
    if isinstance(cause, GenericError):
        return cause
    return ConfigurationError(
        f"the configuration could not be written, so nothing was changed: {cause}"
    )
