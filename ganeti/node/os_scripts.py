# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the scripts of OS definitions: their environment, their logs, their failures.

The environment is built from nothing, so scripts see the same on every node (extension points,
"Environment variables").
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti.model import templates
from ganeti.model.disk import Disk
from ganeti.model.instance import Instance
from ganeti.model.nic import Nic
from ganeti.node import network_variables, os_definition
from ganeti.node.host import Host
from ganeti.node.os_definition import OsDefinition, OsError
from ganeti.node.storage import links, registry
from ganeti.paths import SCRIPT_PATH

SHOWN_LINES = 20
TIMEOUT_S = 24 * 3600.0
VERIFY_TIMEOUT_S = 240.0
LOG_DIRECTORY_MODE = 0o750

Env = dict[str, str]


def core_env(
    definition: OsDefinition, full_name: str, params: Mapping[str, Any], debug: int
) -> Env:
    """What all scripts see, `verify` too."""
    env = {
        "PATH": SCRIPT_PATH,
        "OS_API_VERSION": str(definition.api),
        "OS_NAME": definition.name,
        "DEBUG_LEVEL": str(debug),
    }
    if definition.api >= os_definition.VARIANTS_SINCE:
        _, variant = os_definition.split(full_name)
        first = definition.variants[0] if definition.variants else ""
        env["OS_VARIANT"] = variant or first
    if definition.api >= os_definition.PARAMETERS_SINCE:
        env |= {f"OSP_{key.upper().replace('-', '_')}": str(v) for key, v in params.items()}
    return env


class InstanceScripts:
    """The scripts of one instance's OS."""

    def __init__(self, host: Host, instance: Instance, debug: int) -> None:
        self._host, self._instance, self._debug = host, instance, debug
        self._definition = os_definition.require(host.paths.os_search_path, instance.os)

    def create(self, *, reinstall: bool) -> None:
        """Install the guest."""
        if not self._definition.is_trusted:
            raise OsError(
                f"OS '{self._definition.name}' has only an untrusted create script, which needs a"
                " helper VM; this release has none"
            )
        more = {"INSTANCE_REINSTALL": "1"} if reinstall else {}
        self._run(os_definition.CREATE, "add", self._instance.name, more)

    def rename(self, old_name: str) -> None:
        """Tell the guest its new name."""
        label = f"{old_name}-{self._instance.name}"
        self._run("rename", "rename", label, {"OLD_INSTANCE_NAME": old_name})

    def _run(self, script: str, action: str, label: str, more: Env) -> None:
        log_file = self._log_file(action, label)
        result = self._host.runner.run(
            [self._definition.script(script)],
            timeout_s=TIMEOUT_S,
            env={**self.env(), **more},
            reset_env=True,
            cwd=self._definition.path,
            output_file=log_file,
        )
        if result.failed:
            raise OsError(
                f"the script {script} of OS '{self._definition.name}' {result.fail_reason};"
                f" its last lines ({log_file}):\n{last_lines(log_file)}{result.stderr}"
            )

    def _log_file(self, action: str, label: str) -> str:
        directory = self._host.paths.os_log_dir
        self._host.disk.ensure_dir(directory, mode=LOG_DIRECTORY_MODE)
        stamp = time.strftime("%Y-%m-%d_%H_%M_%S", time.localtime(self._host.clock.now()))
        return os.path.join(directory, f"{action}-{self._definition.name}-{label}-{stamp}.log")

    def env(self) -> Env:
        """All that the instance's scripts see."""
        instance = self._instance
        params = {**instance.osparams, **instance.osparams_private}
        env = core_env(self._definition, instance.os, params, self._debug)
        env |= identity_env(instance)
        for index, disk in enumerate(instance.disks_info or ()):
            env |= self._disk_env(index, disk)
        for index, nic in enumerate(instance.nics):
            env |= nic_env(index, nic, str(instance.hvparams.get("nic_type", "")))
        return env

    def _disk_env(self, index: int, disk: Disk) -> Env:
        device = registry.device(self._host, disk)
        env = {
            "PATH": links.link_of(self._host.paths, self._instance.name, index),
            "ACCESS": disk.mode,
            "UUID": disk.uuid,
            "SIZE": str(disk.size),
            "FRONTEND_TYPE": str(self._instance.hvparams.get("disk_type", "")),
            "BACKEND_TYPE": backend_type(disk),
        }
        uri = device.uri(self._instance.hypervisor)
        env |= {"URI": uri} if uri else {}
        env |= {"NAME": disk.name} if disk.name else {}
        return {f"DISK_{index}_{key}": value for key, value in env.items()}


def identity_env(instance: Instance) -> Env:
    """The instance itself; nodes by name."""
    names = instance.node_names or {}
    secondaries = [names.get(uuid, uuid) for uuid in instance.secondary_nodes or ()]
    env = {
        "INSTANCE_NAME": instance.name,
        "INSTANCE_OS": instance.os,
        "INSTANCE_UUID": instance.uuid,
        "INSTANCE_CTIME": str(instance.ctime),
        "INSTANCE_MTIME": str(instance.mtime),
        "INSTANCE_PRIMARY_NODE": names.get(instance.primary_node, instance.primary_node),
        "INSTANCE_SECONDARY_NODES": " ".join(secondaries),
        "HYPERVISOR": instance.hypervisor,
        "DISK_COUNT": str(len(instance.disks_info or ())),
        "NIC_COUNT": str(len(instance.nics)),
    }
    env |= {f"INSTANCE_BE_{key}": str(value) for key, value in instance.beparams.items()}
    return env | {f"INSTANCE_HV_{key}": str(value) for key, value in instance.hvparams.items()}


def backend_type(disk: Disk) -> str:
    """``block``, or ``file:<driver>``."""
    if templates.TEMPLATES[disk.dev_type].file_based:
        return f"file:{disk.logical_id[0]}"
    return "block"


def nic_env(index: int, nic: Nic, frontend: str) -> Env:
    params = nic.nicparams
    env = {
        "MAC": nic.mac,
        "UUID": nic.uuid,
        "MODE": str(params.get("mode", "")),
        "LINK": str(params.get("link", "")),
        "FRONTEND_TYPE": frontend,
    }
    env |= {"NAME": nic.name} if nic.name else {}
    env |= {"IP": nic.ip} if nic.ip else {}
    env |= {"BRIDGE": env["LINK"]} if env["MODE"] == "bridged" else {}
    env |= network_variables.of(nic)
    return {f"NIC_{index}_{key}": value for key, value in env.items()}


def last_lines(log_file: str) -> str:
    """The end of a log, whatever a script has put into it."""
    try:
        with open(log_file, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-SHOWN_LINES:])
    except OSError as err:
        return f"it cannot be read: {err}\n"


def verify(
    host: Host,
    definition: OsDefinition,
    full_name: str,
    checks: Sequence[str],
    params: Mapping[str, Any],
) -> None:
    """Let the definition judge its parameters; raises OsError with what it says."""
    os_definition.check_names(definition, list(params))
    if definition.api < os_definition.PARAMETERS_SINCE:
        return
    own = {k: v for k, v in params.items() if k not in os_definition.CORE_PARAMETERS}
    result = host.runner.run(
        [definition.script(os_definition.VERIFY), *checks],
        timeout_s=VERIFY_TIMEOUT_S,
        env=core_env(definition, full_name, own, 0),
        reset_env=True,
        cwd=definition.path,
    )
    if result.failed:
        raise OsError(
            f"OS '{definition.name}' refuses its parameters: "
            + (result.output.strip() or result.fail_reason)
        )
