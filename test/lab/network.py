# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's networks: addresses and names, and the commands that lay the cables.

Every lab has a switch of its own, a network namespace with two bridges and no way out, so all labs use
the same addresses. `br0` carries the primary network (IPv4 and IPv6), `br1` replication. A host's cables
are veth pairs; the ends in the switch have the host's name, `NAME` and `NAME-r`. In the host `eth0` is a
port of `gbr`, the bridge for guests, which has the host's own primary addresses, and `eth1` is replication.

Everything here is pure: batches for `ip -batch`, scripts for `nft -f`, texts of files.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

DOMAIN = "lab"
MAX_HOSTS = 64
PRIMARY = ipaddress.IPv4Network("10.78.0.0/24")
PRIMARY6 = ipaddress.IPv6Network("fd00:78::/64")
SECONDARY = ipaddress.IPv4Network("10.79.0.0/24")
CLUSTER_NUMBER = 200
GUEST_NUMBERS = range(101, 151)
GUEST_BRIDGE = "gbr"
# A cut host loses all it sends and gets; a cut pair what the two send to each other.
SWITCH_FILTER = """\
add table bridge lab
add set bridge lab hosts { type ifname; }
add set bridge lab pairs { type ifname . ifname; }
add chain bridge lab forward { type filter hook forward priority 0; }
flush chain bridge lab forward
add rule bridge lab forward iifname @hosts drop
add rule bridge lab forward oifname @hosts drop
add rule bridge lab forward iifname . oifname @pairs drop
"""


@dataclass(frozen=True)
class Address:
    """The addresses of one name; `secondary` where it is a host's."""

    name: str
    number: int

    @property
    def fqdn(self) -> str:
        return f"{self.name}.{DOMAIN}"

    @property
    def primary(self) -> str:
        return str(PRIMARY[self.number])

    @property
    def primary6(self) -> str:
        return str(PRIMARY6[self.number])

    @property
    def secondary(self) -> str:
        return str(SECONDARY[self.number])


CLUSTER = Address("cluster", CLUSTER_NUMBER)
GUESTS = [Address(f"guest{i}", number) for i, number in enumerate(GUEST_NUMBERS, 1)]


def host_address(name: str) -> Address:
    """The addresses of host `nodeN`."""
    return Address(name, int(name.removeprefix("node")))


def hosts_file(names: Iterable[str]) -> str:
    """/etc/hosts of every host: the hosts, the cluster and some guests, in both families."""
    lines = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost"]
    for address in [*map(host_address, names), CLUSTER, *GUESTS]:
        lines.append(f"{address.primary}\t{address.fqdn} {address.name}")
        lines.append(f"{address.primary6}\t{address.fqdn} {address.name}")
    return "\n".join(lines) + "\n"


def switch_batch() -> str:
    """The two bridges; multicast goes to every port, or neighbour discovery would have to wait."""
    lines = ["link set lo up"]
    for bridge in ("br0", "br1"):
        lines.append(f"link add {bridge} type bridge forward_delay 0 mcast_snooping 0")
        lines.append(f"link set {bridge} up")
    return "\n".join(lines) + "\n"


def replication_port(name: str) -> str:
    """The switch's end of a host's replication cable."""
    return f"{name}-r"


def cable_batch(name: str, switch: str) -> str:
    """The host's two cables, made in the host; `switch` is a path of the switch's namespace."""
    return (
        f"link add eth0 type veth peer name {name} netns {switch}\n"
        f"link add eth1 type veth peer name {replication_port(name)} netns {switch}\n"
    )


def port_batch(name: str) -> str:
    """Plug the host's cables into the bridges, in the switch."""
    return f"link set {name} master br0 up\nlink set {replication_port(name)} master br1 up\n"


def host_batch(name: str) -> str:
    """The host's interfaces.

    The bridge's MAC address is fixed: left to itself it takes the lowest of its ports' and changes when
    a guest's tap comes or goes, and peers would send to the old one for a minute.
    """
    address = host_address(name)
    lines = [
        "link set lo up",
        f"link set eth0 address {_mac(0, address)}",
        f"link set eth1 address {_mac(1, address)}",
        f"link add {GUEST_BRIDGE} address {_mac(2, address)} type bridge forward_delay 0 mcast_snooping 0",
        f"link set eth0 master {GUEST_BRIDGE} up",
        f"link set {GUEST_BRIDGE} up",
        "link set eth1 up",
        f"addr add {address.primary}/{PRIMARY.prefixlen} dev {GUEST_BRIDGE}",
        f"addr add {address.primary6}/{PRIMARY6.prefixlen} dev {GUEST_BRIDGE} nodad",
        f"addr add {address.secondary}/{SECONDARY.prefixlen} dev eth1",
    ]
    return "\n".join(lines) + "\n"


def _mac(interface: int, address: Address) -> str:
    return f"02:00:00:4e:{interface:02x}:{address.number:02x}"


@dataclass(frozen=True)
class Cut:
    """A host cut from everyone, or from one peer."""

    host: str
    peer: str | None = None

    def touches(self, host: str) -> bool:
        return host in (self.host, self.peer)


def cuts_script(cuts: Iterable[Cut]) -> str:
    """Make the switch drop exactly what these cuts say; one transaction for nft."""
    script = [SWITCH_FILTER, "flush set bridge lab hosts\n", "flush set bridge lab pairs\n"]
    for cut in cuts:
        if cut.peer is None:
            ports = f"{cut.host}, {replication_port(cut.host)}"
            script.append(f"add element bridge lab hosts {{ {ports} }}\n")
        else:
            script.append(f"add element bridge lab pairs {{ {_pair_elements(cut)} }}\n")
    return "".join(script)


def _pair_elements(cut: Cut) -> str:
    assert cut.peer is not None
    primary = (cut.host, cut.peer)
    replication = (replication_port(cut.host), replication_port(cut.peer))
    return ", ".join(f"{a} . {b}, {b} . {a}" for a, b in (primary, replication))
