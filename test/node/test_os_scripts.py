# SPDX-License-Identifier: GPL-2.0-or-later
"""Scripts of OS definitions: what they see, what becomes of what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganeti.model.instance import Instance
from ganeti.node import os_definition, os_scripts
from ganeti.node.handlers.os import OsHandlers
from ganeti.node.os_definition import OsError
from test.node.test_os_definition import GOOD, SCRIPTS, define
from test.support.cluster import a_cluster
from test.support.node_host import NodeHost


def an_instance(node: NodeHost, **attributes: Any) -> Instance:
    """With a disk that is a file, and a NIC in a network."""
    node.allow_files("/srv/ganeti")
    builder = (
        a_cluster()
        .with_nodes("n1.example.com", "n2.example.com")
        .with_network("green", "10.7.7.0/24", gateway="10.7.7.1", groups=("default",), tags=("t",))
        .with_instance("web", template="file", os="lab+minimal", **attributes)
    )
    cfg = builder.build()
    (network,) = cfg.networks
    instance = cfg.instance("web")
    nic = instance.nics[0].replace(network=network, ip="10.7.7.7", name="eth0")
    return cfg.for_node(instance.replace(nics=(nic,)))


def env_of(node: NodeHost, instance: Instance) -> dict[str, str]:
    return os_scripts.InstanceScripts(node.host, instance, 2).env()


def test_what_every_script_sees(node: NodeHost) -> None:
    define(node)
    found = os_definition.require(node.paths.os_search_path, "lab+minimal")
    params = {"size": 5, "ssh-key": "x"}
    assert os_scripts.core_env(found, "lab+minimal", params, 1) == {
        "PATH": "/sbin:/bin:/usr/sbin:/usr/bin",
        "OS_API_VERSION": "20",
        "OS_NAME": "lab",
        "OS_VARIANT": "minimal",
        "DEBUG_LEVEL": "1",
        "OSP_SIZE": "5",
        "OSP_SSH_KEY": "x",
    }
    assert os_scripts.core_env(found, "lab", {}, 0)["OS_VARIANT"] == "default"


def test_what_the_first_interface_promised(node: NodeHost) -> None:
    define(node, files={**GOOD, "ganeti_api_version": "10\n"})
    found = os_definition.require(node.paths.os_search_path, "lab")
    assert set(os_scripts.core_env(found, "lab", {"size": 5}, 0)) == {
        "PATH",
        "OS_API_VERSION",
        "OS_NAME",
        "DEBUG_LEVEL",
    }


def test_what_scripts_of_an_instance_see(node: NodeHost) -> None:
    define(node)
    instance = an_instance(node, osparams={"size": "5"}, osparams_private={"kind": "y"})
    env = env_of(node, instance)
    (disk,) = instance.disks_info or ()
    (nic,) = instance.nics
    link = f"{node.paths.disk_links_dir}/web:0"
    expected = {
        "INSTANCE_NAME": "web",
        "INSTANCE_OS": "lab+minimal",
        "INSTANCE_UUID": instance.uuid,
        "INSTANCE_PRIMARY_NODE": "n1.example.com",
        "INSTANCE_SECONDARY_NODES": "",
        "HYPERVISOR": "kvm",
        "DEBUG_LEVEL": "2",
        "OSP_SIZE": "5",
        "OSP_KIND": "y",
        "DISK_COUNT": "1",
        "DISK_0_PATH": link,
        "DISK_0_ACCESS": "rw",
        "DISK_0_UUID": disk.uuid,
        "DISK_0_SIZE": "1024",
        "DISK_0_FRONTEND_TYPE": "paravirtual",
        "DISK_0_BACKEND_TYPE": "file:loop",
        "NIC_COUNT": "1",
        "NIC_0_MAC": nic.mac,
        "NIC_0_UUID": nic.uuid,
        "NIC_0_NAME": "eth0",
        "NIC_0_IP": "10.7.7.7",
        "NIC_0_MODE": "bridged",
        "NIC_0_LINK": "br-green",
        "NIC_0_BRIDGE": "br-green",
        "NIC_0_FRONTEND_TYPE": "paravirtual",
        "NIC_0_NETWORK_NAME": "green",
        "NIC_0_NETWORK_SUBNET": "10.7.7.0/24",
        "NIC_0_NETWORK_GATEWAY": "10.7.7.1",
        "NIC_0_NETWORK_TAGS": "t",
        "INSTANCE_BE_vcpus": "1",
        "INSTANCE_BE_auto_balance": "True",
        "INSTANCE_HV_acpi": "True",
    }
    assert {key: env.get(key) for key in expected} == expected
    assert not {"DISK_0_URI", "DISK_0_NAME"} & env.keys()


def test_mirrored_disks_name_the_other_node(node: NodeHost) -> None:
    builder = a_cluster().with_nodes("n1.example.com", "n2.example.com")
    cfg = builder.with_instance("web", template="drbd").build()
    env = os_scripts.identity_env(cfg.for_node(cfg.instance("web")))
    assert env["INSTANCE_PRIMARY_NODE"] == "n1.example.com"
    assert env["INSTANCE_SECONDARY_NODES"] == "n2.example.com"


@pytest.mark.parametrize(
    ("reinstall", "expected"), [(False, None), (True, "1")], ids=["install", "reinstall"]
)
def test_create(node: NodeHost, reinstall: bool, expected: str | None) -> None:
    directory = define(node)
    node.runner.on(f"{directory}/create", stdout="installing\n")
    OsHandlers(node.host).instance_os_add(an_instance(node), reinstall, 0)
    (call,) = node.runner.calls
    assert call.argv == (f"{directory}/create",)
    assert call.reset_env
    assert call.cwd == directory
    assert (call.env or {}).get("INSTANCE_REINSTALL") == expected
    (log,) = Path(node.paths.os_log_dir).iterdir()
    assert log.name.startswith("add-lab-web-2023-11-")
    assert log.read_text() == "installing\n"


def test_rename(node: NodeHost) -> None:
    directory = define(node)
    OsHandlers(node.host).instance_run_rename(an_instance(node), "old", 0)
    (call,) = node.runner.calls
    assert call.argv == (f"{directory}/rename",)
    assert (call.env or {})["OLD_INSTANCE_NAME"] == "old"
    assert "/rename-lab-old-web-" in (call.output_file or "")


def test_the_last_lines_of_a_failure_are_told(node: NodeHost) -> None:
    directory = define(node)
    lines = "".join(f"line {n}\n" for n in range(100))
    node.runner.on(f"{directory}/create", returncode=3, stdout=lines)
    with pytest.raises(OsError) as caught:
        OsHandlers(node.host).instance_os_add(an_instance(node), False, 0)
    first, *rest = str(caught.value).splitlines()
    assert "the script create of OS 'lab' exited with code 3" in first
    assert rest == [f"line {n}" for n in range(80, 100)]


def test_what_is_no_text_is_told_all_the_same(node: NodeHost) -> None:
    directory = define(node)

    def garble(call: Any) -> None:
        Path(call.output_file).write_bytes(b"\xff\xfe broken\n")

    node.runner.on(f"{directory}/create", returncode=1, do=garble)
    with pytest.raises(OsError, match="broken"):
        OsHandlers(node.host).instance_os_add(an_instance(node), False, 0)


def test_untrusted_scripts_do_not_run(node: NodeHost) -> None:
    define(node, scripts=("create_untrusted", *SCRIPTS[1:]))
    with pytest.raises(OsError, match="only an untrusted create script"):
        OsHandlers(node.host).instance_os_add(an_instance(node), False, 0)
    assert node.runner.calls == []


def validate(
    node: NodeHost, name: str, params: dict[str, str] | None = None, *, required: bool = True
) -> bool:
    calls = OsHandlers(node.host)
    return calls.os_validate(required, name, ["parameters"], params or {}, False)


def test_parameters_are_judged_by_the_definition(node: NodeHost) -> None:
    directory = define(node)
    assert validate(node, "lab+default", {"size": "5"})
    (call,) = node.runner.calls
    assert call.argv == (f"{directory}/verify", "parameters")
    assert (call.env or {})["OSP_SIZE"] == "5"
    node.runner.on(f"{directory}/verify", returncode=1, stderr="too small")
    with pytest.raises(OsError, match="refuses its parameters: too small"):
        validate(node, "lab+default", {"size": "1"})


def test_parameters_for_all_variants_are_judged_with_the_first(node: NodeHost) -> None:
    define(node)
    assert validate(node, "lab", {"size": "5"}, required=False)
    (call,) = node.runner.calls
    assert (call.env or {})["OS_VARIANT"] == "default"
    with pytest.raises(OsError, match="needs a variant"):
        validate(node, "lab", {"size": "5"})


def test_what_the_core_handles_is_not_the_definitions_business(node: NodeHost) -> None:
    define(node)
    validate(node, "lab+default", {"os-image": "/srv/image"})
    (call,) = node.runner.calls
    assert "OSP_OS_IMAGE" not in (call.env or {})


def test_a_definition_without_parameters_takes_none(node: NodeHost) -> None:
    define(node, files={**GOOD, "ganeti_api_version": "15\n"})
    assert validate(node, "lab+default")
    assert node.runner.calls == []
    with pytest.raises(OsError, match="has no parameter size"):
        validate(node, "lab+default", {"size": "5"})


def test_a_missing_definition(node: NodeHost) -> None:
    assert validate(node, "nothing", required=False) is False
    with pytest.raises(OsError, match="there is no OS 'nothing'"):
        validate(node, "nothing")


def test_unknown_checks_are_named(node: NodeHost) -> None:
    define(node)
    with pytest.raises(OsError, match="unknown checks of OS parameters: taste"):
        OsHandlers(node.host).os_validate(True, "lab+default", ["taste"], {}, False)


def test_the_rows_of_diagnose(node: NodeHost) -> None:
    first, second = define(node), define(node, "torn", scripts=())
    rows = OsHandlers(node.host).os_diagnose()
    assert rows[0] == (
        "lab",
        first,
        True,
        "",
        ["default", "minimal"],
        [("size", "The size of it"), ("kind", "")],
        [20, 15],
        True,
    )
    name, path, good, text, *_ = rows[1]
    assert (name, path, good) == ("torn", second, False)
    assert "missing" in text
