# SPDX-License-Identifier: GPL-2.0-or-later
"""The running master: its parts, put together, from the first to the last moment.

Who calls whom: LUXI server → queue → processor → units → calls and store. Nothing calls back up, but
for two alarms: a node that obeys another master deposes this one, and a change of the configuration
may mean other candidates and other limits for the queue.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping

from ganeti import owners, superseded
from ganeti.contracts.node import sender
from ganeti.contracts.node.turn import Turns
from ganeti.errors import ConfigurationError
from ganeti.exitcode import ExitCode
from ganeti.master import starts
from ganeti.master.alarms import AlarmClock
from ganeti.master.candidates import CandidateSet
from ganeti.master.config import distribute as config_distribute
from ganeti.master.config.store import ConfigStore
from ganeti.master.luxi_methods import LuxiMethods
from ganeti.master.luxi_server import LuxiServer
from ganeti.master.processor import UnitExecutor
from ganeti.master.query import fields_job
from ganeti.master.queue import changes, workers
from ganeti.master.queue.distribute import QueueTransport
from ganeti.master.queue.jobqueue import JobQueue, Settings
from ganeti.master.queue.store import QueueStore
from ganeti.master.reach import Reach
from ganeti.master.services import Services
from ganeti.master.startup import Startup
from ganeti.model.config import Config
from ganeti.model.filter import FilterRule
from ganeti.model.node import Node
from ganeti.rpc import nodes
from ganeti.rpc.runner import Deposed, Rpc, Target
from ganeti.utils import net
from ganeti.utils.clock import Clock
from ganeti.utils.process import Runner

log = logging.getLogger(__name__)

EPOCH_LOOK_S = 2.0
"""How often the master looks whether its own node obeys another one: an idle master calls nobody."""
HURRY_S = 1.0
"""Asked a second time to stop, or deposed, the master waits no longer for requests to end."""
LINGER_S = 5.0
"""After the last job has ended clients can still fetch how."""


class Master:
    """Made once a host is to be master; `run` it, `stop` it."""

    def __init__(self, startup: Startup) -> None:
        self._startup, self._paths = startup, startup.paths
        self._clock, self._disk = Clock(), startup.parts.disk
        self._signals = threading.Semaphore(0)
        self._asked_to_stop = 0
        self._deposed: Deposed | None = None
        self._set_aside_before = superseded.configurations(startup.paths)
        self._alarms, self._reach = AlarmClock(), Reach()
        self._transport = startup.parts.transport(startup.credentials())
        start = starts.count(self._paths.master_starts, self._disk, self._clock, _own())
        self._turns = Turns(start)
        self._rpc = self._calls(lambda uuid: nodes.target(self._node(uuid)))
        self._store = self._config_store()
        self._services = Services(
            paths=self._paths,
            clock=self._clock,
            runner=Runner(),
            rpc=self._rpc,
            store=self._store,
            behind=self._behind,
        )
        self._queue = self._job_queue()
        self._services.jobs = self._queue
        requests = startup.parts.requests(LuxiMethods(self._services))
        self._luxi = LuxiServer(self._paths, requests, owner=_own())

    # Putting together.

    def _calls(self, target: Callable[[str], Target]) -> Rpc:
        return Rpc(
            self._transport,
            target,
            port=net.daemon_port("ganeti-noded"),
            sender=self._startup.sender,
            when_deposed=self._depose,
            when_over=self._reach.told,
            while_waiting=workers.outside,
            turns=self._turns,
        )

    def _node(self, uuid: str) -> Node:
        node = self._store.current.nodes.get(uuid) or self._store.staged.nodes.get(uuid)
        if node is None:
            raise ConfigurationError(f"there is no node {uuid} in the configuration")
        return node

    def _label(self, uuid: str) -> str:
        node = self._store.current.nodes.get(uuid)
        return node.name if node else uuid

    def _config_store(self) -> ConfigStore:
        # Whom to send to is told by what is sent: a node that it brings back is offline in `current`.
        rpc = self._calls(lambda uuid: nodes.direct(self._node(uuid)))
        transport = config_distribute.ConfigTransport(
            rpc,
            user=owners.user_name("masterd"),
            group=owners.group_name("confd"),
            now=self._clock.now,
        )
        return ConfigStore(
            self._startup.cfg,
            self._startup.file,
            CandidateSet(
                transport,
                config_distribute.newest,
                self._alarms,
                label=self._label,
                reach=self._reach,
            ),
            CandidateSet(
                config_distribute.SsconfTransport(rpc),
                config_distribute.newest,
                self._alarms,
                label=self._label,
                what="node",
                reach=self._reach,
            ),
            self._clock,
        )

    def _job_queue(self) -> JobQueue:
        candidates = CandidateSet(
            QueueTransport(self._rpc, self._paths),
            changes.merge,
            self._alarms,
            label=self._label,
            reach=self._reach,
        )
        store = QueueStore(
            self._paths,
            self._disk,
            candidates,
            self._alarms,
            epoch=self._startup.epoch,
            owner=_own(),
            clock=self._clock,
        )
        return JobQueue(
            store,
            UnitExecutor(self._services),
            self._alarms,
            self._clock,
            settings=Settings(
                max_running=lambda: self._store.current.cluster.max_running_jobs,
                rules=self._rules,
            ),
            row=fields_job.values,
        )

    def _rules(self) -> Iterable[FilterRule]:
        return self._store.current.filters.values()

    def _behind(self) -> Mapping[str, str]:
        """Candidates that lack something of the configuration or the queue, by name."""
        lacking = {**self._queue.behind(), **self._store.behind()}
        return {self._label(uuid): why for uuid, why in lacking.items()}

    # Running.

    def run(self, ready: Callable[[], None]) -> int:
        """Serve until asked to stop, or until another master has taken over; the exit code."""
        self._luxi.bind()
        self._store.when_published = self._configuration_changed
        self._store.start()
        self._queue.start(other_candidates(self._store.current))
        self._luxi.start()
        self._look_at_epoch()
        log.info("this is the master, epoch %d", self._startup.epoch)
        ready()
        self._signals.acquire()
        self._shut_down()
        if self._deposed is not None:
            self._leave_behind(self._deposed)
            return ExitCode.NOT_MASTER
        return ExitCode.SUCCESS

    def _configuration_changed(self, before: Config, after: Config) -> None:
        """What the queue must know; called by the store's writer, so only quick work."""
        if other_candidates(before) != other_candidates(after):
            self._queue.set_candidates(other_candidates(after))
        limits = before.cluster.max_running_jobs != after.cluster.max_running_jobs
        if limits or before.filters is not after.filters:
            self._queue.reschedule()

    def stop(self) -> None:
        """Orderly at first; asked a second time, at once."""
        self._asked_to_stop += 1
        if self._asked_to_stop > 1:
            log.warning("asked again to stop: what runs is broken off")
        self._signals.release()

    def _look_at_epoch(self) -> None:
        if self._node_obeys_another():
            self._depose(Deposed("the node daemon of this host obeys a newer one"))
        elif self._deposed is None:
            self._alarms.after(EPOCH_LOOK_S, self._look_at_epoch)

    def _node_obeys_another(self) -> bool:
        try:
            return sender.read_epoch(self._paths.master_epoch) > self._startup.epoch
        except (OSError, ConfigurationError) as err:
            log.error("cannot see whom this node obeys: %s", err)
            return False

    def _depose(self, error: Deposed) -> None:
        """A node obeys another master: this one ends."""
        self._deposed = error
        self._signals.release()

    def _leave_behind(self, deposed: Deposed) -> None:
        """Keep the queue, unless the new master has seen what is here; say where it is.

        Nothing is acknowledged any more. The configuration is the node daemon's to set aside.
        """
        log.critical("another master has taken over: %s", deposed)
        aside = superseded.configurations(self._paths) - self._set_aside_before
        if self._node_obeys_another() and not aside:
            return
        try:
            place = superseded.copy_queue(self._paths, self._disk, self._clock.now())
        except OSError as err:
            place = f"{self._paths.queue_dir}, which could not be copied ({err})"
        log.critical(
            "what only this master had acknowledged is kept: jobs in %s, the configuration in"
            " %s.superseded-TIME",
            *(place, self._paths.config_data),
        )

    def _shut_down(self) -> None:
        """Running opcodes end, waiting jobs go back; clients are served meanwhile."""
        log.info("stopping: no new jobs, running ones end")
        self._queue.shutdown()
        had_jobs = not self._queue.wait_until_settled(0)
        if not self._in_a_hurry() and had_jobs:
            self._wait_for_jobs()
        if self._deposed is not None:  # clients hear of it before they are cut off
            self._queue.depose(self._deposed)
        if self._in_a_hurry():
            self._luxi.stop(HURRY_S)
            self._queue.close(0)
        else:
            self._luxi.stop()
            self._queue.close()
        if self._deposed is None:
            self._store.close()
        self._transport.close()
        self._alarms.close()

    def _in_a_hurry(self) -> bool:
        return self._asked_to_stop > 1 or self._deposed is not None

    def _wait_for_jobs(self) -> None:
        settled = threading.Thread(target=self._tell_when_settled, daemon=True)
        settled.start()
        self._signals.acquire()
        if not self._in_a_hurry():
            self._signals.acquire(timeout=LINGER_S)

    def _tell_when_settled(self) -> None:
        self._queue.wait_until_settled()
        self._signals.release()


def _own() -> tuple[int, int]:
    """Whose the queue and the sockets are: other daemons may read the one and write to the other."""
    return owners.user_id("masterd"), owners.group_id("daemons")


def other_candidates(cfg: Config) -> set[str]:
    """The master candidates besides the master, by UUID; offline ones have lost their place."""
    return {node.uuid for node in cfg.candidates()} - {cfg.cluster.master_node}
