# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-os``: OS definitions and what the cluster sets for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ganeti.cli import failure, jobs, listing, table, tree
from ganeti.cli.command import Argument, Command, Run, Tool
from ganeti.cli.options import JOB, PRIORITY, value
from ganeti.opcodes.cluster import ListChange, OpClusterSetParams
from ganeti.opcodes.os import OpOsDiagnose

WITH_VARIANTS = 15
WITH_PARAMETERS = 20
"""The OS API versions that brought these."""

OSPARAMS = value(
    "-O", "--os-parameters", kind="key_values", dest="osparams", doc="Parameters of the OS"
)
OSPARAMS_PRIVATE = value(
    "--os-parameters-private",
    kind="private_values",
    dest="osparams_private",
    doc="Parameters of the OS that nobody lists",
)
HIDDEN = value("--hidden", kind="bool", metavar="yes|no", doc="Hide the OS in lists")
BLACKLISTED = value("--blacklisted", kind="bool", metavar="yes|no", doc="Forbid new instances")


def _diagnose_rows(run: Run, *fields: str) -> list[dict[str, Any]]:
    rows = jobs.result_of(run, OpOsDiagnose(output_fields=list(fields)))
    return [dict(zip(fields, row, strict=True)) for row in rows]


def _names(os: dict[str, Any]) -> list[str]:
    return [f"{os['name']}+{variant}" for variant in os["variants"] or ()] or [os["name"]]


def usable(run: Run) -> list[str]:
    """The OSes that instances can be given, with their variants."""
    return [name for os in _diagnose_rows(run, "name", "variants") for name in _names(os)]


def _list(run: Run) -> int:
    rows = [[name] for name in usable(run)]
    headers = not run.opts.no_headers
    lines = table.render([table.Column("Name")], rows, headers=headers, pad_last_title=True)
    if lines:
        run.say("\n".join(lines))
    return 0


_INFO_FIELDS = (
    *("name", "valid", "variants", "parameters", "api_versions", "blacklisted", "hidden"),
    *("os_hvp", "osparams", "trusted"),
)


def _info(run: Run) -> int:
    by_name = {os["name"]: os for os in _diagnose_rows(run, *_INFO_FIELDS)}
    for name in run.args or by_name:
        if name in by_name:
            run.say("\n".join([*_os_lines(by_name[name]), ""]))
        else:
            run.say(_settings_tree(run, name))
    return 0


def _os_lines(os: dict[str, Any]) -> list[str]:
    lines = [
        f"{os['name']}:",
        f"  - valid: {os['valid']}",
        f"  - hidden: {os['hidden']}",
        f"  - blacklisted: {os['blacklisted']}",
    ]
    if not os["valid"]:
        return lines
    return [
        *lines,
        *_section("API versions", map(str, os["api_versions"])),
        *_section("variants", os["variants"] or ()),
        *_section("parameters", (f"{name}: {text}" for name, text in os["parameters"] or ())),
        f"  - trusted: {os['trusted']}",
    ]


def _section(title: str, items: Iterable[str]) -> list[str]:
    return [f"  - {title}:", *(f"    - {item}" for item in items)]


def _settings_tree(run: Run, name: str) -> str:
    """What the cluster sets for an OS that no node has."""
    info = run.world.client.QueryClusterInfo()
    parts = {
        "OS-specific hypervisor parameters": info["os_hvp"].get(name),
        "OS parameters": info["osparams"].get(name),
    }
    return tree.render({name: tree.Fields({k: v for k, v in parts.items() if v})})


_DIAGNOSE_FIELDS = ("name", "valid", "variants", "node_status", "hidden", "blacklisted")


def _diagnose(run: Run) -> int:
    rows = _diagnose_rows(run, *_DIAGNOSE_FIELDS)
    for os in rows:
        run.say("\n".join([*_diagnosis(os), ""]))
    return int(not all(os["valid"] for os in rows))


def _diagnosis(os: dict[str, Any]) -> list[str]:
    nodes = os["node_status"]
    good = [node for node, found in nodes.items() if found and found[0][1]]
    bad = [node for node in nodes if node not in good]
    status = "valid" if os["valid"] else "partial valid" if good else "invalid"
    marks = "".join(f" [{mark}]" for mark in ("hidden", "blacklisted") if os[mark])
    lines = [f"OS: {os['name']} [global status: {status}]{marks}"]
    if os["variants"]:
        lines.append(f"  Variants: [{', '.join(os['variants'])}]")
    for node in (*good, *bad):
        lines += _on_node(node, nodes[node])
    return lines


def _on_node(node: str, found: Sequence[Sequence[Any]]) -> list[str]:
    """The definition that counts on a node, then those that it covers up."""
    if not found:
        return [f"  Node: {node}, status: not found"]
    first, *covered = (_definition(row) for row in found)
    return [f"  Node: {node}, status: {first}", *(f"    [covered: {other}]" for other in covered)]


def _definition(row: Sequence[Any]) -> str:
    path, valid, message, variants, parameters, versions, trusted = row
    if not valid:
        return f"invalid (path: {path}): {message}"
    parts = [f"valid (path: {path})", f"[API versions: {', '.join(map(str, versions))}]"]
    if max(versions, default=0) >= WITH_VARIANTS:
        parts.append(f"[variants: {', '.join(variants)}]" if variants else "[no variants]")
    if max(versions, default=0) >= WITH_PARAMETERS:
        names = ", ".join(name for name, _ in parameters)
        parts.append(f"[parameters: {names}]" if parameters else "[no parameters]")
    return " ".join([*parts, "[trusted]" if trusted else "[untrusted]"])


def _modify(run: Run) -> int:
    name, opts = run.args[0], run.opts
    given = (opts.hvparams, opts.osparams, opts.osparams_private, opts.hidden, opts.blacklisted)
    if not any(option or option is False for option in given):
        raise failure.Complaint(failure.NO_CHANGE)
    op = OpClusterSetParams(
        os_hvp={name: opts.hvparams} if opts.hvparams else None,
        osparams={name: opts.osparams} if opts.osparams else None,
        osparams_private_cluster={name: opts.osparams_private} if opts.osparams_private else None,
        hidden_os=_mark(name, opts.hidden),
        blacklisted_os=_mark(name, opts.blacklisted),
    )
    jobs.submit(run, op)
    return 0


def _mark(name: str, wanted: bool | None) -> list[tuple[ListChange, str]] | None:
    return None if wanted is None else [("add" if wanted else "remove", name)]


TOOL = Tool(
    "look at OS definitions and change what the cluster sets for them",
    {
        "diagnose": Command("Show the state of every OS on every node", _diagnose, (), (PRIORITY,)),
        "info": Command("Show all about OSes", _info, (Argument("os", 0, None),), (PRIORITY,)),
        "list": Command(
            "List the OSes that can be used", _list, (), (listing.NO_HEADERS, PRIORITY)
        ),
        "modify": Command(
            "Change what the cluster sets for an OS",
            _modify,
            (Argument("os"),),
            ("hvparams", OSPARAMS, OSPARAMS_PRIVATE, HIDDEN, BLACKLISTED, *JOB),
            OpClusterSetParams,
        ),
    },
    {"show": "info"},
)
