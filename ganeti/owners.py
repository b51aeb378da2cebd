# SPDX-License-Identifier: GPL-2.0-or-later
"""The users and groups behind the roles that `ganeti.paths` declares; root where they do not exist."""

from __future__ import annotations

import grp
import pwd

USERS = {
    "masterd": "gnt-masterd",
    "confd": "gnt-confd",
    "rapi": "gnt-rapi",
    "noded": "root",
    "root": "root",
}
GROUPS = {**USERS, "daemons": "gnt-daemons", "admin": "gnt-admin"}


def user_id(role: str) -> int:
    """The uid of a role."""
    try:
        return pwd.getpwnam(USERS[role]).pw_uid
    except KeyError:
        return 0


def group_id(role: str) -> int:
    """The gid of a role."""
    try:
        return grp.getgrnam(GROUPS[role]).gr_gid
    except KeyError:
        return 0


def user_name(role: str) -> str:
    """The name of the user that a role has on this host."""
    return pwd.getpwuid(user_id(role)).pw_name


def group_name(role: str) -> str:
    """The name of the group that a role has on this host."""
    return grp.getgrgid(group_id(role)).gr_name
