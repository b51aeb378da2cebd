# SPDX-License-Identifier: GPL-2.0-or-later
"""Parameters of guests that are directories run by chroot."""

from __future__ import annotations

from ganeti.model.params.declare import Path, param
from ganeti.model.params.hv.base import HvParams


class ChrootParams(HvParams, hypervisor="chroot"):
    init_script: Path = param(
        "Script in the guest that starts and stops it", default="/ganeti-chroot"
    )
