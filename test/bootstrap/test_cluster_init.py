# SPDX-License-Identifier: GPL-2.0-or-later
"""The making of a cluster: a step that fails leaves the host as it was, so that it can be tried again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganeti.bootstrap import host_checks
from ganeti.bootstrap.cluster_init import ClusterInit
from ganeti.bootstrap.new_cluster import InitRequest
from ganeti.errors import CommandError
from ganeti.paths import Paths
from ganeti.utils.files import Disk
from test.bootstrap.host_facts import FACTS
from test.support.clock import FakeClock
from test.support.runner import Call, FakeRunner

REQUEST = InitRequest(
    "hive.example.com", enabled_hypervisors=("fake",), enabled_disk_templates=("diskless",)
)
HOSTS = "127.0.0.1\tlocalhost\n192.0.2.7\tn1.example.com n1\n"
KEYS = "ssh-rsa AAAA somebody\n"


class NewHost:
    """A host that fits, with the files that a cluster changes."""

    def __init__(self, root: Path) -> None:
        self.paths, self.runner = Paths(str(root)), FakeRunner()
        for directory in (self.paths.queue_dir, self.paths.lock_dir, self.paths.root_ssh_dir):
            os.makedirs(directory)
        os.makedirs(os.path.dirname(self.paths.etc_hosts))
        Path(self.paths.etc_hosts).write_text(HOSTS)
        self.authorized_keys = Path(self.paths.root_ssh_dir) / "authorized_keys"
        self.runner.on(self.paths.daemon_util)
        self.runner.on(self.paths.ensure_dirs)
        self.runner.on("ssh-keygen", do=self._make_keys)

    @staticmethod
    def _make_keys(call: Call) -> None:
        private = call.argv[-1]
        Path(private).write_text("private\n")
        Path(f"{private}.pub").write_text("ssh-rsa BBBB root@n1\n")

    def set_up(self) -> None:
        made = ClusterInit(self.paths, Disk(), self.runner, FakeClock())
        made.set_up(REQUEST, FACTS, [])


@pytest.fixture
def host(tmp_path: Path) -> NewHost:
    return NewHost(tmp_path)


@pytest.mark.parametrize("keys", [KEYS, None])
def test_a_daemon_that_does_not_start_leaves_the_host_as_it_was(
    host: NewHost, keys: str | None
) -> None:
    if keys is not None:
        host.authorized_keys.write_text(keys)

    def begin(_call: Call) -> None:
        """It gets so far that daemons write files of their own."""
        assert "192.0.2.1\tn1.example.com" in Path(host.paths.etc_hosts).read_text()
        assert "BBBB" in host.authorized_keys.read_text()
        for path in (host.paths.master_epoch, host.paths.queue_candidates, host.paths.job(1)):
            Path(path).write_text("1\n")

    host.runner.on(host.paths.daemon_util, "start", returncode=1, stderr="no", do=begin)
    with pytest.raises(CommandError, match="start ganeti-noded exited with code 1: no"):
        host.set_up()
    host_checks.check_unused(host.paths)
    assert Path(host.paths.etc_hosts).read_text() == HOSTS
    assert host.authorized_keys.exists() == (keys is not None)
    assert keys is None or host.authorized_keys.read_text() == keys
    assert host.runner.commands[-1] == (host.paths.daemon_util, "stop-all")
