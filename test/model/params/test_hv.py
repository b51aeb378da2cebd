# SPDX-License-Identifier: GPL-2.0-or-later
"""Hypervisor parameters: what the master finds wrong, and what a node does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import HypervisorError, TypeEnforcementError
from ganeti.model.params import table
from ganeti.model.params.hv import registry
from test.model.test_configfile import fresh


def filled(hypervisor: str, **changes: Any) -> dict[str, Any]:
    return {**registry.defaults(hypervisor), **changes}


@pytest.mark.parametrize("name", registry.names())
def test_the_defaults_make_sense(name: str) -> None:
    registry.check_syntax(name, registry.defaults(name))


def test_the_defaults_are_those_of_release_3_0() -> None:
    cluster = fresh()["cluster"]
    declared = table.table()
    assert declared["hvparams"] == cluster["hvparams"]
    assert declared["diskparams"] == cluster["diskparams"]
    assert declared["beparams"] == cluster["beparams"]["default"]
    assert declared["nicparams"] == cluster["nicparams"]["default"]
    assert declared["ndparams"] == cluster["ndparams"]
    assert json.loads(json.dumps(declared)) == declared


@pytest.mark.parametrize(
    ("hypervisor", "changes"),
    [
        ("kvm", {"cpu_mask": "0-3,5:all:7"}),
        ("kvm", {"cdrom_image_path": "https://example.com/x.iso", "boot_order": "cdrom"}),
        ("kvm", {"kernel_path": "", "root_path": None}),
        ("kvm", {"security_model": "user", "security_domain": "bob"}),
        ("kvm", {"spice_bind": "127.0.0.1", "spice_ip_version": 4}),
        ("kvm", {"serial_console": False, "serial_speed": 1}),
        ("lxc", {"cpu_mask": "0,2-4"}),
        ("xen-hvm", {"boot_order": "dca", "vnc_bind_address": ""}),
        ("xen-pvm", {"use_bootloader": True, "bootloader_path": "/usr/bin/pygrub"}),
    ],
)
def test_what_is_right(hypervisor: str, changes: dict[str, Any]) -> None:
    registry.check_syntax(hypervisor, filled(hypervisor, **changes))


@pytest.mark.parametrize(
    ("hypervisor", "changes", "text"),
    [
        ("kvm", {"kernel_path": "boot/vmlinuz"}, "kernel_path: expected empty or an absolute path"),
        ("kvm", {"kernel_path": "/boot/../x"}, "expected empty or an absolute path"),
        ("kvm", {"kvm_path": ""}, "kvm_path: expected an absolute path"),
        ("kvm", {"cdrom_image_path": "gopher://x"}, "cdrom_image_path: expected"),
        ("kvm", {"boot_order": "usb"}, "boot_order: expected one of 'cdrom'"),
        ("kvm", {"cpu_mask": "0-"}, "cpu_mask: expected"),
        ("kvm", {"migration_port": 65535}, "migration_port: expected a port"),
        ("kvm", {"virtio_net_queues": 9}, "virtio_net_queues: expected"),
        ("kvm", {"kvm_pci_reservations": 33}, "kvm_pci_reservations: expected"),
        ("kvm", {"boot_order": "cdrom"}, "boot_order cdrom needs cdrom_image_path"),
        ("kvm", {"root_path": ""}, "kernel_path needs root_path"),
        ("kvm", {"security_model": "user"}, "security_model user needs security_domain"),
        ("kvm", {"security_domain": "bob"}, "goes only with security_model user"),
        ("kvm", {"disk_aio": "native"}, "disk_aio native needs disk_cache none"),
        ("kvm", {"serial_speed": 1}, "serial_speed 1 is not one of"),
        ("kvm", {"spice_use_tls": True}, "spice_use_tls needs spice_bind"),
        ("kvm", {"spice_bind": "a", "vnc_bind_address": "b"}, "exclude each other"),
        ("kvm", {"vnc_x509_verify": True}, "vnc_x509_verify needs vnc_x509_path"),
        ("lxc", {"cpu_mask": "0:1"}, "cpu_mask: expected"),
        ("chroot", {"init_script": ""}, "init_script: expected an absolute path"),
        ("fake", {"migration_mode": "dead"}, "migration_mode: expected one of"),
        ("xen-hvm", {"boot_order": ""}, "boot_order: expected letters"),
        ("xen-hvm", {"vnc_bind_address": "::"}, "vnc_bind_address: expected"),
        ("xen-hvm", {"cpu_weight": 65535}, "cpu_weight: expected"),
        ("xen-pvm", {"kernel_path": ""}, "kernel_path: expected"),
        ("xen-pvm", {"use_bootloader": True}, "use_bootloader needs bootloader_path"),
    ],
)
def test_what_is_wrong_is_named(hypervisor: str, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(HypervisorError) as caught:
        registry.check_syntax(hypervisor, filled(hypervisor, **changes))
    assert text in str(caught.value)
    assert str(caught.value).startswith(f"hypervisor {hypervisor}: ")


def test_text_becomes_values() -> None:
    given = {"acpi": "false", "cpu_cores": "4", "kernel_path": False, "vga": "std"}
    typed = registry.typed("kvm", given)
    assert typed == {"acpi": False, "cpu_cores": 4, "kernel_path": "", "vga": "std"}


def test_only_the_cluster_has_some() -> None:
    assert registry.typed("kvm", {"migration_port": "8000"}, cluster=True) == {
        "migration_port": 8000
    }
    with pytest.raises(TypeEnforcementError, match="migration_port can only be set for the whole"):
        registry.typed("kvm", {"migration_port": "8000"})
    only = ["migration_bandwidth", "migration_mode", "migration_port", "xen_cmd"]
    assert sorted(registry.CLUSTER_ONLY) == only


def test_the_word_default() -> None:
    assert registry.typed("kvm", {"acpi": "default"}, allow_default=True) == {"acpi": "default"}
    with pytest.raises(TypeEnforcementError):
        registry.typed("kvm", {"acpi": "default"})


def test_unknown_ones() -> None:
    with pytest.raises(TypeEnforcementError, match="unknown parameter of hypervisor kvm 'x'"):
        registry.typed("kvm", {"x": 1})
    with pytest.raises(TypeEnforcementError, match="unknown hypervisor 'vax'"):
        registry.typed("vax", {})


def test_what_only_a_node_knows(tmp_path: Path) -> None:
    kernel = tmp_path / "kernel"
    kernel.touch()
    here = filled("kvm", kernel_path=str(kernel), kvm_path=str(kernel))
    registry.check_on_node("kvm", here)
    with pytest.raises(HypervisorError, match=f"initrd_path: '{tmp_path}' is not a file"):
        registry.check_on_node("kvm", {**here, "initrd_path": str(tmp_path)})


def test_what_hypervisors_can() -> None:
    assert [n for n in registry.names() if registry.needs_port(n)] == ["kvm", "xen-hvm"]
    assert [n for n in registry.names() if registry.can_migrate(n)] == [
        "fake",
        "kvm",
        "xen-hvm",
        "xen-pvm",
    ]
