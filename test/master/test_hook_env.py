# SPDX-License-Identifier: GPL-2.0-or-later
"""The variables that hooks of instances see."""

from typing import Any

import pytest

from ganeti.master import hook_env
from test.support.cluster import a_cluster

COMMON = ("UUID", "SIZE", "MODE")


def env(**instance: Any) -> dict[str, Any]:
    cfg = a_cluster().with_nodes("n1", "n2").with_instance("web", **instance).build()
    return hook_env.instance_env(cfg, cfg.instance("web"))


def of(prefix: str, variables: dict[str, Any]) -> set[str]:
    return {name.removeprefix(prefix) for name in variables if name.startswith(prefix)}


@pytest.mark.parametrize(
    ("template", "own"),
    [
        ("plain", ("VG", "ID")),
        ("file", ("DRIVER", "ID")),
        ("rbd", ("DRIVER", "ID")),
        ("ext", ("PROVIDER", "ID")),
        (
            "drbd",
            (
                *("PNODE", "SNODE", "PORT", "PMINOR", "SMINOR"),
                *("DATA_VG", "DATA_ID", "META_VG", "META_ID"),
            ),
        ),
    ],
)
def test_disks_say_where_they_are(template: str, own: tuple[str, ...]) -> None:
    assert of("INSTANCE_DISK0_", env(template=template)) == {*COMMON, *own}


def test_the_secret_of_a_disk_is_nobodys_business() -> None:
    variables = env(template="drbd")
    assert f"{11000:040x}" not in map(str, variables.values())


def test_secondaries_have_both_names() -> None:
    variables = env(template="drbd")
    assert variables["INSTANCE_SECONDARIES"] == variables["INSTANCE_SECONDARY"] == "n2"
    assert env()["INSTANCE_SECONDARIES"] == ""


def test_parameters_keep_their_names() -> None:
    variables = env(beparams={"maxmem": 512}, tags=("a", "b"))
    assert variables["INSTANCE_MEMORY"] == variables["INSTANCE_BE_maxmem"] == 512
    assert variables["INSTANCE_HV_acpi"] is True
    assert variables["INSTANCE_TAGS"] == "a b"
    assert (variables["INSTANCE_STATUS"], variables["OP_TARGET"]) == ("down", "web")


def test_nics_say_how_they_are_connected() -> None:
    assert of("INSTANCE_NIC0_", env()) == {"UUID", "IP", "MAC", "MODE", "LINK", "VLAN", "BRIDGE"}
    assert env()["INSTANCE_NIC0_IP"] == ""
    assert env(nics=2)["INSTANCE_NIC_COUNT"] == 2


def test_those_in_a_network_tell_of_it() -> None:
    builder = a_cluster().with_nodes("n1").with_instance("web")
    builder.with_network("lan", "10.3.0.0/24", groups=("default",), gateway="10.3.0.1")
    cfg = builder.build()
    web = cfg.instance("web")
    nic = web.nics[0].replace(network=cfg.network("lan").uuid, name="eth")
    variables = hook_env.instance_env(cfg, web.replace(nics=(nic,)))
    assert variables["INSTANCE_NIC0_BRIDGE"] == "br-lan"
    assert of("INSTANCE_NIC0_NETWORK_", variables) == {"NAME", "UUID", "TAGS", "SUBNET", "GATEWAY"}
    assert variables["INSTANCE_NIC0_NAME"] == "eth"
