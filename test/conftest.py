# SPDX-License-Identifier: GPL-2.0-or-later
"""What all tests share: golden files, compared or (with ``--goldens-write``) written again; and chance.

Tests that draw examples draw the same ones each time: who changes one thing is not to find another's fault.
``HYPOTHESIS_PROFILE=default`` draws new ones, for who looks for them.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, database=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

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
