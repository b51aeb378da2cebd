# SPDX-License-Identifier: GPL-2.0-or-later
"""Names, addresses and ports of hosts."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Sequence
from typing import NamedTuple

from ganeti.errors import IPAddressError, ResolverError
from ganeti.utils.files import Disk

IPV4 = int(socket.AF_INET)
IPV6 = int(socket.AF_INET6)

_PORTS = {
    "ganeti-noded": (1811, "tcp"),
    "ganeti-confd": (1814, "udp"),
    "ganeti-rapi": (5080, "tcp"),
    "ssh": (22, "tcp"),
}
_HOSTS_MODE = 0o644


class Host(NamedTuple):
    """A host under its full name, with one address."""

    name: str
    address: str


def own_name() -> str:
    """The full name of this host as the resolver has it."""
    return socket.getfqdn()


def resolve(name: str, *, family: int = socket.AF_UNSPEC) -> Host:
    """Full name and first address; raises ResolverError."""
    try:
        found = socket.getaddrinfo(
            name, None, family=family, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME
        )
    except socket.gaierror as err:
        raise ResolverError(name, err.errno, err.strerror or str(err)) from err
    canonical, address = found[0][3], str(found[0][4][0])
    full = canonical or name
    if "." not in full:
        full = next((n for n in _reverse(address) if n.startswith(full + ".")), full)
    return Host(full.lower(), address)


def _reverse(address: str) -> list[str]:
    try:
        name, aliases, _ = socket.gethostbyaddr(address)
    except OSError:
        return []
    return [name, *aliases]


def is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_ipv4(text: str) -> bool:
    return is_ip(text) and ipaddress.ip_address(text).version == 4


def family_of(address: str) -> int:
    """The address family; raises IPAddressError."""
    if not is_ip(address):
        raise IPAddressError(f"'{address}' is not an IP address")
    return IPV4 if is_ipv4(address) else IPV6


def is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def owns_address(address: str) -> bool:
    """Whether this host has the address: only then can a socket be bound to it."""
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def tcp_ping(address: str, port: int, *, timeout_s: float = 10.0) -> bool:
    """Whether something accepts connections there."""
    with socket.socket(family_of(address), socket.SOCK_STREAM) as probe:
        probe.settimeout(timeout_s)
        try:
            probe.connect((address, port))
        except OSError:
            return False
    return True


def daemon_port(name: str) -> int:
    """The port of a daemon: from the services database, else the built-in one."""
    port, protocol = _PORTS[name]
    try:
        return socket.getservbyname(name, protocol)
    except OSError:
        return port


def bracketed(address: str) -> str:
    """The address as URLs have it."""
    return f"[{address}]" if ":" in address else address


def interface_address(name: str, family: int) -> str:
    """The first address of an interface; raises IPAddressError."""
    from ganeti.utils.process import Runner

    flag = "-6" if family == IPV6 else "-4"
    argv = ["ip", "-o", flag, "addr", "show", "dev", name, "scope", "global"]
    words = Runner().run(argv, timeout_s=10).stdout.split()
    kinds = ("inet", "inet6")
    for index, word in enumerate(words[:-1]):
        if word in kinds:
            return words[index + 1].partition("/")[0]
    raise IPAddressError(f"the interface {name} has no address of this family")


def with_host(lines: Sequence[str], address: str, name: str) -> list[str]:
    """Lines of a hosts file with one for the host; an old one of that name is replaced."""
    return [*without_host(lines, name), f"{address}\t{name} {name.partition('.')[0]}"]


def without_host(lines: Sequence[str], name: str) -> list[str]:
    """Lines of a hosts file without those that begin with the host's full name."""
    return [line for line in lines if name not in line.partition("#")[0].split()[1:2]]


def add_to_hosts_file(disk: Disk, path: str, address: str, name: str) -> None:
    _change_hosts_file(disk, path, with_host(_lines(path), address, name))


def remove_from_hosts_file(disk: Disk, path: str, name: str) -> None:
    _change_hosts_file(disk, path, without_host(_lines(path), name))


def _lines(path: str) -> list[str]:
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def _change_hosts_file(disk: Disk, path: str, lines: Sequence[str]) -> None:
    state = os.stat(path)
    text = "".join(f"{line}\n" for line in lines)
    disk.write(path, text.encode(), mode=_HOSTS_MODE, owner=(state.st_uid, state.st_gid))
