# SPDX-License-Identifier: GPL-2.0-or-later
"""What a QEMU binary can do, asked over QMP of a machine without anything in it.

The answers are kept until the binary changes. Two threads may ask at the same time; the same is found.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import simplejson

from ganeti.errors import HypervisorError
from ganeti.utils.process import Runner

PROBE_TIMEOUT_S = 60
_QUESTIONS: dict[str, dict[str, Any]] = {
    "qmp_capabilities": {},
    "query-version": {},
    "query-machines": {},
    "query-command-line-options": {},
    "qom-list-types": {"implements": "device"},
    "quit": {},
}


@dataclass(frozen=True)
class Capabilities:
    """`machines` by every name a machine type has; the value is its full name."""

    version: tuple[int, int, int]
    machines: Mapping[str, str]
    default_machine: str
    options: frozenset[str]
    """Names of options, and of their parameters as ``option.parameter``."""
    devices: frozenset[str]

    def machine(self, wanted: str) -> str:
        """The full name of a machine type; empty is the default one. Raises HypervisorError."""
        name = wanted or self.default_machine
        if name not in self.machines:
            raise HypervisorError(f"QEMU {self.release} has no machine type '{name}'")
        return self.machines[name]

    @property
    def release(self) -> str:
        return ".".join(map(str, self.version))


def probe_command(binary: str) -> list[str]:
    """QEMU with QMP on its standard input and output, and no machine."""
    bare = ["-machine", "none", "-nodefaults", "-no-user-config", "-display", "none"]
    return [binary, "-S", *bare, "-qmp", "stdio"]


def questions() -> str:
    """What is asked, a line each."""
    rows = (
        {"execute": name, "arguments": arguments, "id": name}
        for name, arguments in _QUESTIONS.items()
    )
    return "".join(simplejson.dumps(row) + "\n" for row in rows)


def parse(answers: str) -> Capabilities:
    """The capabilities in the lines that QEMU answered; raises ValueError or KeyError."""
    lines = [simplejson.loads(line) for line in answers.splitlines() if line.strip()]
    found = {line["id"]: line["return"] for line in lines if "id" in line}
    version = found["query-version"]["qemu"]
    machines = found["query-machines"]
    return Capabilities(
        version=(version["major"], version["minor"], version["micro"]),
        machines={name: row["name"] for row in machines for name in _names(row)},
        default_machine=next((row["name"] for row in machines if row.get("is-default")), ""),
        options=frozenset(_options(found["query-command-line-options"])),
        devices=frozenset(row["name"] for row in found["qom-list-types"]),
    )


def _names(machine: Mapping[str, Any]) -> list[str]:
    return [machine["name"], *([machine["alias"]] if "alias" in machine else [])]


def _options(rows: list[Mapping[str, Any]]) -> list[str]:
    names = [row["option"] for row in rows]
    return names + [f"{r['option']}.{p['name']}" for r in rows for p in r["parameters"]]


class Prober:
    """Asks binaries, each once as long as it does not change."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._known: dict[str, tuple[int, Capabilities]] = {}

    def of(self, binary: str) -> Capabilities:
        """Raises HypervisorError if it is no QEMU, or does not run."""
        try:
            stamp = os.stat(binary).st_mtime_ns
        except OSError as err:
            raise HypervisorError(
                f"QEMU is not at {binary} on this node ({err.strerror}); install it, or set kvm_path"
            ) from err
        known = self._known.get(binary)
        if known is None or known[0] != stamp:
            known = self._known[binary] = (stamp, self._ask(binary))
        return known[1]

    def _ask(self, binary: str) -> Capabilities:
        result = self._runner.run(
            probe_command(binary), timeout_s=PROBE_TIMEOUT_S, input=questions()
        )
        if result.failed:
            raise HypervisorError(f"QEMU cannot be asked what it can do: {result.error_text()}")
        try:
            return parse(result.stdout)
        except (ValueError, KeyError) as err:
            raise HypervisorError(f"{binary} does not answer like QEMU: {err!r}") from err
