# SPDX-License-Identifier: GPL-2.0-or-later
"""What this node keeps of the cluster, and how it gives it back: on demotion, and when it leaves."""

from __future__ import annotations

import os
import shutil

from ganeti.errors import GenericError
from ganeti.node.host import Host
from ganeti.ssh_keys import PublicKeyFile, RootKeys, key_of
from ganeti.utils import files, net

MASTER_DAEMON = "ganeti-masterd"
OTHER_DAEMONS = ("ganeti-confd",)
KEY_TYPES = ("rsa", "dsa", "ecdsa")
DAEMON_TIMEOUT_S = 60.0
MASTER_TIMEOUT_S = 240.0
"""The master daemon comes up only after a vote, for which it waits a minute and more."""
BACKUP_MODE = 0o600


def daemon_util(
    host: Host,
    *words: str,
    env: dict[str, str] | None = None,
    timeout_s: float = DAEMON_TIMEOUT_S,
) -> None:
    """Run a verb of daemon-util; raises CommandError."""
    host.runner.run([host.paths.daemon_util, *words], timeout_s=timeout_s, env=env, check=True)


def demote(host: Host) -> None:
    """Give back the configuration, a backup of which stays; the master never does so."""
    me = net.resolve(net.own_name()).name
    if host.ssconf.get("master_node", default="") == me:
        raise GenericError(f"node {me} is the master and stays a candidate")
    check = host.runner.run([host.paths.daemon_util, "check", MASTER_DAEMON], timeout_s=10)
    if not check.failed:
        raise GenericError("the master daemon runs on this node; it stays a candidate")
    path = host.paths.config_data
    if os.path.exists(path):
        stamp = int(host.clock.now())
        with open(path, "rb") as file:
            host.disk.write(f"{path}.backup-{stamp}", file.read(), mode=BACKUP_MODE)
        host.disk.remove(path)


def leave(host: Host, *, modify_ssh_setup: bool) -> None:
    """Forget the cluster: keys, certificates, ssconf, configuration, queue, epoch."""
    if modify_ssh_setup:
        _forget_ssh(host)
    for name in OTHER_DAEMONS:
        host.runner.run([host.paths.daemon_util, "stop", name], timeout_s=DAEMON_TIMEOUT_S)
    _empty(host.paths.queue_archive_dir)
    for directory in (host.paths.queue_dir, host.paths.data_dir):  # what others put there stays
        host.disk.remove_files(directory)
    _empty(host.paths.crypto_dir)


def _forget_ssh(host: Host) -> None:
    """Nobody of the cluster may log in any more, and root's key that the cluster knew goes."""
    table = PublicKeyFile(host.paths.ganeti_pub_keys, host.disk).read()
    keys = [key for owned in table.values() for key in owned]
    root = RootKeys(host.paths, host.disk, host.runner)
    root.revoke(keys)
    known = {key_of(key) for key in keys}
    for kind in KEY_TYPES:
        private = root.private_path(kind)
        try:
            own = key_of(files.read_text(f"{private}.pub"))
        except FileNotFoundError:
            continue
        if own in known:
            host.disk.remove(private, missing_ok=True)
            host.disk.remove(f"{private}.pub")


def _empty(directory: str) -> None:
    if not os.path.isdir(directory):
        return
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)


def start_master(host: Host, *, no_voting: bool) -> None:
    """Start the daemons of the master; without a vote only if it was confirmed before."""
    words = "--no-voting --yes-do-it" if no_voting else ""
    env = {"EXTRA_MASTERD_ARGS": words}
    daemon_util(host, "start-master", env=env, timeout_s=MASTER_TIMEOUT_S)


def ensure_daemon(host: Host, name: str, *, run: bool) -> bool:
    """Start or stop a daemon; False if it is not installed here."""
    if not os.access(f"{host.paths.sbin_dir}/{name}", os.X_OK):
        return False
    daemon_util(host, "start" if run else "stop", name)
    return True
