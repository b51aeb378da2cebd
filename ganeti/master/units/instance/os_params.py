# SPDX-License-Identifier: GPL-2.0-or-later
"""Parameters of OS definitions: public, private and secret ones, merged and validated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ganeti.contracts.node.os import OsCalls
from ganeti.errors import Code, OpExecError, OpPrereqError
from ganeti.master.unit import LogicalUnit
from ganeti.model.config import Config
from ganeti.model.instance import Instance
from ganeti.opcodes.base import REDACTED

Params = Mapping[str, Any]
CHECK_PARAMETERS = ["parameters"]


@dataclass(frozen=True)
class Given:
    """What a request brought along. `default` as a value takes an own value away."""

    public: Params
    private: Params
    secret: Params

    @classmethod
    def of(cls, op: Any) -> Given:
        """From an opcode; raises OpPrereqError for a key in two kinds or a lost secret."""
        secret = getattr(op, "osparams_secret", None) or {}
        given = cls(op.osparams or {}, op.osparams_private or {}, secret)
        given._check()
        return given

    def _check(self) -> None:
        kinds = [self.public, self.private, self.secret]
        twice = {k for kind in kinds for k in kind if sum(k in other for other in kinds) > 1}
        if twice:
            names = ", ".join(sorted(twice))
            raise OpPrereqError(
                f"OS parameter given in more than one kind: {names}", Code.WRONG_INPUT
            )
        if REDACTED in self.secret.values():
            raise OpPrereqError(
                "the secret OS parameters are not kept when the master restarts;"
                " submit the job again",
                Code.WRONG_INPUT,
            )

    def all(self) -> dict[str, Any]:
        return {**self.public, **self.private, **self.secret}

    def stored(self, instance: Instance) -> dict[str, Any]:
        """The attributes of the instance that change; secrets are never stored."""
        return {
            "osparams": updated(instance.osparams, self.public),
            "osparams_private": updated(instance.osparams_private, self.private),
        }


def updated(own: Params, changes: Params) -> dict[str, Any]:
    """Own values with the changes; the word `default` takes one away."""
    merged = {**own, **changes}
    return {key: value for key, value in merged.items() if value != "default"}


def merged(cfg: Config, instance: Instance, os_name: str, given: Given) -> dict[str, Any]:
    """All parameters that the scripts will see."""
    own = {**instance.osparams, **instance.osparams_private}
    return {**cfg.os_defaults(os_name), **updated(own, given.all())}


def carried(cfg: Config, instance: Instance, given: Given) -> Instance:
    """The instance as its primary gets it to run scripts of its OS."""
    return cfg.for_node(instance, osparams=merged(cfg, instance, instance.os, given))


def check(
    unit: LogicalUnit[Any],
    nodes: Iterable[str],
    os_name: str,
    params: Params,
    *,
    force_variant: bool,
    required: bool = True,
) -> None:
    """The nodes check that the OS takes the parameters and, if required, that it is there."""
    if not os_name:
        return
    online = [n for n in nodes if not unit.cfg.nodes[n].offline]
    replies = unit.rpc.all(online, OsCalls.os_validate)(
        required, os_name, CHECK_PARAMETERS, dict(params), force_variant
    )
    for node, reply in replies.items():
        if reply.failed:
            raise OpExecError(
                f"OS '{os_name}' cannot be used on node {unit.cfg.nodes[node].name}: {reply.error}"
            )
