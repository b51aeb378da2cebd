# SPDX-License-Identifier: GPL-2.0-or-later
"""What all tests share: golden files, compared or (with ``--goldens-write``) written again."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import pytest

GOLDENS = pathlib.Path(__file__).parent / "goldens"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--goldens-write", action="store_true", help="write golden files, not compare")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the golden file of this name."""

    def check(name: str, text: str) -> None:
        path = GOLDENS / name
        if request.config.getoption("--goldens-write"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return check
