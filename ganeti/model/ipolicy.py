# SPDX-License-Identifier: GPL-2.0-or-later
"""Instance policy: which sizes of instances a group takes.

A full policy (the cluster's) has all keys; a group's is partial and has no `std`. Pairs of bounds in
`minmax` are replaced as a whole. An instance fits if all its sizes lie within one of the pairs.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganeti.errors import Code, OpPrereqError, TypeEnforcementError
from ganeti.model.params import declare
from ganeti.model.params.declare import ValueType
from ganeti.model.templates import TEMPLATES
from ganeti.schema import types

if typing.TYPE_CHECKING:
    from ganeti.model.config import Config
    from ganeti.model.instance import Instance

Policy = Mapping[str, Any]

SIZES = ("cpu-count", "disk-count", "disk-size", "memory-size", "nic-count", "spindle-use")
RATIOS = ("spindle-ratio", "vcpu-ratio")
_SHAPES: Mapping[str, types.Checker] = {
    "disk-templates": types.checker(list[str]),
    "minmax": types.checker(list[dict[str, dict[str, int]]]),
    "spindle-ratio": types.checker(float),
    "std": types.checker(dict[str, int]),
    "vcpu-ratio": types.checker(float),
}
KEYS = tuple(_SHAPES)
GROUP_KEYS = tuple(key for key in KEYS if key != "std")
BOUNDS = ("min", "max")

_LEAST = {
    "cpu-count": 1,
    "disk-count": 1,
    "disk-size": 1024,
    "memory-size": 128,
    "nic-count": 1,
    "spindle-use": 1,
}
_MOST = {
    "cpu-count": 8,
    "disk-count": 16,
    "disk-size": 1024 * 1024,
    "memory-size": 32768,
    "nic-count": 8,
    "spindle-use": 12,
}


def defaults() -> dict[str, Any]:
    """The policy of a cluster that says nothing."""
    return {
        "disk-templates": sorted(TEMPLATES),
        "minmax": [{"max": dict(_MOST), "min": dict(_LEAST)}],
        "spindle-ratio": 32.0,
        "std": dict(_LEAST),
        "vcpu-ratio": 4.0,
    }


def filled(policy: Policy, above: Policy | None = None) -> dict[str, Any]:
    """The policy with what it leaves open taken from the level above."""
    base = defaults() if above is None else dict(above)
    std = {**base["std"], **policy.get("std", {})}
    return {**base, **policy, "std": std}


def typed(policy: Policy, *, group: bool = False) -> dict[str, Any]:
    """The (partial) policy in its types; raises TypeEnforcementError."""
    _refuse_unknown("instance policy key", policy, GROUP_KEYS if group else KEYS)
    result = dict(policy)
    for key in RATIOS:
        if key in policy:
            result[key] = declare.typed(f"policy key '{key}'", ValueType.FLOAT, policy[key])
    if "std" in policy:
        result["std"] = _typed_sizes(policy["std"])
    if "minmax" in policy:
        if not isinstance(policy["minmax"], list | tuple):
            raise TypeEnforcementError(f"policy key 'minmax': {policy['minmax']!r} is not a list")
        result["minmax"] = [_typed_pair(pair) for pair in policy["minmax"]]
    return result


def _refuse_unknown(what: str, given: Any, known: Sequence[str]) -> None:
    if not isinstance(given, Mapping):
        raise TypeEnforcementError(f"{what}: {given!r} is no set of names and values")
    for key in given:
        if key not in known:
            raise TypeEnforcementError(f"unknown {what} '{key}' (known: {', '.join(known)})")


def _typed_sizes(sizes: Mapping[str, Any]) -> dict[str, int]:
    _refuse_unknown("size in an instance policy", sizes, SIZES)
    return {k: declare.typed(f"policy size '{k}'", ValueType.INT, v) for k, v in sizes.items()}


def _typed_pair(pair: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    _refuse_unknown("bound in an instance policy", pair, BOUNDS)
    return {bound: _typed_sizes(sizes) for bound, sizes in pair.items()}


def check(policy: Policy, *, group: bool = False) -> None:
    """Raises OpPrereqError for a policy that is not complete or makes no sense.

    A group's may be partial, but what it has must be whole.
    """
    problems = list(_problems(policy, group))
    if problems:
        raise OpPrereqError(f"instance policy: {'; '.join(problems)}", Code.WRONG_INPUT)


def _problems(policy: Policy, group: bool) -> Iterator[str]:
    known = GROUP_KEYS if group else KEYS
    yield from (f"unknown key '{key}'" for key in policy if key not in known)
    if not group:
        yield from (f"key '{key}' is missing" for key in KEYS if key not in policy)
    misfits = list(_misfits(policy))
    yield from misfits
    if misfits:
        return
    if "disk-templates" in policy:
        yield from _template_problems(policy["disk-templates"])
    if "minmax" in policy:
        yield from _bounds_problems(policy["minmax"], policy.get("std"))


def _misfits(policy: Policy) -> Iterator[str]:
    for key, shape in _SHAPES.items():
        if key in policy:
            try:
                types.at(key, shape, policy[key])
            except types.Mismatch as err:
                yield str(err)


def _template_problems(templates: Sequence[str]) -> Iterator[str]:
    if not templates:
        yield "at least one disk template must be allowed"
    unknown = [name for name in templates if name not in TEMPLATES]
    if unknown:
        yield f"unknown disk templates {', '.join(unknown)}"


def _bounds_problems(pairs: Sequence[Policy], std: Policy | None) -> Iterator[str]:
    if not pairs:
        yield "there must be at least one pair of bounds"
    incomplete = [
        f"{bound}/{size}"
        for pair in pairs
        for bound in BOUNDS
        for size in SIZES
        if size not in pair.get(bound, {})
    ]
    if incomplete:
        yield f"bounds lack {', '.join(incomplete)}"
        return
    for pair in pairs:
        wrong = [size for size in SIZES if pair["min"][size] > pair["max"][size]]
        yield from (f"the minimum of {size} is above its maximum" for size in wrong)
    if std is not None and pairs and not any(_within(pair, std) for pair in pairs):
        yield "the standard sizes lie within none of the pairs of bounds"


def _within(pair: Policy, std: Policy) -> bool:
    return all(
        size in std and pair["min"][size] <= std[size] <= pair["max"][size] for size in SIZES
    )


@dataclass(frozen=True)
class Spec:
    """The sizes of an instance; None where they are not known (yet)."""

    template: str
    memory_size: int | None
    cpu_count: int | None
    nic_count: int | None
    spindle_use: int | None
    disk_sizes: Sequence[int | None]

    @classmethod
    def of(
        cls,
        beparams: Mapping[str, Any],
        *,
        disk_sizes: Sequence[int | None],
        nic_count: int | None,
        template: str,
    ) -> Spec:
        return cls(
            template,
            beparams.get("maxmem"),
            beparams.get("vcpus"),
            nic_count,
            beparams.get("spindle_use"),
            disk_sizes,
        )

    def values(self) -> Iterator[tuple[str, str, int | None]]:
        """Rows of size, what users call it, value."""
        yield "memory-size", "memory-size", self.memory_size
        yield "cpu-count", "cpu-count", self.cpu_count
        if self.template != "diskless":
            yield "disk-count", "disk-count", len(self.disk_sizes)
        yield "nic-count", "nic-count", self.nic_count
        yield "spindle-use", "spindle-use", self.spindle_use
        for index, size in enumerate(self.disk_sizes):
            yield "disk-size", f"disk-size/{index}", size


def violations(policy: Policy, spec: Spec) -> list[str]:
    """Why an instance does not fit a full policy; of the pairs the one with the fewest counts."""
    found = []
    allowed = policy["disk-templates"]
    if spec.template not in allowed and spec.template in TEMPLATES:
        found.append(
            f"disk template {spec.template} is not allowed (allowed: {', '.join(allowed)})"
        )
    return found + min((_outside(pair, spec) for pair in policy["minmax"]), key=len)


def _outside(pair: Policy, spec: Spec) -> list[str]:
    found = []
    for size, label, value in spec.values():
        least, most = pair["min"][size], pair["max"][size]
        if isinstance(value, int) and not least <= value <= most:
            found.append(f"{label} value {value} is not in range [{least}, {most}]")
    return found


def spec_of(cfg: Config, instance: Instance) -> Spec:
    disks = cfg.disks_of(instance)
    return Spec.of(
        cfg.beparams(instance),
        disk_sizes=[disk.size for disk in disks],
        nic_count=len(instance.nics),
        template=cfg.disk_template(instance),
    )


def instance_problems(cfg: Config, instance: Instance, group: str | None = None) -> list[str]:
    """Why an instance does not fit a group, its own by default."""
    group = group or cfg.nodes[instance.primary_node].group
    return violations(cfg.ipolicy(cfg.groups[group]), spec_of(cfg, instance))


def check_instance(cfg: Config, instance: Instance, group: str) -> None:
    """Raises OpPrereqError if the instance does not fit the group."""
    _raise(cfg, group, instance_problems(cfg, instance, group))


def check_spec(cfg: Config, group: str, spec: Spec) -> None:
    """Raises OpPrereqError if an instance of these sizes does not fit the group."""
    _raise(cfg, group, violations(cfg.ipolicy(cfg.groups[group]), spec))


def _raise(cfg: Config, group: str, problems: Sequence[str]) -> None:
    if problems:
        raise OpPrereqError(
            f"Instance allocation to group {group} ({cfg.groups[group].name}) violates policy:"
            f" {', '.join(problems)}",
            Code.WRONG_INPUT,
        )
