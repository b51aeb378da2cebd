# SPDX-License-Identifier: GPL-2.0-or-later
"""Where an instance may be found after a migration that broke off."""

import pytest

from ganeti.master.units.instance import migration_cleanup


@pytest.mark.parametrize("shown", ["web", "migrating-web", "web--incoming", "web--migratedaway"])
def test_names_in_flight(shown: str) -> None:
    lists = {"n1": [shown, "other"], "n2": ["webber", "web--x"]}
    assert migration_cleanup.found_on("web", lists) == ["n1"]
