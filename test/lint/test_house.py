# SPDX-License-Identifier: GPL-2.0-or-later
"""Habits of the house that no other tool holds."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "ganeti").rglob("*.py"))
VAGUE = {"constants.py", "common.py", "helper.py", "helpers.py", "misc.py", "util.py"}
MAX_FUNCTION = 80
MAX_FILE = 800


def test_sources_say_their_licence_and_purpose() -> None:
    for path in SOURCES:
        text = path.read_text()
        assert text.startswith("# SPDX-License-Identifier: GPL-2.0-or-later\n"), path
        if path.name != "__init__.py":
            assert ast.get_docstring(ast.parse(text)), f"{path} has no docstring"


def test_no_file_is_named_after_nothing() -> None:
    assert [path for path in SOURCES if path.name in VAGUE] == []


def test_packages_have_no_logic() -> None:
    for path in SOURCES:
        if path.name == "__init__.py":
            assert len(path.read_text().splitlines()) <= 3, path


@pytest.mark.parametrize("module", ["subprocess", "pyinotify"])
def test_one_module_owns_each_risky_import(module: str) -> None:
    using = [
        path.relative_to(ROOT)
        for path in SOURCES
        if re.search(rf"^\s*(import|from) {module}\b", path.read_text(), re.MULTILINE)
    ]
    assert len(using) <= 1, using


def functions(path: Path) -> list[tuple[int, str]]:
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        ((node.end_lineno or 0) - node.lineno + 1, f"{path.relative_to(ROOT)}:{node.name}")
        for node in ast.walk(tree)
        if isinstance(node, kinds)
    ]


def test_functions_fit_a_screen_and_files_an_idea() -> None:
    sizes = [size for path in SOURCES for size in functions(path)]
    assert [where for lines, where in sizes if lines > MAX_FUNCTION] == []
    assert sorted(lines for lines, _ in sizes)[len(sizes) // 2] < 10
    long = [path for path in SOURCES if len(path.read_text().splitlines()) > MAX_FILE]
    assert long == []
