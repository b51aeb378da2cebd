# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-instance``; selections of several are tested with `select`."""

from collections.abc import Callable
from typing import Any

import pytest

from ganeti.cli import instance_info
from test.support.cli import CommandLine, Outcome


@pytest.fixture
def instance(cli: CommandLine) -> CommandLine:
    """There is one instance, web1."""
    cli.master.answers["QueryInstances"] = lambda names, fields, lock: [
        ["web1.example.net"] for name in names if name == "web1"
    ]
    return cli


def test_add(cli: CommandLine) -> None:
    options = (
        *("-t", "drbd", "--disk", "0:size=10g", "-n", "n1:n2", "-o", "debian+min"),
        *("-H", "kvm:acpi=false"),
        *("-B", "memory=1g,vcpus=2", "--net", "0:link=br1", "--tags", "a,b", "--no-start"),
        *("--no-name-check", "--no-ip-check", "-O", "dns=1.1.1.1", "-c", "yes", "--no-install"),
    )
    assert cli.run("gnt-instance", "add", *options, "web1") == (0, "", "")
    (op,) = cli.master.ops
    wanted: dict[str, Any] = {
        "instance_name": "web1",
        "mode": "create",
        "disk_template": "drbd",
        "disks": [{"size": 10240}],
        "nics": [{"link": "br1"}],
        "pnode": "n1",
        "snode": "n2",
        "os_type": "debian+min",
        "hypervisor": "kvm",
        "hvparams": {"acpi": False},
        "beparams": {"minmem": 1024, "maxmem": 1024, "vcpus": 2},
        "osparams": {"dns": "1.1.1.1"},
        "tags": ["a", "b"],
        "start": False,
        "name_check": False,
        "ip_check": False,
        "wait_for_sync": True,
        "instance_communication": True,
        "no_install": True,
        "src_node": None,
        "compress": "none",
    }
    assert {key: op[key] for key in wanted} == wanted


def test_add_with_defaults(cli: CommandLine) -> None:
    assert cli.run("gnt-instance", "add", "-s", "1g", "web1")[0] == 0
    (op,) = cli.master.ops
    assert (op["nics"], op["disks"], op["hypervisor"], op["hvparams"]) == (
        [{}],
        [{"size": 1024}],
        None,
        {},
    )
    assert (op["pnode"], op["snode"], op["instance_communication"], op["tags"]) == (
        None,
        None,
        False,
        [],
    )
    assert (op["start"], op["name_check"], op["no_install"]) == (True, True, False)


@pytest.mark.parametrize("words", [["kvm"], ["kvm:-acpi"], ["kvm:acpi=default"]])
def test_add_with_defaults_of_the_hypervisor(cli: CommandLine, words: list[str]) -> None:
    assert cli.run("gnt-instance", "add", "-t", "diskless", "-H", *words, "web1")[0] == 0
    (op,) = cli.master.ops
    assert (op["hypervisor"], op["hvparams"]) == ("kvm", {})


@pytest.mark.parametrize("word", ["no_kvm", "-kvm", "vmware", "kvm:colour=-red"])
def test_add_with_a_hypervisor_that_is_none(cli: CommandLine, word: str) -> None:
    code, out, err = cli.run("gnt-instance", "add", "-t", "diskless", "-H", word, "web1")
    assert (code, out, cli.master.ops) == (1, "", [])
    assert err.startswith("Parameter Error: ")


@pytest.mark.parametrize(
    "words",
    [
        ["-t", "plain"],
        ["-t", "diskless", "-s", "1g"],
        ["-t", "diskless", "--net", "0:ip=x", "--no-nics"],
        ["-t", "diskless", "--forthcoming", "--commit"],
        ["-t", "diskless", "--net", "x:ip=y"],
    ],
)
def test_add_with_wrong_words(cli: CommandLine, words: list[str]) -> None:
    code, out, err = cli.run("gnt-instance", "add", *words, "web1")
    assert (code, out, cli.master.ops) == (1, "", [])
    assert "error type: wrong_input" in err


