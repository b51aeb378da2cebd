# SPDX-License-Identifier: GPL-2.0-or-later
"""ssconf files: what is read, what is written again."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ganeti.errors import ConfigurationError, LockError
from ganeti.paths import Paths
from ganeti.ssconf import MOST_BYTES, Ssconf
from ganeti.utils.filelock import FileLock
from ganeti.utils.files import Disk


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(str(tmp_path))
    for directory in (paths.data_dir, paths.lock_dir):
        os.makedirs(directory)
    return paths


@pytest.fixture
def ssconf(paths: Paths) -> Ssconf:
    return Ssconf(paths)


def test_what_is_written_is_read(paths: Paths, ssconf: Ssconf) -> None:
    values = {"cluster_name": "c.example.com", "node_list": "n1\nn2\n", "offline_nodes": ""}
    assert ssconf.write(Disk(), values) == ["cluster_name", "node_list", "offline_nodes"]
    assert Path(paths.ssconf("cluster_name")).read_bytes() == b"c.example.com\n"
    assert Path(paths.ssconf("node_list")).read_bytes() == b"n1\nn2\n"
    assert Path(paths.ssconf("offline_nodes")).read_bytes() == b""
    assert stat.S_IMODE(os.stat(paths.ssconf("node_list")).st_mode) == 0o444
    assert ssconf.get("cluster_name") == "c.example.com"
    assert ssconf.lines("node_list") == ["n1", "n2"]
    assert ssconf.lines("offline_nodes") == []
    assert ssconf.read_all() == {
        "cluster_name": "c.example.com",
        "node_list": "n1\nn2",
        "offline_nodes": "",
    }


def test_only_what_changed_is_written_again(ssconf: Ssconf) -> None:
    ssconf.write(Disk(), {"node_list": "n1", "cluster_name": "c"})
    stamps = ssconf.stamp("node_list"), ssconf.stamp("cluster_name")
    assert ssconf.write(Disk(), {"node_list": "n1\nn2", "cluster_name": "c\n"}) == ["node_list"]
    assert ssconf.stamp("node_list") != stamps[0]
    assert ssconf.stamp("cluster_name") == stamps[1]


def test_what_was_read_can_be_written_elsewhere(tmp_path: Path, ssconf: Ssconf) -> None:
    ssconf.write(Disk(), {"node_list": "n1\nn2", "uid_pool": ""})
    other = Paths(str(tmp_path / "other"))
    os.makedirs(other.data_dir)
    os.makedirs(other.lock_dir)
    Ssconf(other).write(Disk(), ssconf.read_all())
    assert Ssconf(other).read_all() == ssconf.read_all()


def test_tables_and_addresses(ssconf: Ssconf) -> None:
    ssconf.write(Disk(), {"node_primary_ips": "n1 192.0.2.1\nn2 2001:db8::2", "ssh_ports": "n1=22"})
    assert ssconf.address_of("n2") == "2001:db8::2"
    assert ssconf.table("ssh_ports", "=") == {"n1": "22"}
    with pytest.raises(ConfigurationError, match="n3"):
        ssconf.address_of("n3")


def test_a_damaged_table_is_named(ssconf: Ssconf) -> None:
    ssconf.write(Disk(), {"node_primary_ips": "n1 192.0.2.1\nn2"})
    with pytest.raises(ConfigurationError, match="ssconf_node_primary_ips is damaged: 'n2'"):
        ssconf.address_of("n1")


def test_a_missing_value_is_named(ssconf: Ssconf) -> None:
    with pytest.raises(ConfigurationError, match="ssconf_cluster_name is missing"):
        ssconf.get("cluster_name")
    assert ssconf.get("cluster_name", default="") == ""
    assert ssconf.stamp("cluster_name") is None


@pytest.mark.parametrize("key", ["../config.data", "a/b", "", "x\ny", ".hidden"])
def test_a_key_is_no_path(ssconf: Ssconf, key: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the name"):
        ssconf.write(Disk(), {key: "x"})


def test_a_value_has_a_limit_and_nothing_is_written_beyond_it(ssconf: Ssconf) -> None:
    with pytest.raises(ConfigurationError, match="instance_list has 1048577 bytes"):
        ssconf.write(Disk(), {"node_list": "n1", "instance_list": "x" * MOST_BYTES})
    assert ssconf.read_all() == {}


def test_clearing_removes_values_and_nothing_else(paths: Paths, ssconf: Ssconf) -> None:
    ssconf.write(Disk(), {"node_list": "n1"})
    Path(paths.config_data).write_text("{}")
    ssconf.clear(Disk())
    assert os.listdir(paths.data_dir) == ["config.data"]


def test_writers_exclude_each_other(paths: Paths) -> None:
    class Impatient(Ssconf):
        LOCK_S = 0

    with FileLock(paths.ssconf_lock) as lock:
        lock.acquire()
        with pytest.raises(LockError):
            Impatient(paths).write(Disk(), {"node_list": "n1"})
