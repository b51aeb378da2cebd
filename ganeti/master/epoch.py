# SPDX-License-Identifier: GPL-2.0-or-later
"""The master epoch of this host: the fencing token that all its calls carry.

The same file that the node daemon keeps (``master-epoch``, a number; 0 where there is none): the node
of the master obeys its own master.
"""

from __future__ import annotations

from ganeti.errors import ConfigurationError
from ganeti.paths import Paths
from ganeti.utils import files


def read(paths: Paths) -> int:
    """The epoch on disk."""
    try:
        text = files.read_text(paths.master_epoch)
    except FileNotFoundError:
        return 0
    if not text.strip().isdecimal():
        raise ConfigurationError(
            f"{paths.master_epoch} does not hold a number; write the epoch of the other nodes into it"
        )
    return int(text)
