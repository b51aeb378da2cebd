# SPDX-License-Identifier: GPL-2.0-or-later
"""Root's SSH key pair, authorized_keys, known_hosts and the file of all nodes' public keys.

Between the nodes only master candidates may log in as root; each node has a key pair of its own. All
nodes answer with the cluster's host keys under the cluster's name (``HostKeyAlias``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ganeti.errors import OpPrereqError, SshUpdateError
from ganeti.paths import Paths
from ganeti.utils import files
from ganeti.utils.files import Disk
from ganeti.utils.process import Runner

KEYGEN_TIMEOUT_S = 120
NEW = ".new"
HOST_KEY_TYPES = ("rsa", "dsa", "ecdsa", "ed25519")


class KeyAction(StrEnum):
    """What is to become of keys, as ssh-update is told."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE_OR_ADD = "replace_or_add"
    OVERRIDE = "override"
    CLEAR = "clear"


@dataclass(frozen=True)
class KeyPair:
    """The texts of a private and a public key."""

    kind: str
    private: str
    public: str


class RootKeys:
    """The SSH files of root on this host."""

    def __init__(self, paths: Paths, disk: Disk, runner: Runner) -> None:
        self._paths, self._disk, self._runner = paths, disk, runner
        self.directory = paths.root_ssh_dir

    def private_path(self, kind: str) -> str:
        return f"{self.directory}/id_{kind}"

    @property
    def authorized_keys(self) -> str:
        return f"{self.directory}/authorized_keys"

    def ensure(self, kind: str, bits: int) -> str:
        """The public key of root, made if there is none."""
        self._disk.ensure_dir(self.directory, mode=0o700)
        private = self.private_path(kind)
        if not os.path.exists(private):
            self.generate(kind, bits, NEW)
            # The public one first: the private one stands for both.
            names = [private + ".pub", private]
            self._disk.rename_many(zip([private + NEW + ".pub", private + NEW], names, strict=True))
        return files.read_text(private + ".pub").strip()

    def generate(self, kind: str, bits: int, suffix: str) -> str:
        """Make a key pair beside the one in use, as a change of keys needs it first; it is durable."""
        private = self.private_path(kind) + suffix
        pair = [private, private + ".pub"]
        for path in pair:  # ssh-keygen would ask before it writes over one
            self._disk.remove(path, missing_ok=True)
        argv = ["ssh-keygen", "-q", "-N", "", "-t", kind, "-b", str(bits), "-f", private]
        self._runner.run(argv, timeout_s=KEYGEN_TIMEOUT_S, check=True)
        self._disk.sync(pair)
        return files.read_text(private + ".pub").strip()

    def authorize(self, keys: Iterable[str]) -> None:
        """Add keys to authorized_keys, each once."""
        self._write_authorized(with_keys(self._lines(), keys))

    def revoke(self, keys: Iterable[str]) -> None:
        """Take keys out of authorized_keys; what somebody else put there stays."""
        self._write_authorized(without_keys(self._lines(), keys))

    def apply(self, action: KeyAction, keys: Iterable[str]) -> None:
        """An action on authorized_keys, which has other people's keys too: they are never cleared away."""
        match action:
            case KeyAction.ADD | KeyAction.REPLACE_OR_ADD:
                self.authorize(keys)
            case KeyAction.REMOVE | KeyAction.CLEAR:
                self.revoke(keys)
            case KeyAction.OVERRIDE:
                raise SshUpdateError(
                    f"{self.authorized_keys} is not only ours; '{action}' would empty it"
                )

    def _lines(self) -> list[str]:
        try:
            return files.read_lines(self.authorized_keys)
        except FileNotFoundError:
            return []

    def _write_authorized(self, lines: list[str]) -> None:
        self._disk.ensure_dir(self.directory, mode=0o700)
        text = "".join(f"{line}\n" for line in lines)
        self._disk.write(self.authorized_keys, text.encode(), mode=0o600)


def key_of(line: str) -> tuple[str, ...]:
    """What makes two lines of authorized_keys the same key: type and body, not the comment."""
    words = line.split()
    for index, word in enumerate(words[:-1]):
        if word.startswith(("ssh-", "ecdsa-", "sk-")):
            return (word, words[index + 1])
    return tuple(words)


