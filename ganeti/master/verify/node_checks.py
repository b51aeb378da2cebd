# SPDX-License-Identifier: GPL-2.0-or-later
"""What one node's answer to `node_verify` says about the node. Pure functions.

The keys of the answer are those of the call (node daemon, "node_verify").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ganeti import version
from ganeti.master.verify.findings import Findings
from ganeti.model.node import Node

Answer = Mapping[str, Any]

CLOCK_SKEW_S = 150
NO_SYSRQ = "sysrq-trigger"


def check(found: Findings, node: Node, answer: Answer, asked_at: float, answered_at: float) -> None:
    """All checks of one node that answered."""
    _check_version(found, node, answer)
    _check_time(found, node, answer, asked_at, answered_at)
    for one in _CHECKS:
        one(found, node, answer)


def _check_version(found: Findings, node: Node, answer: Answer) -> None:
    protocol, release = answer.get("version") or (None, None)
    found.error_if(
        protocol != version.PROTOCOL,
        "ENODEVERSION",
        node.name,
        f"speaks protocol {protocol}, the master {version.PROTOCOL}",
    )
    if protocol == version.PROTOCOL:
        found.warning_if(
            release != version.RELEASE,
            "ENODEVERSION",
            node.name,
            f"runs release {release}, the master {version.RELEASE}",
        )


def _check_time(
    found: Findings, node: Node, answer: Answer, asked_at: float, answered_at: float
) -> None:
    """The node looked at its clock somewhere between request and answer."""
    stamp = answer.get("time")
    if not stamp:
        found.error("ENODETIME", node.name, "does not tell its time")
        return
    theirs = stamp[0] + stamp[1] / 1e6
    behind, ahead = asked_at - theirs, theirs - answered_at
    skew = max(behind, ahead)
    direction = "behind" if behind > ahead else "ahead"
    found.error_if(
        skew > CLOCK_SKEW_S,
        "ENODETIME",
        node.name,
        f"its clock is at least {skew:.1f} s {direction} the master's",
    )


def _check_setup(found: Findings, node: Node, answer: Answer) -> None:
    """A kernel without the SysRq trigger alone is fine: powercycle has another way."""
    problems = answer.get("nodesetup") or ()
    serious = [text for text in problems if NO_SYSRQ not in text]
    found.error_if(serious, "ENODESETUP", node.name, "; ".join(serious))


def _check_ssh(found: Findings, node: Node, answer: Answer) -> None:
    """Only master candidates test their ways to the others."""
    for peer, text in sorted((answer.get("nodelist") or {}).items()):
        found.error("ENODESSH", node.name, f"cannot reach {peer} by SSH: {text}")
    for text in answer.get("ssh-setup") or ():
        found.error("ENODESSH", node.name, text)
    for text in answer.get("ssh-clutter") or ():
        found.error("ENODESSH", node.name, text)


def _check_network(found: Findings, node: Node, answer: Answer) -> None:
    for peer, text in sorted((answer.get("node-net-test") or {}).items()):
        found.error("ENODENET", node.name, f"cannot reach {peer}: {text}")
    found.error_if(
        answer.get("master-ip") is False, "ENODENET", node.name, "cannot reach the master's address"
    )
    missing = answer.get("bridges") or ()
    found.error_if(missing, "ENODENET", node.name, f"lacks bridges: {', '.join(missing)}")


def _check_client_certificate(found: Findings, node: Node, answer: Answer) -> None:
    code, text = answer.get("client-cert") or (None, "")
    if code == "ERROR":
        found.error("ECLUSTERCLIENTCERT", node.name, f"client certificate: {text}")
    elif code == "WARNING":
        found.warning("ECLUSTERCLIENTCERT", node.name, f"client certificate: {text}")


def _check_hypervisors(found: Findings, node: Node, answer: Answer) -> None:
    for name, text in sorted((answer.get("hypervisor") or {}).items()):
        found.error_if(
            text is not None, "ENODEHV", node.name, f"hypervisor {name} is not well: {text}"
        )
    for source, name, text in answer.get("hvparms") or ():
        found.error(
            "ENODEHV", node.name, f"parameters of {name} ({source}) do not fit the node: {text}"
        )


def _check_scripts(found: Findings, node: Node, answer: Answer) -> None:
    missing = answer.get("user-scripts") or ()
    found.error_if(
        missing, "ENODEUSERSCRIPTS", node.name, f"scripts missing: {', '.join(sorted(missing))}"
    )


def _check_storage_paths(found: Findings, node: Node, answer: Answer) -> None:
    bad = answer.get("allowed-file-storage-paths") or ()
    found.error_if(
        bad,
        "ENODEFILESTORAGEPATHS",
        node.name,
        f"its file-storage-paths has forbidden entries: {', '.join(bad)}",
    )
    for key, code in (
        ("file-storage-path", "ENODEFILESTORAGEPATHUNUSABLE"),
        ("shared-file-storage-path", "ENODESHAREDFILESTORAGEPATHUNUSABLE"),
    ):
        text = answer.get(key)
        found.error_if(text, code, node.name, f"{key.removesuffix('-path')}: {text}")


_CHECKS: tuple[Callable[[Findings, Node, Answer], None], ...] = (
    _check_setup,
    _check_ssh,
    _check_network,
    _check_client_certificate,
    _check_hypervisors,
    _check_scripts,
    _check_storage_paths,
)


def check_os_lists(
    found: Findings, nodes: Mapping[str, Node], answers: Mapping[str, Answer]
) -> None:
    """All nodes must have the same OS definitions; the first that answered is the measure."""
    told = {uuid: a["oslist"] for uuid, a in answers.items() if isinstance(a.get("oslist"), list)}
    lists = {uuid: _os_table(rows) for uuid, rows in told.items()}
    if not lists:
        return
    reference = next(iter(lists))
    for uuid, mine in lists.items():
        name = nodes[uuid].name
        _check_own_os(found, name, told[uuid])
        for os_name in sorted(lists[reference].keys() | mine.keys()):
            found.error_if(
                lists[reference].get(os_name) != mine.get(os_name),
                "ENODEOS",
                name,
                f"OS {os_name} differs from that on node {nodes[reference].name}",
            )


def _check_own_os(found: Findings, node: str, rows: list[Any]) -> None:
    for os_name, path, good, text, *_ in rows:
        found.error_if(not good, "ENODEOS", node, f"OS {os_name} in {path} is invalid: {text}")


def _os_table(rows: list[Any]) -> dict[str, Any]:
    """What must be equal of each OS: validity, API versions, variants, parameters."""
    return {
        name: (bool(good), sorted(apis), sorted(variants), sorted(p[0] for p in parameters))
        for name, _path, good, _text, variants, parameters, apis, *_ in rows
    }
