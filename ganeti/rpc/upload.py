# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of this host in the form that calls carry them."""

from __future__ import annotations

import grp
import os
import pwd
import stat

from ganeti.contracts.node.files import Upload
from ganeti.contracts.node.packed import Packed


def details(path: str) -> Upload:
    """A local file, to be written to the same path on other nodes."""
    with open(path, "rb") as file:
        state = os.fstat(file.fileno())
        content = Packed(file.read())
    user, group = pwd.getpwuid(state.st_uid).pw_name, grp.getgrgid(state.st_gid).gr_name
    mode = stat.S_IMODE(state.st_mode)
    return path, content, mode, user, group, state.st_atime, state.st_mtime
