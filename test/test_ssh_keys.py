# SPDX-License-Identifier: GPL-2.0-or-later
"""Keys are compared by what they are, not by their comments."""

import os
from pathlib import Path
from typing import Any

import pytest

from ganeti import ssh_keys
from ganeti.errors import SshUpdateError
from ganeti.paths import Paths
from ganeti.ssh_keys import KeyAction
from ganeti.utils.files import Disk, Primitives
from test.support.runner import Call, FakeRunner

LINES = ["# mine", "ssh-rsa AAAA admin@home", 'from="10.0.0.1" ssh-ed25519 BBBB x']


def test_a_known_key_is_not_added_again() -> None:
    assert ssh_keys.with_keys(LINES, ["ssh-rsa AAAA other", "ssh-ed25519 BBBB", "\n"]) == LINES
    assert ssh_keys.with_keys(LINES, ["ssh-rsa CCCC n"]) == [*LINES, "ssh-rsa CCCC n"]


def test_only_named_keys_are_removed() -> None:
    assert ssh_keys.without_keys(LINES, ["ssh-rsa AAAA"]) == [LINES[0], LINES[2]]


@pytest.mark.parametrize(
    ("action", "result"),
    [
        ("add", {"a": ["k 1", "k 2"], "b": ["k 3"]}),
        ("replace_or_add", {"a": ["k 2"], "b": ["k 3"]}),
        ("override", {"a": ["k 2"]}),
        ("remove", {"b": ["k 3"]}),
        ("clear", {}),
    ],
)
def test_actions(action: str, result: dict[str, list[str]]) -> None:
    table = {"a": ["k 1"], "b": ["k 3"]}
    assert ssh_keys.applied(table, KeyAction(action), {"a": ["k 2"]}) == result


def test_the_key_file_is_parsed_strictly() -> None:
    assert ssh_keys.parse_public_keys(["u1 ssh-rsa A", "", "u1 ssh-rsa B"]) == {
        "u1": ["ssh-rsa A", "ssh-rsa B"]
    }
    with pytest.raises(SshUpdateError):
        ssh_keys.parse_public_keys(["lonely"])


def test_known_hosts_names_the_cluster() -> None:
    pair = ssh_keys.KeyPair("rsa", "private", "ssh-rsa AAAA root@n1\n")
    assert ssh_keys.known_hosts("c.example.org", [pair]) == "c.example.org ssh-rsa AAAA\n"


class Steps(Primitives):
    """What is done to which file, in order."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []

    def sync_file(self, path: str) -> Any:
        self.done.append(("sync", os.path.basename(path)))
        return super().sync_file(path)

    def rename(self, old: str, new: str) -> None:
        self.done.append(("rename", os.path.basename(new)))
        super().rename(old, new)

    def sync_directory(self, path: str) -> None:
        self.done.append(("sync", os.path.basename(path)))


def make_pair(call: Call) -> None:
    """As ssh-keygen does, which asks before it writes over a key."""
    private = Path(call.argv[-1])
    assert not private.exists()
    private.write_text("private")
    Path(f"{private}.pub").write_text("ssh-rsa AAAA root@n1\n")


def test_a_key_that_was_made_survives_a_power_cut_as_a_pair(tmp_path: Path) -> None:
    runner, steps = FakeRunner(), Steps()
    runner.on("ssh-keygen", do=make_pair)
    keys = ssh_keys.RootKeys(Paths(str(tmp_path)), Disk(steps), runner)
    Path(keys.directory).mkdir(parents=True)
    Path(keys.private_path("rsa") + ".new").write_text("half a key, of a run that was cut short")
    assert keys.ensure("rsa", 2048) == "ssh-rsa AAAA root@n1"
    first = steps.done.index(("sync", "id_rsa.new"))
    assert steps.done[first:] == [
        ("sync", "id_rsa.new"),
        ("sync", "id_rsa.new.pub"),
        ("sync", ".ssh"),
        ("rename", "id_rsa.pub"),
        ("rename", "id_rsa"),
        ("sync", ".ssh"),
        ("sync", ".ssh"),
    ]
    assert keys.ensure("rsa", 2048) == "ssh-rsa AAAA root@n1"
    assert len(runner.calls) == 1
