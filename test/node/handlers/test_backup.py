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


def test_an_export_is_described_by_its_file(node: NodeHost) -> None:
    calls, text = BackupHandlers(node.host), "[export]\nversion = 0\n[instance]\nname = web\n"
    node.write("exports/web/config.ini", text)
    node.write("exports/other/config.ini", "[export]\n")
    node.write("exports/none/config.ini", "no sections")
    assert calls.export_info(f"{node.root}/exports/web") == text
    for name in ("other", "none"):
        with pytest.raises(GenericError, match="does not describe an export"):
            calls.export_info(f"{node.root}/exports/{name}")
    with pytest.raises(GenericError, match="cannot be read"):
        calls.export_info(f"{node.root}/exports/missing")


def test_an_export_is_removed_whole(node: NodeHost) -> None:
    calls = BackupHandlers(node.host)
    for name in ("web", "db"):
        node.write(f"{node.paths.export_dir}/{name}/config.ini")
    calls.export_remove("web")
    assert calls.export_list() == ["db"]
    with pytest.raises(GenericError, match="the export web cannot be removed"):
        calls.export_remove("web")
