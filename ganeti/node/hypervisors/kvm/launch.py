# SPDX-License-Identifier: GPL-2.0-or-later
"""The start of a QEMU process, with all that must be there before it; nothing stays if it fails."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from ganeti.errors import HypervisorError
from ganeti.model.instance import Instance
from ganeti.node.hypervisors.kvm import command, process, runtime, uids
from ganeti.node.hypervisors.kvm.capabilities import Capabilities
from ganeti.node.hypervisors.kvm.network import Connector, Tap, Taps, TapWish, must_wait
from ganeti.node.hypervisors.kvm.places import GuestFiles
from ganeti.node.hypervisors.kvm.runtime import Runtime
from ganeti.node.hypervisors.kvm.uids import UidPool
from ganeti.node.machine import Machine
from ganeti.paths import Paths
from ganeti.utils import files
from ganeti.utils.process import Result, Runner
from ganeti.utils.rollback import Rollback

START_TIMEOUT_S = 600
SHOWN_LINES = 20
SLICE = "ganeti.slice"


@dataclass(frozen=True)
class Start:
    """One start: the instance as the master sees it, and the guest as it is to run."""

    instance: Instance
    guest: Runtime
    capabilities: Capabilities
    incoming: tuple[str, int] | None


def scope_command(name: str) -> list[str]:
    """What puts a guest into a scope of its own, so that stopping the node daemon leaves it alone."""
    scope = ["--scope", "--quiet", "--collect", f"--slice={SLICE}"]
    return ["systemd-run", *scope, f"--description=Ganeti instance {name}", "--"]


class Launcher:
    """Starts QEMU."""

    def __init__(self, paths: Paths, runner: Runner, machine: Machine, taps: Taps) -> None:
        self._paths, self._runner, self._machine, self._taps = paths, runner, machine, taps
        self._connector, self._pool = Connector(paths, runner), UidPool(paths, machine)

    def launch(self, start: Start) -> None:
        """QEMU runs and serves its sockets when this returns; raises HypervisorError."""
        guest_files = GuestFiles(self._paths, start.instance.name)
        with Rollback() as undo, contextlib.ExitStack() as held:
            guest_files.ensure_directories()
            undo.on_failure(self._take_back, guest_files)
            if start.guest.hvparams["use_chroot"]:
                os.mkdir(guest_files.chroot)
            runtime.save(guest_files.runtime, start.guest)
            taps = [held.enter_context(tap) for tap in self._open_taps(start, guest_files)]
            user = held.enter_context(self._user(start, guest_files))
            launch = command.Launch(taps, user, start.incoming)
            argv = command.launch_command(start.guest, launch, start.capabilities, guest_files)
            self._run(guest_files, argv, taps)

    def _take_back(self, guest_files: GuestFiles) -> None:
        """A QEMU that has detached and hangs is found by its files only: they go after it."""
        process.end(guest_files, self._machine)
        guest_files.remove()

    def _open_taps(
        self, start: Start, guest_files: GuestFiles
    ) -> Iterator[contextlib.AbstractContextManager[Tap]]:
        """Each is closed here once QEMU has it, or has failed."""
        wish = TapWish.of(start.guest.hvparams)
        for seq, nic in enumerate(start.guest.nics):
            tap = self._taps.open(wish)
            yield _closing(tap)
            if not must_wait(nic, incoming=start.incoming is not None):
                self._connector.connect(start.instance, seq, nic, tap.name)
            guest_files.note_tap(seq, tap.name)

    @contextlib.contextmanager
    def _user(self, start: Start, guest_files: GuestFiles) -> Iterator[str | None]:
        """Whom QEMU becomes; one of the pool is held until it runs."""
        model = start.guest.hvparams["security_model"]
        if model == "pool":
            with self._pool.one() as uid:
                with open(guest_files.uid, "w", encoding="ascii") as file:
                    file.write(str(uid))
                yield uids.runas(uid)
        else:
            yield start.guest.hvparams["security_domain"] if model == "user" else None

    def _run(self, guest_files: GuestFiles, argv: list[str], taps: list[Tap]) -> None:
        name = guest_files.name
        scope = scope_command(name) if self._has_systemd() else []
        fds = [fd for tap in taps for fd in (*tap.fds, *tap.vhost_fds)]
        guest_files.remove_log()
        result = self._runner.run([*scope, *argv], timeout_s=START_TIMEOUT_S, pass_fds=fds)
        if result.failed:
            said = _last_words(result) + guest_files.log_end()
            raise HypervisorError(f"QEMU did not start instance {name}: {said}")

    def _has_systemd(self) -> bool:
        return os.path.isdir(f"{self._paths.root}/run/systemd/system")

    def connect_late(self, instance: Instance, guest: Runtime, guest_files: GuestFiles) -> None:
        """Connect what had to wait until the guest has arrived."""
        for seq, nic in enumerate(guest.nics):
            if must_wait(nic, incoming=True):
                tap = files.read_text(guest_files.nic(seq)).strip()
                self._connector.connect(instance, seq, nic, tap)


@contextlib.contextmanager
def _closing(tap: Tap) -> Iterator[Tap]:
    try:
        yield tap
    finally:
        tap.close()


def _last_words(result: Result) -> str:
    """What it said; its long command line is in the debug log."""
    lines = result.output.strip().splitlines()[-SHOWN_LINES:]
    return "\n".join([f"it {result.fail_reason}", *lines])
