# SPDX-License-Identifier: GPL-2.0-or-later
"""A lab: bring it up, ask how it is, take it down.

What there is of a lab is its directory and its control group, nothing else on the machine: mounts and networks
live in the namespaces of its processes and end with them. So taking down is: end the group, wait until the kernel
has let go of the disk images, remove the directory. It can be done at any time, twice, and after any crash.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from test.lab import disks, launch, layer, needs, network, programs
from test.lab.hosts import Host
from test.lab.places import LabPlace
from test.lab.programs import LabError

Say = Callable[[str], None]
SWITCH_S = 10.0


@dataclass(frozen=True)
class Description:
    """What is written down of a lab, as JSON in its directory."""

    hosts: list[str]
    cuts: list[network.Cut]

    @classmethod
    def read(cls, path: Path) -> Description:
        found = json.loads(path.read_text())
        return cls(found["hosts"], [network.Cut(**cut) for cut in found["cuts"]])

    def write(self, path: Path) -> None:
        new = path.with_suffix(".new")
        new.write_text(json.dumps(dataclasses.asdict(self)))
        new.replace(path)


def labs(base: Path) -> list[str]:
    """The names of the labs there are."""
    return sorted(state.parent.name for state in base.glob("*/lab.json"))


class Lab:
    """The lab at a place; its state is read when asked for and is never kept."""

    def __init__(self, place: LabPlace) -> None:
        self.place = place

    @property
    def exists(self) -> bool:
        return self.place.state.exists()

    @property
    def description(self) -> Description:
        try:
            return Description.read(self.place.state)
        except FileNotFoundError:
            others = ", ".join(labs(self.place.base)) or "none"
            raise LabError(
                f"there is no lab '{self.place.name}' in {self.place.base}; labs there: {others}"
            ) from None

    @property
    def hosts(self) -> list[Host]:
        return [Host(self.place, name) for name in self.description.hosts]

    def host(self, name: str) -> Host:
        """A host by its name: `node2`, `node2.lab` or `2`."""
        short = name.removesuffix(f".{network.DOMAIN}")
        wanted = f"node{short}" if short.isdigit() else short
        names = self.description.hosts
        if wanted not in names:
            raise LabError(f"lab {self.place.name} has no host '{name}', but {', '.join(names)}")
        return Host(self.place, wanted)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Only one command changes a lab at a time."""
        directory = os.open(self.place.directory, os.O_RDONLY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            yield
        finally:
            os.close(directory)

    def up(self, count: int, say: Say, *, product: bool = True) -> None:
        """Make the lab and boot its hosts; whatever goes wrong, nothing is left."""
        needs.require_root(os.geteuid())
        needs.require_programs()
        needs.require_disk(self.place.base)
        if not 1 <= count <= network.MAX_HOSTS:
            raise LabError(f"a lab has 1 to {network.MAX_HOSTS} hosts, not {count}")
        self._claim([f"node{i}" for i in range(1, count + 1)])
        try:
            with self.locked():
                self._make(say, product=product)
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """End the lab and remove all of it; what is already gone is fine."""
        needs.require_root(os.geteuid())
        if self.place.directory.exists():
            with self.locked():
                self._end()
        self.place.cgroup.remove()

    def _end(self) -> None:
        if not self.exists and any(self.place.directory.iterdir()):
            raise LabError(
                f"{self.place.directory} is not a lab: it has no {self.place.state.name}"
            )
        self.place.cgroup.remove()
        disks.wait_free(self.place.directory)
        shutil.rmtree(self.place.directory)

    def write_cuts(self, cuts: Iterable[network.Cut]) -> None:
        """Cut these cables and heal all others."""
        wanted = list(cuts)
        dataclasses.replace(self.description, cuts=wanted).write(self.place.state)
        self._in_switch(["nft", "-f", "-"], network.cuts_script(wanted))

    def _claim(self, names: list[str]) -> None:
        try:
            self.place.directory.mkdir()
        except FileExistsError:
            raise LabError(
                f"lab '{self.place.name}' is there already; end it by: "
                f"tools/ganeti-lab down --name {self.place.name}"
            ) from None
        Description(names, []).write(self.place.state)

    def _make(self, say: Say, *, product: bool) -> None:
        say(f"lab {self.place.name} in {self.place.directory}")
        layer.make_system(self.place, self.description.hosts, product=product)
        self.place.shared.mkdir()
        self._start_switch()
        for host in self.hosts:
            host.power_on()
        for host in self.hosts:
            host.wait_up()
            say(f"{host.name} is up: {host.address.primary} {host.address.secondary}")

    def _start_switch(self) -> None:
        self.place.switch.create()
        output = self.place.directory / "switch"
        launch.launch(self.place.switch, output, ["unshare", "--net", "sleep", "infinity"])
        programs.wait_until(self._switch_is_apart, SWITCH_S, "the switch's network")
        self._in_switch(["ip", "-batch", "-"], network.switch_batch())
        self._in_switch(["nft", "-f", "-"], network.cuts_script([]))

    def _switch_is_apart(self) -> bool:
        own = os.readlink("/proc/self/ns/net")
        return any(
            os.readlink(f"/proc/{pid}/ns/net") != own for pid in self.place.switch.processes()
        )

    def _in_switch(self, argv: list[str], script: str) -> None:
        network_of_switch = f"--net={self.place.switch_network()}"
        programs.run(["nsenter", network_of_switch, *argv], stdin=script)
