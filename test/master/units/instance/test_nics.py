# SPDX-License-Identifier: GPL-2.0-or-later
"""NICs that are asked for: what is stored of them, and what is refused."""

import os
from typing import Any

import pytest

from ganeti.errors import Code, ConfigurationError, OpPrereqError
from ganeti.master.config.reserve import ReservationTable
from ganeti.master.units.instance.nics import NicBuilder
from test.support.cluster import a_cluster

CFG = a_cluster().with_nodes("n1").with_instance("web").build()
TAKEN = CFG.instance("web").nics[0].mac


def builder() -> NicBuilder:
    table = ReservationTable(lambda: CFG, os.urandom)
    (group,) = CFG.groups
    return NicBuilder(CFG, table.of("job-1/0"), group, None)


@pytest.mark.parametrize(
    ("request_", "own"),
    [
        ({}, {}),
        ({"link": "br1", "vlan": "5"}, {"link": "br1", "vlan": ".5"}),
        ({"mode": "default", "vlan": "default", "link": "br1"}, {"link": "br1"}),
    ],
)
def test_only_what_is_its_own_is_stored(request_: dict[str, Any], own: dict[str, Any]) -> None:
    assert builder().new(request_).nicparams == own


def test_default_takes_an_own_value_away() -> None:
    nic = builder().new({"link": "br1", "vlan": "5"})
    assert builder().changed(nic, {"vlan": "default"}).nicparams == {"link": "br1"}


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'tunnelled'"):
        builder().new({"mode": "tunnelled"})


def test_an_address_that_another_nic_has_is_refused() -> None:
    with pytest.raises(OpPrereqError, match=TAKEN) as caught:
        builder().new({"mac": TAKEN})
    assert caught.value.code == Code.NOT_UNIQUE
