# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-cluster``."""

import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from ganeti import errors
from ganeti.cli import cluster_info, cluster_init, options
from test.support.cli import CommandLine, Outcome

INFO: dict[str, Any] = {
    "software_version": "3.0.2",
    "protocol_version": 3000000,
    "config_version": 3000000,
    "os_api_version": 20,
    "export_version": 0,
    "vcs_version": "(ganeti test)",
    "architecture": ["64bits", "x86_64"],
    "name": "hive.example.net",
    "master": "alpha.example.net",
    "uuid": "3f1c7c2e-0000-4000-8000-000000000001",
    "ctime": 1_700_000_000,
    "mtime": 1_700_000_300.5,
    "tags": ["test", "north"],
    "default_hypervisor": "kvm",
    "enabled_hypervisors": ["kvm", "fake"],
    "hvparams": {"kvm": {"kernel_path": "", "acpi": True}, "fake": {}},
    "os_hvp": {},
    "osparams": {"debian": {"dns": "192.0.2.1"}},
    "hidden_os": [],
    "blacklisted_os": ["old"],
    "candidate_pool_size": 10,
    "max_running_jobs": 20,
    "max_tracked_jobs": 25,
    "mac_prefix": "aa:00:00",
    "master_netdev": "br0",
    "master_netmask": 32,
    "use_external_mip_script": False,
    "volume_group_name": "xenvg",
    "reserved_lvs": [],
    "drbd_usermode_helper": "/bin/true",
    "file_storage_dir": "",
    "shared_file_storage_dir": "",
    "gluster_storage_dir": "",
    "maintain_node_health": False,
    "uid_pool": [[1000, 1099], [2000, 2000]],
    "default_iallocator": None,
    "default_iallocator_params": {},
    "primary_ip_version": 4,
    "prealloc_wipe_disks": False,
    "enabled_disk_templates": ["drbd", "plain"],
    "install_image": "",
    "instance_communication_network": "",
    "zeroing_image": "",
    "compression_tools": ["gzip", "gzip-fast"],
    "enabled_user_shutdown": False,
    "modify_ssh_setup": True,
    "ssh_key_type": "rsa",
    "ssh_key_bits": 2048,
    "ndparams": {"oob_program": "", "spindle_count": 1},
    "beparams": {"default": {"maxmem": 512, "auto_balance": True}},
    "nicparams": {"default": {"mode": "bridged", "link": "br0", "vlan": ""}},
    "diskparams": {"diskless": {}, "plain": {"stripes": 1}},
    "ipolicy": {
        "minmax": [{"min": {"cpu-count": 1}, "max": {"cpu-count": 8}}],
        "std": {"cpu-count": 1},
        "disk-templates": ["drbd", "plain"],
        "spindle-ratio": 32.0,
        "vcpu-ratio": 4.5,
    },
    "enabled_data_collectors": {"drbd": True},
    "data_collector_interval": {"drbd": 5_000_000},
}


@pytest.fixture
def cluster(cli: CommandLine) -> CommandLine:
    cli.master.answers["QueryClusterInfo"] = lambda: dict(INFO)
    cli.master.answers["QueryConfigValues"] = [{}]
    return cli


def test_info(cluster: CommandLine, golden: Callable[[str, str], None]) -> None:
    code, out, err = cluster.run("gnt-cluster", "info")
    assert (code, err) == (0, "")
    golden("cli/cluster-info.txt", out.replace(str(cluster.world.root), ""))


def test_info_names_candidates_that_lack_something(cluster: CommandLine) -> None:
    cluster.master.answers["QueryConfigValues"] = [{"n3": "no answer for 5 seconds"}]
    code, _out, err = cluster.run("gnt-cluster", "info")
    text = "master candidate n3 lacks changes that were acknowledged: no answer for 5 seconds"
    assert (code, err) == (0, f"Warning: {text}\n")


