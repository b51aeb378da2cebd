# SPDX-License-Identifier: GPL-2.0-or-later
"""Parameters of guests, nodes and disks from the command line, brought to their types.

A wrong value or an unknown name is found here, before a job is submitted. The declarations cost import
time, so this module is loaded only for a command line that sets such a parameter.
"""

from __future__ import annotations

import optparse
from collections.abc import Callable, Mapping
from typing import Any

from ganeti.errors import TypeEnforcementError
from ganeti.model.params import be, disk, nd, nic, state
from ganeti.model.params.declare import DEFAULT
from ganeti.model.params.hv import registry

Values = Mapping[str, Any]


def _of_new_instance(given: tuple[str, Any]) -> tuple[str, Values]:
    """The hypervisor and its parameters; one that shall have its default is left out."""
    hypervisor, values = given
    if not isinstance(values, dict):
        raise TypeEnforcementError(f"hypervisor '{hypervisor}' cannot be removed here")
    own = registry.typed(hypervisor, _reset(values), allow_default=True)
    return hypervisor, {name: value for name, value in own.items() if value != DEFAULT}


def _of_any_hypervisor(values: Values) -> dict[str, Any]:
    """For an instance whose hypervisor is not known here: a name that some hypervisor has."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        having = [h for h in registry.names() if name in registry.of(h).PARAMETERS]
        if not having:
            raise TypeEnforcementError(f"unknown hypervisor parameter '{name}'")
        result |= registry.of(having[0]).typed({name: value}, keep=(DEFAULT,))
    return result


def _hypervisors(values: Values) -> dict[str, Any]:
    """Both forms of ``-H``: for hypervisors by name, and for one instance."""
    if all(isinstance(settings, dict) for settings in values.values()):
        return {
            h: registry.typed(h, _reset(settings), cluster=True, allow_default=True)
            for h, settings in values.items()
        }
    return _of_any_hypervisor(_reset(values))


def _reset(values: Values) -> dict[str, Any]:
    """``-key`` is another way to write ``key=default``, and so is the word in any case."""
    return {name: DEFAULT if _is_reset(value) else value for name, value in values.items()}


def _is_reset(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.lower() == DEFAULT)


def _hypervisor_state(given: Mapping[str, Values]) -> dict[str, Any]:
    states = {}
    for hypervisor, values in given.items():
        registry.of(hypervisor)
        states[hypervisor] = state.HvState.typed(values)
    return states


def _disk_state(given: Mapping[str, Values]) -> dict[str, Any]:
    """``TYPE/IDENT`` is written as one word and travels as two levels."""
    states: dict[str, dict[str, Any]] = {}
    for place, values in given.items():
        kind, slash, ident = place.partition("/")
        if not slash:
            raise TypeEnforcementError(
                f"disk state '{place}': write TYPE/NAME in front of the values"
            )
        states.setdefault(kind, {})[ident] = state.DiskState.typed(values)
    return states


CHECKS: dict[str, Callable[[Any], Any]] = {
    "beparams": lambda values: be.typed(_reset(values)),
    "diskparams": lambda given: {t: disk.typed(t, values) for t, values in given.items()},
    "disk_state": _disk_state,
    "hv_state": _hypervisor_state,
    "hvparams": _hypervisors,
    "hypervisor": _of_new_instance,
    "ndparams": lambda values: nd.typed(_reset(values)),
    "nicparams": nic.typed,
}
"""By the option's destination."""


def enforce(opts: optparse.Values) -> None:
    """Put typed values in place of those that were typed in; raises TypeEnforcementError."""
    for dest, check in CHECKS.items():
        value = getattr(opts, dest, None)
        if value:
            setattr(opts, dest, check(value))
