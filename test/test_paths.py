# SPDX-License-Identifier: GPL-2.0-or-later
"""The places that scripts, hooks and other tools know, with their owners and modes."""

from __future__ import annotations

import pytest

from ganeti import paths
from ganeti.paths import DEFAULT, Paths

KNOWN = {
    "bdev_cache_dir": "/run/ganeti/bdev-cache",
    "client_pem": "/var/lib/ganeti/client.pem",
    "cluster_domain_secret": "/var/lib/ganeti/cluster-domain-secret",
    "commands_log": "/var/log/ganeti/commands.log",
    "conf_dir": "/etc/ganeti",
    "config_data": "/var/lib/ganeti/config.data",
    "crypto_dir": "/run/ganeti/crypto",
    "daemon_util": "/usr/lib/ganeti/daemon-util",
    "data_dir": "/var/lib/ganeti",
    "default_master_setup_script": "/usr/lib/ganeti/tools/master-ip-setup",
    "disk_links_dir": "/run/ganeti/instance-disks",
    "ensure_dirs": "/usr/lib/ganeti/ensure-dirs",
    "etc_hosts": "/etc/hosts",
    "export_dir": "/var/lib/ganeti/export",
    "external_master_setup_script": "/etc/ganeti/scripts/master-ip-setup",
    "fake_dir": "/run/ganeti/fake-hypervisor",
    "default_file_storage_dir": "/srv/ganeti/file-storage",
    "file_storage_paths_file": "/etc/ganeti/file-storage-paths",
    "ganeti_pub_keys": "/var/lib/ganeti/ganeti_pub_keys",
    "hmac_key": "/var/lib/ganeti/hmac.key",
    "hooks_dir": "/etc/ganeti/hooks",
    "import_export_dir": "/run/ganeti/import-export",
    "instance_reason_dir": "/run/ganeti/instance-reason",
    "known_hosts": "/var/lib/ganeti/known_hosts",
    "kvm_console_wrapper": "/usr/lib/ganeti/tools/kvm-console-wrapper",
    "kvm_ctrl_dir": "/run/ganeti/kvm-hypervisor/ctrl",
    "kvm_ifup": "/usr/lib/ganeti/kvm-ifup",
    "kvm_log_dir": "/var/log/ganeti/kvm",
    "kvm_quarantine_dir": "/run/ganeti/kvm-hypervisor/chroot-quarantine",
    "lib_dir": "/usr/lib/ganeti",
    "lock_dir": "/var/lock",
    "log_dir": "/var/log/ganeti",
    "master_epoch": "/var/lib/ganeti/master-epoch",
    "master_starts": "/var/lib/ganeti/master-starts",
    "master_socket": "/run/ganeti/socket/ganeti-master",
    "os_log_dir": "/var/log/ganeti/os",
    "query_socket": "/run/ganeti/socket/ganeti-query",
    "queue_archive_dir": "/var/lib/ganeti/queue/archive",
    "queue_dir": "/var/lib/ganeti/queue",
    "queue_drain": "/var/lib/ganeti/queue/drain",
    "queue_lock": "/var/lib/ganeti/queue/lock",
    "queue_serial": "/var/lib/ganeti/queue/serial",
    "queue_version": "/var/lib/ganeti/queue/version",
    "rapi_pem": "/var/lib/ganeti/rapi.pem",
    "rapi_users": "/var/lib/ganeti/rapi/users",
    "restricted_commands_dir": "/etc/ganeti/restricted-commands",
    "restricted_lock": "/var/lock/ganeti-restricted-commands.lock",
    "root_ssh_dir": "/root/.ssh",
    "run_dir": "/run/ganeti",
    "sbin_dir": "/usr/sbin",
    "scripts_dir": "/etc/ganeti/scripts",
    "server_pem": "/var/lib/ganeti/server.pem",
    "default_shared_file_storage_dir": "/srv/ganeti/shared-file-storage",
    "socket_dir": "/run/ganeti/socket",
    "spice_ca_pem": "/var/lib/ganeti/spice-ca.pem",
    "spice_pem": "/var/lib/ganeti/spice.pem",
    "ssconf_lock": "/var/lock/ganeti-ssconf.lock",
    "ssh_dir": "/etc/ssh",
    "tools_dir": "/usr/lib/ganeti/tools",
    "uid_pool_dir": "/run/ganeti/uid-pool",
    "vnc_password_file": "/etc/ganeti/vnc-cluster-password",
    "watcher_pause": "/var/lib/ganeti/watcher.pause",
    "xen_log_dir": "/var/log/ganeti/xen",
}

