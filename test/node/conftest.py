# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from test.support.node_host import NodeHost


@pytest.fixture
def node(tmp_path: Path) -> NodeHost:
    """A host for handlers."""
    return NodeHost(tmp_path)
