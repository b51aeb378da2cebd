# SPDX-License-Identifier: GPL-2.0-or-later
"""SSH between nodes: command lines for the system's ssh, and the first contact with a new host.

All nodes show the same host key, the cluster's; so it is looked up under the cluster's name, in a file
of our own, and a node's address says nothing. A new host shows a key of its own until it has joined:
it is spoken to through paramiko, which takes a password without a terminal.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
import typing
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Any

from ganeti.errors import OpExecError
from ganeti.paths import Paths
from ganeti.ssconf import Ssconf
from ganeti.utils import files, net
from ganeti.utils.process import Result
from ganeti.utils.secret import Secret

if typing.TYPE_CHECKING:
    import paramiko

USER = "root"
DEFAULT_PORT = 22
CONNECT_S = 10
PASSWORD_TRIES = 3


class HostKey(StrEnum):
    """What ssh does about a host key that it does not know."""

    REFUSE = "yes"
    ACCEPT = "no"
    ASK = "ask"


class Ssh:
    """Command lines of ssh and scp to nodes, which are named as in the configuration."""

    def __init__(self, paths: Paths, ssconf: Ssconf) -> None:
        self._paths, self._ssconf = paths, ssconf

    def command(
        self,
        host: str,
        remote: str,
        *,
        user: str = USER,
        tty: bool = False,
        batch: bool = True,
        unknown_key: HostKey = HostKey.REFUSE,
        key_exchange: str | None = None,
    ) -> list[str]:
        """Run a line of the remote shell; `batch` never asks for anything."""
        terminal = ["-t"] if tty else []
        options = self._options(host, batch, unknown_key)
        options += [f"-oKexAlgorithms={key_exchange}"] if key_exchange else []
        return ["ssh", *options, *terminal, f"{user}@{host}", remote]

    def copy_command(
        self,
        sources: Sequence[str],
        host: str,
        target: str,
        *,
        user: str = USER,
        address: str = "",
    ) -> list[str]:
        """Copy local files with their modes and times; `address` is another than the name's."""
        options = self._options(host, True, HostKey.REFUSE, address)
        where = f"{user}@{net.bracketed(address or host)}"
        return ["scp", "-p", *options, *sources, f"{where}:{target}"]

    def _options(
        self, host: str, batch: bool, unknown_key: HostKey, address: str = ""
    ) -> list[str]:
        settings = {
            "EscapeChar": "none",
            "HashKnownHosts": "no",
            "GlobalKnownHostsFile": self._paths.known_hosts,
            "UserKnownHostsFile": "/dev/null",
            "CheckHostIp": "no",
            "ConnectTimeout": str(CONNECT_S),
            "HostKeyAlias": self._ssconf.get("cluster_name"),
            "Port": self._ssconf.table("ssh_ports", "=").get(host, str(DEFAULT_PORT)),
            "StrictHostKeyChecking": unknown_key.value,
            **({"BatchMode": "yes"} if batch else {}),
        }
        usual = int(self._ssconf.get("primary_ip_family", default=str(net.IPV4)))
        family = net.family_of(address) if address else usual
        version = "-6" if family == net.IPV6 else "-4"
        return [*(f"-o{name}={value}" for name, value in settings.items()), version]


class SshError(OpExecError):
    """A host could not be reached by SSH, or did not let us in."""


class FirstContact:
    """A connection to a host that is not of the cluster yet; made when first used, and kept.

    A host key is good if it stands in `known_hosts` (the cluster's file) or if `confirm_key` says so
    when shown its fingerprint; without `confirm_key` every key is good. `ask_password` is called when
    keys do not open the door.
    """

    def __init__(
        self,
        address: str,
        port: int = DEFAULT_PORT,
        *,
        user: str = USER,
        key_files: Sequence[str] = (),
        known_hosts: str | None = None,
        confirm_key: Callable[[str], bool] | None = None,
        ask_password: Callable[[], Secret] | None = None,
    ) -> None:
        self._address, self._port, self._user = address, port, user
        self._key_files = list(key_files)
        self._policy = _KeyPolicy(known_hosts, confirm_key)
        self._ask_password = ask_password
        self._client: paramiko.SSHClient | None = None

    def run(self, argv: Sequence[str], *, stdin: str, timeout_s: float) -> Result:
        """Run a command there; `timeout_s` is how long it may be silent."""
        import paramiko

        try:
            given, out, err = self._connected().exec_command(shlex.join(argv), timeout=timeout_s)
            given.write(stdin)
            given.channel.shutdown_write()
            with ThreadPoolExecutor(1) as pool:
                errors = pool.submit(err.read)
                output = out.read()
            code = out.channel.recv_exit_status()
        except TimeoutError:
            return Result(tuple(argv), -1, "", "", timed_out=True)
        except (OSError, EOFError, paramiko.SSHException) as problem:
            raise SshError(f"{self._where()}: {_reason(problem)}") from None
        return Result(tuple(argv), code, _text(output), _text(errors.result()))

    def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _where(self) -> str:
        return f"SSH to {self._user}@{net.bracketed(self._address)} port {self._port}"

    def _connected(self) -> paramiko.SSHClient:
        transport = self._client.get_transport() if self._client else None
        if self._client is None or transport is None or not transport.is_active():
            self.close()
            self._client = self._log_in()
        return self._client

    def _log_in(self) -> paramiko.SSHClient:
        """By key, then by password."""
        client = self._attempt(None)
        for _ in range(PASSWORD_TRIES if self._ask_password else 0):
            if client is None and self._ask_password:
                client = self._attempt(self._ask_password())
        if client is None:
            raise SshError(f"{self._where()}: neither key nor password was accepted")
        return client

    def _attempt(self, password: Secret | None) -> paramiko.SSHClient | None:
        """A connection; None if the host does not let us in with what we have."""
        import paramiko

        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(typing.cast(Any, self._policy))
        try:
            client.connect(
                self._address,
                self._port,
                self._user,
                password=password.reveal() if password else None,
                key_filename=typing.cast(Any, self._key_files or None),
                look_for_keys=password is None and not self._key_files,
                allow_agent=password is None and not self._key_files,
                timeout=CONNECT_S,
                banner_timeout=CONNECT_S,
                auth_timeout=CONNECT_S,
            )
        except paramiko.SSHException as err:
            # paramiko reports the last of the keys it tried, be it that it could not read it.
            transport = client.get_transport()
            refused = transport is not None and transport.is_active()
            client.close()
            if refused or isinstance(err, paramiko.AuthenticationException):
                return None
            raise
        return client


def _reason(problem: Exception) -> str:
    """Why it failed; paramiko wraps what the system said of each address, and we give it one."""
    wrapped = getattr(problem, "errors", None)
    cause = next(iter(wrapped.values())) if wrapped else problem
    return str(cause) or type(cause).__name__


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


class _KeyPolicy:
    """Asked by paramiko about every host key; what was confirmed once stays good."""

    def __init__(self, known_hosts: str | None, confirm: Callable[[str], bool] | None) -> None:
        lines = files.read_lines(known_hosts) if known_hosts else []
        self._good = {line.split()[-1] for line in lines if line.strip()}
        self._confirm = confirm

    def missing_host_key(self, _client: object, hostname: str, key: paramiko.PKey) -> None:
        if self._confirm is None or key.get_base64() in self._good:
            return
        digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
        if not self._confirm(f"{key.get_name()} SHA256:{digest}"):
            raise SshError(f"the host key of {hostname} was not accepted")
        self._good.add(key.get_base64())
