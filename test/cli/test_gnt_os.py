# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-os``."""

from collections.abc import Callable
from typing import Any

import pytest

from test.support.cli import CommandLine, Outcome

FULL: dict[str, Any] = {
    "name": "debian",
    "valid": True,
    "variants": ["min", "full"],
    "parameters": [["dns", "DNS server"]],
    "api_versions": [15, 20],
    "blacklisted": False,
    "hidden": True,
    "os_hvp": {},
    "osparams": {},
    "trusted": True,
    "node_status": {
        "u-1": [
            ["/srv/ganeti/os/debian", True, "", ["min", "full"], [["dns", "x"]], [15, 20], True]
        ],
        "u-2": [],
        "u-3": [
            ["/srv/ganeti/os/debian", False, "no create script", [], [], [], True],
            ["/usr/share/ganeti/os/debian", True, "", [], [], [20], False],
        ],
        "u-4": [["/srv/ganeti/os/debian", True, "", [], [], [10], True]],
    },
}
BROKEN = {**FULL, "name": "old", "valid": False, "variants": [], "hidden": False}
BROKEN = {**BROKEN, "blacklisted": True, "node_status": {"u-1": []}}


@pytest.fixture
def systems(cli: CommandLine) -> CommandLine:
    """The next job answers with both systems."""

    def submit(ops: list[dict[str, Any]]) -> int:
        rows = [[os[field] for field in ops[0].get("output_fields", [])] for os in (FULL, BROKEN)]
        job_id = len(cli.master.jobs) + 1
        cli.master.jobs[job_id] = (ops, Outcome([rows]))
        return job_id

    vars(cli.master)["SubmitJob"] = submit
    return cli


def test_list(systems: CommandLine) -> None:
    assert systems.run("gnt-os", "list") == (
        0,
        "Name       \ndebian+min\ndebian+full\nold\n",
        "",
    )
    assert systems.run("gnt-os", "list", "--no-headers")[1] == "debian+min\ndebian+full\nold\n"


def test_info(systems: CommandLine, golden: Callable[[str, str], None]) -> None:
    systems.master.answers["QueryClusterInfo"] = {
        "os_hvp": {"windows": {"kvm": {"acpi": True}}},
        "osparams": {"windows": {"key": "x"}, "debian": {"y": "z"}},
    }
    code, out, err = systems.run("gnt-os", "info", "debian", "old", "windows", "nothing")
    assert (code, err) == (0, "")
    golden("cli/os-info.txt", out)


def test_info_of_all(systems: CommandLine) -> None:
    out = systems.run("gnt-os", "info")[1]
    assert [line for line in out.splitlines() if line[:1].isalpha()] == ["debian:", "old:"]


def test_diagnose(systems: CommandLine, golden: Callable[[str, str], None]) -> None:
    code, out, err = systems.run("gnt-os", "diagnose")
    assert (code, err) == (1, "")
    golden("cli/os-diagnose.txt", out)


MODIFICATIONS: list[tuple[list[str], dict[str, Any]]] = [
    (["--hidden=yes"], {"hidden_os": [["add", "debian"]]}),
    (["--blacklisted", "no"], {"blacklisted_os": [["remove", "debian"]]}),
    (["-H", "kvm:acpi=false"], {"os_hvp": {"debian": {"kvm": {"acpi": False}}}}),
    (["-H", "kvm:acpi=default"], {"os_hvp": {"debian": {"kvm": {"acpi": "default"}}}}),
    (["-O", "dns=x"], {"osparams": {"debian": {"dns": "x"}}}),
    (
        ["--os-parameters-private", "key=x"],
        {"osparams_private_cluster": {"debian": {"key": "x"}}},
    ),
]


@pytest.mark.parametrize(("words", "changes"), MODIFICATIONS)
def test_modify(cli: CommandLine, words: list[str], changes: dict[str, Any]) -> None:
    assert cli.run("gnt-os", "modify", *words, "debian") == (0, "", "")
    (op,) = cli.master.ops
    assert {key: op[key] for key in changes} == changes


def test_modify_needs_a_change(cli: CommandLine) -> None:
    code, out, err = cli.run("gnt-os", "modify", "debian")
    assert (code, out, err.count("\n"), cli.master.ops) == (1, "", 1, [])
