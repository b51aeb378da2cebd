# SPDX-License-Identifier: GPL-2.0-or-later
"""Which instance a device of this node belongs to, for people and other programs.

``/run/ganeti/bdev-cache/bdev_<device>`` (``/`` as ``_``) holds ``instance primary|secondary disk/N``.
Nothing of ours reads it, so a file that cannot be written is only logged.
"""

from __future__ import annotations

import contextlib
import logging
import os

from ganeti.paths import Paths

log = logging.getLogger(__name__)


def file_of(paths: Paths, device: str) -> str:
    return f"{paths.bdev_cache_dir}/bdev_{device.replace('/', '_')}"


def note(paths: Paths, device: str, owner: str, iv_name: str, *, on_primary: bool) -> None:
    role = "primary" if on_primary else "secondary"
    path = file_of(paths, device)
    try:
        os.makedirs(paths.bdev_cache_dir, 0o755, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{owner} {role} {iv_name or 'not_visible'}\n")
    except OSError as err:
        log.warning("%s cannot be written: %s", path, err)


def forget(paths: Paths, device: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(file_of(paths, device))
