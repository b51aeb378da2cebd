# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that a master writes on a node, and those that it may not."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ganeti.contracts.node.packed import Packed
from ganeti.errors import ConfigurationError, FileStoragePathError, GenericError
from ganeti.node.handlers.files import FileHandlers, upload_targets
from ganeti.paths import Paths
from test.support.node_host import NodeHost

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="the files must belong to root")
TARGETS = {
    "/etc/hosts",
    "/etc/ganeti/kvm-vif-bridge",
    "/etc/ganeti/scripts/master-ip-setup",
    "/etc/ganeti/vnc-cluster-password",
    "/var/lib/ganeti/cluster-domain-secret",
    "/var/lib/ganeti/config.data",
    "/var/lib/ganeti/hmac.key",
    "/var/lib/ganeti/known_hosts",
    "/var/lib/ganeti/rapi.pem",
    "/var/lib/ganeti/rapi/users",
    "/var/lib/ganeti/spice-ca.pem",
    "/var/lib/ganeti/spice.pem",
}


def test_the_list_is_fixed() -> None:
    assert upload_targets(Paths()) == TARGETS


@needs_root
def test_an_upload(node: NodeHost) -> None:
    path, calls = node.paths.known_hosts, FileHandlers(node.host)
    content = Packed(b"cluster ssh-rsa AAAA\n")
    calls.upload_file((path, content, 0o644, "root", "root", 1000.0, 2000.0))
    state = os.stat(path)
    assert Path(path).read_bytes() == content.data
    assert stat.S_IMODE(state.st_mode) == 0o644
    assert (state.st_atime, state.st_mtime) == (1000.0, 2000.0)
    calls.upload_file_single(path, Packed(b"\0" * 999), 0o600, "root", "root", 1.0, 2.0)
    assert os.path.getsize(path) == 999


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/etc/ganeti/file-storage-paths", "/var/lib/ganeti/../x", "known_hosts"]
)
def test_other_files_are_refused(node: NodeHost, path: str) -> None:
    calls = FileHandlers(node.host)
    for wanted in (path, f"{node.root}{path}"):
        with pytest.raises(GenericError, match="not a file that the master may write"):
            calls.upload_file_single(wanted, Packed(b""), 0o644, "root", "root", 0.0, 0.0)


@pytest.mark.parametrize(("user", "group"), [("mail", "root"), ("root", "mail"), (0, "root")])
def test_only_accounts_of_the_cluster_get_files(
    node: NodeHost, user: str | int, group: str
) -> None:
    calls = FileHandlers(node.host)
    with pytest.raises(GenericError, match="that files of the cluster belong to"):
        calls.upload_file_single(node.paths.known_hosts, Packed(b""), 0o644, user, group, 0.0, 0.0)
    assert not os.path.exists(node.paths.known_hosts)


@needs_root
def test_an_account_that_is_missing_here_is_roots(node: NodeHost) -> None:
    calls = FileHandlers(node.host)
    path = node.paths.known_hosts
    calls.upload_file_single(path, Packed(b""), 0o644, "gnt-masterd", "gnt-daemons", 0.0, 0.0)
    assert os.path.exists(path)


def test_a_look_at_a_file(node: NodeHost) -> None:
    calls = FileHandlers(node.host)
    path = str(node.write("x", "12345"))
    found, info = calls.get_file_info(path)
    assert found
    assert info["size"] == 5
    assert calls.get_file_info("/nowhere/x") == (False, {})


def test_ssconf_is_told_only_when_it_changes(node: NodeHost) -> None:
    calls = FileHandlers(node.host)
    for _ in range(2):
        calls.write_ssconf_files({"cluster_name": "c.example.com"})
    assert node.host.ssconf.get("cluster_name") == "c.example.com"
    assert node.ssconf_changes == 1
    with pytest.raises(ConfigurationError):
        calls.write_ssconf_files({"../etc/passwd": ""})


def test_directories_of_disks(node: NodeHost) -> None:
    calls = FileHandlers(node.host)
    base = node.root / "disks"
    node.allow_files(str(base))
    old, new = f"{base}/web", f"{base}/mail"
    for _ in range(2):
        calls.file_storage_dir_create(old)
    assert stat.S_IMODE(os.stat(old).st_mode) == 0o750
    calls.file_storage_dir_rename(old, new)
    assert os.listdir(base) == ["mail"]
    for _ in range(2):
        calls.file_storage_dir_remove(new)
    assert os.listdir(base) == []


def test_directories_that_are_in_the_way(node: NodeHost) -> None:
    calls = FileHandlers(node.host)
    base = node.root / "disks"
    node.allow_files(str(base))
    node.write("disks/file")
    node.write("disks/web/disk0")
    node.write("disks/mail/disk0")
    with pytest.raises(FileStoragePathError, match="is not a directory"):
        calls.file_storage_dir_create(f"{base}/file")
    with pytest.raises(FileStoragePathError, match=r"file/web cannot be made: .*disks/file'"):
        calls.file_storage_dir_create(f"{base}/file/web")
    with pytest.raises(FileStoragePathError, match="cannot be removed"):
        calls.file_storage_dir_remove(f"{base}/web")
    with pytest.raises(FileStoragePathError, match="is there already"):
        calls.file_storage_dir_rename(f"{base}/web", f"{base}/mail")
    assert (base / "web" / "disk0").exists()


@pytest.mark.parametrize("path", ["/srv/elsewhere/web", "/etc/web"])
def test_directories_elsewhere(node: NodeHost, path: str) -> None:
    calls = FileHandlers(node.host)
    node.allow_files(str(node.root / "disks"))
    for attempt in (
        calls.file_storage_dir_create,
        calls.file_storage_dir_remove,
        lambda p: calls.file_storage_dir_rename(p, p + "2"),
    ):
        with pytest.raises(FileStoragePathError):
            attempt(path)


def test_the_allowed_directory_itself_stays(node: NodeHost) -> None:
    base = node.root / "disks"
    base.mkdir()
    node.allow_files(str(base))
    with pytest.raises(FileStoragePathError):
        FileHandlers(node.host).file_storage_dir_remove(str(base))
    assert base.exists()
