# SPDX-License-Identifier: GPL-2.0-or-later
"""Names, addresses and ports; only the loopback interface and the hosts file are asked."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganeti.errors import IPAddressError, ResolverError
from ganeti.utils import net
from ganeti.utils.files import Disk


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


# Names.


def test_localhost_resolves() -> None:
    host = net.resolve("localhost", family=socket.AF_INET)
    assert host.address == "127.0.0.1"
    assert host.name.startswith("localhost")


def test_names_are_lower_case() -> None:
    assert net.resolve("LOCALHOST", family=socket.AF_INET).name.startswith("localhost")


@pytest.mark.parametrize("name", ["does-not-exist.invalid", "", ".x", "a" * 70 + ".com", "ä" * 64])
def test_what_does_not_resolve_is_named(name: str) -> None:
    with pytest.raises(ResolverError) as caught:
        net.resolve(name, family=socket.AF_INET6 if name == "" else socket.AF_UNSPEC)
    host, number, text = caught.value.args
    assert host == name
    assert isinstance(number, int)
    assert isinstance(text, str)


def test_this_host_has_a_name() -> None:
    assert net.own_name()


# Addresses.


@pytest.mark.parametrize(
    ("text", "is_ip", "is_ipv4"),
    [
        ("192.0.2.1", True, True),
        ("2001:db8::1", True, False),
        ("::", True, False),
        ("192.0.2", False, False),
        ("192.0.2.256", False, False),
        ("192.0.2.1/24", False, False),
        ("host", False, False),
        ("", False, False),
        ("192.000.002.001", False, False),  # octal for some, decimal for others
    ],
)
def test_what_is_an_address(text: str, is_ip: bool, is_ipv4: bool) -> None:
    assert net.is_ip(text) is is_ip
    assert net.is_ipv4(text) is is_ipv4


def test_families() -> None:
    assert net.family_of("192.0.2.1") == net.IPV4 == 2
    assert net.family_of("2001:db8::1") == net.IPV6 == 10
    with pytest.raises(IPAddressError, match="'host'"):
        net.family_of("host")


def test_loopback() -> None:
    assert net.is_loopback("127.1.2.3")
    assert net.is_loopback("::1")
    assert not net.is_loopback("192.0.2.1")


def test_brackets() -> None:
    assert net.bracketed("2001:db8::1") == "[2001:db8::1]"
    assert net.bracketed("192.0.2.1") == "192.0.2.1"
    assert net.bracketed("node1.example.com") == "node1.example.com"


def test_own_addresses() -> None:
    assert net.owns_address("127.0.0.1")
    assert not net.owns_address("192.0.2.1")
    with pytest.raises(IPAddressError):
        net.owns_address("localhost")


def test_address_of_an_interface() -> None:
    assert net.interface_address("lo", net.IPV4) == "127.0.0.1"
    if os.path.exists("/proc/net/if_inet6"):
        assert net.interface_address("lo", net.IPV6) == "::1"
    for family in (net.IPV4, net.IPV6):
        with pytest.raises(IPAddressError, match="nope0"):
            net.interface_address("nope0", family)


# Ports.


def test_a_listener_answers(listener: int) -> None:
    assert net.tcp_ping("127.0.0.1", listener)
    assert net.tcp_ping("127.0.0.1", listener, source="127.0.0.1")
    assert net.is_in_use("127.0.0.1", listener)


def test_a_refusal_is_no_listener_but_somebody(closed_port: int) -> None:
    assert not net.tcp_ping("127.0.0.1", closed_port)
    assert net.is_in_use("127.0.0.1", closed_port)


def test_a_source_that_is_not_ours(listener: int) -> None:
    assert not net.tcp_ping("127.0.0.1", listener, source="192.0.2.1")


def test_who_does_not_answer_is_not_waited_for() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = server.getsockname()[1]
        waiting = []
        try:
            for _ in range(3):  # more than the queue takes: further ones hear nothing
                client = socket.socket()
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", port))
                waiting.append(client)
            assert not net.tcp_ping("127.0.0.1", port, timeout_s=0.05)
            assert not net.is_in_use("127.0.0.1", port, timeout_s=0.05)
        finally:
            for client in waiting:
                client.close()


@pytest.mark.parametrize(
    ("name", "port"),
    [("ganeti-noded", 1811), ("ganeti-confd", 1814), ("ganeti-rapi", 5080), ("ssh", 22)],
)
def test_ports_of_daemons(name: str, port: int) -> None:
    assert net.daemon_port(name) == port


# The hosts file.

HOSTS = """127.0.0.1\tlocalhost
# 192.0.2.1 node1.example.com
192.0.2.9 node1.example.com node1 old  # a comment
192.0.2.2\tnode2.example.com node2 node1.example.com.other
"""


def test_a_host_is_added_once(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text(HOSTS)
    for _ in range(2):
        net.add_to_hosts_file(Disk(), str(path), "192.0.2.1", "node1.example.com")
    lines = path.read_text().splitlines()
    assert lines == [
        "127.0.0.1\tlocalhost",
        "# 192.0.2.1 node1.example.com",
        "192.0.2.2\tnode2.example.com node2 node1.example.com.other",
        "192.0.2.1\tnode1.example.com node1",
    ]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_host_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text(HOSTS)
    net.remove_from_hosts_file(Disk(), str(path), "node1.example.com")
    assert "192.0.2.9" not in path.read_text()
    net.remove_from_hosts_file(Disk(), str(path), "node3.example.com")
    assert len(path.read_text().splitlines()) == 3
