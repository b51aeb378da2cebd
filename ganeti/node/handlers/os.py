# SPDX-License-Identifier: GPL-2.0-or-later
"""OS definitions of this node."""

from __future__ import annotations

from typing import Any

from ganeti.contracts.node.os import OsCalls, OsRow
from ganeti.model.instance import Instance
from ganeti.node import os_definition, os_scripts
from ganeti.node.host import Host
from ganeti.node.os_definition import OsDefinition

KNOWN_CHECKS = ("parameters",)


class OsHandlers(OsCalls):
    """The disks of the instance are up while its scripts run; the master sees to that."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._search_path = host.paths.os_search_path

    def os_diagnose(self) -> list[OsRow]:
        return [_row(found) for found in os_definition.find_all(self._search_path)]

    def os_validate(
        self,
        required: bool,
        name: str,
        checks: list[str],
        params: dict[str, Any],
        force_variant: bool,
    ) -> bool:
        unknown = sorted(set(checks) - set(KNOWN_CHECKS))
        if unknown:
            raise os_definition.OsError(f"unknown checks of OS parameters: {', '.join(unknown)}")
        base, variant = os_definition.split(name)
        if not required and os_definition.find(self._search_path, base) is None:
            return False
        definition = os_definition.require(self._search_path, name)
        if required or variant:  # what the cluster sets for an OS may be for all its variants
            os_definition.check_variant(definition, name, force=force_variant)
        os_scripts.verify(self._host, definition, name, checks, params)
        return True

    def instance_os_add(self, instance_osp: Instance, reinstall: bool, debug: int) -> None:
        os_scripts.InstanceScripts(self._host, instance_osp, debug).create(reinstall=reinstall)

    def instance_run_rename(self, instance: Instance, old_name: str, debug: int) -> None:
        os_scripts.InstanceScripts(self._host, instance, debug).rename(old_name)


def _row(found: OsDefinition) -> OsRow:
    return (
        found.name,
        found.path,
        not found.problem,
        found.problem,
        list(found.variants),
        list(found.parameters),
        list(found.api_versions),
        found.is_trusted,
    )
