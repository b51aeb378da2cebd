# SPDX-License-Identifier: GPL-2.0-or-later
"""Loading a whole package: every module, and no error swallowed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganeti.utils import loading


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    directory = tmp_path / "sample_units"
    (directory / "node").mkdir(parents=True)
    for name in ("__init__.py", "first.py", "node/__init__.py", "node/add.py"):
        (directory / name).write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield directory
    for name in [name for name in sys.modules if name.startswith("sample_units")]:
        del sys.modules[name]


@pytest.mark.usefixtures("package")
def test_all_modules_are_loaded() -> None:
    loading.load_all("sample_units")
    assert {"sample_units.first", "sample_units.node.add"} <= sys.modules.keys()


def test_a_broken_module_stops_it(package: Path) -> None:
    (package / "node/add.py").write_text("import no_such_module")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        loading.load_all("sample_units")


def test_a_broken_package_stops_it(package: Path) -> None:
    (package / "node/__init__.py").write_text("import no_such_module")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        loading.load_all("sample_units")
