# SPDX-License-Identifier: GPL-2.0-or-later
"""Command lines of ssh, and the first contact with a host against a small SSH server."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest
from paramiko import common

from ganeti.paths import Paths
from ganeti.ssconf import Ssconf
from ganeti.ssh import FirstContact, HostKey, Ssh, SshError
from ganeti.utils.files import Disk
from ganeti.utils.secret import Secret


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(str(tmp_path))
    for directory in (paths.data_dir, paths.lock_dir):
        os.makedirs(directory)
    values = {"cluster_name": "c.example.com", "ssh_ports": "n1=22\nn2=2222"}
    Ssconf(paths).write(Disk(), {**values, "primary_ip_family": "2"})
    return paths


def options_of(argv: list[str]) -> dict[str, str]:
    return dict(word[2:].split("=", 1) for word in argv if word.startswith("-o"))


def test_the_command_line_trusts_only_the_clusters_key(paths: Paths) -> None:
    argv = Ssh(paths, Ssconf(paths)).command("n2", "uptime; id", tty=True)
    assert argv[0] == "ssh"
    assert argv[-4:] == ["-4", "-t", "root@n2", "uptime; id"]
    assert options_of(argv) == {
        "EscapeChar": "none",
        "HashKnownHosts": "no",
        "GlobalKnownHostsFile": paths.known_hosts,
        "UserKnownHostsFile": "/dev/null",
        "CheckHostIp": "no",
        "ConnectTimeout": "10",
        "HostKeyAlias": "c.example.com",
        "Port": "2222",
        "StrictHostKeyChecking": "yes",
        "BatchMode": "yes",
    }


def test_a_person_may_be_asked(paths: Paths) -> None:
    ssh = Ssh(paths, Ssconf(paths))
    argv = ssh.command("n9", "id", user="ann", batch=False, unknown_key=HostKey.ASK)
    assert argv[-2:] == ["ann@n9", "id"]
    assert "BatchMode" not in options_of(argv)
    assert options_of(argv)["StrictHostKeyChecking"] == "ask"
    assert options_of(argv)["Port"] == "22"


def test_copies_keep_modes_and_know_ipv6(paths: Paths) -> None:
    Ssconf(paths).write(Disk(), {"primary_ip_family": "10"})
    argv = Ssh(paths, Ssconf(paths)).copy_command(["/a", "/b"], "2001:db8::1", "/c")
    assert argv[:2] == ["scp", "-p"]
    assert argv[-4:] == ["-6", "/a", "/b", "root@[2001:db8::1]:/c"]


class Door(paramiko.ServerInterface):
    """Lets root in with one key or one password, and answers commands with what it was told."""

    def __init__(self, key: paramiko.PKey | None, password: str | None) -> None:
        self._key, self._password = key, password

    def get_allowed_auths(self, username: str) -> str:
        return "publickey,password"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return self._verdict(self._key is not None and key.asbytes() == self._key.asbytes())

    def check_auth_password(self, username: str, password: str) -> int:
        return self._verdict(username == "root" and password == self._password)

    @staticmethod
    def _verdict(good: bool) -> int:
        return common.AUTH_SUCCESSFUL if good else common.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=_execute, args=(channel, command), daemon=True).start()
        return True


def _execute(channel: paramiko.Channel, command: bytes) -> None:
    """`silence` never answers; else: stdin back, the command line on stderr, exit code 3."""
    if command == b"silence":
        return
    data = channel.makefile("rb").read()
    channel.sendall(data)
    channel.sendall_stderr(command)
    channel.send_exit_status(3)
    channel.close()


class Host:
    """An SSH server on loopback."""

    def __init__(self, *, key: paramiko.PKey | None = None, password: str | None = None) -> None:
        self.host_key = paramiko.ECDSAKey.generate()
        self.connections = 0
        self._door = Door(key, password)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._transports: list[paramiko.Transport] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            transport = paramiko.Transport(sock)
            transport.add_server_key(self.host_key)
            self._transports.append(transport)
            transport.start_server(server=self._door, event=threading.Event())

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for transport in self._transports:
            transport.close()


@pytest.fixture(scope="module")
def key() -> paramiko.PKey:
    return paramiko.ECDSAKey.generate()


@pytest.fixture
def key_file(tmp_path: Path, key: paramiko.PKey) -> str:
    path = tmp_path / "id_ecdsa"
    key.write_private_key_file(str(path))
    return str(path)


@pytest.fixture
def host(key: paramiko.PKey) -> Iterator[Callable[..., Host]]:
    made = []

    def make(**more: object) -> Host:
        made.append(Host(**more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


Make = Callable[..., Host]


def test_a_key_opens_the_door_and_the_connection_is_kept(
    host: Make, key: paramiko.PKey, key_file: str
) -> None:
    there = host(key=key)
    contact = FirstContact("127.0.0.1", there.port, key_files=[key_file])
    result = contact.run(["prepare", "a b"], stdin="data\n" * 10_000, timeout_s=10)
    assert (result.returncode, result.stdout) == (3, "data\n" * 10_000)
    assert result.stderr == "prepare 'a b'"
    assert result.failed
    contact.run(["cat"], stdin="", timeout_s=10)
    assert there.connections == 1
    contact.close()


def test_a_password_is_asked_for_when_keys_do_not_help(host: Make, key_file: str) -> None:
    there = host(password="sesame")
    answers = iter(["wrong", "sesame"])
    contact = FirstContact(
        "127.0.0.1",
        there.port,
        key_files=[key_file],
        ask_password=lambda: Secret(next(answers)),
    )
    assert contact.run(["cat"], stdin="x", timeout_s=10).stdout == "x"
    contact.close()
    assert list(answers) == []


def test_without_key_and_password_the_door_stays_shut(host: Make, key_file: str) -> None:
    there = host(password="sesame")
    contact = FirstContact("127.0.0.1", there.port, key_files=[key_file])
    with pytest.raises(SshError, match="neither key nor password"):
        contact.run(["cat"], stdin="", timeout_s=10)


def test_an_unknown_host_key_is_shown(host: Make, key: paramiko.PKey, key_file: str) -> None:
    there = host(key=key)
    shown: list[str] = []

    def confirm(fingerprint: str) -> bool:
        shown.append(fingerprint)
        return len(shown) > 1

    contact = FirstContact("127.0.0.1", there.port, key_files=[key_file], confirm_key=confirm)
    with pytest.raises(SshError, match="was not accepted"):
        contact.run(["cat"], stdin="", timeout_s=10)
    assert shown[0].startswith("ecdsa-sha2-nistp256 SHA256:")
    assert contact.run(["cat"], stdin="x", timeout_s=10).stdout == "x"
    contact.close()
    assert contact.run(["cat"], stdin="x", timeout_s=10).stdout == "x"
    assert len(shown) == 2
    contact.close()


def test_the_clusters_own_key_needs_no_confirmation(
    tmp_path: Path, host: Make, key: paramiko.PKey, key_file: str
) -> None:
    there = host(key=key)
    known = tmp_path / "known_hosts"
    known.write_text(f"c.example.com ecdsa-sha2-nistp256 {there.host_key.get_base64()}\n")
    contact = FirstContact(
        "127.0.0.1",
        there.port,
        key_files=[key_file],
        known_hosts=str(known),
        confirm_key=lambda _: False,
    )
    assert contact.run(["cat"], stdin="x", timeout_s=10).stdout == "x"
    contact.close()


def test_a_silent_command_runs_out_of_time(host: Make, key: paramiko.PKey, key_file: str) -> None:
    contact = FirstContact("127.0.0.1", host(key=key).port, key_files=[key_file])
    assert contact.run(["silence"], stdin="", timeout_s=0.05).timed_out
    contact.close()


def test_nobody_there_is_an_error_that_names_the_host() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    why = f"SSH to root@127.0.0.1 port {port}: .*Connection refused"
    with pytest.raises(SshError, match=why):
        FirstContact("127.0.0.1", port).run(["cat"], stdin="", timeout_s=10)
