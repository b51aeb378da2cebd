# SPDX-License-Identifier: GPL-2.0-or-later
"""Names, addresses and ports of hosts."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator, Sequence
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
_SIOCGIFADDR = 0x8915
_INTERFACE_BYTES = 15
_IF_INET6 = "/proc/net/if_inet6"
_LINK_LOCAL = "20"
PING_TIMEOUT_S = 10.0


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
    except (socket.gaierror, UnicodeError) as err:  # the latter: no form that DNS could carry
        number = err.errno if isinstance(err, OSError) else socket.EAI_NONAME
        text = err.strerror if isinstance(err, OSError) else None
        raise ResolverError(name, number, text or str(err)) from err
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


@contextlib.contextmanager
def binding(address: str, port: int) -> Iterator[None]:
    """Name what a daemon cannot listen on; raises IPAddressError."""
    try:
        yield
    except OSError as err:
        raise IPAddressError(
            f"cannot listen on {bracketed(address)}:{port}: {err.strerror}"
        ) from err


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


def tcp_ping(
    address: str, port: int, *, timeout_s: float = PING_TIMEOUT_S, source: str | None = None
) -> bool:
    """Whether something accepts connections there (asked from the address `source`)."""
    return _connect(address, port, timeout_s, source) == 0


def is_in_use(address: str, port: int, *, timeout_s: float = PING_TIMEOUT_S) -> bool:
    """Whether some host has the address: one that refuses the connection is there, too."""
    return _connect(address, port, timeout_s, None) in (0, errno.ECONNREFUSED)


def _connect(address: str, port: int, timeout_s: float, source: str | None) -> int:
    """What trying to connect gives: 0 or an errno."""
    with socket.socket(family_of(address), socket.SOCK_STREAM) as probe:
        probe.settimeout(timeout_s)
        try:
            if source is not None:
                probe.bind((source, 0))
            return probe.connect_ex((address, port))
        except OSError as err:
            return err.errno or errno.ETIMEDOUT


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
    """The first address of an interface that other hosts can use; raises IPAddressError."""
    found = _interface_ipv6(name) if family == IPV6 else _interface_ipv4(name)
    if found is None:
        raise IPAddressError(f"the interface {name} has no IPv{6 if family == IPV6 else 4} address")
    return found


def _interface_ipv4(name: str) -> str | None:
    if len(os.fsencode(name)) > _INTERFACE_BYTES:  # the kernel would look at its beginning only
        return None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("256s", os.fsencode(name))
        try:
            answer = fcntl.ioctl(probe, _SIOCGIFADDR, request)
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])


def _interface_ipv6(name: str) -> str | None:
    """Lines of the kernel: address, interface number, prefix length, scope, flags, name; in hex."""
    for words in map(str.split, _lines(_IF_INET6) if os.path.exists(_IF_INET6) else []):
        if words[5] == name and words[3] != _LINK_LOCAL:
            return str(ipaddress.IPv6Address(int(words[0], 16)))
    return None


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
