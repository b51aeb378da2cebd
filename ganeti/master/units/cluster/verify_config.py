# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_CLUSTER_VERIFY_CONFIG: is the configuration in order, and the master's certificates?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ganeti.errors import GenericError
from ganeti.master.locks.plan import Level, LockPlan, all_shared
from ganeti.master.unit import LogicalUnit
from ganeti.master.verify.findings import Findings
from ganeti.model import verify
from ganeti.model.params.hv import registry
from ganeti.opcodes.cluster import OpClusterVerifyConfig
from ganeti.utils import x509

WARN_DAYS = 30
ERROR_DAYS = 7


class ClusterVerifyConfig(LogicalUnit[OpClusterVerifyConfig]):
    """The result is True if nothing but warnings was found."""

    def lock_plan(self) -> LockPlan:
        levels = (Level.INSTANCE, Level.NODEGROUP, Level.NODE, Level.NODE_RES, Level.NETWORK)
        return LockPlan(dict.fromkeys(levels, all_shared()))

    def execute(self) -> bool:
        found = Findings(ignored=self.op.ignore_errors, simulate=self.op.debug_simulate_errors)
        for title, check in self._sections():
            self.log.step(title)
            check(found)
            lines = found.take_lines(with_codes=self.op.error_codes)
            if lines:
                self.log.lines(lines)
        return found.good

    def _sections(self) -> list[tuple[str, Callable[[Findings], None]]]:
        return [
            ("checking the cluster's configuration", self._check_config),
            ("checking the certificate files", self._check_certificates),
            ("checking the hypervisor parameters", self._check_hypervisors),
            ("checking the node groups", self._check_groups),
        ]

    def _check_config(self, found: Findings) -> None:
        for text in verify.problems(self.cfg):
            found.error("ECLUSTERCFG", "", text)
        for name, why in self.services.behind().items():
            found.error("ECLUSTERCFG", "", f"master candidate {name} is behind: {why}")

    def _check_certificates(self, found: Findings) -> None:
        paths = self.paths
        for path in (paths.server_pem, paths.rapi_pem, paths.spice_pem, paths.spice_ca_pem):
            try:
                days = x509.days_left(path, self.clock.now())
            except (OSError, GenericError) as err:
                found.error("ECLUSTERCERT", "", f"certificate {path} cannot be read: {err}")
                continue
            text = f"certificate {path} expires in {days:.0f} days; renew it"
            if days < 0:
                text = f"certificate {path} has expired; renew it with 'gnt-cluster renew-crypto'"
            found.error_if(days < ERROR_DAYS, "ECLUSTERCERT", "", text)
            if days >= ERROR_DAYS:
                found.warning_if(days < WARN_DAYS, "ECLUSTERCERT", "", text)

    def _check_hypervisors(self, found: Findings) -> None:
        for name in self.cfg.cluster.enabled_hypervisors:
            self._check_syntax(found, "cluster", name, self.cfg.default_hvparams(name, ""))
        for os_name, by_hypervisor in self.cfg.cluster.os_hvp.items():
            for name in by_hypervisor:
                filled = self.cfg.default_hvparams(name, os_name)
                self._check_syntax(found, f"OS {os_name}", name, filled)
        for instance in self.cfg.instances.values():
            filled = self.cfg.hvparams(instance)
            self._check_syntax(found, f"instance {instance.name}", instance.hypervisor, filled)

    def _check_syntax(self, found: Findings, source: str, name: str, filled: Any) -> None:
        try:
            registry.check_syntax(name, filled)
        except GenericError as err:
            found.error("ECLUSTERCFG", "", f"parameters of {name} ({source}): {err}")

    def _check_groups(self, found: Findings) -> None:
        for node in self.cfg.nodes.values():
            found.error_if(
                node.group not in self.cfg.groups,
                "ECLUSTERDANGLINGNODES",
                node.name,
                f"is in group {node.group}, which does not exist",
            )
        for instance in self.cfg.instances.values():
            found.error_if(
                instance.primary_node not in self.cfg.nodes,
                "ECLUSTERDANGLINGINST",
                instance.name,
                f"has the primary node {instance.primary_node}, which does not exist",
            )
