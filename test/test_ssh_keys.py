# SPDX-License-Identifier: GPL-2.0-or-later
"""Keys are compared by what they are, not by their comments."""

import pytest

from ganeti import ssh_keys
from ganeti.errors import SshUpdateError

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
    assert ssh_keys.applied({"a": ["k 1"], "b": ["k 3"]}, action, {"a": ["k 2"]}) == result


def test_an_unknown_action_is_an_error() -> None:
    with pytest.raises(SshUpdateError):
        ssh_keys.applied({}, "shred", {})


def test_the_key_file_is_parsed_strictly() -> None:
    assert ssh_keys.parse_public_keys(["u1 ssh-rsa A", "", "u1 ssh-rsa B"]) == {
        "u1": ["ssh-rsa A", "ssh-rsa B"]
    }
    with pytest.raises(SshUpdateError):
        ssh_keys.parse_public_keys(["lonely"])


def test_known_hosts_names_the_cluster() -> None:
    pair = ssh_keys.KeyPair("rsa", "private", "ssh-rsa AAAA root@n1\n")
    assert ssh_keys.known_hosts("c.example.org", [pair]) == "c.example.org ssh-rsa AAAA\n"
