# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_CLUSTER_POST_INIT: run the hooks of a cluster that was just made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.master.unit import HookNodes, Hooks, LogicalUnit, Target
from ganeti.opcodes.cluster import OpClusterPostInit


class ClusterPostInit(LogicalUnit[OpClusterPostInit]):
    """Submitted by `gnt-cluster init` as the first job of all."""

    exclusive = True
    hooks = Hooks("cluster-init", Target.CLUSTER)

    def hook_env(self) -> Mapping[str, Any]:
        return {"OP_TARGET": self.cfg.cluster.cluster_name}

    def hook_nodes(self) -> HookNodes:
        return HookNodes(post=(self.cfg.cluster.master_node,))

    def execute(self) -> bool:
        return True
