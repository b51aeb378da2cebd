# SPDX-License-Identifier: GPL-2.0-or-later
"""``--disk`` and ``--net``: disks and NICs of an instance, new ones and changes.

A new instance numbers them, ``--disk 0:size=10g``; a change names one and says what to do with it,
``--disk 1:modify,mode=ro``, or acts at the end, ``--disk add:size=10g``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ganeti.cli import parse
from ganeti.cli.parse import Ident
from ganeti.errors import Code, OpPrereqError, TypeEnforcementError, UnitParseError
from ganeti.utils import text

Settings = dict[str, Any]
Modification = tuple[str, int | str, Settings]

NIC_KEYS = ("bridge", "ip", "link", "mac", "mode", "name", "network", "vlan")
NULLABLE_NIC_KEYS = ("bridge", "ip", "name", "network", "vlan")
DISK_VERBS = ("add", "attach", "detach", "modify", "remove")
NIC_VERBS = ("add", "modify", "remove")
LAST = -1
MAX_DISKS, MAX_NICS = 16, 8


def _wrong(message: str) -> NoReturn:
    raise OpPrereqError(message, Code.WRONG_INPUT)


def new_disks(
    given: Sequence[Ident], single_size: int | None, template: str | None
) -> list[Settings]:
    """The disks of a new instance; raises OpPrereqError for too few or too many words."""
    if template == "diskless":
        if given or single_size is not None:
            _wrong("a diskless instance gets no disks; leave --disk and -s out")
        return []
    if given and single_size is not None:
        _wrong("--disk and -s exclude each other")
    if single_size is not None:
        return [{"size": single_size}]
    if not given:
        _wrong("no disks were given; use --disk N:size=SIZE or -s SIZE")
    disks = _numbered(given, "disk", MAX_DISKS)
    return [_new_disk(index, settings) for index, settings in enumerate(disks)]


def new_nics(given: Sequence[Ident], *, none: bool) -> list[Settings]:
    """The NICs of a new instance: one with all defaults unless the person says otherwise."""
    if given and none:
        _wrong("--net and --no-nics exclude each other")
    if none:
        return []
    return [_nic(s) for s in _numbered(given, "NIC", MAX_NICS)] if given else [{}]


def _numbered(given: Sequence[Ident], kind: str, most: int) -> list[Settings]:
    """The settings by number; a number that was left out gets none."""
    by_number: dict[int, Settings] = {}
    for ident, settings in given:
        if not ident.isdecimal() or int(ident) >= most:
            _wrong(f"'{ident}' is no number of a {kind}; they go from 0 to {most - 1}")
        if not isinstance(settings, dict) or int(ident) in by_number:
            _wrong(f"{kind} {ident} cannot be removed here, nor be given twice")
        by_number[int(ident)] = settings
    return [by_number.get(number, {}) for number in range(max(by_number) + 1)]


def _new_disk(index: int, settings: Settings) -> Settings:
    if ("size" in settings) == ("adopt" in settings):
        _wrong(f"disk {index} needs either a size or a volume to adopt")
    if "adopt" in settings and "spindles" in settings:
        _wrong(f"disk {index}: an adopted volume has the spindles it has")
    return _sized(f"disk {index}", settings)


def _sized(what: str, settings: Settings) -> Settings:
    """Sizes and spindles as numbers."""
    result = dict(settings)
    try:
        if "size" in result:
            result["size"] = text.parse_size(str(result["size"]))
    except UnitParseError as err:
        _wrong(f"{what}: {err}")
    if "spindles" in result:
        result["spindles"] = parse.integer(f"{what}: spindles", str(result["spindles"]))
    return result


def _nic(settings: Settings) -> Settings:
    for key, value in settings.items():
        if key not in NIC_KEYS:
            known = ", ".join(NIC_KEYS)
            raise TypeEnforcementError(f"unknown setting '{key}' of a NIC (known: {known})")
        if not isinstance(value, str) and (value is not None or key not in NULLABLE_NIC_KEYS):
            raise TypeEnforcementError(f"setting '{key}' of a NIC needs a text")
    return settings


def disk_changes(given: Sequence[Ident]) -> list[Modification]:
    """What ``gnt-instance modify --disk`` asks for."""
    return [_change(one, "disk", DISK_VERBS, _changed_disk) for one in given]


def nic_changes(given: Sequence[Ident]) -> list[Modification]:
    """What ``gnt-instance modify --net`` asks for."""
    return [_change(one, "NIC", NIC_VERBS, lambda _verb, settings: _nic(settings)) for one in given]


def _change(
    given: Ident,
    kind: str,
    verbs: Sequence[str],
    check: Callable[[str, Settings], Settings],
) -> Modification:
    ident, settings = given
    if not isinstance(settings, dict):
        _wrong(f"{kind} '{ident}': write {ident}:remove to remove it")
    where: int | str = LAST
    verb = ident
    if ident not in verbs or ident == "modify":
        where = int(ident) if ident.lstrip("-").isdecimal() else ident
        verb, settings = _verb(ident, settings, kind, verbs)
    if verb in ("remove", "detach") and settings:
        _wrong(f"{kind} '{ident}': {verb} takes no settings")
    return verb, where, check(verb, settings)


def _verb(ident: str, settings: Settings, kind: str, verbs: Sequence[str]) -> tuple[str, Settings]:
    """The verb stands among the settings as a word without value."""
    found = [verb for verb in verbs if settings.get(verb) is True]
    if len(found) > 1:
        _wrong(f"{kind} '{ident}': only one of {', '.join(found)} can be done at a time")
    rest = {key: value for key, value in settings.items() if key not in found}
    return (found[0] if found else "modify"), rest


def _changed_disk(verb: str, settings: Settings) -> Settings:
    if verb == "add" and "size" not in settings:
        _wrong("a disk to add needs a size")
    return _sized(f"{verb} of a disk", settings)
