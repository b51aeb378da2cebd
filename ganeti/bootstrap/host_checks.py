# SPDX-License-Identifier: GPL-2.0-or-later
"""What a host must be like before it can become the first node of a cluster.

In the order in which users get the errors (masterd, "Cluster init").
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from ganeti import file_storage
from ganeti.bootstrap.new_cluster import InitRequest, master_netdev, storage_directories
from ganeti.errors import Code, FileStoragePathError, OpPrereqError, ResolverError
from ganeti.model import settings, templates
from ganeti.model.params.hv import registry
from ganeti.paths import Paths
from ganeti.utils import files, net
from ganeti.utils.process import Runner

MIN_VG_MIB = 20480
COMMAND_TIMEOUT_S = 60
PING_TIMEOUT_S = 5


def _state(message: str) -> OpPrereqError:
    return OpPrereqError(message, Code.WRONG_STATE)


def _input(message: str) -> OpPrereqError:
    return OpPrereqError(message, Code.WRONG_INPUT)


def check_unused(paths: Paths) -> None:
    """The host must not be in a cluster, nor have files of one."""
    if os.path.exists(paths.config_data):
        raise _state("this host is in a cluster already")
    for directory in (paths.queue_dir, paths.queue_archive_dir, paths.data_dir):
        left = sorted(_files(directory))
        if left:
            raise _state(
                f"{directory} still has files of an earlier cluster: {', '.join(left[:5])}"
            )


def _files(directory: str) -> Iterable[str]:
    try:
        with os.scandir(directory) as entries:
            return [e.name for e in entries if e.is_file() and not e.name.startswith(".")]
    except FileNotFoundError:
        return []


def check_kinds(request: InitRequest) -> None:
    """Hypervisors, disk templates and the IP version must be known ones."""
    if not request.enabled_hypervisors:
        raise _input("enable at least one hypervisor")
    unknown = sorted(set(request.enabled_hypervisors) - set(registry.names()))
    if unknown:
        raise _input(f"unknown hypervisor {', '.join(unknown)}")
    if not request.enabled_disk_templates:
        raise _input("enable at least one disk template")
    strange = sorted(set(request.enabled_disk_templates) - set(templates.TEMPLATES))
    if strange:
        raise _input(f"unknown disk template {', '.join(strange)}")
    if request.primary_ip_version not in (4, 6):
        raise _input(f"IP version {request.primary_ip_version} is neither 4 nor 6")
    if request.mac_prefix:
        settings.mac_prefix(request.mac_prefix)


def own_address(family: int) -> net.Host:
    """This host under its full name; the address must be a real one of this host."""
    host = net.resolve(net.own_name(), family=family)
    if net.is_loopback(host.address):
        raise OpPrereqError(
            f"the name of this host, {host.name}, resolves to the loopback address"
            f" {host.address}; correct /etc/hosts or DNS",
            Code.ENVIRONMENT,
        )
    if not net.owns_address(host.address):
        raise OpPrereqError(
            f"the name of this host, {host.name}, resolves to {host.address},"
            " which this host does not have",
            Code.ENVIRONMENT,
        )
    return host


def cluster_address(name: str, family: int) -> net.Host:
    """The cluster's name and address; nobody may answer there."""
    try:
        host = net.resolve(name, family=family)
    except ResolverError as err:
        raise OpPrereqError(str(err), Code.RESOLVER) from err
    port = net.daemon_port("ganeti-noded")
    if net.is_in_use(host.address, port, timeout_s=PING_TIMEOUT_S):
        raise OpPrereqError(
            f"the cluster's address {host.address} is in use: something answers on port {port}",
            Code.NOT_UNIQUE,
        )
    return host


def secondary_address(request: InitRequest, primary_ip: str) -> str:
    """The replication address; the primary one is the default in IPv4 clusters."""
    address = request.secondary_ip
    if address is None:
        if request.primary_ip_version == 6:
            raise _input("an IPv6 cluster needs an IPv4 secondary address: -s ADDRESS")
        return primary_ip
    if not net.is_ipv4(address):
        raise _input(f"the secondary address '{address}' is not an IPv4 address")
    if not net.owns_address(address):
        raise OpPrereqError(
            f"this host does not have the secondary address {address}", Code.ENVIRONMENT
        )
    return address


def check_storage(request: InitRequest, runner: Runner, paths: Paths) -> None:
    """Volume group, DRBD helper and directories of the enabled templates."""
    enabled = [templates.TEMPLATES[name] for name in request.enabled_disk_templates]
    if any(t.uses_vg for t in enabled):
        _check_volume_group(request.vg_name, runner)
    if "drbd" in request.enabled_disk_templates:
        _check_drbd_helper(request.drbd_helper)
    for directory in storage_directories(request, paths).values():
        check_directory(directory, paths)


def _check_volume_group(name: str | None, runner: Runner) -> None:
    if not name:
        raise _input("the enabled disk templates need a volume group: --vg-name NAME")
    argv = ["vgs", "--noheadings", "--nosuffix", "--units=m", "-o", "vg_size", name]
    result = runner.run(argv, timeout_s=COMMAND_TIMEOUT_S)
    if result.failed:
        raise OpPrereqError(
            f"there is no volume group {name} on this host: {result.output.strip()}",
            Code.ENVIRONMENT,
        )
    size = float(result.stdout)
    if size < MIN_VG_MIB:
        raise OpPrereqError(
            f"volume group {name} has {size:.0f} MiB, it needs {MIN_VG_MIB} MiB", Code.ENVIRONMENT
        )


def _check_drbd_helper(wanted: str | None) -> None:
    path = "/sys/module/drbd/parameters/usermode_helper"
    try:
        with open(path, encoding="utf-8") as file:
            actual = file.read().strip()
    except OSError as err:
        raise OpPrereqError(
            f"the DRBD helper cannot be read: {err}; load the module drbd", Code.ENVIRONMENT
        ) from err
    if actual != (wanted or "/bin/true"):
        raise OpPrereqError(
            f"DRBD on this host calls {actual}, not {wanted or '/bin/true'}", Code.ENVIRONMENT
        )


def check_directory(directory: str, paths: Paths) -> None:
    """A directory that the administrator allows on this host."""
    settings.directory(directory)
    try:
        file_storage.check(paths, directory, may_be_listed=True)
    except FileStoragePathError as err:
        raise OpPrereqError(str(err), Code.ENVIRONMENT) from err


def check_netdev(request: InitRequest) -> None:
    """The interface of the cluster's address must be there."""
    if request.nicparams.get("mode") == "openvswitch":
        return
    name = master_netdev(request)
    if not os.path.exists(f"/sys/class/net/{name}"):
        raise _input(f"this host has no network interface {name}; name one with --master-netdev")


def find_allocator(request: InitRequest, paths: Paths) -> str:
    """The default allocator: the one asked for, which must exist, or `hail` where it is."""
    wanted = request.default_iallocator
    found = files.find_executable(paths.iallocator_search_path, wanted or "hail")
    if wanted and not found:
        raise _input(f"there is no allocator '{wanted}' on this host")
    return wanted or ("hail" if found else "")