@pytest.mark.parametrize(("ratio", "text"), [(4.0, "4"), (3.3333333, "3.3333333")])
def test_ratios_are_shown_in_full(ratio: float, text: str) -> None:
    policy = {**INFO["ipolicy"], "vcpu-ratio": ratio}
    assert str(cluster_info.policy_tree(policy)["vcpu-ratio"]) == text


def test_version(cluster: CommandLine) -> None:
    assert cluster.run("gnt-cluster", "version")[1] == (
        "Software version: 3.0.2\n"
        "Internode protocol: 3000000\n"
        "Configuration format: 3000000\n"
        "OS api version: 20\n"
        "Export interface: 0\n"
        "VCS version: (ganeti test)\n"
    )


def test_getmaster_needs_no_daemon(cli: CommandLine) -> None:
    code, _, err = cli.run("gnt-cluster", "getmaster")
    assert code == 2
    assert err.startswith("Corrupt configuration file: ")
    assert err.endswith("Aborting.\n")
    path = pathlib.Path(cli.paths.ssconf("master_node"))
    path.parent.mkdir(parents=True)
    path.write_text("alpha.example.net\n", encoding="utf-8")
    assert cli.run("gnt-cluster", "getmaster") == (0, "alpha.example.net\n", "")


def test_master_ping(cluster: CommandLine) -> None:
    assert cluster.run("gnt-cluster", "master-ping") == (0, "", "")
    for problem in (errors.LuxiError("away"), TimeoutError("silent"), PermissionError("closed")):
        cluster.master.answers["QueryClusterInfo"] = problem
        assert cluster.run("gnt-cluster", "master-ping") == (1, "", "")


def test_queue(cli: CommandLine) -> None:
    cli.master.answers |= {"SetDrainFlag": True, "QueryConfigValues": [True]}
    assert cli.run("gnt-cluster", "queue", "drain") == (0, "", "")
    assert cli.run("gnt-cluster", "queue", "undrain") == (0, "", "")
    assert cli.run("gnt-cluster", "queue", "info")[1].endswith(" set\n")
    cli.master.answers["QueryConfigValues"] = [False]
    assert cli.run("gnt-cluster", "queue", "info")[1].endswith(" unset\n")
    assert cli.master.calls[:2] == [("SetDrainFlag", True), ("SetDrainFlag", False)]


def test_watcher(cli: CommandLine) -> None:
    cli.master.answers |= {"SetWatcherPause": None, "QueryConfigValues": [None]}
    code, out, _ = cli.run("gnt-cluster", "watcher", "pause", "1h")
    assert (code, out.count("\n")) == (0, 1)
    assert out.endswith(" Tue Nov 14 23:13:20 2023.\n")
    assert cli.master.calls == [("SetWatcherPause", 1_700_003_600)]
    assert cli.run("gnt-cluster", "watcher", "continue")[1].count("\n") == 1
    assert "not paused" in cli.run("gnt-cluster", "watcher", "info")[1]
    cli.master.answers["QueryConfigValues"] = [1_700_000_060.0]
    assert cli.run("gnt-cluster", "watcher", "info")[1].endswith(" Tue Nov 14 22:14:20 2023.\n")
    assert "wrong_input" in cli.run("gnt-cluster", "watcher", "pause")[2]
    made = len(cli.master.calls)
    assert "wrong_input" in cli.run("gnt-cluster", "watcher", "pause", "99999999999w")[2]
    assert len(cli.master.calls) == made


def test_tags(cli: CommandLine, tmp_path: pathlib.Path) -> None:
    more = tmp_path / "tags"
    more.write_text("blue\n\n red \n", encoding="utf-8")
    assert cli.run("gnt-cluster", "add-tags", "--from", str(more), "x") == (0, "", "")
    assert cli.master.ops[0]["tags"] == ["x", "blue", "red"]
    assert (cli.master.ops[0]["kind"], cli.master.ops[0]["name"]) == ("cluster", "")
    assert "wrong_input" in cli.run("gnt-cluster", "remove-tags")[2]
    assert "/none" in cli.run("gnt-cluster", "add-tags", "--from", "/none")[2]
    more.write_bytes(b"caf\xe9\n")
    assert "wrong_input" in cli.run("gnt-cluster", "add-tags", "--from", str(more))[2]
    cli.master.answers["QueryTags"] = ["b", "a"]
    assert cli.run("gnt-cluster", "list-tags") == (0, "a\nb\n", "")


