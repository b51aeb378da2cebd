# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_QUERY, OP_QUERY_FIELDS, OP_CLUSTER_QUERY and OP_CLUSTER_CONFIG_QUERY: queries as jobs."""

from __future__ import annotations

from typing import Any

from ganeti.master.query import cluster_info, engine
from ganeti.master.unit import LogicalUnit
from ganeti.opcodes.cluster import OpClusterConfigQuery, OpClusterQuery
from ganeti.opcodes.query import OpQuery, OpQueryFields


class Query(LogicalUnit[OpQuery]):
    """The same answer as the LUXI call of that name."""

    def execute(self) -> dict[str, Any]:
        return engine.query(self.services, self.op.what, self.op.fields, self.op.qfilter)


class QueryFields(LogicalUnit[OpQueryFields]):
    """The same answer as the LUXI call of that name."""

    def execute(self) -> dict[str, Any]:
        return engine.query_fields(self.op.what, self.op.fields)


class ClusterQuery(LogicalUnit[OpClusterQuery]):
    """The same answer as the LUXI call QueryClusterInfo."""

    def execute(self) -> dict[str, Any]:
        return cluster_info.cluster_info(self.services)


class ClusterConfigQuery(LogicalUnit[OpClusterConfigQuery]):
    """The same answer as the LUXI call QueryConfigValues."""

    def execute(self) -> list[Any]:
        return cluster_info.config_values(self.services, self.op.output_fields)
