# SPDX-License-Identifier: GPL-2.0-or-later
"""NICs as a request describes them, turned into records.

The words of a request (``auto``, ``generate``, ``none``, ``pool``, …) are those of `gnt-instance`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ganeti.errors import Code, OpPrereqError, ReservationError
from ganeti.master.config.reserve import Reservations
from ganeti.master.units.instance.os_params import updated
from ganeti.model import pool
from ganeti.model.config import Config
from ganeti.model.nic import Nic
from ganeti.model.params import nic as nic_params
from ganeti.model.params.declare import DEFAULT
from ganeti.utils import net

Request = Mapping[Any, Any]

NONE = "none"
AUTO = "auto"
GENERATE = "generate"
POOL = "pool"
MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
VLAN = re.compile(r"(\.\d+)?(:\d+)*")


def cleared(value: str | None) -> str | None:
    """`none` and an empty text mean that there is no value."""
    return None if value is None or value.lower() in ("", NONE) else value


def vlan(value: str | None) -> str:
    """``5`` is short for ``.5``; raises OpPrereqError for what Open vSwitch would not take."""
    text = value or ""
    if text.isdigit():
        text = f".{text}"
    if not VLAN.fullmatch(text):
        raise OpPrereqError(
            f"'{value}' is no VLAN; write .N, :A:B or .N:A:B with numbers", Code.WRONG_INPUT
        )
    return text


class NicBuilder:
    """Builds NICs for one instance; what they take is reserved until the job ends.

    `name_address`: the address that the instance's name resolves to, for ``ip=auto``.
    `conflicts_check`: addresses that a network keeps for others are refused.
    """

    def __init__(
        self,
        cfg: Config,
        reserve: Reservations,
        group: str,
        *,
        name_address: str | None = None,
        conflicts_check: bool = True,
    ) -> None:
        self._cfg, self._reserve, self.group = cfg, reserve, group
        self._name_address, self._conflicts_check = name_address, conflicts_check

    def new(self, request: Request) -> Nic:
        """A NIC for a request; raises OpPrereqError that names what does not fit."""
        network = self._network(cleared(request.get("network")))
        params = updated({}, self._params(request, network))
        filled = self._filled(params, network)
        ip = self._ip(cleared(request.get("ip")), network)
        _check(filled, ip, network)
        return Nic(
            uuid=self._reserve.uuid(),
            name=cleared(request.get("name")),
            mac=self._mac(request.get("mac") or AUTO, network),
            ip=ip,
            network=network,
            nicparams=params,
        )

    def changed(self, nic: Nic, request: Request) -> Nic:
        """The NIC with what the request names changed."""
        network = nic.network
        if "network" in request:
            network = self._network(cleared(request["network"]))
        params = self._params(request, network)
        own = {} if network else updated(nic.nicparams, params)
        ip = self._changed_ip(nic, request, network)
        _check(self._filled(own, network), ip, network)
        mac = self._changed_mac(nic, request.get("mac"), network)
        name = cleared(request["name"]) if "name" in request else nic.name
        return nic.replace(mac=mac, ip=ip, name=name, network=network, nicparams=own)

    def _network(self, name: str | None) -> str | None:
        """UUID of the network, which must be connected to the group."""
        if name is None:
            return None
        network = self._cfg.network(name)
        if network.uuid not in self._cfg.groups[self.group].networks:
            group = self._cfg.groups[self.group].name
            raise OpPrereqError(
                f"network {network.name} is not connected to group {group};"
                " connect it with 'gnt-network connect'",
                Code.WRONG_STATE,
            )
        return network.uuid

    def _params(self, request: Request, network: str | None) -> dict[str, Any]:
        given = {"mode": request.get("mode"), "vlan": request.get("vlan")}
        given["link"] = request.get("link") or request.get("bridge")
        own = {key: value for key, value in given.items() if value is not None}
        if network and own:
            raise OpPrereqError(
                "a NIC in a network takes mode, link and VLAN from it;"
                f" leave out {', '.join(sorted(own))}",
                Code.WRONG_INPUT,
            )
        if own.get("vlan", DEFAULT) != DEFAULT:
            own["vlan"] = vlan(own["vlan"])
        return nic_params.typed(own)

    def _filled(self, own: Mapping[str, Any], network: str | None) -> Mapping[str, Any]:
        if network:
            return self._cfg.groups[self.group].networks[network]
        return {**self._cfg.cluster.nicparams["default"], **own}

    def _ip(self, value: str | None, network: str | None) -> str | None:
        if value is None:
            return None
        if value == POOL:
            return self._pooled(network)
        address = self._address_of_name() if value == AUTO else value
        if not net.is_ip(address):
            raise OpPrereqError(f"'{value}' is not an IP address", Code.WRONG_INPUT)
        if network:
            with _unique():
                self._reserve.network_ip(network, address, even_kept=not self._conflicts_check)
        elif self._conflicts_check:
            self._check_in_no_network(address)
        return address

    def _check_in_no_network(self, address: str) -> None:
        for uuid in self._cfg.groups[self.group].networks:
            if pool.contains(self._cfg.networks[uuid], address):
                name = self._cfg.networks[uuid].name
                raise OpPrereqError(
                    f"the address {address} belongs to network {name}, but the NIC does not;"
                    f" use network={name}, or --no-conflicts-check",
                    Code.WRONG_STATE,
                )

    def _changed_ip(self, nic: Nic, request: Request, network: str | None) -> str | None:
        """What the NIC has it keeps, but in another network it must be free there."""
        wanted = cleared(request["ip"]) if "ip" in request else nic.ip
        if (wanted, network) == (nic.ip, nic.network):
            return wanted
        return self._ip(wanted, network)

    def _address_of_name(self) -> str:
        if self._name_address is None:
            raise OpPrereqError(
                "ip=auto takes the address of the instance's name, which was not looked up;"
                " leave out --no-name-check",
                Code.WRONG_INPUT,
            )
        return self._name_address

    def _pooled(self, network: str | None) -> str:
        if network is None:
            raise OpPrereqError("ip=pool needs a network to take it from", Code.WRONG_INPUT)
        return self._reserve.free_network_ip(network)

    def _mac(self, value: str, network: str | None) -> str:
        if value in (AUTO, GENERATE):
            return self._reserve.generate_mac(network)
        mac = value.lower()
        if not MAC.fullmatch(mac):
            raise OpPrereqError(f"'{value}' is not a MAC address", Code.WRONG_INPUT)
        with _unique():
            self._reserve.mac(mac)
        return mac

    def _changed_mac(self, nic: Nic, value: str | None, network: str | None) -> str:
        if value == AUTO:
            raise OpPrereqError(
                "mac=auto is for new NICs; use mac=generate or an address", Code.WRONG_INPUT
            )
        if value is None and self._prefix(network) != self._prefix(nic.network):
            return self._mac(GENERATE, network)
        if value is None or value.lower() == nic.mac.lower():
            return nic.mac
        return self._mac(value, network)

    def _prefix(self, network: str | None) -> str:
        """Of MAC addresses."""
        own = self._cfg.networks[network].mac_prefix if network else None
        return own or self._cfg.cluster.mac_prefix


@contextlib.contextmanager
def _unique() -> Iterator[None]:
    """Who asks for what somebody has, asks for something wrong."""
    try:
        yield
    except ReservationError as err:
        raise OpPrereqError(str(err), Code.NOT_UNIQUE) from err


def _check(filled: Mapping[str, Any], ip: str | None, network: str | None) -> None:
    nic_params.check(filled)
    for problem in problems(filled, ip, network):
        raise OpPrereqError(problem, Code.WRONG_INPUT)


def problems(filled: Mapping[str, Any], ip: str | None, network: str | None) -> Iterator[str]:
    """What does not go together in a NIC with these filled parameters."""
    if filled["mode"] == "routed" and not (ip or network):
        yield "a routed NIC needs an IP address or a network"
    if filled.get("vlan") and filled["mode"] == "routed":
        yield "a VLAN needs a bridged NIC or Open vSwitch"
