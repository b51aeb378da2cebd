# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that the master writes on this node: those of a fixed list, ssconf, directories of disks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ganeti import file_storage, owners
from ganeti.contracts.node.files import FileCalls, Upload
from ganeti.contracts.node.packed import Packed
from ganeti.errors import FileStoragePathError, GenericError
from ganeti.node.host import Host
from ganeti.paths import Paths

DIRECTORY_MODE = 0o750


def upload_targets(paths: Paths) -> frozenset[str]:
    """The only files that a master may write here. The list of allowed storage paths is never one."""
    return frozenset(
        {
            paths.config_data,
            paths.etc_hosts,
            paths.known_hosts,
            paths.vnc_password_file,
            paths.rapi_pem,
            paths.spice_pem,
            paths.spice_ca_pem,
            paths.rapi_users,
            paths.hmac_key,
            paths.cluster_domain_secret,
            paths.external_master_setup_script,
            paths.kvm_vif_bridge,
        }
    )


class FileHandlers(FileCalls):
    """Checks every path before anything is touched."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._targets = upload_targets(host.paths)

    def upload_file(self, file_name: Upload) -> None:
        self.upload_file_single(*file_name)

    def upload_file_single(
        self,
        file_name: str,
        content: Packed,
        mode: int,
        uid: str | int,
        gid: str | int,
        atime: float,
        mtime: float,
    ) -> None:
        if file_name not in self._targets:
            raise GenericError(f"{file_name} is not a file that the master may write on nodes")
        owner = (
            owners.user_id(_role("user", uid, owners.USERS)),
            owners.group_id(_role("group", gid, owners.GROUPS)),
        )
        self._host.disk.write(file_name, content.data, mode=mode & 0o777, owner=owner)
        os.utime(file_name, (atime, mtime))

    def get_file_info(self, file_path: str) -> tuple[bool, dict[str, Any]]:
        try:
            state = os.stat(file_path)
        except OSError:
            return (False, {})
        return (
            True,
            {
                "mode": state.st_mode,
                "uid": state.st_uid,
                "gid": state.st_gid,
                "size": state.st_size,
                "atime": state.st_atime,
                "mtime": state.st_mtime,
                "ctime": state.st_ctime,
            },
        )

    def write_ssconf_files(self, values: dict[str, str]) -> None:
        if self._host.ssconf.write(self._host.disk, values):
            self._host.ssconf_changed()

    def file_storage_dir_create(self, file_storage_dir: str) -> None:
        file_storage.check(self._host.paths, file_storage_dir, may_be_listed=True)
        if os.path.exists(file_storage_dir) and not os.path.isdir(file_storage_dir):
            raise FileStoragePathError(f"{file_storage_dir} is there and is not a directory")
        try:
            self._host.disk.ensure_dir(file_storage_dir, mode=DIRECTORY_MODE)
        except OSError as err:
            raise FileStoragePathError(f"{file_storage_dir} cannot be made: {err}") from err

    def file_storage_dir_remove(self, file_storage_dir: str) -> None:
        file_storage.check(self._host.paths, file_storage_dir)
        try:
            os.rmdir(file_storage_dir)
        except FileNotFoundError:
            return
        except OSError as err:
            raise FileStoragePathError(f"{file_storage_dir} cannot be removed: {err}") from err

    def file_storage_dir_rename(self, old_file_storage_dir: str, new_file_storage_dir: str) -> None:
        for path in (old_file_storage_dir, new_file_storage_dir):
            file_storage.check(self._host.paths, path)
        if os.path.exists(new_file_storage_dir):
            raise FileStoragePathError(f"{new_file_storage_dir} is there already")
        try:
            self._host.disk.rename(old_file_storage_dir, new_file_storage_dir)
        except OSError as err:
            raise FileStoragePathError(f"{old_file_storage_dir} cannot be renamed: {err}") from err


def _role(kind: str, name: str | int, accounts: Mapping[str, str]) -> str:
    """Whose account it is; the id here is that of the role, or root's where the account is missing."""
    for role, account in accounts.items():
        if account == name:
            return role
    raise GenericError(f"'{name}' is not a {kind} that files of the cluster belong to")