MODIFICATIONS: list[tuple[list[str], dict[str, Any]]] = [
    (["-B", "vcpus=4,maxmem=default"], {"beparams": {"vcpus": 4, "maxmem": "default"}}),
    (["-B", "-vcpus"], {"beparams": {"vcpus": "default"}}),
    (["-B", "vcpus=Default"], {"beparams": {"vcpus": "default"}}),
    (["-H", "acpi=default"], {"hvparams": {"acpi": "default"}}),
    (["-H", "acpi=DEFAULT"], {"hvparams": {"acpi": "default"}}),
    (["--net", "add:link=br1"], {"nics": [["add", -1, {"link": "br1"}]]}),
    (["--disk", "1:remove"], {"disks": [["remove", 1, {}]]}),
    (["--offline"], {"offline": True}),
    (["--online"], {"offline": False}),
    (["-m", "1g"], {"runtime_mem": 1024}),
    (["-o", "debian"], {"os_name": "debian"}),
    (["-O", "dns=x"], {"osparams": {"dns": "x"}}),
    (["--new-primary", "n3"], {"pnode": "n3"}),
    (["-t", "drbd", "-n", "n2"], {"disk_template": "drbd", "remote_node": "n2"}),
    (["-t", "drbd", "-I", "hail"], {"disk_template": "drbd", "iallocator": "hail"}),
    (["-t", "plain", "--no-wait-for-sync"], {"disk_template": "plain", "wait_for_sync": False}),
    (["-t", "ext", "-e", "provider=x"], {"disk_template": "ext", "ext_params": {"provider": "x"}}),
    (["-t", "file", "--file-driver=loop"], {"disk_template": "file", "file_driver": "loop"}),
    (["-c", "no"], {"instance_communication": False}),
]


@pytest.mark.parametrize(("words", "changes"), MODIFICATIONS, ids=lambda v: str(v)[:40])
def test_modify(cli: CommandLine, words: list[str], changes: dict[str, Any]) -> None:
    assert cli.run("gnt-instance", "modify", *words, "web1") == (0, "", "")
    (op,) = cli.master.ops
    assert {key: op[key] for key in changes} == changes
    assert op["instance_name"] == "web1"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["-f"],
        ["--hotplug"],
        ["-t", "drbd"],
        ["-t", "ext"],
        ["-e", "provider=x"],
        ["--file-driver", "loop"],
        ["-t", "plain", "--file-storage-dir=x"],
    ],
)
def test_modify_that_makes_no_sense(cli: CommandLine, words: list[str]) -> None:
    code, out, err = cli.run("gnt-instance", "modify", *words, "web1")
    assert (code, out, err.count("\n"), cli.master.ops) == (1, "", 1, [])
    assert not err.startswith(("Failure", "Error"))


def test_what_was_modified(cli: CommandLine) -> None:
    changes = [["be/vcpus", 4], ["disk/1", "remove"]]
    cli.master.outcomes = [Outcome([changes]), Outcome([[*changes, ["hv/acpi", False]]])]
    out = cli.run("gnt-instance", "modify", "-B", "vcpus=4", "web1")[1]
    lines = out.splitlines()
    assert lines[:3] == [
        "Modified instance web1",
        " - be/vcpus -> 4",
        " - disk/1 -> remove",
    ]
    assert len(lines) == 4
    out = cli.run("gnt-instance", "modify", "-B", "vcpus=4", "web1")[1]
    assert out.count("\n") == 6
    assert "migration" in out.splitlines()[-1]


def test_changing_a_nic_of_a_running_guest_is_asked_for(cli: CommandLine) -> None:
    words = ("--hotplug", "--net", "0:link=br1", "web1")
    assert cli.run("gnt-instance", "modify", *words) == (1, "", "")
    assert cli.run("gnt-instance", "modify", "-f", *words)[0] == 0
    assert cli.run("gnt-instance", "modify", "--hotplug", "--net", "add", "web1")[0] == 0


@pytest.mark.parametrize(
    ("words", "op_id"),
    [
        (["failover"], "OP_INSTANCE_FAILOVER"),
        (["migrate"], "OP_INSTANCE_MIGRATE"),
        (["migrate", "--cleanup"], "OP_INSTANCE_MIGRATE"),
        (["remove"], "OP_INSTANCE_REMOVE"),
    ],
)
def test_questions_name_the_instance(instance: CommandLine, words: list[str], op_id: str) -> None:
    assert instance.run("gnt-instance", *words, "web1") == (1, "", "")
    assert "web1" in instance.terminal.questions[0]
    assert instance.master.ops == []
    assert instance.run("gnt-instance", *words, "-f", "web1") == (0, "", "")
    instance.terminal.answers = ["y"]
    assert instance.run("gnt-instance", *words, "web1") == (0, "", "")
    assert [op["OP_ID"] for op in instance.master.ops] == [op_id, op_id]


