# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings of `gnt-cluster verify`: codes, severities, and the form of their lines.

Programs parse the lines: ``  - ERROR:CODE:kind:name:text`` with error codes, otherwise
``  - ERROR: kind name: text``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    ERROR = "ERROR"
    WARNING = "WARNING"


CLUSTER, NODE, INSTANCE = "cluster", "node", "instance"

KINDS = {
    "ECLUSTERCERT": CLUSTER,
    "ECLUSTERCFG": CLUSTER,
    "ECLUSTERCLIENTCERT": CLUSTER,
    "ECLUSTERDANGLINGINST": NODE,
    "ECLUSTERDANGLINGNODES": NODE,
    "ECLUSTERFILECHECK": CLUSTER,
    "EINSTANCEBADNODE": INSTANCE,
    "EINSTANCEDOWN": INSTANCE,
    "EINSTANCEFAULTYDISK": INSTANCE,
    "EINSTANCEPOLICY": INSTANCE,
    "EINSTANCESPLITGROUPS": INSTANCE,
    "EINSTANCEWRONGNODE": INSTANCE,
    "ENODEFILECHECK": NODE,
    "ENODEFILESTORAGEPATHS": NODE,
    "ENODEFILESTORAGEPATHUNUSABLE": NODE,
    "ENODEHOOKS": NODE,
    "ENODEHV": NODE,
    "ENODEN1": NODE,
    "ENODENET": NODE,
    "ENODEORPHANINSTANCE": NODE,
    "ENODEOS": NODE,
    "ENODERPC": NODE,
    "ENODESETUP": NODE,
    "ENODESHAREDFILESTORAGEPATHUNUSABLE": NODE,
    "ENODESSH": NODE,
    "ENODETIME": NODE,
    "ENODEUSERSCRIPTS": NODE,
    "ENODEVERSION": NODE,
}
"""What kind of object each code that is raised here is about."""


@dataclass(frozen=True)
class Finding:
    code: str
    item: str
    text: str
    severity: Severity

    def line(self, *, with_code: bool) -> str:
        kind, severity = KINDS[self.code], self.severity.value
        if with_code:
            return f"  - {severity}:{self.code}:{kind}:{self.item}:{self.text}"
        return f"  - {severity}: {kind} {self.item}: {self.text}"


class Findings:
    """Collects what checks find.

    `ignored`: codes that count as warnings. `simulate`: every check that is made fails.
    """

    def __init__(self, *, ignored: Collection[str] = (), simulate: bool = False) -> None:
        self._ignored, self._simulate = frozenset(ignored), simulate
        self.found: list[Finding] = []
        self._told = 0

    def error_if(self, bad: object, code: str, item: str, text: str) -> None:
        self._add(bool(bad), code, item, text, Severity.ERROR)

    def warning_if(self, bad: object, code: str, item: str, text: str) -> None:
        self._add(bool(bad), code, item, text, Severity.WARNING)

    def error(self, code: str, item: str, text: str) -> None:
        self._add(True, code, item, text, Severity.ERROR)

    def warning(self, code: str, item: str, text: str) -> None:
        self._add(True, code, item, text, Severity.WARNING)

    def _add(self, bad: bool, code: str, item: str, text: str, severity: Severity) -> None:
        if not (bad or self._simulate):
            return
        if code in self._ignored:
            severity = Severity.WARNING
        self.found.append(Finding(code, item, text, severity))

    @property
    def good(self) -> bool:
        """True if there is no error; warnings do not count."""
        return all(finding.severity is not Severity.ERROR for finding in self.found)

    def take_lines(self, *, with_codes: bool) -> list[str]:
        """The lines of what was found since the last time."""
        lines = [f.line(with_code=with_codes) for f in self.found[self._told :]]
        self._told = len(self.found)
        return lines
