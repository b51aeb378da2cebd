# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ganeti.node.hypervisors.kvm import checks
from test.node.hypervisors.kvm.guests import QEMU_7_2, an_instance

PROBLEMS = [
    ({}, ""),
    ({"machine_version": "pc-9"}, "no machine type 'pc-9'"),
    ({"nic_type": "pcnet"}, "nic_type: QEMU 7.2.22 on this node has no device pcnet"),
    ({"disk_type": "scsi-hd", "scsi_controller_type": "lsi"}, ""),
    (
        {"disk_type": "scsi-hd", "scsi_controller_type": "megasas"},
        "scsi_controller_type: QEMU 7.2.22 on this node has no device megasas",
    ),
    ({"disk_type": "ide"}, ""),
    ({"kvm_extra": "-accel tcg"}, ""),
    ({"kvm_extra": "-accel tcg", "kvm_flag": "enabled"}, "only with an empty kvm_flag"),
    ({"security_model": "user", "security_domain": "root"}, ""),
    ({"security_model": "user", "security_domain": "no-such-user"}, "no user no-such-user"),
    ({"vnc_bind_address": "lo0-missing"}, "lo0-missing has no"),
]


@pytest.mark.parametrize(("hv", "expected"), PROBLEMS)
def test_problems(hv: dict[str, Any], expected: str) -> None:
    found = checks.problems({**an_instance().hvparams, **hv}, QEMU_7_2)
    assert expected in "; ".join(found)
    assert bool(found) is bool(expected)


@pytest.mark.parametrize("bind", ["", "0.0.0.0", "fd00::1", "/run/vnc"])
def test_a_display_listens_where_it_is_told(bind: str) -> None:
    hv = {**an_instance().hvparams, "vnc_bind_address": bind}
    assert checks.display_address(hv) == bind