@pytest.mark.parametrize(
    ("words", "goal"), [([], "other node"), (["-n", "n3"], "n3"), (["-I", "hail"], "hail")]
)
def test_questions_name_where_the_instance_goes(
    instance: CommandLine, words: list[str], goal: str
) -> None:
    for verb in ("failover", "migrate"):
        instance.run("gnt-instance", verb, *words, "web1")
        assert goal in instance.terminal.questions[-1]


def test_nobody_is_asked_about_an_instance_that_is_not_there(instance: CommandLine) -> None:
    code, _, err = instance.run("gnt-instance", "remove", "web9")
    assert (code, instance.terminal.questions) == (1, [])
    assert "error type: unknown_entity" in err
    assert "web9" in err


def test_inconsistent_disks_are_asked_for_even_with_force(instance: CommandLine) -> None:
    words = ("failover", "-f", "--ignore-consistency", "web1")
    assert instance.run("gnt-instance", *words) == (1, "", "")
    instance.terminal.answers = ["y"]
    assert instance.run("gnt-instance", *words) == (0, "", "")
    assert instance.master.ops[0]["ignore_consistency"] is True


def test_failover_hands_everything_on(instance: CommandLine) -> None:
    words = ("-f", "-n", "n3", "--cleanup", "--ignore-ipolicy", "--shutdown-timeout", "3")
    instance.run("gnt-instance", "failover", *words, "web1")
    (op,) = instance.master.ops
    assert (op["target_node"], op["cleanup"], op["ignore_ipolicy"], op["shutdown_timeout"]) == (
        "n3",
        True,
        True,
        3,
    )


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        ([], None),
        (["--non-live"], "non-live"),
        (["--migration-mode", "live"], "live"),
    ],
)
def test_modes_of_migration(instance: CommandLine, words: list[str], mode: str | None) -> None:
    options = ("-f", "--allow-failover", "--no-runtime-changes")
    assert instance.run("gnt-instance", "migrate", *options, *words, "web1")[0] == 0
    (op,) = instance.master.ops
    assert (op["mode"], op["live"]) == (mode, None)
    assert (op["allow_failover"], op["allow_runtime_changes"]) == (True, False)


@pytest.mark.parametrize(
    "words",
    [
        ["migrate", "--non-live", "--migration-mode", "live"],
        ["migrate", "-I", "hail", "-n", "n2"],
        ["failover", "-I", "hail", "-n", "n2"],
    ],
)
def test_options_that_exclude_each_other(instance: CommandLine, words: list[str]) -> None:
    assert "wrong_input" in instance.run("gnt-instance", *words, "-f", "web1")[2]


def test_rename(instance: CommandLine) -> None:
    instance.master.outcomes = [Outcome(["web2.example.net"]), Outcome(["web2"]), Outcome()]
    assert instance.run("gnt-instance", "rename", "web1", "web2") == (
        0,
        "Instance 'web1' renamed to 'web2.example.net'\n",
        "",
    )
    assert instance.run("gnt-instance", "rename", "--no-name-check", "web1", "web2")[0] == 1
    assert "web2" in instance.terminal.questions[0]
    assert instance.run("gnt-instance", "rename", "-f", "--no-name-check", "web1", "web2")[0] == 0
    assert instance.run("gnt-instance", "rename", "--dry-run", "web1", "web2") == (0, "", "")


def test_disks(cli: CommandLine) -> None:
    cli.master.outcomes = [Outcome([[["n1", "disk/0", "/dev/drbd0"], ["n1", "disk/1", None]]])]
    assert cli.run("gnt-instance", "activate-disks", "--ignore-size", "web1") == (
        0,
        "n1:disk/0:/dev/drbd0\nn1:disk/1:None\n",
        "",
    )
    assert cli.run("gnt-instance", "deactivate-disks", "-f", "web1") == (0, "", "")
    assert (cli.master.ops[0]["ignore_size"], cli.master.ops[1]["force"]) == (True, True)


