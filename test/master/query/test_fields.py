# SPDX-License-Identifier: GPL-2.0-or-later
"""The declarations of fields: an interface, so they stand in a golden file."""

from __future__ import annotations

import re
from collections.abc import Callable

from ganeti.master.query import engine


def test_names_titles_and_kinds(golden: Callable[[str, str], None]) -> None:
    lines = [
        f"{what} {field['name']} {field['title']} {field['kind']}"
        for what in sorted(engine.RESOURCES)
        for field in engine.query_fields(what, None)["fields"]
    ]
    golden("query/fields.txt", "\n".join([*lines, ""]))


def test_fields_keep_the_rules_of_the_protocol() -> None:
    rules = ((r"[a-z0-9/._]+", "name"), (r"\S+", "title"), (r"[A-Z].*[^.,?!]", "doc"))
    wrong = [
        f"{what} {field.name}: {attribute}"
        for what, resource in engine.RESOURCES.items()
        for field in resource.FIELDS.values()
        for pattern, attribute in rules
        if not re.fullmatch(pattern, getattr(field, attribute))
    ]
    assert wrong == []


def test_every_kind_of_objects_has_its_key() -> None:
    assert [r.NAME for r in engine.RESOURCES.values() if r.KEY not in r.FIELDS] == []


def test_what_is_declared_can_be_exported() -> None:
    declared = engine.declared()
    assert {"name": "pnode", "title": "Primary_node", "kind": "text"} in declared["instance"]
    assert [field["name"] for field in declared["lock"]] == ["name", "mode", "owner", "pending"]
