# SPDX-License-Identifier: GPL-2.0-or-later
"""What the answers of nodes say, as tables."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ganeti import version
from ganeti.master.verify import files, instance_checks, node_checks, request
from ganeti.master.verify.findings import Findings, Severity
from ganeti.master.verify.instance_checks import Running
from ganeti.paths import Paths
from test.support.cluster import a_cluster

CFG = (
    a_cluster()
    .with_nodes("n1", "n2")
    .with_instance("up", on="n1", admin_state="up")
    .with_instance("down", on="n2", admin_state="down")
    .build()
)
N1, N2 = CFG.node("n1"), CFG.node("n2")
GOOD: dict[str, Any] = {"version": [version.PROTOCOL, version.RELEASE], "time": [1000, 0]}


def codes(found: Findings) -> list[str]:
    return [finding.code for finding in found.found]


def checked(**more: Any) -> Findings:
    found = Findings()
    node_checks.check(found, N1, {**GOOD, **more}, 999.0, 1001.0)
    return found


def test_a_node_in_order() -> None:
    assert checked().found == []


@pytest.mark.parametrize(
    ("more", "code", "word"),
    [
        ({"version": [1, "x"]}, "ENODEVERSION", "protocol 1"),
        ({"time": [500, 0]}, "ENODETIME", "behind"),
        ({"time": [5000, 0]}, "ENODETIME", "ahead"),
        ({"nodesetup": ["/sys is missing"]}, "ENODESETUP", "/sys"),
        ({"nodelist": {"n2": "refused"}}, "ENODESSH", "n2"),
        ({"node-net-test": {"n2": "no route"}}, "ENODENET", "no route"),
        ({"master-ip": False}, "ENODENET", "master"),
        ({"bridges": ["br9"]}, "ENODENET", "br9"),
        ({"client-cert": ["ERROR", "expired"]}, "ECLUSTERCLIENTCERT", "expired"),
        ({"hypervisor": {"kvm": "no /dev/kvm"}}, "ENODEHV", "/dev/kvm"),
        ({"hvparms": [["cluster", "kvm", "no kernel"]]}, "ENODEHV", "no kernel"),
        ({"user-scripts": ["/x"]}, "ENODEUSERSCRIPTS", "/x"),
        ({"allowed-file-storage-paths": ["/etc"]}, "ENODEFILESTORAGEPATHS", "/etc"),
        ({"shared-file-storage-path": "gone"}, "ENODESHAREDFILESTORAGEPATHUNUSABLE", "gone"),
    ],
)
def test_each_finding_has_its_code(more: dict[str, Any], code: str, word: str) -> None:
    found = checked(**more)
    assert codes(found) == [code]
    assert word in found.found[0].text
    assert found.found[0].item == "n1"
    assert not found.good


def test_another_release_is_a_warning() -> None:
    assert checked(version=[version.PROTOCOL, "9.9.9"]).good


def test_a_kernel_without_the_sysrq_trigger_is_fine() -> None:
    assert checked(nodesetup=["/proc/sysrq-trigger is missing"]).found == []


def test_os_lists_are_compared_with_the_first() -> None:
    def row(name: str, variants: list[str]) -> list[Any]:
        return [name, "/srv", True, "", variants, [], [20], True]

    found = Findings()
    answers = {
        N1.uuid: {"oslist": [row("deb", ["a"]), row("noop", [])]},
        N2.uuid: {"oslist": [row("deb", ["b"])]},
    }
    node_checks.check_os_lists(found, CFG.nodes, answers)
    assert [(f.item, f.text.split()[1]) for f in found.found] == [("n2", "deb"), ("n2", "noop")]


def test_a_node_without_any_os_differs_too() -> None:
    found = Findings()
    answers: dict[str, Any] = {
        N1.uuid: {"oslist": [["noop", "/srv", True, "", [], [], [20], True]]},
        N2.uuid: {"oslist": []},
    }
    node_checks.check_os_lists(found, CFG.nodes, answers)
    assert [(f.item, f.text.split()[1]) for f in found.found] == [("n2", "noop")]


def test_instances_that_are_not_where_they_should() -> None:
    running = Running({N1.uuid: frozenset({"down", "stranger"}), N2.uuid: frozenset()})
    found = Findings()
    for name in ("up", "down"):
        instance_checks.check_instance(found, CFG, CFG.instance(name), running)
    instance_checks.check_orphans(found, CFG, running, [N1, N2])
    assert [(f.code, f.item) for f in found.found] == [
        ("EINSTANCEDOWN", "up"),
        ("EINSTANCEWRONGNODE", "down"),
        ("ENODEORPHANINSTANCE", "n1"),
    ]


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"offline": True, "master_candidate": False}, "has its other copy on n2"),
        ({"vm_capable": False}, "is on n2, which is not able"),
    ],
)
def test_the_other_node_of_an_instance_counts(attributes: dict[str, Any], text: str) -> None:
    builder = a_cluster().with_node("n1").with_node("n2", **attributes)
    cfg = builder.with_instance("web", template="drbd", on="n1", secondary="n2").build()
    found = Findings()
    instance_checks.check_instance(found, cfg, cfg.instance("web"), Running({}))
    assert codes(found) == ["EINSTANCEBADNODE"]
    assert text in found.found[0].text


@pytest.mark.parametrize(
    ("row", "severity"),
    [
        ((True, {"is_degraded": False, "ldisk_status": 1}), None),
        ((True, {"is_degraded": True, "ldisk_status": 1}), Severity.WARNING),
        ((True, {"is_degraded": True, "ldisk_status": 2}), Severity.WARNING),
        ((True, {"is_degraded": True, "ldisk_status": 4}), Severity.ERROR),
        ((True, {"is_degraded": False, "ldisk_status": 3}), Severity.ERROR),
        ((False, "no such volume"), Severity.ERROR),
    ],
)
def test_disks_are_as_bad_as_the_copy_on_the_node(row: Any, severity: Severity | None) -> None:
    found = Findings()
    instance_checks.check_disks(found, CFG, CFG.instance("up"), {N1.uuid: [row]})
    assert [f.severity for f in found.found] == ([severity] if severity else [])
    assert set(codes(found)) <= {"EINSTANCEFAULTYDISK"}


def test_a_silent_node_says_nothing_about_its_instances() -> None:
    found = Findings()
    instance_checks.check_instance(found, CFG, CFG.instance("up"), Running({}))
    assert found.found == []


def test_running_lists_that_are_errors_are_left_out() -> None:
    answers: dict[str, dict[str, Any]] = {
        "a": {"instancelist": "failed"},
        "b": {"instancelist": ["x"]},
        "c": {},
    }
    assert instance_checks.running(answers) == Running({"b": frozenset({"x"})})


def test_files_that_differ_or_are_missing() -> None:
    paths = Paths()
    wanted = files.shared_files(CFG, paths)
    master = dict.fromkeys(wanted.wanted_on(N1), "1")
    other = dict(master)
    del other[paths.hmac_key]
    other[paths.known_hosts] = other[paths.ssconf("ssh_ports")] = "2"
    found = Findings()
    files.check(found, wanted, [N1, N2], {N1.uuid: master, N2.uuid: other}, N1.uuid)
    texts = [f.text for f in found.found]
    assert texts == [
        f"{paths.hmac_key} is missing on n2",
        f"{paths.known_hosts} differs from the master's on n2",
        f"{paths.ssconf('ssh_ports')} differs from the master's on n2",
    ]


def test_files_that_differ_while_the_master_is_silent() -> None:
    paths = Paths()
    wanted = files.shared_files(CFG, paths)
    answers = {N1.uuid: dict.fromkeys(wanted.wanted_on(N1), "1")}
    answers[N2.uuid] = {**answers[N1.uuid], paths.known_hosts: "2"}
    found = Findings()
    files.check(found, wanted, [N1, N2], answers, "the master")
    assert [f.text for f in found.found] == [f"{paths.known_hosts} differs between nodes: n1, n2"]


@pytest.mark.parametrize("is_ours", [True, False])
def test_the_hosts_file_is_shared_if_the_cluster_keeps_it(is_ours: bool) -> None:
    cfg = a_cluster().with_cluster(modify_etc_hosts=is_ours).build()
    assert (Paths().etc_hosts in files.shared_files(cfg, Paths()).everywhere) is is_ours
    assert (Paths().etc_hosts in files.uploaded(cfg, Paths())[0]) is is_ours


def test_server_pem_is_never_uploaded() -> None:
    everywhere, vm_capable = files.uploaded(CFG, Paths())
    assert Paths().server_pem not in everywhere | vm_capable
    assert not any("ssconf" in path for path in everywhere)
    assert Paths().kvm_vif_bridge in vm_capable


def test_spare_memory() -> None:
    cfg = (
        a_cluster()
        .with_nodes("n1", "n2")
        .with_instance("web", template="drbd", on="n1", secondary="n2", admin_state="up")
        .build()
    )
    node = cfg.node("n2")
    found = Findings()
    instance_checks.check_spare_memory(found, cfg, [node], {node.uuid: 127})
    assert codes(found) == ["ENODEN1"]
    found = Findings()
    instance_checks.check_spare_memory(found, cfg, [node], {node.uuid: 128})
    assert found.found == []


def test_the_request_names_peers_of_other_groups() -> None:
    cfg = (
        a_cluster()
        .with_group("far")
        .with_nodes("n1", "n2")
        .with_node("f1", group="far")
        .with_node("f2", group="far", offline=True)
        .build()
    )
    asked = request.node_verify(cfg, Paths(), cfg.group("default"), clutter=False)
    names, peers, candidates = asked["nodelist"]
    assert names == ["n1", "n2"]
    assert peers == {"n1": ["f1"], "n2": ["f1"]}
    assert set(candidates) == {"n1", "n2", "f1"}
    assert "ssh-clutter" not in asked


def test_parameters_of_an_os_are_judged_for_the_hypervisors_there_are() -> None:
    cfg = (
        a_cluster()
        .with_cluster(
            enabled_hypervisors=("kvm",),
            os_hvp={"noop": {"kvm": {"vga": "std"}, "xen-pvm": {"kernel_args": "x"}}, "deb": {}},
        )
        .build()
    )
    asked = request.node_verify(cfg, Paths(), cfg.group("default"), clutter=False)
    assert [row[:2] for row in asked["hvparms"]] == [["cluster", "kvm"], ["os noop", "kvm"]]
    assert asked["hvparms"][1][2]["vga"] == "std"


@pytest.mark.parametrize(
    ("template", "redundant"),
    [("plain", False), ("file", False), ("drbd", True), ("sharedfile", True), ("diskless", True)],
)
def test_what_survives_its_node(template: str, redundant: bool) -> None:
    cfg = a_cluster().with_nodes("n1", "n2").with_instance("web", template=template).build()
    assert instance_checks.is_redundant(cfg, cfg.instance("web")) is redundant


class Answers(Mapping[str, frozenset[str]]):
    """Counts how often all nodes are gone through."""

    def __init__(self, told: Mapping[str, frozenset[str]]) -> None:
        self._told, self.walks = told, 0

    def __getitem__(self, node: str) -> frozenset[str]:
        return self._told[node]

    def __len__(self) -> int:
        return len(self._told)

    def __iter__(self) -> Iterator[str]:
        self.walks += 1
        return iter(self._told)


def test_nodes_are_gone_through_once_for_all_instances() -> None:
    answers = Answers({N1.uuid: frozenset({"up"}), N2.uuid: frozenset()})
    running, found = Running(answers), Findings()
    for instance in CFG.instances.values():
        instance_checks.check_instance(found, CFG, instance, running)
    assert len(CFG.instances) > 1
    assert answers.walks == 1