def test_reinstall_with_an_os_from_the_list(instance: CommandLine) -> None:
    rows = [["debian", ["min", "full"]], ["alpine", []]]
    instance.master.outcomes = [Outcome([rows]), Outcome()]
    instance.terminal.answers = ["2"]
    code, out, _ = instance.run("gnt-instance", "reinstall", "-f", "--select-os", "web1")
    assert code == 0
    assert out.startswith("  0: debian+min\n  1: debian+full\n  2: alpine\n")
    assert instance.master.ops[1]["os_type"] == "alpine"
    instance.master.outcomes = [Outcome([rows])]
    instance.terminal.answers = ["n"]
    assert instance.run("gnt-instance", "reinstall", "--select-os", "web1")[0] == 1
    assert len(instance.master.ops) == 3


def test_reinstall_without_an_os_to_choose_from(instance: CommandLine) -> None:
    instance.master.outcomes = [Outcome([[]])]
    code, out, err = instance.run("gnt-instance", "reinstall", "-f", "--select-os", "web1")
    assert (code, out, err.count("\n"), instance.terminal.questions) == (1, "", 1, [])


CONSOLE: dict[str, Any] = {
    "instance": "web1.example.net",
    "kind": "ssh",
    "host": "n1",
    "user": "root",
    "command": ["wrap", "a b"],
    "message": None,
    "port": 11000,
    "display": 5100,
}


