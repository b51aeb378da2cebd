# SPDX-License-Identifier: GPL-2.0-or-later
"""Demotion, leaving, and the daemons of the master."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganeti.errors import CommandError, GenericError
from ganeti.node import membership
from ganeti.utils import net
from test.support.node_host import NodeHost

CLUSTER_KEY = "ssh-rsa CLUSTER root@n1"
ADMIN_KEY = "ssh-rsa ADMIN admin@desk"


def demote(node: NodeHost) -> None:
    node.runner.on(node.paths.daemon_util, "check", "ganeti-masterd", returncode=1)
    membership.demote(node.host)


def test_a_demoted_node_keeps_a_backup(node: NodeHost) -> None:
    Path(node.paths.config_data).write_text("{}")
    demote(node)
    assert not os.path.exists(node.paths.config_data)
    (backup,) = Path(node.paths.data_dir).glob("config.data.backup-*")
    assert backup.read_text() == "{}"
    assert backup.stat().st_mode & 0o777 == 0o600
    demote(node)


def test_the_master_is_not_demoted(node: NodeHost) -> None:
    node.ssconf(master_node=net.resolve(net.own_name()).name)
    Path(node.paths.config_data).write_text("{}")
    with pytest.raises(GenericError, match="is the master"):
        demote(node)
    assert os.path.exists(node.paths.config_data)


def test_a_running_master_daemon_is_not_robbed(node: NodeHost) -> None:
    node.runner.on(node.paths.daemon_util)
    Path(node.paths.config_data).write_text("{}")
    with pytest.raises(GenericError, match="master daemon runs"):
        membership.demote(node.host)
    assert os.path.exists(node.paths.config_data)


def test_a_node_forgets_the_cluster(node: NodeHost) -> None:
    paths = node.paths
    node.ssconf(cluster_name="c.example.com")
    for path in (
        *(paths.config_data, paths.server_pem, paths.client_pem, paths.hmac_key),
        *(paths.master_epoch, paths.job(1), paths.archived_job(2), paths.queue_serial),
        f"{paths.crypto_dir}/key/cert",
    ):
        node.write(path, "x")
    kept = node.write(f"{paths.rapi_dir}/users", "somebody")
    node.runner.on(paths.daemon_util)
    membership.leave(node.host, modify_ssh_setup=False)
    left = [path for path in Path(paths.data_dir).rglob("*") if path.is_file()]
    assert left == [kept]
    assert os.listdir(paths.crypto_dir) == []
    assert node.runner.commands == [(paths.daemon_util, "stop", "ganeti-confd")]


def ssh_files(node: NodeHost) -> tuple[Path, Path]:
    """Root's private key and who may log in."""
    private = node.write(f"{node.paths.root_ssh_dir}/id_rsa", "secret")
    node.write(f"{node.paths.root_ssh_dir}/id_rsa.pub", f"{CLUSTER_KEY}\n")
    node.write(node.paths.ganeti_pub_keys, f"u1 {CLUSTER_KEY}\n")
    authorized = node.write(
        f"{node.paths.root_ssh_dir}/authorized_keys", f"{ADMIN_KEY}\n{CLUSTER_KEY}\n"
    )
    return private, authorized


def test_ssh_keys_of_the_cluster_go(node: NodeHost) -> None:
    private, authorized = ssh_files(node)
    node.runner.on(node.paths.daemon_util)
    membership.leave(node.host, modify_ssh_setup=True)
    assert authorized.read_text() == f"{ADMIN_KEY}\n"
    assert not private.exists()
    assert not private.with_suffix(".pub").exists()


def test_a_key_that_the_cluster_does_not_know_stays(node: NodeHost) -> None:
    private, _ = ssh_files(node)
    private.with_suffix(".pub").write_text(f"{ADMIN_KEY}\n")
    node.runner.on(node.paths.daemon_util)
    membership.leave(node.host, modify_ssh_setup=True)
    assert private.exists()


def test_ssh_may_be_somebody_elses_business(node: NodeHost) -> None:
    private, authorized = ssh_files(node)
    node.runner.on(node.paths.daemon_util)
    membership.leave(node.host, modify_ssh_setup=False)
    assert private.exists()
    assert CLUSTER_KEY in authorized.read_text()


@pytest.mark.parametrize(("no_voting", "words"), [(False, ""), (True, "--no-voting --yes-do-it")])
def test_the_masters_daemons_start(node: NodeHost, no_voting: bool, words: str) -> None:
    node.runner.on(node.paths.daemon_util)
    membership.start_master(node.host, no_voting=no_voting)
    (call,) = node.runner.calls
    assert call.argv == (node.paths.daemon_util, "start-master")
    assert call.env == {"EXTRA_MASTERD_ARGS": words}


def test_a_start_that_fails_is_told(node: NodeHost) -> None:
    node.runner.on(node.paths.daemon_util, returncode=11, stderr="not the master")
    with pytest.raises(CommandError, match="not the master"):
        membership.start_master(node.host, no_voting=False)


@pytest.mark.parametrize(("run", "verb"), [(True, "start"), (False, "stop")])
def test_daemons_that_are_installed(node: NodeHost, run: bool, verb: str) -> None:
    node.runner.on(node.paths.daemon_util)
    assert membership.ensure_daemon(node.host, "ganeti-confd", run=run) is False
    node.script(f"{node.paths.sbin_dir}/ganeti-confd")
    assert membership.ensure_daemon(node.host, "ganeti-confd", run=run) is True
    assert node.runner.commands == [(node.paths.daemon_util, verb, "ganeti-confd")]