def test_search_tags(cli: CommandLine) -> None:
    cli.master.outcomes = [Outcome([[["/nodes/n1", "x"], ["/cluster", "y"]]]), Outcome([[]])]
    assert cli.run("gnt-cluster", "search-tags", ".") == (0, "/cluster y\n/nodes/n1 x\n", "")
    assert cli.run("gnt-cluster", "search-tags", "z") == (1, "", "")


@pytest.mark.parametrize(("results", "code"), [([True], 0), ([False], 1)])
def test_verify(cli: CommandLine, results: list[bool], code: int) -> None:
    cli.master.outcomes = [Outcome([{"jobs": [[True, 2], [True, 3]]}])]
    cli.master.jobs[2] = ([], Outcome([True], log=[("message", "* Verifying")]))
    cli.master.jobs[3] = ([], Outcome(results))
    vars(cli.master)["SubmitJob"] = _first_job(cli)
    options = ("--no-nplus1-mem", "-I", "ENODEHV", "-I", "ENODESSH", "-g", "blue", "--error-codes")
    result = cli.run("gnt-cluster", "verify", *options)
    assert result == (
        code,
        "Submitted jobs 2, 3\n"
        "Waiting for job 2 ...\n"
        "Tue Nov 14 22:13:20 2023 * Verifying\n"
        "Waiting for job 3 ...\n",
        "",
    )
    op = cli.master.jobs[1][0][0]
    assert op["skip_checks"] == ["nplusone_mem"]
    assert op["ignore_errors"] == ["ENODEHV", "ENODESSH"]
    assert (op["group_name"], op["error_codes"], op["verbose"]) == ("blue", True, False)


def _first_job(cli: CommandLine) -> Callable[[list[Any]], int]:
    def submit(ops: list[Any]) -> int:
        cli.master.jobs[1] = (ops, cli.master.outcomes.pop(0))
        return 1

    return submit


def test_verify_with_dry_run_has_no_jobs_to_follow(cli: CommandLine) -> None:
    assert cli.run("gnt-cluster", "verify", "--dry-run") == (0, "", "")


MODIFICATIONS: list[tuple[list[str], dict[str, Any]]] = [
    (["-C", "3"], {"candidate_pool_size": 3}),
    (["--vg-name="], {"vg_name": ""}),
    (
        ["-H", "kvm:acpi=false", "-H", "fake:migration_mode=live"],
        {"hvparams": {"kvm": {"acpi": False}, "fake": {"migration_mode": "live"}}},
    ),
    (["-B", "vcpus=2"], {"beparams": {"vcpus": 2}}),
    (["-N", "mode=routed"], {"nicparams": {"mode": "routed"}}),
    (["--node-parameters", "spindle_count=3"], {"ndparams": {"spindle_count": 3}}),
    (["-D", "plain:stripes=2"], {"diskparams": {"plain": {"stripes": 2}}}),
    (["--uid-pool", "5-9,1"], {"uid_pool": [[1, 1], [5, 9]]}),
    (["--reserved-lvs", r"xenvg/a\,b,x"], {"reserved_lvs": ["xenvg/a,b", "x"]}),
    (["--reserved-lvs="], {"reserved_lvs": []}),
    (["--enabled-hypervisors", "kvm,fake"], {"enabled_hypervisors": ["kvm", "fake"]}),
    (["--compression-tools="], {"compression_tools": ["gzip", "gzip-fast", "gzip-slow"]}),
    (["--maintain-node-health", "no"], {"maintain_node_health": False}),
    (["--user-shutdown", "yes"], {"enabled_user_shutdown": True}),
    (["--ipolicy-vcpu-ratio", "3.5"], {"ipolicy": {"vcpu-ratio": 3.5}}),
    (
        ["--ipolicy-std-specs", "memory-size=1g,cpu-count=2"],
        {"ipolicy": {"std": {"memory-size": 1024, "cpu-count": 2}}},
    ),
    (
        ["--ipolicy-bounds-specs", "min:cpu-count=1/max:disk-size=1g"],
        {"ipolicy": {"minmax": [{"min": {"cpu-count": 1}, "max": {"disk-size": 1024}}]}},
    ),
    (["--enabled-data-collectors", "drbd=false"], {"enabled_data_collectors": {"drbd": False}}),
    (["--data-collector-interval", "drbd=2.5"], {"data_collector_interval": {"drbd": 2500000}}),
    (
        ["--disk-state", "plain/vg0:disk_total=9"],
        {"disk_state": {"plain": {"vg0": {"disk_total": 9}}}},
    ),
    (["--hypervisor-state", "kvm:mem_total=9"], {"hv_state": {"kvm": {"mem_total": 9}}}),
    (["--master-netmask", "24"], {"master_netmask": 24}),
    (["-m", "aa:bb:cc"], {"mac_prefix": "aa:bb:cc"}),
]


