# SPDX-License-Identifier: GPL-2.0-or-later
"""The client against servers on loopback that answer, are silent, are slow, or lie."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ganeti.confd import client
from ganeti.confd.client import ALL_PEERS, ConfdClient, Upcall, UpcallType, Waited
from ganeti.confd.packet import Key
from ganeti.confd.responder import Responder
from ganeti.contracts.confd import Request, RequestType, request
from ganeti.errors import ConfdClientError, UdpDataSizeError
from ganeti.paths import Paths
from ganeti.ssconf import Ssconf
from ganeti.utils.files import Disk
from test.support import confd
from test.support.clock import FakeClock
from test.support.confd import SECRET, ConfdWorld

PING = RequestType.PING


class Servers:
    """Servers at 127.0.0.1 and so on, which all have the same port; the test lets them work."""

    def __init__(self, count: int) -> None:
        self.world = ConfdWorld()
        self.addresses = [f"127.0.0.{number}" for number in range(1, count + 1)]
        self.sockets = {address: self._bound(address) for address in self.addresses}
        self.calls: list[Upcall] = []
        self.clock = self.world.clock
        self.client = ConfdClient(
            Key(SECRET), self.addresses, self.calls.append, port=self.port, clock=self.clock
        )

    port = 0

    def _bound(self, address: str) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((address, self.port))
        made.setblocking(False)
        self.port = made.getsockname()[1]
        return made

    def asked(self, address: str) -> list[tuple[bytes, tuple[str, int]]]:
        """What has come to a server since it was looked at."""
        found = []
        while True:
            try:
                found.append(self.sockets[address].recvfrom(61440))
            except BlockingIOError:
                return found

    def answer(self, *addresses: str, by: Callable[[bytes], bytes | None] | None = None) -> int:
        """These servers, or all, answer what has come; how many requests that was."""
        count = 0
        for address in addresses or self.addresses:
            for data, sender in self.asked(address):
                count += 1
                self.sockets[address].sendto(
                    (by or self.world.responder.reply)(data) or b"", sender
                )
        self.client.process()
        return count

    def told(self) -> list[tuple[UpcallType, str | None]]:
        """What the callback was told since it was asked."""
        found = sorted((call.type, call.server_ip) for call in self.calls)
        self.calls.clear()
        return found

    def close(self) -> None:
        self.client.close()
        for each in self.sockets.values():
            each.close()


@pytest.fixture
def servers() -> Iterator[Servers]:
    made = Servers(3)
    yield made
    made.close()


REPLY, EXPIRE = UpcallType.REPLY, UpcallType.EXPIRE


def test_the_callback_gets_each_reply(servers: Servers) -> None:
    asked = request(RequestType.NODE_ROLE_BYNAME, "regular.lab")
    salt = servers.client.send(asked, args=["mine"])
    assert salt == asked.rsalt
    servers.answer("127.0.0.2")
    (call,) = servers.calls
    assert call == Upcall(
        type=REPLY,
        salt=salt,
        orig_request=asked,
        extra_args=["mine"],
        client=servers.client,
        server_ip="127.0.0.2",
        server_port=servers.port,
        server_reply=(0, 4, 7),  # type: ignore[arg-type]
    )


def test_all_servers_get_the_same_packet(servers: Servers) -> None:
    servers.client.send(request(PING))
    packets = [servers.asked(address) for address in servers.addresses]
    assert [len(each) for each in packets] == [1, 1, 1]
    assert len({data for ((data, _),) in packets}) == 1


@pytest.mark.parametrize(
    ("known", "coverage", "asked"), [(1, 0, 1), (8, 0, 6), (8, -1, 8), (8, 2, 2)]
)
def test_coverage(known: int, coverage: int, asked: int) -> None:
    servers = Servers(known)
    servers.client.send(request(PING), coverage=coverage)
    assert servers.answer() == asked
    assert len(servers.told()) == asked
    servers.close()


@pytest.mark.parametrize("coverage", [4, -2])
def test_coverage_that_cannot_be(servers: Servers, coverage: int) -> None:
    with pytest.raises(ConfdClientError, match="3 are known"):
        servers.client.send(request(PING), coverage=coverage)


def test_a_request_needs_a_salt_of_its_own(servers: Servers) -> None:
    asked = request(PING)
    servers.client.send(asked)
    for wrong in (asked, Request(PING, None, "")):
        with pytest.raises(ConfdClientError, match="salt of its own"):
            servers.client.send(wrong)


def test_a_request_that_is_too_large_is_not_sent(servers: Servers) -> None:
    with pytest.raises(UdpDataSizeError):
        servers.client.send(request(RequestType.CONFIG_QUERY, "/" * 61_440))
    assert servers.client.pause_s() is None


def test_peers_are_of_one_family(servers: Servers) -> None:
    for peers in ([], ["127.0.0.1", "::1"]):
        with pytest.raises(ConfdClientError, match="the peers to ask"):
            ConfdClient(Key(SECRET), peers, servers.calls.append)
    with pytest.raises(ConfdClientError, match="address family"):
        servers.client.update_peers(["::1"])
    servers.client.update_peers(["127.0.0.3"])
    servers.client.send(request(PING))
    assert [servers.answer(address) for address in servers.addresses] == [0, 0, 1]


def test_silent_servers_are_asked_again_until_the_request_expires(servers: Servers) -> None:
    salt = servers.client.send(request(PING))
    servers.answer("127.0.0.1")
    retries = []
    while (pause := servers.client.pause_s()) is not None:
        servers.clock.pass_time(pause)
        servers.client.process()
        asked = {address: len(servers.asked(address)) for address in servers.addresses}
        retries.append((servers.clock.monotonic(), *asked.values()))
    assert retries == [(1, 0, 2, 2), (3, 0, 1, 1), (7, 0, 1, 1), (10, 0, 0, 0)]
    assert servers.told() == [(REPLY, "127.0.0.1"), (EXPIRE, None)]
    with pytest.raises(ConfdClientError, match="no request"):
        servers.client.wait_for_reply(salt)


def test_an_answered_request_expires_too(servers: Servers) -> None:
    servers.client.send(request(PING))
    servers.answer()
    assert len(servers.told()) == 3
    servers.clock.pass_time(10)
    servers.client.process()
    assert servers.told() == [(EXPIRE, None)]


def test_a_callback_may_send_and_process(servers: Servers) -> None:
    expired: list[str] = []

    def again(upcall: Upcall) -> None:
        expired.append(upcall.salt)
        upcall.client.send(request(PING))
        upcall.client.process()

    with ConfdClient(
        Key(SECRET), servers.addresses, again, port=servers.port, clock=servers.clock
    ) as made:
        sent = [made.send(request(PING)) for _ in range(3)]
        servers.clock.pass_time(10)
        made.process()
    assert sorted(expired) == sorted(sent)


def test_a_late_answer_is_nobodys(servers: Servers) -> None:
    servers.client.send(request(PING))
    servers.clock.pass_time(10)
    servers.client.process()
    servers.calls.clear()
    servers.answer()
    assert servers.told() == []


def test_a_server_that_was_asked_twice_counts_once(servers: Servers) -> None:
    servers.client.send(request(PING))
    servers.clock.pass_time(1)
    servers.client.process()
    assert servers.answer() == 6
    assert servers.told() == [(REPLY, address) for address in servers.addresses]


def other_key(data: bytes) -> bytes | None:
    return Responder(Key(b"other\n"), FakeClock(confd.NOW)).reply(data)


def unknown_salt(_data: bytes) -> bytes:
    return confd.packet(confd.signed('{"protocol":1,"status":0,"answer":0,"serial":1}', "x"))


def no_reply(data: bytes) -> bytes:
    return data


@pytest.mark.parametrize("by", [other_key, unknown_salt, no_reply, lambda _: b"plj0{"])
def test_what_is_no_answer_is_passed_over(
    servers: Servers, by: Callable[[bytes], bytes | None]
) -> None:
    servers.client.send(request(PING))
    assert servers.answer(by=by) == 3
    assert servers.told() == []


@pytest.mark.parametrize(
    "inner",
    [
        *("[]", "{}", "[" * 50_000, '{"protocol":1,"status":0}'),
        '{"protocol":2,"status":0,"answer":0,"serial":1}',
        '{"protocol":1,"status":"0","answer":0,"serial":1}',
    ],
)
def test_a_signed_message_that_is_no_reply_is_passed_over(servers: Servers, inner: str) -> None:
    salt = servers.client.send(request(PING))
    servers.answer(by=lambda _: confd.packet(confd.signed(inner, salt)))
    assert servers.told() == []


def test_the_original_tells_errors_as_text(servers: Servers) -> None:
    salt = servers.client.send(request(RequestType.NODE_ROLE_BYNAME, "x"))
    text = '{"protocol":1,"status":1,"answer":"Unknown node x","serial":0}'
    servers.answer("127.0.0.1", by=lambda _: confd.packet(confd.signed(text, salt)))
    assert servers.calls[0].server_reply == (1, "Unknown node x", 0)


@pytest.mark.parametrize(
    ("sent", "enough"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4), (10, 6)]
)
def test_how_many_are_enough(sent: int, enough: int) -> None:
    assert client.enough(sent) == enough


def test_waiting_ends_when_enough_have_answered(servers: Servers) -> None:
    salt = servers.client.send(request(PING))
    servers.answer("127.0.0.1", "127.0.0.3")
    assert servers.client.wait_for_reply(salt) == Waited(False, 3, 2)


def test_waiting_ends_with_the_time(servers: Servers) -> None:
    salt = servers.client.send(request(PING), coverage=ALL_PEERS)
    servers.answer("127.0.0.1")
    assert servers.client.wait_for_reply(salt, timeout_s=0) == Waited(True, 3, 1)


def test_a_client_of_this_node_asks_the_candidates(tmp_path: Path) -> None:
    paths = Paths(str(tmp_path))
    Path(paths.data_dir).mkdir(parents=True)
    Path(paths.lock_dir).mkdir(parents=True)
    Path(paths.hmac_key).write_bytes(SECRET)
    Ssconf(paths).write(Disk(), {"master_candidates_ips": "192.0.2.1\n192.0.2.2"})
    with client.from_ssconf(lambda _: None, paths) as made:
        assert made.peers == ("192.0.2.1", "192.0.2.2")
