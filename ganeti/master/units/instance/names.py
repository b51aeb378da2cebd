# SPDX-License-Identifier: GPL-2.0-or-later
"""Names for new and renamed instances: normal form, resolution, uniqueness."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ganeti.errors import Code, OpPrereqError, ResolverError
from ganeti.model.config import Config
from ganeti.utils import net

VALID = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
MAX_LENGTH = 255


@dataclass(frozen=True)
class Found:
    """A name in its full form; the address is there if the name was looked up."""

    name: str
    address: str | None


def check_options(*, name_check: bool, ip_check: bool) -> None:
    if ip_check and not name_check:
        raise OpPrereqError(
            "the check of the address needs the check of the name; use --no-ip-check as well",
            Code.WRONG_INPUT,
        )


def normal(name: str) -> str:
    """Lower case, without the root's dot; raises OpPrereqError for what is no host name."""
    text = name.lower().removesuffix(".")
    if not VALID.fullmatch(text) or len(text) > MAX_LENGTH:
        raise OpPrereqError(f"'{name}' is not a valid host name", Code.WRONG_INPUT)
    return text


def resolve(cfg: Config, name: str, *, name_check: bool) -> Found:
    """The full name; the given one must be its beginning, up to a dot."""
    wanted = normal(name)
    if not name_check:
        return Found(wanted, None)
    try:
        host = net.resolve(wanted, family=cfg.cluster.primary_ip_family)
    except ResolverError as err:
        raise OpPrereqError(str(err), Code.RESOLVER) from err
    if host.name != wanted and not host.name.startswith(wanted + "."):
        raise OpPrereqError(
            f"the name '{wanted}' resolves to another host, '{host.name}'", Code.WRONG_INPUT
        )
    return Found(host.name, host.address)


def check_free(cfg: Config, name: str) -> None:
    if any(instance.name == name for instance in cfg.instances.values()):
        raise OpPrereqError(f"instance '{name}' is there already", Code.ALREADY_EXISTS)


def check_silent(address: str | None, name: str) -> None:
    """Raises if somebody answers at the address of the name."""
    if address and net.is_in_use(address, net.daemon_port("ganeti-noded")):
        raise OpPrereqError(
            f"the address {address} of {name} is in use on the network", Code.NOT_UNIQUE
        )