def console(cli: CommandLine, state: bool, **changes: Any) -> None:
    import pathlib

    described = {**CONSOLE, **changes} if changes.get("kind", "ssh") else None
    cli.master.answers["Query"] = {
        "fields": [],
        "data": [[[0, "web1.example.net"], [0, described], [0, state]]],
    }
    path = pathlib.Path(cli.paths.ssconf("cluster_name"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("hive\n", encoding="utf-8")


def test_console_by_ssh(cli: CommandLine) -> None:
    console(cli, True)
    code, out, _ = cli.run("gnt-instance", "console", "--show-cmd", "web1")
    assert code == 0
    assert out.startswith("ssh ")
    assert out.endswith(" -t root@n1 'wrap '\"'\"'a b'\"'\"''\n")
    cli.runner.on("ssh")
    assert cli.run("gnt-instance", "console", "web1") == (0, "", "")
    (call,) = cli.runner.calls
    assert call.interactive
    assert call.argv[-1] == "wrap 'a b'"
    cli.runner.on("ssh", returncode=255)
    code, _, err = cli.run("gnt-instance", "console", "web1")
    assert code == 1
    assert "255" in err


@pytest.mark.parametrize(
    ("kind", "parts"),
    [("vnc", ["n1:11000", "5100"]), ("spice", ["n1:11000"]), ("msg", ["look at the screen"])],
)
def test_consoles_that_are_only_named(cli: CommandLine, kind: str, parts: list[str]) -> None:
    console(cli, True, kind=kind, message="look at the screen")
    code, out, _ = cli.run("gnt-instance", "console", "web1")
    assert (code, out.count("\n")) == (0, 1)
    assert all(part in out for part in parts)


def test_no_console(cli: CommandLine) -> None:
    console(cli, False)
    assert cli.run("gnt-instance", "console", "web1")[0] == 1
    console(cli, True, kind="")
    assert cli.run("gnt-instance", "console", "web1")[0] == 1


def instance_data(**changes: Any) -> dict[str, Any]:
    disk: dict[str, Any] = {
        "iv_name": "disk/0",
        "dev_type": "drbd",
        "logical_id": ["u1", "u2", 11008, 0, 3],
        "drbd_info": {
            "primary_node": "alpha.example.net",
            "primary_minor": 0,
            "secondary_node": "beta.example.net",
            "secondary_minor": 3,
            "port": 11008,
        },
        "pstatus": ["/dev/drbd0", 147, 0, None, None, False, 1],
        "sstatus": ["/dev/drbd3", 147, 3, 12.5, 90, True, 3],
        "mode": "rw",
        "size": 10240,
        "spindles": None,
        "name": None,
        "uuid": "2b7e",
        "children": [
            {
                "iv_name": None,
                "dev_type": "plain",
                "logical_id": ["vg0", "u.disk0_data"],
                "drbd_info": None,
                "pstatus": ["/dev/vg0/u.disk0_data", 253, 4, None, None, False, 1],
                "sstatus": None,
                "children": [],
                "mode": "rw",
                "size": 10240,
                "spindles": None,
                "name": None,
                "uuid": "9c40",
            }
        ],
    }
    return {
        "name": "db2.example.net",
        "uuid": "6f0c",
        "serial_no": 7,
        "ctime": 1_700_000_000,
        "mtime": 1_700_000_300,
        "config_state": "up",
        "run_state": "up",
        "pnode": "alpha.example.net",
        "pnode_group_name": "blue",
        "pnode_group_uuid": "11aa",
        "snodes": ["beta.example.net"],
        "snodes_group_names": ["blue"],
        "snodes_group_uuids": ["11aa"],
        "os": "debian",
        "os_instance": {},
        "os_actual": {"dns": "192.0.2.1"},
        "network_port": 11007,
        "hypervisor": "kvm",
        "hv_instance": {"acpi": False},
        "hv_actual": {"acpi": False, "kernel_path": "", "vnc_bind_address": ""},
        "be_instance": {"maxmem": 512},
        "be_actual": {"maxmem": 512, "minmem": 128},
        "nics": [[None, "7d1e", None, "aa:00:00:12:34:56", "bridged", "br0", "", None, None]],
        "disk_template": "drbd",
        "disks": [disk],
        **changes,
    }


def test_info(cli: CommandLine, golden: Callable[[str, str], None]) -> None:
    diskless = instance_data(
        name="cache.example.net",
        disk_template="diskless",
        disks=[],
        nics=[],
        snodes=[],
        snodes_group_names=[],
        snodes_group_uuids=[],
        hv_actual={"vnc_bind_address": "0.0.0.0"},
        network_port=5901,
    )
    result = {data["name"]: data for data in (instance_data(), diskless)}
    cli.master.outcomes = [Outcome([result])]
    code, out, err = cli.run("gnt-instance", "info", "--all")
    assert (code, err) == (0, "")
    golden("cli/instance-info.txt", out)
    op = cli.master.ops[0]
    assert (op["instances"], op["static"], op["use_locking"]) == ([], False, True)


def test_info_without_asking_nodes(cli: CommandLine) -> None:
    data = instance_data(run_state=None)
    for disk in (data["disks"][0], *data["disks"][0]["children"]):
        disk |= {"pstatus": None, "sstatus": None}
    cli.master.outcomes = [Outcome([{data["name"]: data}])]
    out = cli.run("gnt-instance", "info", "-s", "db2")[1]
    assert "  State: configured to be up\n" in out
    assert " on primary: " not in out
    assert (cli.master.ops[0]["static"], cli.master.ops[0]["use_locking"]) == (True, False)


@pytest.mark.parametrize("words", [[], ["--all", "web1"]])
def test_info_needs_to_know_whom_it_is_about(cli: CommandLine, words: list[str]) -> None:
    code, out, err = cli.run("gnt-instance", "info", *words)
    assert (code, out) == (1, "")
    assert not err.startswith("Failure")


def test_info_of_nothing(cli: CommandLine) -> None:
    cli.master.outcomes = [Outcome([{}])]
    assert cli.run("gnt-instance", "info", "--all")[0] == 1


DEVICES: list[tuple[str, list[Any], str]] = [
    ("file", ["/srv/d0", None, None, None, None, False, 1], "/srv/d0 (N/A:N/A)"),
    (
        "plain",
        ["/dev/vg/x", 253, 1, None, None, True, 4],
        "/dev/vg/x (253:1) *FAILED* (failed drive?)",
    ),
    (
        "drbd",
        ["/dev/drbd0", 147, 0, 7.25, None, True, 4],
        "/dev/drbd0 (147:0) *RECOVERING*  7.25%, ETA unknown, status *DEGRADED* *MISSING DISK*",
    ),
    ("drbd", ["/dev/drbd0", 147, 0, None, None, False, 2], "/dev/drbd0 (147:0) in sync, status ok"),
]


@pytest.mark.parametrize(("kind", "status", "text"), DEVICES)
def test_devices(kind: str, status: list[Any], text: str) -> None:
    assert instance_info.device_text(kind, status) == text


@pytest.mark.parametrize(
    ("address", "port", "text"),
    [
        ("::", 5903, "vnc to alpha.example.net:5903 (display 3)"),
        ("192.0.2.1", 5903, "vnc to 192.0.2.1:5903 (node alpha.example.net) (display 3)"),
        ("/run/vnc.sock", None, "vnc to alpha.example.net:/run/vnc.sock"),
    ],
)
def test_consoles_in_info(address: str, port: int | None, text: str) -> None:
    data = instance_data(hv_actual={"vnc_bind_address": address}, network_port=port)
    assert instance_info.instance_tree(data, static=True)["console connection"] == text