def with_keys(lines: list[str], keys: Iterable[str]) -> list[str]:
    known = {key_of(line) for line in lines}
    new = {key_of(key): key.strip() for key in keys if key.strip()}
    return [*lines, *(key for ident, key in new.items() if ident not in known)]


def without_keys(lines: list[str], keys: Iterable[str]) -> list[str]:
    gone = {key_of(key) for key in keys}
    return [line for line in lines if key_of(line) not in gone]


def host_keys(directory: str = "/etc/ssh") -> list[KeyPair]:
    """The host's key pairs, in the order of `HOST_KEY_TYPES`."""
    found = []
    for kind in HOST_KEY_TYPES:
        private = f"{directory}/ssh_host_{kind}_key"
        if os.path.exists(private) and os.path.exists(private + ".pub"):
            texts = [files.read_text(private), files.read_text(private + ".pub")]
            found.append(KeyPair(kind, *texts))
    return found


def public_body(pairs: Iterable[KeyPair], kind: str) -> str:
    """The base64 part of a host key, or an empty text."""
    return next((p.public.split()[1] for p in pairs if p.kind == kind), "")


def required_host_keys(directory: str = "/etc/ssh") -> list[KeyPair]:
    """The host keys; raises OpPrereqError without an RSA or DSA one."""
    pairs = host_keys(directory)
    if not any(pair.kind in ("rsa", "dsa") for pair in pairs):
        raise OpPrereqError(
            f"no RSA or DSA host key in {directory}; create one with 'ssh-keygen -A'",
            "environment_error",
        )
    return pairs


def known_hosts(cluster_name: str, pairs: Iterable[KeyPair]) -> str:
    """The lines of known_hosts: every node answers under the cluster's name."""
    lines = [" ".join([cluster_name, *pair.public.split()[:2]]) for pair in pairs]
    return "".join(f"{line}\n" for line in lines)


class PublicKeyFile:
    """``ganeti_pub_keys``: lines of a node's UUID (or name, while it joins) and a public key."""

    def __init__(self, path: str, disk: Disk) -> None:
        self._path, self._disk = path, disk

    def read(self) -> dict[str, list[str]]:
        try:
            lines = files.read_lines(self._path)
        except FileNotFoundError:
            return {}
        return parse_public_keys(lines)

    def replace(self, owner: str, keys: Iterable[str]) -> None:
        """Set the keys of one node; none takes the node out."""
        table = {**self.read(), owner: list(keys)}
        self._write(table)

    def rename(self, old: str, new: str) -> None:
        """A node that joined under its name is from now on known by its UUID."""
        table = self.read()
        if old in table:
            table[new] = table.pop(old)
            self._write(table)

    def apply(self, action: KeyAction, changes: Mapping[str, list[str]]) -> None:
        self._write(applied(self.read(), action, changes))

    def _write(self, table: Mapping[str, list[str]]) -> None:
        lines = [f"{owner} {key}\n" for owner, keys in table.items() for key in keys]
        self._disk.write(self._path, "".join(lines).encode(), mode=0o644)


def parse_public_keys(lines: Iterable[str]) -> dict[str, list[str]]:
    """Raises SshUpdateError for a line that has no key."""
    table: dict[str, list[str]] = {}
    for line in lines:
        owner, _, key = line.strip().partition(" ")
        if not owner:
            continue
        if not key:
            raise SshUpdateError(f"the public key file has a line without a key: '{owner}'")
        table.setdefault(owner, []).append(key)
    return table


def applied(
    table: Mapping[str, list[str]], action: KeyAction, changes: Mapping[str, list[str]]
) -> dict[str, list[str]]:
    """The table of public keys after an action."""
    match action:
        case KeyAction.ADD:
            return {**table, **{u: with_keys(table.get(u, []), k) for u, k in changes.items()}}
        case KeyAction.REMOVE:
            return {owner: keys for owner, keys in table.items() if owner not in changes}
        case KeyAction.REPLACE_OR_ADD:
            return {**table, **changes}
        case KeyAction.OVERRIDE:
            return dict(changes)
        case KeyAction.CLEAR:
            return {}
