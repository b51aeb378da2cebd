# SPDX-License-Identifier: GPL-2.0-or-later
"""The scripts of the OS definition, run as a node runs them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from test.lab import layer
from test.lab.os import lab_guest
from test.lab.os.lab_guest import Counter

DISK_SIZE = 4 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk"
    with path.open("wb") as file:
        file.truncate(DISK_SIZE)
    return path


def script(
    action: str, disk: Path, *arguments: str, stdin: str = "", **more: str
) -> subprocess.CompletedProcess[bytes]:
    """Run one script with the environment of an instance that has this disk."""
    env = {
        "PATH": "/usr/bin:/bin",
        "INSTANCE_NAME": "guest1.lab",
        "OS_VARIANT": "default",
        "DISK_COUNT": "1",
        "DISK_0_PATH": str(disk),
        "EXPORT_DEVICE": str(disk),
        "IMPORT_DEVICE": str(disk),
        **more,
    }
    argv = [f"./{action}", *arguments]
    return subprocess.run(
        argv,
        input=stdin.encode("latin-1"),
        capture_output=True,
        env=env,
        cwd=layer.OS_SOURCES,
        check=False,
    )


def settings(disk: Path) -> dict[str, str]:
    return lab_guest.parse_settings(disk.read_bytes()[: lab_guest.SETTINGS_SIZE])


def write_counter(disk: Path, line: bytes) -> None:
    with disk.open("r+b") as file:
        file.seek(lab_guest.COUNTER_OFFSET)
        file.write(line)


def test_the_directory_is_a_valid_definition() -> None:
    assert (layer.OS_SOURCES / "ganeti_api_version").read_text() == "20\n"
    for action in lab_guest.SCRIPTS:
        assert os.access(layer.OS_SOURCES / action, os.X_OK)
    described = (layer.OS_SOURCES / "parameters.list").read_text().splitlines()
    assert [line.split()[0] for line in described] == ["heartbeat", "ip", "fail"]


def test_create_writes_name_address_and_an_empty_counter(disk: Path) -> None:
    write_counter(disk, b"boot=7 tick=1 state=halted\n")
    done = script("create", disk, NIC_0_IP="10.78.0.101", OSP_HEARTBEAT="0.5")
    assert done.returncode == 0
    assert settings(disk) == {
        "hostname": "guest1.lab",
        "addresses": "10.78.0.101/24",
        "heartbeat": "0.5",
        "power_button": "yes",
        "counter_offset": "4096",
    }
    assert lab_guest.read_counter(disk) is None
    assert disk.stat().st_size == DISK_SIZE


@pytest.mark.parametrize(
    ("more", "addresses"),
    [
        ({}, ""),
        ({"NIC_0_IP": "fd00:78::65"}, "fd00:78::65/64"),
        ({"NIC_0_IP": "10.1.0.5", "NIC_0_NETWORK_SUBNET": "10.1.0.0/16"}, "10.1.0.5/16"),
        ({"NIC_0_IP": "10.1.0.5", "OSP_IP": "10.2.0.5/8 fd00::5/64"}, "10.2.0.5/8 fd00::5/64"),
    ],
)
def test_the_address_is_the_parameters_or_the_nics(
    disk: Path, more: dict[str, str], addresses: str
) -> None:
    assert script("create", disk, **more).returncode == 0
    assert settings(disk)["addresses"] == addresses


@pytest.mark.parametrize(
    ("parameter", "value", "complaint"),
    [
        ("OSP_HEARTBEAT", "often", b"parameter heartbeat: 'often'"),
        ("OSP_HEARTBEAT", "0", b"parameter heartbeat: '0'"),
        ("OSP_HEARTBEAT", "nan", b"parameter heartbeat: 'nan'"),
        ("OSP_IP", "10.0.0.256/24", b"parameter ip: '10.0.0.256/24'"),
        ("OSP_FAIL", "verify", b"parameter fail: 'verify'"),
    ],
)
def test_verify_names_the_bad_parameter(
    disk: Path, parameter: str, value: str, complaint: bytes
) -> None:
    done = script("verify", disk, "parameters", **{parameter: value})
    assert done.returncode == 1
    assert complaint in done.stderr


def test_verify_accepts_good_parameters_and_knows_one_check(disk: Path) -> None:
    good = {"OSP_HEARTBEAT": "0.2", "OSP_IP": "10.0.0.5/24", "OSP_FAIL": "create"}
    assert script("verify", disk, "parameters", **good).returncode == 0
    done = script("verify", disk, "weather")
    assert (done.returncode, b"weather" in done.stderr) == (1, True)


@pytest.mark.parametrize("action", lab_guest.ACTIONS_THAT_CAN_FAIL)
def test_a_script_fails_when_the_parameter_says_so(disk: Path, action: str) -> None:
    before = disk.read_bytes()
    done = script(action, disk, OSP_FAIL=action)
    assert done.returncode == 1
    assert f"{action} fails".encode() in done.stderr
    assert disk.read_bytes() == before


def test_variants_change_the_guest(disk: Path) -> None:
    assert script("create", disk, OS_VARIANT="stubborn").returncode == 0
    assert settings(disk)["power_button"] == "no"
    done = script("create", disk, OS_VARIANT="broken")
    assert (done.returncode, b"broken" in done.stderr) == (1, True)


def test_create_without_disks_is_fine(disk: Path) -> None:
    assert script("create", disk, DISK_COUNT="0").returncode == 0
    assert disk.read_bytes() == bytes(DISK_SIZE)


def test_rename_changes_the_name_alone(disk: Path) -> None:
    assert script("create", disk, OSP_HEARTBEAT="2").returncode == 0
    write_counter(disk, b"boot=3 tick=14 state=halted\n")
    done = script("rename", disk, INSTANCE_NAME="other.lab", OLD_INSTANCE_NAME="guest1.lab")
    assert done.returncode == 0
    assert settings(disk)["hostname"] == "other.lab"
    assert settings(disk)["heartbeat"] == "2"
    assert lab_guest.read_counter(disk) == Counter(3, 14, "halted")


def test_rename_refuses_a_foreign_disk(disk: Path) -> None:
    disk.write_bytes(b"something else\n" + bytes(DISK_SIZE))
    done = script("rename", disk)
    assert (done.returncode, b"no lab guest" in done.stderr) == (1, True)


def test_an_export_can_be_imported(disk: Path, tmp_path: Path) -> None:
    assert script("create", disk).returncode == 0
    write_counter(disk, b"boot=3 tick=14 state=halted\n")
    dump = script("export", disk).stdout
    copy = tmp_path / "copy"
    copy.write_bytes(bytes(DISK_SIZE))
    assert script("import", copy, stdin=dump.decode("latin-1")).returncode == 0
    assert copy.read_bytes() == disk.read_bytes()


def test_export_tells_its_size_where_asked(disk: Path) -> None:
    reader, writer = os.pipe()
    env = {"PATH": "/usr/bin", "EXPORT_DEVICE": str(disk), "EXP_SIZE_FD": str(writer)}
    done = subprocess.run(
        ["./export"],
        env=env,
        cwd=layer.OS_SOURCES,
        pass_fds=[writer],
        capture_output=True,
        check=True,
    )
    os.close(writer)
    with os.fdopen(reader) as size:
        assert int(size.read()) == len(done.stdout)
