# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the SSH keys on this node are as the cluster wants them. Pure functions, but for `read`.

Root of every master candidate may log in here, and no other node's root. Nodes that could become
candidates know the keys of all those nodes (``ganeti_pub_keys``), and may know those of the others: the
master keeps them for the day when they can.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ganeti.paths import Paths
from ganeti.ssh_keys import key_of, parse_public_keys
from ganeti.utils import files

Key = tuple[str, ...]


class Member(NamedTuple):
    """A node of the cluster, as the question names it."""

    uuid: str
    name: str
    is_candidate: bool
    may_become_one: bool
    is_online: bool


class SshFiles(NamedTuple):
    """What lies here; `own` is root's public key, empty if there is none."""

    own: str
    authorized: Sequence[str]
    public: Mapping[str, Sequence[str]]


def read(paths: Paths, key_type: str) -> SshFiles:
    """The files of this node; those that are missing are empty."""
    own = _lines(f"{paths.root_ssh_dir}/id_{key_type}.pub")
    return SshFiles(
        own[0] if own else "",
        _lines(f"{paths.root_ssh_dir}/authorized_keys"),
        parse_public_keys(_lines(paths.ganeti_pub_keys)),
    )


def _lines(path: str) -> list[str]:
    try:
        return files.read_lines(path)
    except FileNotFoundError:
        return []


def setup_problems(me: str, members: Sequence[Member], found: SshFiles) -> list[str]:
    """What is wrong on this node."""
    mine = next((member for member in members if member.name == me), None)
    if mine is None:
        return [f"this node calls itself {me}, which is no node of the cluster"]
    if not found.own:
        return ["root has no SSH key of the cluster's type"]
    if not mine.may_become_one:
        return ["it knows public keys, though it cannot become a candidate"] if found.public else []
    return [*_public_problems(mine, members, found), *_login_problems(members, found)]


def _public_problems(mine: Member, members: Sequence[Member], found: SshFiles) -> list[str]:
    wanted = {member.uuid: member.name for member in members if member.may_become_one}
    problems = [
        f"the public key of {n} is missing" for u, n in wanted.items() if u not in found.public
    ]
    known_nodes = {member.uuid for member in members}
    problems += [f"a public key of {u} is left over" for u in found.public if u not in known_nodes]
    known = {key_of(key) for key in found.public.get(mine.uuid, ())}
    if known and key_of(found.own) not in known:
        problems.append("root's own key is not the one that the cluster knows")
    return problems


def _login_problems(members: Sequence[Member], found: SshFiles) -> list[str]:
    """Of nodes whose keys are known: who may log in but should not, and the other way round."""
    authorized = {key_of(line) for line in found.authorized}
    problems = []
    for member in members:
        keys = {key_of(key) for key in found.public.get(member.uuid, ())}
        if member.is_candidate and not keys <= authorized:
            problems.append(f"root of the candidate {member.name} may not log in")
        if not member.is_candidate and keys & authorized:
            problems.append(f"root of {member.name}, which is no candidate, may log in")
    return problems


def clutter(authorized: Sequence[str], me: str) -> list[str]:
    """Keys that the same user of the same host left more than once."""
    comments = Counter(line.split()[-1] for line in authorized if "@" in line)
    return [
        f"{me}: {count} keys of {who} may log in; remove those that are not used"
        for who, count in sorted(comments.items())
        if count > 1 and "@" in who
    ]
