# SPDX-License-Identifier: GPL-2.0-or-later
"""`make fuzz-noded`: a hundred thousand requests, most of them broken on purpose, to the handlers of a node.

    make fuzz-noded                            a hundred thousand, another run each time
    make fuzz-noded BODIES=5000 SEED=7         these ones

Arguments are made from the annotations of the contracts, with a taste for what hurts, and then some are
replaced and some bytes turned over. The node is a directory; its programs, its clock and its kernel are
doubles. In the end memory, threads and descriptors must be what they were after the first requests.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import json
import logging
import os
import random
import re
import sys
import tempfile
import threading
import types as python_types
import typing
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ganeti.contracts.node.once import HEADER
from ganeti.contracts.node.packed import Packed
from ganeti.contracts.node.sender import DEPOSED_STATUS
from ganeti.errors import HypervisorError
from ganeti.http.messages import Peer, Request, Response
from ganeti.node.absent import ABSENT
from ganeti.node.fence import Fence
from ganeti.node.hypervisors.base import Hypervisor
from ganeti.node.hypervisors.registry import Hypervisors
from ganeti.node.server import Dispatcher, all_handlers, handler_classes
from ganeti.schema.record import Record
from test.support.clock import FakeClock
from test.support.node_host import NodeHost

BODIES = 100_000
A_WORLD = 2_000
A_LONG_TIME_S = 1e6
WARM_UP = 10_000
MOST_GROWTH_KB = 8192
# Whatever a handler did not foresee is told as an error of this form; of these kinds none may be.
UNFORESEEN = re.compile(r"error in \w+: (\w+):")
HARMFUL = {"MemoryError", "RecursionError", "SystemError", "AssertionError", "UnicodeEncodeError"}
MARK = "a secret of this node"
SECRETS = ("server_pem", "client_pem", "hmac_key", "cluster_domain_secret", "vnc_password_file")
STATUSES = {200, 400, 404, 409, 412}
INTEGERS = (-1, 0, 1, 2, 3, 147, 2**31, 2**63, 10**20)
FLOATS = (-1.0, 0.0, 0.5, 3, 1e-9, 1e308, 2**70)
DEPTH = 4


class OnlyFake(Hypervisors):
    """No guest of the others is touched."""

    def of(self, name: str) -> Hypervisor:
        if name != "fake":
            raise HypervisorError(f"hypervisor '{name}' cannot be used here")
        return super().of(name)


class PatientClock(FakeClock):
    """Time that goes on even after a pause that lasts for ever."""

    def pass_time(self, seconds: float) -> None:
        super().pass_time(min(seconds, A_LONG_TIME_S))


class World:
    """A node that a request can do no harm to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.node = NodeHost(root, clock=PatientClock())
        paths, host = self.node.paths, self.node.host
        for name in SECRETS:
            self.node.write(getattr(paths, name), f"{MARK}\n")
        self.node.write(paths.etc_hosts, "127.0.0.1 localhost\n")
        self.node.allow_files(str(root / "disks"))
        for directory in (root / "disks" / "web", paths.queue_dir, paths.export_dir):
            os.makedirs(directory, exist_ok=True)
        self.node.runner.on(stdout='{"ok": true}')
        self.node.ssconf(cluster_name="c.example.com", master_node="node1.example.com")
        safe = OnlyFake(paths, host.runner, host.clock, host.machine)
        self._host = dataclasses.replace(host, hypervisors=safe)
        self._forget_master()

    def _forget_master(self) -> None:
        """Whoever calls is obeyed again."""
        Path(self.node.paths.master_epoch).unlink(missing_ok=True)
        fence = Fence(self.node.paths.master_epoch, self._host.disk)
        self._host = dataclasses.replace(self._host, fence=fence)
        self._dispatch = Dispatcher(all_handlers(self._host), fence)

    def ask(self, request: Request) -> Response:
        self.node.runner.calls.clear()
        self.node.clock.slept.clear()
        response = self._dispatch(request)
        if response.status == DEPOSED_STATUS:
            self._forget_master()
        return response