@pytest.mark.parametrize(("words", "changes"), MODIFICATIONS, ids=lambda v: str(v)[:40])
def test_modify(cli: CommandLine, words: list[str], changes: dict[str, Any]) -> None:
    assert cli.run("gnt-cluster", "modify", *words) == (0, "", "")
    (op,) = cli.master.ops
    generic = ("OP_ID", "reason", "debug_level", "dry_run", "priority", "force")
    given = {k: v for k, v in op.items() if v is not None and k not in generic}
    assert given == changes


@pytest.mark.parametrize("words", [[], ["--force"]])
def test_modify_without_a_change(cli: CommandLine, words: list[str]) -> None:
    code, out, err = cli.run("gnt-cluster", "modify", *words)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert not err.startswith(("Failure", "Error"))


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (["-H", "kvm"], ""),
        (["-H", "no_kvm"], "Failure: "),
        (["-H", "vmware:x=1"], "Parameter Error: "),
        (["-D", "floppy:x=1"], "Parameter Error: "),
        (["--ipolicy-vcpu-ratio", "default"], "Parameter Error: "),
        (["--ipolicy-vcpu-ratio", "much"], "Usage\n"),
        (["--ipolicy-vcpu-ratio", "nan"], "Usage\n"),
        (["--ipolicy-std-specs", "disk-size=1q"], "Failure: prerequisites"),
        (["--data-collector-interval", "drbd=inf"], "Failure: "),
        (["--ipolicy-bounds-specs", "min:cpus"], "Failure: "),
        (["--hypervisor-state", "kvm:x=1"], "Parameter Error: "),
        (["--disk-state", "plain:disk_total=1"], "Parameter Error: "),
        (["--enabled-data-collectors", "drbd=perhaps"], "Failure: "),
    ],
)
def test_modify_with_wrong_values(cli: CommandLine, words: list[str], start: str) -> None:
    code, out, err = cli.run("gnt-cluster", "modify", *words)
    if start:
        assert (code in (1, 2), out, cli.master.ops) == (True, "", [])
        assert err.startswith(start)
    else:
        assert code == 0


def test_modify_follows_the_jobs_that_it_starts(cli: CommandLine) -> None:
    cli.master.jobs[9] = ([], Outcome())
    cli.master.outcomes = [Outcome([{"jobs": [[True, 9]]}])]
    code, out, _ = cli.run("gnt-cluster", "modify", "--instance-communication-network", "x")
    assert (code, out) == (0, "Submitted jobs 9\nWaiting for job 9 ...\n")


def test_redist_conf(cli: CommandLine) -> None:
    assert cli.run("gnt-cluster", "redist-conf", "--submit") == (0, "", "JobID: 1\n")
    cli.master.jobs[7] = ([], Outcome())
    cli.master.answers["SubmitJobToDrainedQueue"] = 7
    assert cli.run("gnt-cluster", "redist-conf", "--yes-do-it", "--submit") == (0, "", "")


