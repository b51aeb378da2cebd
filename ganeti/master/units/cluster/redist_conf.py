# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_CLUSTER_REDIST_CONF: send the configuration, ssconf and ancillary files once more."""

from __future__ import annotations

from ganeti.master import ancillary
from ganeti.master.locks.plan import Level, LockPlan, all_shared
from ganeti.master.unit import LogicalUnit
from ganeti.opcodes.cluster import OpClusterRedistConf


class ClusterRedistConf(LogicalUnit[OpClusterRedistConf]):
    """Repairs what was changed by hand on a node, or missed while it was away."""

    def lock_plan(self) -> LockPlan:
        return LockPlan({Level.NODE: all_shared()})

    def execute(self) -> None:
        with self.write() as cfg:
            cfg.put(cfg.root.cluster)
        for text in self.services.store.push_ssconf():
            self.log.warning(text)
        ancillary.distribute(self, [n.uuid for n in self.cfg.online_nodes()])
