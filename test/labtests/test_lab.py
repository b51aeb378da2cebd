# SPDX-License-Identifier: GPL-2.0-or-later
"""What of the lab can be seen without making one."""

from __future__ import annotations

from pathlib import Path

import pytest

from test.lab import cluster, faults, layer, main, needs, programs
from test.lab.cluster import Wish
from test.lab.faults import FAULTS
from test.lab.hosts import Host
from test.lab.lab import Description, Lab
from test.lab.network import Cut
from test.lab.places import LabPlace, lab_place
from test.lab.programs import LabError


@pytest.fixture
def place(tmp_path: Path) -> LabPlace:
    return lab_place("x", str(tmp_path))


def test_a_description_comes_back_as_it_was_written(tmp_path: Path) -> None:
    description = Description(["node1", "node2"], [Cut("node1"), Cut("node1", "node2")])
    description.write(tmp_path / "lab.json")
    assert Description.read(tmp_path / "lab.json") == description


@pytest.mark.parametrize("name", ["", "..", "a/b", "-x", "A", "x" * 32])
def test_a_lab_needs_a_plain_name(name: str) -> None:
    with pytest.raises(LabError, match="name of a lab"):
        lab_place(name)


def test_an_overlay_could_not_be_mounted_on_every_path() -> None:
    with pytest.raises(LabError, match="comma"):
        lab_place("x", "/some,where")


def test_the_directory_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GANETI_LAB_DIR", str(tmp_path))
    assert lab_place("x").directory == tmp_path / "x"
    assert lab_place("x", "/srv/labs").directory == Path("/srv/labs/x")


def test_two_labs_of_one_name_have_groups_of_their_own(tmp_path: Path) -> None:
    one, other = (lab_place("x", str(tmp_path / base)).cgroup.path for base in ("a", "b"))
    assert one != other


def test_a_host_goes_by_name_or_number(place: LabPlace) -> None:
    place.directory.mkdir()
    Description(["node1", "node2"], []).write(place.state)
    lab = Lab(place)
    assert [lab.host(name).name for name in ("2", "node2", "node2.lab")] == ["node2"] * 3
    with pytest.raises(LabError, match="no host '3', but node1, node2"):
        lab.host("3")


def test_a_lab_that_is_not_there_is_told_with_those_that_are(place: LabPlace) -> None:
    other = lab_place("other", str(place.base))
    other.directory.mkdir()
    Description(["node1"], []).write(other.state)
    with pytest.raises(LabError, match=r"no lab 'x'.*labs there: other"):
        Lab(place).host("1")


def test_the_list_of_faults_is_closed_and_described() -> None:
    described = [line.split(" ")[0] for line in (faults.__doc__ or "").splitlines()[2:] if line]
    assert list(FAULTS) == described


def test_a_fault_takes_no_arguments_it_does_not_know(place: LabPlace) -> None:
    with pytest.raises(LabError, match="too many arguments: now"):
        faults.inject(Lab(place), "node1", "kill", ["now"])


def test_without_root_the_lab_refuses() -> None:
    needs.require_root(0)
    with pytest.raises(LabError, match="root"):
        needs.require_root(1000)


def test_memory_is_no_disk() -> None:
    if needs.file_system_kind(Path("/dev/shm")) != "tmpfs":
        pytest.skip("/dev/shm is no tmpfs here")
    with pytest.raises(LabError, match="GANETI_LAB_DIR"):
        needs.require_disk(Path("/dev/shm"))


def test_the_makefile_installs_what_the_lab_needs() -> None:
    makefile = (programs.TREE / "Makefile").read_text()
    listed = makefile[: makefile.index("DEV_PACKAGES")].split()
    always_there = {"mount", "make"}
    assert set(needs.PROGRAMS.values()) - always_there <= set(listed)


def test_only_roots_password_is_changed() -> None:
    shadow = layer.with_root_password("root:*:1:0:99999:7:::\nrooty:!:1:0:99999:7:::\n")
    root, other = shadow.splitlines()
    assert root == f"root:{layer.ROOT_PASSWORD}:1:0:99999:7:::"
    assert other == "rooty:!:1:0:99999:7:::"


def test_commas_in_parameters_are_escaped() -> None:
    assert cluster.key_values({"a": "tcg,tb", "b": "", "c": "x\\y"}) == "a=tcg\\,tb,b=,c=x\\\\y"


def test_init_and_add_are_typed_as_an_admin_would(place: LabPlace) -> None:
    command = cluster.init_command(Host(place, "node1"), Wish("fake", ipv6=True), {})
    assert command[:2] == ["gnt-cluster", "init"]
    assert command[-1] == "cluster.lab"
    assert command[command.index("--primary-ip-version") + 1] == "6"
    assert command[command.index("--secondary-ip") + 1] == "10.79.0.1"
    assert "-H" not in command
    added = cluster.add_command(Host(place, "node2"))
    assert added[-3:] == ["--secondary-ip", "10.79.0.2", "node2.lab"]


def test_exec_keeps_the_commands_own_options() -> None:
    options = main.parser().parse_args(["exec", "--name", "x", "node1", "--", "ls", "--name", "y"])
    assert (options.name, options.host) == ("x", "node1")
    assert main.typed_command(options.argv) == ["ls", "--name", "y"]


def test_a_lab_is_named_before_the_command_or_after_it() -> None:
    read = main.parser().parse_args
    assert read(["--name", "x", "down"]).name == "x"
    assert read(["--dir", "/a", "down", "--name", "x"]).name == "x"
    assert read(["--dir", "/a", "down", "--name", "x"]).dir == "/a"
    assert (read(["down"]).name, read(["down"]).dir) == ("lab", None)
