# SPDX-License-Identifier: GPL-2.0-or-later
"""Instance policies: which are sound, and what fits them."""

from __future__ import annotations

from typing import Any

import pytest

from ganeti.errors import Code, OpPrereqError, TypeEnforcementError
from ganeti.model import ipolicy
from test.support.cluster import a_cluster


def sizes(number: int, **changes: int) -> dict[str, int]:
    all_sizes = dict.fromkeys(ipolicy.SIZES, number)
    return all_sizes | {key.replace("_", "-"): value for key, value in changes.items()}


def policy(**changes: Any) -> dict[str, Any]:
    return {**ipolicy.defaults(), **{k.replace("_", "-"): v for k, v in changes.items()}}


def spec(**changes: Any) -> ipolicy.Spec:
    values: dict[str, Any] = {
        "template": "plain",
        "memory_size": 128,
        "cpu_count": 1,
        "nic_count": 1,
        "spindle_use": 1,
        "disk_sizes": (1024,),
    }
    return ipolicy.Spec(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        (
            {"memory_size": 64, "disk_sizes": (64,)},
            [
                "memory-size value 64 is not in range [128, 32768]",
                "disk-size/0 value 64 is not in range [1024, 1048576]",
            ],
        ),
        ({"nic_count": 0}, ["nic-count value 0 is not in range [1, 8]"]),
        ({"cpu_count": 9}, ["cpu-count value 9 is not in range [1, 8]"]),
        ({"spindle_use": 13}, ["spindle-use value 13 is not in range [1, 12]"]),
        ({"disk_sizes": ()}, ["disk-count value 0 is not in range [1, 16]"]),
        ({"disk_sizes": (), "template": "diskless"}, []),
        ({"disk_sizes": (None, 2048)}, []),
        ({"memory_size": None, "cpu_count": None}, []),
        ({"disk_sizes": (1024, 1)}, ["disk-size/1 value 1 is not in range [1024, 1048576]"]),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], found: list[str]) -> None:
    assert ipolicy.violations(ipolicy.defaults(), spec(**changes)) == found


def test_of_several_pairs_the_nearest_counts() -> None:
    pairs = [
        {"min": sizes(1), "max": sizes(10)},
        {"min": sizes(1), "max": sizes(4000, memory_size=100)},
    ]
    found = ipolicy.violations(policy(minmax=pairs), spec())
    assert found == ["memory-size value 128 is not in range [1, 100]"]


def test_the_template_must_be_allowed() -> None:
    found = ipolicy.violations(policy(disk_templates=["drbd"]), spec())
    assert found == ["disk template plain is not allowed (allowed: drbd)"]


def test_an_instance_is_checked_against_a_group() -> None:
    far = {"minmax": [{"min": sizes(1), "max": sizes(4000, nic_count=1)}]}
    cfg = (
        a_cluster()
        .with_group("far", ipolicy=far)
        .with_node("n1")
        .with_instance("web", template="plain", nics=2)
        .build()
    )
    web, group = cfg.instance("web"), cfg.group("far")
    assert ipolicy.instance_problems(cfg, web) == []
    with pytest.raises(OpPrereqError) as caught:
        ipolicy.check_instance(cfg, web, group.uuid)
    assert caught.value.code == Code.WRONG_INPUT
    assert str(caught.value) == (
        f"Instance allocation to group {group.uuid} (far) violates policy:"
        " nic-count value 2 is not in range [1, 1]"
    )


def test_defaults_are_sound() -> None:
    ipolicy.check(ipolicy.defaults())


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"new_key": 1}, "unknown key 'new-key'"),
        ({"disk_templates": []}, "at least one disk template"),
        ({"disk_templates": ["floppy"]}, "unknown disk templates floppy"),
        ({"vcpu_ratio": "4"}, "vcpu-ratio: expected a number, got '4'"),
        ({"disk_templates": "plain"}, "disk-templates: expected a list, got 'plain'"),
        ({"std": None}, "std: expected an object, got None"),
        ({"minmax": [5]}, "minmax/0: expected an object, got 5"),
        ({"minmax": [{"min": {"cpu-count": "1"}}]}, "minmax/0/min/cpu-count: expected an integer"),
        ({"minmax": []}, "at least one pair"),
        ({"minmax": [{"min": sizes(1), "max": {}}]}, "bounds lack max/cpu-count"),
        ({"minmax": [{"min": sizes(2), "max": sizes(1)}]}, "minimum of cpu-count is above"),
        ({"std": sizes(9)}, "standard sizes lie within none"),
    ],
)
def test_what_is_wrong_with_a_policy_is_named(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(OpPrereqError, match=text):
        ipolicy.check(policy(**changes))


def test_a_full_policy_lacks_nothing() -> None:
    with pytest.raises(OpPrereqError, match="key 'std' is missing"):
        ipolicy.check({k: v for k, v in ipolicy.defaults().items() if k != "std"})


def test_a_group_has_part_of_a_policy_and_no_standard() -> None:
    ipolicy.check({}, group=True)
    with pytest.raises(OpPrereqError, match="unknown key 'std'"):
        ipolicy.check({"std": sizes(1)}, group=True)


def test_filling_replaces_pairs_as_a_whole() -> None:
    pair = {"min": sizes(5), "max": sizes(6)}
    filled = ipolicy.filled({"minmax": [pair], "std": {"cpu-count": 5}})
    assert filled["minmax"] == [pair]
    assert filled["std"]["cpu-count"] == 5
    assert filled["std"]["disk-size"] == 1024
    assert ipolicy.filled({}, filled) == filled


def test_types_are_enforced() -> None:
    typed = ipolicy.typed({"vcpu-ratio": "3", "std": {"cpu-count": "2"}})
    assert typed == {"vcpu-ratio": 3.0, "std": {"cpu-count": 2}}


@pytest.mark.parametrize(
    "wrong",
    [
        *({"x": 1}, {"std": {"x": 1}}, {"std": {"cpu-count": "a"}}, {"minmax": [{"x": {}}]}),
        *({"std": 5}, {"minmax": 5}, {"minmax": {"min": {}}}, {"minmax": [5]}),
        *({"minmax": [{"min": 5}]}, {"vcpu-ratio": "inf"}),
    ],
)
def test_what_is_no_policy_at_all(wrong: Any) -> None:
    with pytest.raises(TypeEnforcementError):
        ipolicy.typed(wrong)