WANTED = """
/var/lib/ganeti                       dir  755 masterd masterd
/var/lib/ganeti/cluster-domain-secret file 640 masterd masterd
/var/lib/ganeti/config.data           file 640 masterd confd
/var/lib/ganeti/hmac.key              file 440 confd   masterd
/var/lib/ganeti/known_hosts           file 644 masterd masterd
/var/lib/ganeti/rapi.pem              file 440 rapi    masterd
/var/lib/ganeti/spice.pem             file 440 noded   masterd
/var/lib/ganeti/spice-ca.pem          file 440 noded   masterd
/var/lib/ganeti/server.pem            file 440 masterd masterd
/var/lib/ganeti/client.pem            file 440 masterd masterd
/var/lib/ganeti/watcher.pause         file 644 masterd masterd
/var/lib/ganeti/queue                 dir  750 masterd daemons
/var/lib/ganeti/queue/drain           file 644 masterd daemons
/var/lib/ganeti/queue/lock            file 640 masterd daemons
/var/lib/ganeti/queue/serial          file 640 masterd daemons
/var/lib/ganeti/queue/version         file 640 masterd daemons
/var/lib/ganeti/queue/candidates      file 640 masterd daemons
/var/lib/ganeti/queue/archive         dir  750 masterd daemons
/var/lib/ganeti/rapi                  dir  750 rapi    masterd
/var/lib/ganeti/rapi/users            file 640 rapi    masterd
/run/ganeti                           dir  775 masterd daemons
/run/ganeti/socket                    dir  770 masterd daemons
/run/ganeti/socket/ganeti-master      file 660 masterd daemons
/run/ganeti/socket/ganeti-query       file 660 masterd daemons
/run/ganeti/bdev-cache                dir  755 noded   masterd
/run/ganeti/uid-pool                  dir  750 noded   masterd
/run/ganeti/instance-disks            dir  755 noded   masterd
/run/ganeti/crypto                    dir  700 noded   masterd
/run/ganeti/import-export             dir  755 noded   masterd
/run/ganeti/instance-reason           dir  755 noded   noded
/var/log/ganeti                       dir  770 masterd daemons
/var/log/ganeti/master-daemon.log     file 600 masterd masterd
/var/log/ganeti/conf-daemon.log       file 600 confd   masterd
/var/log/ganeti/node-daemon.log       file 600 noded   masterd
/var/log/ganeti/rapi-daemon.log       file 600 rapi    masterd
/var/log/ganeti/os                    dir  750 noded   daemons
/var/log/ganeti/xen                   dir  750 noded   daemons
/var/log/ganeti/kvm                   dir  750 noded   daemons
/var/log/ganeti/cleaner               dir  750 noded   noded
/var/log/ganeti/master-cleaner        dir  750 masterd masterd
"""


@pytest.mark.parametrize(("attribute", "path"), KNOWN.items())
def test_where_things_are(attribute: str, path: str) -> None:
    assert getattr(DEFAULT, attribute) == path


def test_paths_that_depend_on_something() -> None:
    assert DEFAULT.ssconf("node_list") == "/var/lib/ganeti/ssconf_node_list"
    assert DEFAULT.job(17) == "/var/lib/ganeti/queue/job-17"
    assert DEFAULT.archived_job(9_999) == "/var/lib/ganeti/queue/archive/0/job-9999"
    assert DEFAULT.archived_job(10_000) == "/var/lib/ganeti/queue/archive/1/job-10000"
    assert DEFAULT.pid_file("ganeti-noded") == "/run/ganeti/ganeti-noded.pid"
    assert DEFAULT.daemon_log("ganeti-noded") == "/var/log/ganeti/node-daemon.log"


def test_where_definitions_are_looked_for() -> None:
    bases = ("/srv/ganeti", "/usr/local/lib/ganeti", "/usr/lib/ganeti", "/usr/share/ganeti")
    assert DEFAULT.os_search_path == tuple(f"{base}/os" for base in bases)
    assert DEFAULT.es_search_path == tuple(f"{base}/extstorage" for base in bases)
    assert DEFAULT.iallocator_search_path == (
        "/usr/local/lib/ganeti/iallocators",
        "/usr/lib/ganeti/iallocators",
    )


def flat(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(path) for path in value]  # type: ignore[attr-defined]


def test_with_a_root_everything_lies_below_it() -> None:
    here, there = vars(DEFAULT), vars(Paths("/some/root"))
    assert here.keys() == there.keys()
    for name, value in here.items():
        assert flat(there[name]) == [f"/some/root{path}" for path in flat(value)], name
    assert all(place.path.startswith("/some/root/") for place in paths.places(Paths("/some/root")))


def test_owners_and_modes() -> None:
    found = {
        f"{place.path} {place.kind} {place.mode:o} {place.user} {place.group}"
        for place in paths.places(DEFAULT)
    }
    assert found == {" ".join(line.split()) for line in WANTED.strip().splitlines()}


def test_directories_come_before_what_is_in_them() -> None:
    seen: list[str] = []
    for place in paths.places(DEFAULT):
        assert not any(earlier.startswith(f"{place.path}/") for earlier in seen), place.path
        seen.append(place.path)
    assert len(seen) == len(set(seen))