class Maker:
    """Makes requests."""

    def __init__(self, chance: random.Random, root: Path) -> None:
        self._chance = chance
        contracts = [*handler_classes(), *ABSENT]
        self._calls = {name: cls for cls in contracts for name in cls.CALLS}
        self._words = [
            *(
                "",
                ".",
                "..",
                "/",
                "a/../b",
                "../../etc/passwd",
                "a\0b",
                "é" * 3,
                "x" * 300,
            ),
            *("web", "web.example.com", "node1.example.com", "file", "fake", "kvm", "eth0", "lo"),
            *("192.0.2.1", "::1", "hard", "soft", "add", "disk", "hotadd", "pre", "post", "ssl"),
            *(
                "cluster-verify",
                "lvm-vg",
                "/etc/passwd",
                "/dev/null",
                "/dev/../etc/hosts",
                "%s",
                "-f",
            ),
            *(
                f"{root}/{place}"
                for place in ("disks", "disks/web", "disks/web/disk0", "disks/../x")
            ),
            *(
                f"{root}/var/lib/ganeti/{file}"
                for file in ("config.data", "queue/job-1", "hmac.key")
            ),
            *(f"{root}/var/lib/ganeti/{file}" for file in ("queue/../server.pem", "ssconf_x", "")),
        ]
        self._hints: dict[str, list[Any]] = {}

    def make(self) -> tuple[str, Request]:
        """A request, and the call it is for."""
        name = self._chance.choice(sorted(self._calls))
        body = self._body(name)
        headers = {}
        if self._chance.random() < 0.1:
            own = f"{self._chance.getrandbits(64):x}"
            headers[HEADER.lower()] = self._chance.choice([own, own, "b again", "", "x y", "é"])
        if self._chance.random() < 0.05:
            headers["x-ganeti-master"] = self._chance.choice(
                ["n 0", "m 1", "n", "n x", " 1", "n -1"]
            )
        target = name if self._chance.random() < 0.99 else self._text()
        target = target.encode(errors="replace").decode("latin-1")
        method = "POST" if self._chance.random() < 0.99 else "GET"
        return name, Request(method, f"/{target}", headers, body, Peer("192.0.2.1", 1))

    def _body(self, name: str) -> bytes:
        args = [self._value(hint, 0) for hint in self._annotations(name)]
        if args and self._chance.random() < 0.3:
            args[self._chance.randrange(len(args))] = self._anything(0)
        if self._chance.random() < 0.03:
            args.append(None)
        body = json.dumps(args).encode()
        return self._turned_over(body) if self._chance.random() < 0.1 else body

    def _turned_over(self, body: bytes) -> bytes:
        where = self._chance.randrange(len(body))
        piece = self._chance.choice(
            [b"", b"[", b'"', b"\\", b"\xff", b"NaN", b"9" * 5000, b"[" * 99]
        )
        return body[:where] + piece + body[where + self._chance.randrange(3) :]

    def _annotations(self, name: str) -> list[Any]:
        if name not in self._hints:
            declared = next(c for c in self._calls[name].__mro__ if name in _declared(c))
            hints = typing.get_type_hints(getattr(declared, name), include_extras=True)
            hints.pop("return")
            self._hints[name] = list(hints.values())
        return self._hints[name]

    def _some(self) -> int:
        return self._chance.choice((0, 1, 1, 2, 3))

    def _text(self) -> str:
        return self._chance.choice(self._words)

    def _anything(self, depth: int) -> Any:
        leaves: tuple[Any, ...] = (
            None,
            True,
            False,
            *INTEGERS,
            *FLOATS,
            [],
            {},
            *self._words[:12],
        )
        if depth < DEPTH and self._chance.random() < 0.3:
            inner = [self._anything(depth + 1) for _ in range(self._some())]
            return inner if self._chance.random() < 0.5 else {self._text(): one for one in inner}
        return self._chance.choice(leaves)

    def _value(self, hint: Any, depth: int) -> Any:
        """Something of this type; now and then of none."""
        if self._chance.random() < 0.01:
            return self._anything(depth)
        simple: dict[Any, Callable[[], Any]] = {
            str: self._text,
            int: lambda: self._chance.choice(INTEGERS),
            float: lambda: self._chance.choice(FLOATS),
            bool: lambda: self._chance.random() < 0.5,
            type(None): lambda: None,
            None: lambda: None,
            Any: lambda: self._anything(depth),
            object: lambda: self._anything(depth),
            Packed: lambda: Packed(self._text().encode(errors="replace") * self._some()).raw(),
        }
        made = simple.get(hint)
        return made() if made else self._composed(hint, depth)

    def _composed(self, hint: Any, depth: int) -> Any:
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        if origin is typing.Annotated:
            return self._value(args[0], depth)
        if origin is typing.Literal:
            return self._chance.choice(args)
        if origin in (typing.Union, python_types.UnionType):
            return self._value(self._chance.choice(args), depth)
        if origin is tuple and args[1:] != (...,):
            return [self._value(arg, depth + 1) for arg in args]
        if origin in (list, tuple):
            count = self._some() if depth < DEPTH else 0
            return [self._value(args[0], depth + 1) for _ in range(count)]
        if origin in (dict, collections.abc.Mapping):
            return {self._text(): self._value(args[1], depth + 1) for _ in range(self._some())}
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            return self._chance.choice(list(hint)).value
        if isinstance(hint, type) and issubclass(hint, Record):
            return self._record(hint, depth)
        raise TypeError(f"nothing is known of {hint!r}")

    def _record(self, kind: type[Record], depth: int) -> dict[str, Any]:
        made = {
            name: self._value(attribute.annotation, depth + 1)
            for name, attribute in kind.ATTRIBUTES.items()
            if self._chance.random() < 0.9
        }
        if "dev_type" in made:
            made |= {"dev_type": "file", "logical_id": ["loop", self._text()]}
        if "hypervisor" in made and self._chance.random() < 0.9:
            made["hypervisor"] = "fake"
        return made


