# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings of the cluster: what is taken, and in which form it is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ganeti.errors import Code, OpPrereqError
from ganeti.model import settings


@pytest.mark.parametrize(
    ("check", "value", "kept"),
    [
        (settings.mac_prefix, "AA:00:0f", "aa:00:0f"),
        (settings.directory, "/srv/files", "/srv/files"),
        (settings.image, "", ""),
        (settings.image, "https://example.com/helper.img", "https://example.com/helper.img"),
        (settings.compression_tools, ("gzip", "lzop-1"), ["gzip", "lzop-1"]),
        (settings.reserved_lvs, ("xenvg/root.*",), ["xenvg/root.*"]),
        (settings.uid_pool, [(20, 30), (5, 5)], [(5, 5), (20, 30)]),
    ],
)
def test_what_is_taken(check: Callable[[Any], Any], value: Any, kept: Any) -> None:
    assert check(value) == kept


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (settings.mac_prefix, "aa:00"),
        (settings.directory, "srv"),
        (settings.directory, "/srv/../etc"),
        (settings.image, "helper.img"),
        (settings.compression_tools, ["gzip -9"]),
        (settings.compression_tools, []),
        (settings.reserved_lvs, ["("]),
        (settings.reserved_lvs, ["a{99999999999}"]),
        (settings.uid_pool, [(6, 5)]),
        (settings.uid_pool, [(0, 2**32)]),
        (settings.collector_names, ["drbd", "weather"]),
    ],
)
def test_what_is_refused(check: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(OpPrereqError) as caught:
        check(value)
    assert caught.value.code == Code.WRONG_INPUT


@pytest.mark.parametrize(
    ("length", "ipv6", "is_good"),
    [(32, False, True), (33, False, False), (0, False, False), (128, True, True)],
)
def test_the_netmask(length: int, ipv6: bool, is_good: bool) -> None:
    if is_good:
        assert settings.netmask(length, ipv6=ipv6) == length
        return
    with pytest.raises(OpPrereqError, match=f"netmask {length} is not between"):
        settings.netmask(length, ipv6=ipv6)


def test_ranges_of_user_ids_come_and_go_as_they_are() -> None:
    pool = [(10, 20), (30, 30)]
    assert settings.uids_changed(pool, [(5, 6)], [(30, 30)]) == [(5, 6), (10, 20)]
    with pytest.raises(OpPrereqError, match="10-15 are no range"):
        settings.uids_changed(pool, [], [(10, 15)])