def test_deactivating_the_address_is_asked_for(cli: CommandLine) -> None:
    assert cli.run("gnt-cluster", "deactivate-master-ip") == (1, "", "")
    assert cli.run("gnt-cluster", "deactivate-master-ip", "--yes") == (0, "", "")
    assert cli.run("gnt-cluster", "activate-master-ip") == (0, "", "")
    assert [op["OP_ID"] for op in cli.master.ops] == [
        "OP_CLUSTER_DEACTIVATE_MASTER_IP",
        "OP_CLUSTER_ACTIVATE_MASTER_IP",
    ]


def test_destroy_needs_its_option(cli: CommandLine) -> None:
    code, out, err = cli.run("gnt-cluster", "destroy")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "--yes-do-it" in err
    assert cli.master.ops == []


def init_request(*words: str) -> dict[str, Any]:
    """What `gnt-cluster init` makes of its options."""
    opts, _ = options.read("gnt-cluster", "", "", cluster_init.INIT.all_options(), list(words))
    return vars(cluster_init.request("hive", opts))


def test_init_with_defaults() -> None:
    request = init_request()
    assert request["enabled_hypervisors"] == ("xen-pvm",)
    assert request["enabled_disk_templates"] == ("drbd", "plain")
    assert (request["vg_name"], request["drbd_helper"]) == ("xenvg", "/bin/true")
    assert (request["primary_ip_version"], request["ssh_key_type"]) == (4, "rsa")
    assert request["gluster_storage_dir"] == "/var/run/ganeti/gluster"
    assert (request["modify_etc_hosts"], request["modify_ssh_setup"]) == (True, True)
    assert (request["ipolicy"], request["hvparams"], request["compression_tools"]) == ({}, {}, None)


def test_init_without_volumes() -> None:
    request = init_request("--enabled-disk-templates", "file,diskless", "--no-ssh-init")
    assert (request["vg_name"], request["drbd_helper"]) == (None, None)
    assert request["modify_ssh_setup"] is False


def test_init_with_sizes_one_by_one() -> None:
    policy = init_request("--specs-mem-size", "min=1g,std=2g", "--specs-cpu-count=max=64")[
        "ipolicy"
    ]
    (pair,) = policy["minmax"]
    assert (pair["min"]["memory-size"], pair["max"]["cpu-count"]) == (1024, 64)
    assert (pair["min"]["cpu-count"], policy["std"]["memory-size"]) == (1, 2048)


@pytest.mark.parametrize(
    "words",
    [
        ["--vg-name=", "x"],
        ["--vg-name=vg0", "--enabled-disk-templates=file", "x"],
        ["--drbd-usermode-helper=", "x"],
        ["--drbd-usermode-helper=/bin/x", "--enabled-disk-templates=plain", "x"],
        ["--primary-ip-version", "six", "x"],
        ["--master-netmask", "wide", "x"],
        ["-D", "tape:x=1", "x"],
        ["--specs-mem-size", "min=1g", "--ipolicy-std-specs", "cpu-count=1", "x"],
        ["--specs-mem-size", "most=1g", "x"],
    ],
)
def test_init_with_options_that_do_not_fit(cli: CommandLine, words: list[str]) -> None:
    code, out, err = cli.run("gnt-cluster", "init", *words)
    assert (code, out) == (1, "")
    assert err


NODES = [
    [[0, "n1"], [0, False], [0, "198.51.100.1"], [0, True]],
    [[0, "n2"], [0, False], [0, "198.51.100.2"], [0, False]],
    [[0, "n3"], [0, True], [0, "198.51.100.3"], [0, False]],
]


@pytest.fixture
def nodes(cli: CommandLine) -> CommandLine:
    cli.master.answers["Query"] = {"fields": [], "data": NODES}
    data = pathlib.Path(cli.paths.data_dir)
    data.mkdir(parents=True)
    for key, text in (("cluster_name", "hive"), ("ssh_ports", "n1=22\nn2=1022")):
        (data / f"ssconf_{key}").write_text(f"{text}\n", encoding="utf-8")
    cli.runner.on("ssh", do=lambda call: f"hello from {call.argv[-2]}\n")
    return cli