def _declared(contract: type) -> dict[str, Any]:
    """The calls that a contract itself declares, not what implements them."""
    return {n: m for n, m in vars(contract).items() if hasattr(m, "_declared")}


def problem(request: Request, response: Response) -> str | None:
    """What is wrong with an answer, whatever was asked."""
    if response.status not in STATUSES:
        return f"status {response.status}"
    if MARK.encode() in response.body:
        return "it tells a secret"
    if response.status != 200:
        return None
    try:
        answer = json.loads(response.body, parse_constant=_refuse)
    except ValueError as err:
        return f"it is not JSON: {err}"
    if not isinstance(answer, list) or len(answer) != 2 or not isinstance(answer[0], bool):
        return "it is not a list of success and payload"
    if answer[0]:
        return None
    if not isinstance(answer[1], str):
        return f"a failure is a text, not {answer[1]!r}"
    return f"{answer[1]}" if unforeseen(answer[1]) in HARMFUL else None


def unforeseen(text: str) -> str | None:
    """The kind of exception, if a failure was one that no handler foresaw."""
    found = UNFORESEEN.match(text)
    return found[1] if found else None


def _refuse(name: str) -> None:
    raise ValueError(name)


def outside(root: Path) -> dict[str, tuple[int, int]]:
    """What no request may change: files around the node, and some of the machine's."""
    watched = [*root.parent.glob("around*"), Path("/etc/passwd"), Path("/etc/hosts"), Path("/etc")]
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in watched}


@contextmanager
def a_world() -> Iterator[World]:
    """A fresh node; nothing around it may have changed in the end."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "node"
        (Path(directory) / "around").write_text("untouched")
        before = outside(root)
        root.mkdir()
        yield World(root)
        assert outside(root) == before, "something outside the node was changed"
        assert sorted(os.listdir(directory)) == ["around", "node"]


def kilobytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def resources() -> tuple[int, int]:
    return threading.active_count(), len(os.listdir("/proc/self/fd"))


class Run:
    """A long run, and what it found."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.statuses: Counter[int] = Counter()
        self.findings: Counter[str] = Counter()
        self.unforeseen: Counter[str] = Counter()
        self.done = self.executed = 0

    def bodies(self, count: int) -> None:
        for start in range(0, count, A_WORLD):
            with a_world() as world:
                maker = Maker(self._chance, world.root)
                for _ in range(min(A_WORLD, count - start)):
                    self._one(world, *maker.make())

    def _one(self, world: World, name: str, request: Request) -> None:
        response = world.ask(request)
        self.done += 1
        self.statuses[response.status] += 1
        self.executed += response.body.startswith(b"[true")
        if response.body.startswith(b"[false"):
            kind = unforeseen(json.loads(response.body)[1])
            self.unforeseen.update([f"{name} {kind}"] if kind else [])
        found = problem(request, response)
        if found:
            finding = f"{name}: {found[:200]}"
            if not self.findings[finding]:
                print(f"{finding}\n    {request.target} {request.body[:500]!r}", file=sys.stderr)
            self.findings[finding] += 1


def main() -> int:
    count = int(os.environ.get("BODIES") or BODIES)
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    logging.disable()
    run = Run(seed)
    run.bodies(min(count, WARM_UP))
    before, memory = resources(), kilobytes()
    run.bodies(count - run.done)
    growth = kilobytes() - memory
    summary = {
        "bodies": run.done,
        "seed": seed,
        "carried_out": run.executed,
        **{f"status_{status}": number for status, number in sorted(run.statuses.items())},
        "unforeseen": dict(sorted(run.unforeseen.items())),
        "findings": sum(run.findings.values()),
        "growth_kb": growth,
    }
    print(json.dumps(summary))
    is_leaking = growth > MOST_GROWTH_KB or resources() != before
    return 1 if run.findings or is_leaking else 0


if __name__ == "__main__":
    sys.exit(main())
