# SPDX-License-Identifier: GPL-2.0-or-later
"""Times on the terminal are local: tests have one place and one clock."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Iterator

import pytest

from test.support.cli import CommandLine


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def cli(tmp_path: pathlib.Path) -> CommandLine:
    return CommandLine(tmp_path)
