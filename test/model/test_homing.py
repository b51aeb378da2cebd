# SPDX-License-Identifier: GPL-2.0-or-later
"""One network or two, as the master has."""

import pytest

from ganeti.errors import OpPrereqError
from ganeti.model import homing
from ganeti.model.homing import Addresses

ONE, TWO = Addresses("192.0.2.1", "192.0.2.1"), Addresses("192.0.2.1", "198.51.100.1")


@pytest.mark.parametrize("both", [ONE, TWO])
def test_alike(both: Addresses) -> None:
    homing.check(both, both)


@pytest.mark.parametrize(("master", "node", "word"), [(ONE, TWO, "no secondary"), (TWO, ONE, "-s")])
def test_not_alike(master: Addresses, node: Addresses, word: str) -> None:
    with pytest.raises(OpPrereqError, match=word):
        homing.check(master, node)