def test_command_runs_on_the_master_last(nodes: CommandLine) -> None:
    code, out, err = nodes.run("gnt-cluster", "command", "uname", "-a")
    dashes = "-" * 48
    assert code == 0
    assert out == (
        f"{dashes}\nnode: n2\nhello from root@n2\n\nreturn code = 0\n"
        f"{dashes}\nnode: n1\nhello from root@n1\n\nreturn code = 0\n"
    )
    assert "n3" in err
    assert [argv[-1] for argv in nodes.runner.commands] == ["uname -a", "uname -a"]
    assert nodes.master.calls[0][3] is None


def test_command_with_names_before_lines(nodes: CommandLine) -> None:
    _, out, _ = nodes.run("gnt-cluster", "command", "-M", "-n", "n2", "-g", "blue", "date")
    assert out.splitlines()[1:3] == ["n2: hello from root@n2", "return code = 0"]
    assert nodes.master.calls[0][3] == [
        "&",
        ["|", ["==", "name", "n2"]],
        ["|", ["==", "group", "blue"], ["==", "group.uuid", "blue"]],
    ]


def test_command_shows_only_failures(nodes: CommandLine) -> None:
    nodes.runner.on("ssh", returncode=3, stdout="")
    out = nodes.run("gnt-cluster", "command", "--failure-only", "x")[1]
    assert out.count("return code = 3") == 2
    nodes.runner.on("ssh", returncode=0)
    assert nodes.run("gnt-cluster", "command", "--failure-only", "x")[1] == ""


@pytest.mark.parametrize(
    "words", [("command", "-g", "grey", "date"), ("copyfile", "-g", "grey", "/")]
)
def test_an_unknown_group_is_told(nodes: CommandLine, words: tuple[str, ...]) -> None:
    nodes.master.answers |= {"Query": {"fields": [], "data": []}, "QueryGroups": []}
    code, out, err = nodes.run("gnt-cluster", *words)
    assert (code, out) == (1, "")
    assert "error type: unknown_entity" in err
    assert "grey" in err


def test_copyfile(nodes: CommandLine, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    path.write_text("x", encoding="utf-8")
    nodes.runner.on("scp")
    assert nodes.run("gnt-cluster", "copyfile", str(path))[:2] == (0, "")
    (argv,) = nodes.runner.commands
    assert argv[-2:] == (str(path), f"root@n2:{path}")
    nodes.run("gnt-cluster", "copyfile", "--use-replication-network", str(path))
    assert nodes.runner.commands[-1][-1] == f"root@198.51.100.2:{path}"
    assert "-oPort=1022" in nodes.runner.commands[-1]


def test_copyfile_that_fails(nodes: CommandLine, tmp_path: pathlib.Path) -> None:
    nodes.runner.on("scp", returncode=1, stderr="no space")
    path = tmp_path / "file"
    path.write_text("x", encoding="utf-8")
    code, out, err = nodes.run("gnt-cluster", "copyfile", str(path))
    assert (code, out) == (0, "")
    assert "n2" in err
    assert "wrong_input" in nodes.run("gnt-cluster", "copyfile", "/no/such/file")[2]


def test_a_master_without_a_vote_is_asked_about(cli: CommandLine) -> None:
    cli.terminal.answers = ["n"]
    assert cli.run("gnt-cluster", "master-failover", "--no-voting") == (1, "", "")
    assert "destroys" in cli.terminal.questions[0]


@pytest.mark.parametrize("words", [(), ("--no-voting", "--yes-do-it")])
def test_a_machine_in_no_cluster_cannot_become_master(
    cli: CommandLine, words: tuple[str, ...]
) -> None:
    code, out, err = cli.run("gnt-cluster", "master-failover", *words)
    assert (code, out, cli.terminal.questions) == (1, "", [])
    assert "error type: wrong_input" in err
