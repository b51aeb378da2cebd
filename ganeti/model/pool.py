# SPDX-License-Identifier: GPL-2.0-or-later
"""The addresses of a network as a pool: two texts of bits, one for each address.

`reservations` are in use by instances, `ext_reservations` are kept from them. Addresses outside of
the IPv4 network are nobody's business here.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Collection, Iterable

from ganeti.errors import AddressPoolError
from ganeti.model.network import Network

LARGEST, SMALLEST = 16, 30
"""Prefix lengths a network may have."""
FREE, TAKEN = ".", "X"


def new_bits(network: str, gateway: str | None) -> tuple[str, str]:
    """Both texts for a new network: its first and last address and the gateway are kept.

    Raises AddressPoolError for a network or gateway that cannot be.
    """
    try:
        parsed = ipaddress.IPv4Network(network)
    except ValueError as err:
        raise AddressPoolError(f"'{network}' is not an IPv4 network: {err}") from None
    if not LARGEST <= parsed.prefixlen <= SMALLEST:
        raise AddressPoolError(f"network {network} is not between /{LARGEST} and /{SMALLEST}")
    size = parsed.num_addresses
    kept = {0, size - 1}
    if gateway is not None:
        kept.add(_position(parsed, gateway))
    return "0" * size, _with("0" * size, dict.fromkeys(kept, "1"))


def _position(network: ipaddress.IPv4Network, address: str) -> int:
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError:
        raise AddressPoolError(f"'{address}' is not an IPv4 address") from None
    if parsed not in network:
        raise AddressPoolError(f"address {address} is not in network {network}")
    return int(parsed) - int(network.network_address)


def _with(bits: str, changes: dict[int, str]) -> str:
    return "".join(changes.get(place, bit) for place, bit in enumerate(bits))


def contains(network: Network, address: str) -> bool:
    try:
        _position(ipaddress.IPv4Network(network.network), address)
    except AddressPoolError:
        return False
    return True


def is_kept(network: Network, address: str) -> bool:
    """Whether instances may not have the address."""
    place = _position(ipaddress.IPv4Network(network.network), address)
    return (network.ext_reservations or "")[place : place + 1] == "1"


def is_used(network: Network, address: str) -> bool:
    place = _position(ipaddress.IPv4Network(network.network), address)
    return (network.reservations or "")[place : place + 1] == "1"


def free_address(network: Network, taken: Collection[str] = ()) -> str:
    """The first address that is free and not among `taken`; raises AddressPoolError."""
    first = ipaddress.IPv4Network(network.network).network_address
    for place, mark in enumerate(marks(network)):
        if mark == FREE and (address := str(first + place)) not in taken:
            return address
    raise AddressPoolError(f"network {network.name} has no free address")


def marks(network: Network) -> str:
    """A character for each address: `FREE`, or `TAKEN` if it is in use or kept from instances."""
    used, kept = network.reservations or "", network.ext_reservations or ""
    pairs = itertools.zip_longest(used, kept, fillvalue="0")
    return "".join(TAKEN if "1" in bits else FREE for bits in pairs)


def kept(network: Network) -> list[str]:
    """The addresses that instances may not have."""
    first = ipaddress.IPv4Network(network.network).network_address
    bits = network.ext_reservations or ""
    return [str(first + place) for place, bit in enumerate(bits) if bit == "1"]


def with_used(network: Network, addresses: Iterable[str], *, used: bool) -> Network:
    """The network with addresses taken or given back; those outside of it do not count."""
    return network.replace(reservations=_marked(network, network.reservations, addresses, used))


def with_kept(network: Network, addresses: Iterable[str], *, kept: bool) -> Network:
    """The network with addresses kept from instances, or left to them again."""
    bits = _marked(network, network.ext_reservations, addresses, kept)
    return network.replace(ext_reservations=bits)


def _marked(network: Network, bits: str | None, addresses: Iterable[str], mark: bool) -> str:
    parsed = ipaddress.IPv4Network(network.network)
    places = {_position(parsed, a) for a in addresses if contains(network, a)}
    return _with(bits or "0" * parsed.num_addresses, dict.fromkeys(places, "01"[mark]))
