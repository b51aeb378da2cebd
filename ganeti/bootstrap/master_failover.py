# SPDX-License-Identifier: GPL-2.0-or-later
"""`gnt-cluster master-failover`: makes this host the master.

First questions, which change nothing; then the epoch, by which the nodes obey this host and no other
(`contracts.node.sender`), and the questions again, because a living master could go on until then; then
configuration, addresses, daemons. Everything on this host, too, is done by its node daemon. If it stops
in the middle, the command can be given again, here or on another candidate.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from ganeti import owners, superseded
from ganeti.bootstrap import failover_choice
from ganeti.bootstrap.failover_choice import Answers, Standing
from ganeti.contracts.node import sender
from ganeti.contracts.node.files import FileCalls
from ganeti.contracts.node.jobs import JobCalls
from ganeti.contracts.node.packed import Packed
from ganeti.contracts.node.sender import Sender
from ganeti.contracts.node.system import SystemCalls
from ganeti.errors import Code, ConfigurationError, GenericError, OpExecError, OpPrereqError
from ganeti.model import configfile, master_network, upgrade
from ganeti.model.cluster import Cluster
from ganeti.model.config import Config
from ganeti.model.ssconf_values import ssconf_values
from ganeti.paths import DEFAULT, Paths
from ganeti.rpc import nodes
from ganeti.rpc.runner import Reply, Rpc, Target
from ganeti.rpc.transport import Credentials, Transport
from ganeti.ssconf import Ssconf
from ganeti.utils import net, retry
from ganeti.utils.clock import Clock

ADDRESS_S = 30.0
SILENCE_S = 3.0
"""An address that nobody has is silent, for which every takeover waits; one in use answers at once."""
TURN_S = 2.0
"""Of several hosts that want to take over at once, each gives those before it so much time."""
CONFIG_MODE = 0o640
ACTIVATE = SystemCalls.node_activate_master_ip

R = TypeVar("R")
Warn = Callable[[str], None]


class NoMajority(GenericError):
    """Too few nodes answer."""


class Contested(OpExecError):
    """Another host takes over at the same time."""


class MasterFailover:
    """`calls` makes the calls of a sender, `is_up` tells whether a node daemon answers at an address."""

    def __init__(
        self,
        paths: Paths,
        me: str,
        calls: Callable[[Sender], Rpc],
        *,
        is_up: Callable[[str], bool],
        clock: Clock,
        warn: Warn,
    ) -> None:
        self._paths, self._me, self._calls = paths, me, calls
        self._is_up, self._clock, self._warn = is_up, clock, warn
        self._ssconf = Ssconf(paths)

    def run(self, *, voting: bool, with_offline: bool = True) -> int:
        """The exit code: 1 if the cluster's address did not move as it should have."""
        old = self._old_master()
        cfg = self._config()
        targets = [nodes.direct(n) for n in cfg.nodes.values() if with_offline or not n.offline]
        rpc = self._calls(Sender(self._me, sender.read_epoch(self._paths.master_epoch)))
        answers = self._ask(rpc, targets)
        self._check(old, targets, answers, voting=voting)
        rpc, obeying = self._take_over(old, targets, answers, voting=voting)
        self._warn_of_lost_changes(obeying)
        cfg = self._appointed(self._config(), failover_choice.next_serial(obeying))
        reached = [target for target in targets if target.name in obeying]
        self._distribute(rpc, cfg, reached)
        code = self._retire(rpc, cfg, next((t for t in reached if t.name == old), None), old)
        return self._start(rpc, cfg, no_voting=not voting) or code

    # What is so.

    def _old_master(self) -> str:
        old = self._ssconf.get("master_node", default="")
        if not old:
            raise OpPrereqError("this machine is not in a cluster", Code.WRONG_INPUT)
        if old == self._me:
            raise OpPrereqError(
                "this node is the master already; if its daemons do not run, start them by"
                f" '{self._paths.daemon_util} start-master'",
                Code.WRONG_INPUT,
            )
        candidates = self._ssconf.lines("master_candidates")
        if self._me not in candidates:
            raise OpPrereqError(
                f"{self._me} is no master candidate and has no copy of the configuration; run the"
                f" command on one of {', '.join(sorted(candidates))}",
                Code.WRONG_STATE,
            )
        return old

    def _config(self) -> Config:
        try:
            with open(self._paths.config_data, "rb") as file:
                return upgrade.load(file.read(), lambda: str(uuid.uuid4()), self._clock.now())
        except OSError as err:
            aside = sorted(superseded.configurations(self._paths))
            hint = f"; the newest that was set aside is {aside[-1]}" if aside else ""
            raise ConfigurationError(f"the configuration cannot be read: {err}{hint}") from err

    def _ask(self, rpc: Rpc, targets: Iterable[Target]) -> dict[str, Standing]:
        """What the nodes say that answer."""
        standings = _good(rpc.all(targets, SystemCalls.master_standing)())
        masters = _good(rpc.all([r.node for r in standings], SystemCalls.master_node_name)())
        named = {reply.node.name: reply.value for reply in masters}
        return {
            reply.node.name: self._standing(reply, named[reply.node.name])
            for reply in standings
            if reply.node.name in named
        }

    def _standing(self, reply: Reply[Any], master: str) -> Standing:
        """Without the time, which clocks that go wrong would make a lie. The master always has all."""
        epoch, serial, _mtime, queue, record_epoch, number, in_sync = reply.value
        is_master = reply.node.name == self._ssconf.get("master_node")
        has_all = is_master or reply.node.uuid in in_sync
        return Standing(epoch, serial, queue, master, (record_epoch, number), has_all)

    def _check(
        self, old: str, targets: Sequence[Target], answers: Answers, *, voting: bool
    ) -> None:
        if self._me not in answers:
            raise OpExecError("the node daemon of this host does not answer; start it first")
        if voting:
            _check_majority(targets, answers)
            winner = failover_choice.outvoted_by(self._me, old, answers)
            if winner is not None:
                raise OpPrereqError(
                    f"for this host {old} is the master, but more nodes say {winner}: what this"
                    " host knows is out of date",
                    Code.WRONG_STATE,
                )
        self._check_newest(old, answers)

    def _check_newest(self, old: str, answers: Answers) -> None:
        newer = failover_choice.newer_than(self._me, answers)
        if newer == [old]:
            raise OpPrereqError(
                f"this host lacks changes that the master, {old}, has; wait until it has them, or"
                f" run the command on another candidate, or stop ganeti-noded on {old} if they may"
                " be lost",
                Code.WRONG_STATE,
            )
        if newer:
            best = next(name for name in newer if name != old)
            raise OpPrereqError(
                f"{best} has a newer configuration or queue than this host; run the command there",
                Code.WRONG_STATE,
            )

    def _warn_of_lost_changes(self, answers: Answers) -> None:
        for name in failover_choice.with_lost_changes(self._me, answers):
            self._warn(
                f"Warning: node {name} has a newer configuration, but less of the job queue than this"
                " host; its last changes of the configuration are lost"
            )

    # What becomes of it.

    def _take_over(
        self, old: str, targets: Sequence[Target], answers: Answers, *, voting: bool
    ) -> tuple[Rpc, Answers]:
        """Become the one that all obey; if another host wants the same now, one waits for the other."""
        epoch = failover_choice.next_epoch(answers)
        try:
            return self._take(epoch, targets, answers, voting=voting)
        except Contested:
            candidates = sorted(self._ssconf.lines("master_candidates"))
            self._clock.sleep(TURN_S * (1 + candidates.index(self._me)))
            now = self._ask(self._calls(Sender(self._me, epoch)), targets)
            if failover_choice.next_epoch(now) > epoch + 1:
                raise
            self._check(old, targets, now, voting=voting)
            return self._take(epoch + 1, targets, answers, voting=voting)

    def _take(
        self, epoch: int, targets: Sequence[Target], before: Answers, *, voting: bool
    ) -> tuple[Rpc, Answers]:
        """Let the nodes obey this host: itself first, so that a full disk here harms nobody, and so
        that of two that do this at once both notice, or one of them goes on unharmed."""
        rpc = self._calls(Sender(self._me, epoch))
        (own,) = (target for target in targets if target.name == self._me)
        others = [t for t in targets if t.name in before and t is not own]
        first = self._obeying_here(rpc, own, epoch)
        answers = {**first, **self._obeying(rpc, others, epoch)}
        if voting:
            _check_majority(targets, answers)
        answers = {  # the epochs are all the same now; what counts is under which the rest was made
            name: standing._replace(epoch=before[name].epoch) for name, standing in answers.items()
        }
        self._check_newest(self._ssconf.get("master_node"), answers)
        return rpc, answers

    def _obeying_here(self, rpc: Rpc, own: Target, epoch: int) -> Answers:
        try:
            answers = self._obeying(rpc, [own], epoch)
        except Contested as err:
            raise OpExecError(f"{err}; this node obeys it already") from err
        if not answers:
            raise OpExecError(
                "this host cannot write down whom it obeys; see its node daemon's log"
            )
        return answers

    def _obeying(self, rpc: Rpc, targets: Sequence[Target], epoch: int) -> Answers:
        """Tell the nodes to obey this host. One that cannot remember it counts as silent."""
        told = rpc.all(targets, SystemCalls.master_obey)(self._me, epoch)
        answers = self._ask(rpc, targets)
        refused = [r for r in told.values() if r.failed and r.node.name in answers]
        for reply in refused:
            if answers[reply.node.name].epoch >= epoch:
                raise Contested(
                    "another host takes over at the same time; look what becomes of it before the"
                    f" command is given again ({reply.node.name}: {reply.error})"
                )
            self._warn(f"Warning: node {reply.node.name} does not obey this host: {reply.error}")
        unable = {reply.node.name for reply in refused}
        return {name: standing for name, standing in answers.items() if name not in unable}

    def _appointed(self, cfg: Config, serial: int) -> Config:
        """The configuration with this host as the master."""
        now, cluster = self._clock.now(), cfg.cluster
        raised = cluster.replace(
            master_node=cfg.node(self._me).uuid, serial_no=cluster.serial_no + 1, mtime=now
        )
        return cfg.changed([raised]).stamped(serial, now)

    def _distribute(self, rpc: Rpc, cfg: Config, reached: Iterable[Target]) -> None:
        """The configuration to this host first, ssconf last: until then the command can be repeated here.

        All that answered get ssconf, also if they are marked offline: they vote when the daemon starts.
        """
        now, data = self._clock.now(), Packed(configfile.encode(cfg))
        user, group = owners.user_name("masterd"), owners.group_name("confd")
        upload = (DEFAULT.config_data, data, CONFIG_MODE, user, group, now, now)
        values = ssconf_values(cfg)
        own, others = nodes.direct(cfg.master), [t for t in reached if t.name != self._me]
        rpc.one(own, FileCalls.upload_file)(upload)
        rpc.one(own, JobCalls.jobqueue_set_drain_flag)(False)
        candidates = {node.uuid for node in cfg.candidates() if not node.offline}
        to_candidates = [t for t in others if t.uuid in candidates]
        self._warn_of("the configuration", rpc.all(to_candidates, FileCalls.upload_file)(upload))
        self._warn_of("ssconf", rpc.all(others, FileCalls.write_ssconf_files)(values))
        rpc.one(own, FileCalls.write_ssconf_files)(values)

    def _warn_of(self, what: str, replies: dict[str, Reply[None]]) -> None:
        for reply in replies.values():
            if reply.failed:
                self._warn(f"Warning: node {reply.node.name} did not take {what}: {reply.error}")

    def _retire(self, rpc: Rpc, cfg: Config, old: Target | None, name: str) -> int:
        """Take the address from the old master and stop it, if it is there."""
        if old is None:
            self._warn(
                f"Warning: the old master {name} does not answer. Make sure that it is off, or that"
                " nobody can reach it at the cluster's address."
            )
        else:
            self._stop(rpc, cfg, old)
        if self._becomes(lambda: not self._is_up(cfg.cluster.master_ip)):
            return 0
        self._warn(
            f"Warning: the cluster's address {cfg.cluster.master_ip} is still in use; once it is free,"
            " 'gnt-cluster activate-master-ip' brings it up here"
        )
        return 1

    def _stop(self, rpc: Rpc, cfg: Config, old: Target) -> None:
        parameters = master_network.parameters(cfg.cluster)
        external = cfg.cluster.use_external_mip_script
        down = rpc.all([old], SystemCalls.node_deactivate_master_ip)(parameters, external)
        stopped = rpc.all([old], SystemCalls.node_stop_master)()
        for what, replies in (("take the address down", down), ("stop its daemons", stopped)):
            for reply in replies.values():
                if reply.failed:
                    self._warn(f"Warning: the old master {old.name} did not {what}: {reply.error}")

    def _start(self, rpc: Rpc, cfg: Config, *, no_voting: bool) -> int:
        own = nodes.direct(cfg.master)
        try:
            rpc.one(own, SystemCalls.node_start_master_daemons)(no_voting)
        except GenericError as err:
            raise OpExecError(
                f"this host is the master now, but its master daemon did not start: {err}; see its"
                f" log, then '{self._paths.daemon_util} start-master'"
            ) from err
        return self._bring_address_up(rpc, own, cfg.cluster)

    def _bring_address_up(self, rpc: Rpc, own: Target, cluster: Cluster) -> int:
        """The daemon tried at its start, but an old master that is going down has the address a bit longer."""
        arguments = (master_network.parameters(cluster), cluster.use_external_mip_script)
        refusals: list[str] = []

        def is_up() -> bool:
            if self._is_up(cluster.master_ip):
                return True
            refusals.append(rpc.all([own], ACTIVATE)(*arguments)[own.uuid].error)
            return False

        if self._becomes(is_up):
            return 0
        self._warn(
            f"Warning: the cluster's address {cluster.master_ip} is not up:"
            f" {refusals[-1] or 'nobody answers there'};"
            " 'gnt-cluster activate-master-ip' tries it again"
        )
        return 1

    def _becomes(self, is_so: Callable[[], bool]) -> bool:
        return retry.until(
            is_so, timeout_s=ADDRESS_S, clock=self._clock, first_delay_s=0.1, most_s=5.0
        )


