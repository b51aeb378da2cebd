# SPDX-License-Identifier: GPL-2.0-or-later
"""Every path of the product, under one root, with the owner and mode of what is created.

The places are an interface: scripts, hooks and other tools know them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ganeti import layout

if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["dir", "file"]
    Role = Literal["root", "masterd", "noded", "confd", "rapi", "daemons", "admin"]


SCRIPT_PATH = "/sbin:/bin:/usr/sbin:/usr/bin"
"""The variable PATH of hooks and of the scripts of OS definitions and networks."""


class Paths:
    """All paths below `root` (empty in production, a directory in tests)."""

    def __init__(self, root: str = "") -> None:
        self.root = root
        state = root + layout.LOCALSTATEDIR
        self._place_data(state)
        self._place_queue()
        self._place_runtime(root)
        self._place_locks(root)
        self._place_logs(state)
        self._place_settings(root, root + layout.SYSCONFDIR)
        self._place_programs(root, root + layout.PREFIX)

    def _place_data(self, state: str) -> None:
        self.data_dir = f"{state}/lib/ganeti"
        self.config_data = f"{self.data_dir}/config.data"
        self.server_pem = f"{self.data_dir}/server.pem"
        self.client_pem = f"{self.data_dir}/client.pem"
        self.rapi_pem = f"{self.data_dir}/rapi.pem"
        self.spice_pem = f"{self.data_dir}/spice.pem"
        self.spice_ca_pem = f"{self.data_dir}/spice-ca.pem"
        self.hmac_key = f"{self.data_dir}/hmac.key"
        self.cluster_domain_secret = f"{self.data_dir}/cluster-domain-secret"
        self.known_hosts = f"{self.data_dir}/known_hosts"
        self.ganeti_pub_keys = f"{self.data_dir}/ganeti_pub_keys"
        self.master_epoch = f"{self.data_dir}/master-epoch"
        self.master_starts = f"{self.data_dir}/master-starts"
        self.watcher_pause = f"{self.data_dir}/watcher.pause"
        self.rapi_dir = f"{self.data_dir}/rapi"
        self.rapi_users = f"{self.rapi_dir}/users"
        self.default_file_storage_dir = f"{self.root}/srv/ganeti/file-storage"
        self.default_shared_file_storage_dir = f"{self.root}/srv/ganeti/shared-file-storage"
        self.export_dir = f"{self.data_dir}/export"

    def _place_queue(self) -> None:
        self.queue_dir = f"{self.data_dir}/queue"
        self.queue_archive_dir = f"{self.queue_dir}/archive"
        self.queue_lock = f"{self.queue_dir}/lock"
        self.queue_version = f"{self.queue_dir}/version"
        self.queue_serial = f"{self.queue_dir}/serial"
        self.queue_drain = f"{self.queue_dir}/drain"
        self.queue_candidates = f"{self.queue_dir}/candidates"

    def _place_runtime(self, root: str) -> None:
        self.run_dir = f"{root}/run/ganeti"
        self.socket_dir = f"{self.run_dir}/socket"
        self.master_socket = f"{self.socket_dir}/ganeti-master"
        self.query_socket = f"{self.socket_dir}/ganeti-query"
        self.bdev_cache_dir = f"{self.run_dir}/bdev-cache"
        self.disk_links_dir = f"{self.run_dir}/instance-disks"
        self.instance_reason_dir = f"{self.run_dir}/instance-reason"
        self.crypto_dir = f"{self.run_dir}/crypto"
        self.import_export_dir = f"{self.run_dir}/import-export"
        self.uid_pool_dir = f"{self.run_dir}/uid-pool"
        self.fake_dir = f"{self.run_dir}/fake-hypervisor"
        self.kvm_dir = f"{self.run_dir}/kvm-hypervisor"
        self.kvm_pid_dir = f"{self.kvm_dir}/pid"
        self.kvm_uid_dir = f"{self.kvm_dir}/uid"
        self.kvm_ctrl_dir = f"{self.kvm_dir}/ctrl"
        self.kvm_conf_dir = f"{self.kvm_dir}/conf"
        self.kvm_nic_dir = f"{self.kvm_dir}/nic"
        self.kvm_chroot_dir = f"{self.kvm_dir}/chroot"
        self.kvm_quarantine_dir = f"{self.kvm_dir}/chroot-quarantine"

    def _place_locks(self, root: str) -> None:
        self.lock_dir = f"{root}/var/lock"
        self.ssconf_lock = f"{self.lock_dir}/ganeti-ssconf.lock"
        self.restricted_lock = f"{self.lock_dir}/ganeti-restricted-commands.lock"

    def _place_logs(self, state: str) -> None:
        self.log_dir = f"{state}/log/ganeti"
        self.commands_log = f"{self.log_dir}/commands.log"
        self.os_log_dir = f"{self.log_dir}/os"
        self.kvm_log_dir = f"{self.log_dir}/kvm"
        self.xen_log_dir = f"{self.log_dir}/xen"
        self.cleaner_log_dir = f"{self.log_dir}/cleaner"
        self.master_cleaner_log_dir = f"{self.log_dir}/master-cleaner"

    def _place_settings(self, root: str, sysconf: str) -> None:
        self.conf_dir = f"{sysconf}/ganeti"
        self.hooks_dir = f"{self.conf_dir}/hooks"
        self.scripts_dir = f"{self.conf_dir}/scripts"
        self.file_storage_paths_file = f"{self.conf_dir}/file-storage-paths"
        self.restricted_commands_dir = f"{self.conf_dir}/restricted-commands"
        self.kvm_vif_bridge = f"{self.conf_dir}/kvm-vif-bridge"
        self.vnc_password_file = f"{self.conf_dir}/vnc-cluster-password"
        self.external_master_setup_script = f"{self.scripts_dir}/master-ip-setup"
        self.etc_hosts = f"{root}/etc/hosts"
        self.ssh_dir = f"{root}/etc/ssh"
        self.root_ssh_dir = f"{root}/root/.ssh"

    def _place_programs(self, root: str, prefix: str) -> None:
        self.sbin_dir = f"{prefix}/sbin"
        self.lib_dir = f"{prefix}/lib/ganeti"
        self.tools_dir = f"{self.lib_dir}/tools"
        self.daemon_util = f"{self.lib_dir}/daemon-util"
        self.ensure_dirs = f"{self.lib_dir}/ensure-dirs"
        self.default_master_setup_script = f"{self.tools_dir}/master-ip-setup"
        self.kvm_ifup = f"{self.lib_dir}/kvm-ifup"
        self.kvm_console_wrapper = f"{self.tools_dir}/kvm-console-wrapper"
        self.os_search_path = tuple(f"{root}{base}/os" for base in _OS_BASES)
        self.es_search_path = tuple(f"{root}{base}/extstorage" for base in _OS_BASES)
        self.iallocator_search_path = tuple(
            f"{root}{base}/iallocators" for base in _ALLOCATOR_BASES
        )

    def ssconf(self, key: str) -> str:
        """The file of an ssconf key."""
        return f"{self.data_dir}/ssconf_{key}"

    def job(self, job_id: int) -> str:
        return f"{self.queue_dir}/job-{job_id}"

    def archived_job(self, job_id: int) -> str:
        return f"{self.queue_archive_dir}/{job_id // 10000}/job-{job_id}"

    def pid_file(self, daemon: str) -> str:
        return f"{self.run_dir}/{daemon}.pid"

    def daemon_log(self, daemon: str) -> str:
        return f"{self.log_dir}/{_LOG_NAMES[daemon]}"


_OS_BASES = ("/srv/ganeti", "/usr/local/lib/ganeti", "/usr/lib/ganeti", "/usr/share/ganeti")
_ALLOCATOR_BASES = ("/usr/local/lib/ganeti", "/usr/lib/ganeti")
_LOG_NAMES = {
    "ganeti-masterd": "master-daemon.log",
    "ganeti-noded": "node-daemon.log",
    "ganeti-confd": "conf-daemon.log",
    "ganeti-rapi": "rapi-daemon.log",
}


class Place(NamedTuple):
    """A path that start-up creates or sets right: users and groups are roles."""

    path: str
    kind: Kind
    mode: int
    user: Role
    group: Role


def _dir(path: str, mode: int, user: Role, group: Role) -> Place:
    return Place(path, "dir", mode, user, group)


def _file(path: str, mode: int, user: Role, group: Role) -> Place:
    return Place(path, "file", mode, user, group)


def places(paths: Paths) -> tuple[Place, ...]:
    """What ensure-dirs looks after, parents first; files only where they exist."""
    return (*_data(paths), *_queue(paths), *_run(paths), *_logs(paths))


def _data(p: Paths) -> tuple[Place, ...]:
    return (
        _dir(p.data_dir, 0o755, "masterd", "masterd"),
        _file(p.config_data, 0o640, "masterd", "confd"),
        _file(p.cluster_domain_secret, 0o640, "masterd", "masterd"),
        _file(p.hmac_key, 0o440, "confd", "masterd"),
        _file(p.server_pem, 0o440, "masterd", "masterd"),
        _file(p.client_pem, 0o440, "masterd", "masterd"),
        _file(p.rapi_pem, 0o440, "rapi", "masterd"),
        _file(p.spice_pem, 0o440, "noded", "masterd"),
        _file(p.spice_ca_pem, 0o440, "noded", "masterd"),
        _file(p.known_hosts, 0o644, "masterd", "masterd"),
        _file(p.watcher_pause, 0o644, "masterd", "masterd"),
        _dir(p.rapi_dir, 0o750, "rapi", "masterd"),
        _file(p.rapi_users, 0o640, "rapi", "masterd"),
    )


def _queue(p: Paths) -> tuple[Place, ...]:
    directories = (p.queue_dir, p.queue_archive_dir)
    private = (p.queue_lock, p.queue_serial, p.queue_version, p.queue_candidates)
    return (
        *(_dir(path, 0o750, "masterd", "daemons") for path in directories),
        *(_file(path, 0o640, "masterd", "daemons") for path in private),
        _file(p.queue_drain, 0o644, "masterd", "daemons"),
    )


def _run(p: Paths) -> tuple[Place, ...]:
    return (
        _dir(p.run_dir, 0o775, "masterd", "daemons"),
        _dir(p.socket_dir, 0o770, "masterd", "daemons"),
        _file(p.master_socket, 0o660, "masterd", "daemons"),
        _file(p.query_socket, 0o660, "masterd", "daemons"),
        _dir(p.bdev_cache_dir, 0o755, "noded", "masterd"),
        _dir(p.uid_pool_dir, 0o750, "noded", "masterd"),
        _dir(p.disk_links_dir, 0o755, "noded", "masterd"),
        _dir(p.crypto_dir, 0o700, "noded", "masterd"),
        _dir(p.import_export_dir, 0o755, "noded", "masterd"),
        _dir(p.instance_reason_dir, 0o755, "noded", "noded"),
    )


def _logs(p: Paths) -> tuple[Place, ...]:
    return (
        _dir(p.log_dir, 0o770, "masterd", "daemons"),
        *(
            _file(p.daemon_log(f"ganeti-{role}"), 0o600, role, "masterd")
            for role in ("masterd", "noded", "confd", "rapi")
        ),
        *(
            _dir(path, 0o750, "noded", "daemons")
            for path in (p.os_log_dir, p.kvm_log_dir, p.xen_log_dir)
        ),
        _dir(p.cleaner_log_dir, 0o750, "noded", "noded"),
        _dir(p.master_cleaner_log_dir, 0o750, "masterd", "masterd"),
    )


DEFAULT = Paths()
