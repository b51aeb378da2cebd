# SPDX-License-Identifier: GPL-2.0-or-later
"""Who of the strangers at the door is served first, and who has to go."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

from ganeti.http import door
from ganeti.http.channel import PlainChannel
from ganeti.http.connection import Connection, Limits
from ganeti.http.messages import Peer


def standing(*addresses: str) -> list[Connection]:
    """Strangers from these addresses, who came in this order."""
    with socket.socket() as sock:
        made = [Connection(sock, PlainChannel(sock), Peer(a, 1), Limits()) for a in addresses]
    for order, connection in enumerate(made):
        connection.since = order
    return made


def order(of: Sequence[Connection], among: Sequence[Connection]) -> list[int]:
    return [among.index(connection) for connection in of]


@pytest.mark.parametrize(
    ("addresses", "ready", "served"),
    [
        ("", [], []),
        ("aaa", [0, 1, 2], [2, 1]),
        ("baaa", [0, 1, 2, 3], [0, 3]),
        ("aaab", [0, 3], [3, 0]),
        ("abab", [0, 1, 2], [2, 1]),
    ],
)
def test_who_is_alone_comes_first_then_who_came_last(
    addresses: str, ready: list[int], served: list[int]
) -> None:
    strangers = standing(*addresses)
    found = door.first([strangers[n] for n in ready], strangers, most=2)
    assert order(found, strangers) == served


@pytest.mark.parametrize(
    ("addresses", "gone"),
    [
        ("", []),
        ("ab", []),
        ("aaa", [0]),
        ("abbb", [1, 2]),
        ("bbaaa", [2, 0, 3]),
        ("aaaaaa", [0, 1, 2, 3]),
    ],
)
def test_the_largest_crowd_makes_room_its_oldest_first(addresses: str, gone: list[int]) -> None:
    strangers = standing(*addresses)
    assert order(door.surplus(strangers, most=2), strangers) == gone