def _good(replies: dict[str, Reply[R]]) -> list[Reply[R]]:
    return [reply for reply in replies.values() if not reply.failed]


def _check_majority(targets: Sequence[Target], answers: Answers) -> None:
    asked = [target.name for target in targets]
    if not failover_choice.is_majority(asked, answers):
        raise NoMajority(
            f"Only {len(answers)} of {len(asked)} nodes answer; these do not:"
            f" {', '.join(failover_choice.silent(asked, answers))}. If they are down for good, use"
            " --no-voting."
        )


def run(paths: Paths, *, voting: bool, with_offline: bool, warn: Warn) -> int:
    """Make this host the master; the exit code."""
    port = net.daemon_port("ganeti-noded")
    transport = Transport(Credentials(paths.server_pem, (paths.client_pem, paths.server_pem)))

    def calls(who: Sender) -> Rpc:
        return Rpc(transport, _by_target_only, port=port, sender=who)

    try:
        return MasterFailover(
            paths,
            net.resolve(net.own_name()).name,
            calls,
            is_up=lambda address: net.tcp_ping(address, port, timeout_s=SILENCE_S),
            clock=Clock(),
            warn=warn,
        ).run(voting=voting, with_offline=with_offline)
    finally:
        transport.close()


def _by_target_only(node: str) -> Target:
    raise ConfigurationError(f"there is no address for node {node}")
