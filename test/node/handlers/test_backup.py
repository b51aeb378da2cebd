# SPDX-License-Identifier: GPL-2.0-or-later
"""Exports on a node."""

from __future__ import annotations

import os

import pytest

from ganeti.errors import GenericError
from ganeti.node.handlers.backup import BackupHandlers
from test.support.node_host import NodeHost


def test_finished_exports_are_listed(node: NodeHost) -> None:
    exports = node.paths.export_dir
    for name in ("web.example.com", "db.example.com", "web.example.com.new", ".old-db"):
        node.write(f"{exports}/{name}/config.ini")
    node.write(f"{exports}/half-made/disk")
    node.write(f"{exports}/notes")
    assert BackupHandlers(node.host).export_list() == ["db.example.com", "web.example.com"]


def test_no_exports_and_no_place_for_them_are_not_the_same(node: NodeHost) -> None:
    calls = BackupHandlers(node.host)
    with pytest.raises(GenericError, match=node.paths.export_dir):
        calls.export_list()
    os.makedirs(node.paths.export_dir)
    assert calls.export_list() == []
