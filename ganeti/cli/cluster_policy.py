# SPDX-License-Identifier: GPL-2.0-or-later
"""The options of an instance policy, for ``init`` and ``modify`` of a cluster."""

from __future__ import annotations

import optparse
from collections.abc import Mapping
from typing import Any

from ganeti.cli.options import value
from ganeti.errors import Code, OpPrereqError, TypeEnforcementError, UnitParseError
from ganeti.utils import text

POLICY = (
    value(
        "--ipolicy-bounds-specs",
        kind="identified_lists",
        metavar="min:.../max:...",
        doc="Least and largest sizes of instances; several pairs with // between them",
    ),
    value("--ipolicy-std-specs", kind="key_values", doc="Standard sizes of an instance"),
    value("--ipolicy-disk-templates", kind="words", doc="Disk templates that are allowed"),
    value("--ipolicy-vcpu-ratio", kind="number_or_default", doc="Virtual CPUs per physical one"),
    value("--ipolicy-spindle-ratio", kind="number_or_default", doc="Instances per spindle"),
)


def _one_size(what: str, words: str) -> Any:
    return value(
        f"--specs-{words}", kind="key_values", default={}, doc=f"min, max and std of the {what}"
    )


SIZES = (
    _one_size("number of virtual CPUs", "cpu-count"),
    _one_size("number of disks", "disk-count"),
    _one_size("size of each disk", "disk-size"),
    _one_size("memory", "mem-size"),
    _one_size("number of NICs", "nic-count"),
)
_SIZE_OPTIONS = {
    "cpu-count": "specs_cpu_count",
    "disk-count": "specs_disk_count",
    "disk-size": "specs_disk_size",
    "memory-size": "specs_mem_size",
    "nic-count": "specs_nic_count",
}
_WITH_UNIT = ("disk-size", "memory-size")


def from_options(opts: optparse.Values) -> dict[str, Any]:
    """The parts of a policy that were given; empty if none was."""
    from ganeti.model import ipolicy

    given = {
        "minmax": _bounds(opts.ipolicy_bounds_specs),
        "std": _sizes(opts.ipolicy_std_specs),
        "disk-templates": opts.ipolicy_disk_templates,
        "vcpu-ratio": opts.ipolicy_vcpu_ratio,
        "spindle-ratio": opts.ipolicy_spindle_ratio,
    }
    return ipolicy.typed({key: part for key, part in given.items() if part is not None})


def from_init_options(opts: optparse.Values) -> dict[str, Any]:
    """The same for a new cluster, which also takes the sizes one by one."""
    from ganeti.model import ipolicy

    policy = from_options(opts)
    single = {size: getattr(opts, dest) for size, dest in _SIZE_OPTIONS.items()}
    if not any(single.values()):
        return policy
    if "minmax" in policy or "std" in policy:
        raise OpPrereqError(
            "the --specs-... options and --ipolicy-...-specs exclude each other", Code.WRONG_INPUT
        )
    rows = _by_bound(single)
    usual = ipolicy.defaults()
    bounds = {b: {**usual["minmax"][0][b], **rows[b]} for b in ipolicy.BOUNDS}
    own = {"minmax": [bounds], "std": {**usual["std"], **rows["std"]}}
    return {**policy, **ipolicy.typed(own)}


def _by_bound(single: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {"min": {}, "max": {}, "std": {}}
    for size, values in single.items():
        for bound, number in values.items():
            if bound not in rows:
                raise TypeEnforcementError(f"{size}: '{bound}' is none of min, max, std")
            rows[bound] |= _sizes({size: number}) or {}
    return rows


def _bounds(given: list[dict[str, dict[str, Any]]] | None) -> Any:
    if given is None:
        return None
    return [{bound: _sizes(sizes) for bound, sizes in pair.items()} for pair in given]


def _sizes(sizes: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Memory and disk sizes may have a unit."""
    if sizes is None:
        return None
    return {k: _size(k, str(v)) if k in _WITH_UNIT else v for k, v in sizes.items()}


def _size(name: str, words: str) -> int:
    try:
        return text.parse_size(words)
    except UnitParseError as err:
        raise OpPrereqError(f"instance policy, {name}: {err}", Code.WRONG_INPUT) from None
