# SPDX-License-Identifier: GPL-2.0-or-later
"""Load every module of a package, so that the declarations in them are registered.

An import error stops the caller: a daemon with half its operations must not start.
"""

from __future__ import annotations

import importlib
import pkgutil


def load_all(package: str) -> None:
    """Import `package` and all modules below it."""
    root = importlib.import_module(package)
    for found in pkgutil.walk_packages(root.__path__, package + "."):
        importlib.import_module(found.name)
