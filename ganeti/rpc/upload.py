# SPDX-License-Identifier: GPL-2.0-or-later
"""Files as calls carry them: path, compressed content, mode, owner names and times.

``[0, text]`` below 512 characters, else ``[1, base64 of zlib]`` (node daemon, "Argument encodings").
"""

from __future__ import annotations

import base64
import grp
import os
import pwd
import zlib
from typing import Any

_PLAIN_BELOW = 512
_LEVEL = 3

Details = tuple[str, tuple[int, str], int, str, str, float, float]


def compressed(text: str) -> tuple[int, str]:
    """A text as calls carry it."""
    if len(text) < _PLAIN_BELOW:
        return (0, text)
    return (1, base64.b64encode(zlib.compress(text.encode(), _LEVEL)).decode())


def details(path: str) -> Any:
    """A file of this host, in the form `upload_file` takes."""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        text, state = file.read(), os.fstat(file.fileno())
    return (
        path,
        compressed(text),
        state.st_mode & 0o7777,
        pwd.getpwuid(state.st_uid).pw_name,
        grp.getgrgid(state.st_gid).gr_name,
        state.st_atime,
        state.st_mtime,
    )
