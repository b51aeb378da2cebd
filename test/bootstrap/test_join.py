# SPDX-License-Identifier: GPL-2.0-or-later
"""What the master's programs do on a host, and which hosts they leave alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ganeti.bootstrap.join import (
    Joining,
    PrepareRequest,
    SetupRequest,
    SshUpdateRequest,
    SslUpdateRequest,
    read_request,
)
from ganeti.errors import CommandError, GenericError, OpPrereqError, SshUpdateError
from ganeti.paths import Paths
from ganeti.ssconf import Ssconf
from ganeti.utils import x509
from ganeti.utils.files import Disk
from test.support import pki
from test.support.clock import FakeClock
from test.support.runner import FakeRunner

NAME = "hive.example.com"
PEM = pki.cluster().pem().decode()
HOST_KEYS = [["rsa", "new private\n", "ssh-rsa NEW root@hive\n"]]


class Newcomer:
    """A host with SSH keys of its own, in no cluster."""

    def __init__(self, root: Path) -> None:
        self.paths, self.runner = Paths(str(root)), FakeRunner()
        for directory in (self.paths.ssh_dir, self.paths.root_ssh_dir, self.paths.lock_dir):
            os.makedirs(directory)
        self.host_key = Path(f"{self.paths.ssh_dir}/ssh_host_rsa_key")
        self.host_key.write_text("old private\n")
        for name, text in (("id_rsa", "own\n"), ("id_rsa.pub", "ssh-rsa OWN root@n2\n")):
            (Path(self.paths.root_ssh_dir) / name).write_text(text)
        self.authorized_keys = Path(self.paths.root_ssh_dir) / "authorized_keys"
        self.runner.on(self.paths.daemon_util)
        self.joining = Joining(self.paths, Disk(), self.runner, FakeClock(1000.0))

    def joins(self, name: str = NAME, pem: str = PEM) -> None:
        os.makedirs(self.paths.data_dir)
        Ssconf(self.paths).write(Disk(), {"cluster_name": name})
        Path(self.paths.server_pem).write_text(pem)


@pytest.fixture
def host(tmp_path: Path) -> Newcomer:
    return Newcomer(tmp_path)


def prepare_request(**more: Any) -> PrepareRequest:
    raw = {"cluster_name": NAME, "ssh_key_type": "rsa", "ssh_key_bits": 2048, **more}
    return PrepareRequest.from_raw(raw)


def setup_request(**more: Any) -> SetupRequest:
    raw = {
        "cluster_name": NAME,
        "node_daemon_certificate": PEM,
        "hmac_key": "secret\n",
        "ssconf": {"cluster_name": NAME},
        "node_name": "n2.example.com",
        **more,
    }
    return SetupRequest.from_raw(raw)


def ssh_request(**more: Any) -> SshUpdateRequest:
    return SshUpdateRequest.from_raw({"cluster_name": NAME, **more})


def test_a_host_of_another_cluster_is_left_alone(host: Newcomer) -> None:
    host.joins("other.example.com")
    for request in (prepare_request(), setup_request(), ssh_request()):
        with pytest.raises(OpPrereqError, match="belongs to the cluster other"):
            host.joining.check(request)


def test_a_host_with_another_certificate_is_left_alone(host: Newcomer) -> None:
    """The other cluster had the same name."""
    host.joins(pem=pki.stranger().pem().decode())
    public = x509.certificate_of(PEM)
    for request in (setup_request(), prepare_request(node_daemon_certificate=public)):
        with pytest.raises(OpPrereqError, match=f"remove {host.paths.server_pem}"):
            host.joining.check(request)


def test_a_host_comes_back_to_its_cluster(host: Newcomer) -> None:
    host.joins()
    public = x509.certificate_of(PEM)
    for request in (setup_request(), prepare_request(node_daemon_certificate=public)):
        host.joining.check(request)


@pytest.mark.parametrize(
    "more",
    [
        {"ssconf": {}},
        {"ssconf": {"cluster_name": "other.example.com"}},
        {"node_daemon_certificate": x509.certificate_of(PEM)},
        {"node_daemon_certificate": "nonsense"},
    ],
    ids=["no-name", "other-name", "no-key", "no-certificate"],
)
def test_what_is_not_whole_is_refused(host: Newcomer, more: dict[str, Any]) -> None:
    with pytest.raises(GenericError):
        host.joining.check(setup_request(**more))


def test_a_host_gets_the_clusters_host_keys_and_keeps_its_own_beside(host: Newcomer) -> None:
    keys = {"u1": ["ssh-rsa AAAA root@n1"]}
    host.joining.prepare(prepare_request(ssh_host_key=HOST_KEYS, authorized_keys=keys))
    assert host.host_key.read_text() == "new private\n"
    assert host.host_key.stat().st_mode & 0o777 == 0o600
    kept = Path(f"{host.host_key}.backup-1000")
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("old private\n", 0o600)
    assert host.authorized_keys.read_text() == "ssh-rsa AAAA root@n1\n"


def test_the_ssh_server_reads_its_keys_although_the_last_attempt_failed(host: Newcomer) -> None:
    host.runner.on(host.paths.daemon_util, returncode=1)
    with pytest.raises(CommandError):
        host.joining.prepare(prepare_request(ssh_host_key=HOST_KEYS))
    host.runner.on(host.paths.daemon_util)
    host.joining.prepare(prepare_request(ssh_host_key=HOST_KEYS))
    assert host.runner.commands[1:] == [(host.paths.daemon_util, "reload-ssh-keys")]


def test_a_host_gets_what_its_node_daemon_needs(host: Newcomer) -> None:
    host.joining.set_up(setup_request())
    assert Path(host.paths.server_pem).read_text() == PEM
    assert Path(host.paths.hmac_key).read_text() == "secret\n"
    assert Path(host.paths.client_pem).stat().st_mode & 0o777 == 0o440
    assert Ssconf(host.paths).get("cluster_name") == NAME
    assert host.runner.commands == [
        (host.paths.daemon_util, "stop-all"),
        (host.paths.daemon_util, "start", "ganeti-noded"),
    ]


@pytest.mark.parametrize(("was_member", "epoch"), [(True, "7\n"), (False, None)])
def test_the_epoch_of_an_earlier_cluster_is_forgotten(
    host: Newcomer, was_member: bool, epoch: str | None
) -> None:
    """Its masters were counted anew; in its own cluster a host goes on knowing whom to obey."""
    host.joins()
    Path(host.paths.master_epoch).write_text("7\n")
    if not was_member:
        os.unlink(host.paths.server_pem)
    host.joining.set_up(setup_request())
    path = Path(host.paths.master_epoch)
    assert (path.read_text() if path.exists() else None) == epoch


def test_ssh_update(host: Newcomer) -> None:
    os.makedirs(host.paths.data_dir)
    keys = {"u1": ["ssh-rsa AAAA root@n1"]}
    wanted = ssh_request(authorized_keys=["add", keys], public_keys=["replace_or_add", keys])
    host.joining.update_ssh(wanted)
    assert host.authorized_keys.read_text() == "ssh-rsa AAAA root@n1\n"
    assert Path(host.paths.ganeti_pub_keys).read_text() == "u1 ssh-rsa AAAA root@n1\n"
    host.joining.update_ssh(ssh_request(authorized_keys=["remove", keys]))
    assert host.authorized_keys.read_text() == ""


def test_what_others_have_authorized_is_never_overridden(host: Newcomer) -> None:
    host.authorized_keys.write_text("ssh-rsa BBBB admin\n")
    with pytest.raises(SshUpdateError, match="not only ours"):
        host.joining.update_ssh(ssh_request(authorized_keys=["override", {}]))
    assert host.authorized_keys.read_text() == "ssh-rsa BBBB admin\n"


@pytest.mark.parametrize("part", ["authorized_keys", "public_keys"])
def test_an_unknown_action_is_refused(part: str) -> None:
    raw = {"cluster_name": NAME, part: ["shred", {}]}
    with pytest.raises(OpPrereqError, match=part):
        read_request(SshUpdateRequest, raw)


def test_ssl_update(host: Newcomer) -> None:
    host.joins()
    raw = {"cluster_name": NAME, "node_daemon_certificate": PEM, "node_name": "n2"}
    host.joining.update_ssl(SslUpdateRequest.from_raw(raw))
    assert x509.days_left(host.paths.client_pem, 0) > 0
    host.joining.update_ssl(SslUpdateRequest.from_raw({**raw, "action": "delete"}))
    assert not os.path.exists(host.paths.client_pem)
    with pytest.raises(OpPrereqError, match="action"):
        read_request(SslUpdateRequest, {**raw, "action": "shred"})
