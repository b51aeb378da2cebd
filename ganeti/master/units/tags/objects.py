# SPDX-License-Identifier: GPL-2.0-or-later
"""Which object a tag operation is about, its lock, and the rules of tags."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ganeti.errors import Code, OpPrereqError, TagError
from ganeti.master.locks.plan import Level, LockPlan, exclusive
from ganeti.model.cluster import Cluster
from ganeti.model.config import Config
from ganeti.model.group import NodeGroup
from ganeti.model.instance import Instance
from ganeti.model.network import Network
from ganeti.model.node import Node

Tagged = Cluster | Node | NodeGroup | Instance | Network

VALID = re.compile(r"[\w.+*/:@-]+")
MAX_LENGTH = 128
MAX_TAGS = 4096


def tagged(cfg: Config, kind: str, name: str | None) -> Tagged:
    """The object by kind and (short) name; raises OpPrereqError for an unknown one."""
    if kind == "cluster":
        return cfg.cluster
    if not name:
        raise OpPrereqError(f"give the name of the {kind}", Code.WRONG_INPUT)
    tables: dict[str, Callable[[str], Tagged]] = {
        "node": cfg.node,
        "nodegroup": cfg.group,
        "instance": cfg.instance,
        "network": cfg.network,
    }
    find = tables.get(kind)
    if find is None:
        raise OpPrereqError(f"there are no tags of kind '{kind}'", Code.WRONG_INPUT)
    return find(name)


def lock_plan(target: Tagged) -> LockPlan:
    """The lock of the tagged object; the cluster's tags need none."""
    match target:
        case Node():
            return LockPlan({Level.NODE: exclusive(target.uuid)})
        case NodeGroup():
            return LockPlan({Level.NODEGROUP: exclusive(target.uuid)})
        case Instance():
            return LockPlan({Level.INSTANCE: exclusive(target.name)})
        case Network():
            return LockPlan({Level.NETWORK: exclusive(target.uuid)})
        case _:
            return LockPlan()


def check_tags(tags: Iterable[str]) -> None:
    """Raises TagError for a malformed tag."""
    for tag in tags:
        if not VALID.fullmatch(tag):
            raise TagError(f"tag '{tag}' has characters other than letters, digits and _.+*/:@-")
        if len(tag) > MAX_LENGTH:
            raise TagError(f"tag '{tag}' is longer than {MAX_LENGTH} characters")


def with_tags(target: Tagged, tags: Iterable[str]) -> tuple[str, ...]:
    """The object's tags and the new ones, those kept first; raises TagError above the limit."""
    result = tuple(dict.fromkeys([*target.tags, *tags]))
    if len(result) > MAX_TAGS:
        raise TagError(f"an object can have {MAX_TAGS} tags, this would make {len(result)}")
    return result


def without_tags(target: Tagged, tags: Iterable[str]) -> tuple[str, ...]:
    """The tags that stay; raises OpPrereqError for one that is not set."""
    gone = set(tags)
    missing = sorted(gone.difference(target.tags))
    if missing:
        names = ", ".join(f"'{tag}'" for tag in missing)
        raise OpPrereqError(f"tag(s) not set: {names}", Code.UNKNOWN_ENTITY)
    return tuple(tag for tag in target.tags if tag not in gone)
