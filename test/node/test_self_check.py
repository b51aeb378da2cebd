# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers to the questions of `gnt-cluster verify`."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from ganeti import version
from ganeti.node import self_check
from ganeti.node.handlers.os import OsHandlers
from ganeti.node.self_check import ANSWERS, SelfCheck
from ganeti.utils import net, x509
from test.node.test_os_definition import define
from test.support import pki
from test.support.node_host import NodeHost

ME = net.resolve(net.own_name()).name


def ask(node: NodeHost, **asked: Any) -> Any:
    """One question with dashes for underscores; its answer."""
    ((key, value),) = ((name.replace("_", "-"), value) for name, value in asked.items())
    return answers(node, {key: value})[key]


def answers(node: NodeHost, asked: dict[str, Any]) -> dict[str, Any]:
    hv = {"fake": {}, "kvm": {"kvm_path": "/nowhere/qemu"}}
    return SelfCheck(node.host, OsHandlers(node.host), hv).answer(asked)


def test_every_question_of_the_master_is_known() -> None:
    """But those about storage that this release does not have."""
    asked = {
        *("filelist", "nodelist", "hypervisor", "hvparms", "node-net-test", "instancelist"),
        *("version", "hvinfo", "nodesetup", "time", "master-ip", "oslist", "user-scripts"),
        *("client-cert", "bridges", "allowed-file-storage-paths", "ssh-setup", "ssh-clutter"),
        *("file-storage-path", "shared-file-storage-path"),
    }
    assert asked == ANSWERS.keys()


def test_unknown_questions_are_left_out(node: NodeHost) -> None:
    assert answers(node, {"weather": None, "nonvmnodes": []}) == {}


def test_a_node_without_guests_says_nothing_about_them(node: NodeHost) -> None:
    asked = {"hypervisor": ["fake"], "instancelist": ["fake"], "version": None}
    assert answers(node, {**asked, "nonvmnodes": [ME]}).keys() == {"version"}
    assert answers(node, {**asked, "nonvmnodes": ["other"]}).keys() == asked.keys()


def test_checksums(node: NodeHost) -> None:
    path = str(node.write("file", "content"))
    digest = hashlib.sha1(b"content", usedforsecurity=False).hexdigest()
    assert ask(node, filelist=[path, "/nowhere/file"]) == {path: digest}


def test_only_candidates_try_the_ways_to_others(node: NodeHost) -> None:
    assert ask(node, nodelist=[["n1", "n2"], {}, ["somebody"]]) == {}
    assert ask(node, node_net_test=[[["n1", "192.0.2.1", "192.0.2.1"]], ["somebody"]]) == {}
    assert ask(node, master_ip=["n1", "192.0.2.1", ["somebody"]]) is None
    assert node.runner.calls == []


def test_ways_by_ssh(node: NodeHost) -> None:
    """Each node must be reached and call itself by its name."""
    node.ssconf(cluster_name="c.example.com", primary_ip_family="2")

    def reply(call: Any) -> str:
        return call.argv[-2].partition("@")[2] if "root@wrong" not in call.argv else "right"

    node.runner.on("ssh", do=reply)
    found = ask(node, nodelist=[["n1", "wrong"], {ME: ["n3"], "x": ["n4"]}, [ME]])
    assert found == {"wrong": "it calls itself right"}
    assert "-oKexAlgorithms=^curve25519-sha256" in node.runner.calls[0].argv
    reached = {call.argv[-2] for call in node.runner.calls}
    assert reached == {"root@n1", "root@wrong", "root@n3"}
    node.runner.on("ssh", returncode=255, stderr="Connection refused\n")
    assert ask(node, nodelist=[["n1"], {}, [ME]]) == {"n1": "Connection refused"}


def test_ways_to_node_daemons(node: NodeHost) -> None:
    """Nobody listens at the addresses of this host."""
    rows = [["n1", "127.0.0.1", "127.0.0.2"], ["n2", "127.0.0.1", "127.0.0.1"]]
    port = net.daemon_port("ganeti-noded")
    if net.tcp_ping("127.0.0.1", port, timeout_s=1):
        pytest.skip("a node daemon runs here")
    assert ask(node, node_net_test=[rows, [ME]]) == {
        "n1": f"no answer at 127.0.0.1 and 127.0.0.2 port {port}",
        "n2": f"no answer at 127.0.0.1 port {port}",
    }
    assert ask(node, master_ip=["other", "127.0.0.1", [ME]]) is False
    assert ask(node, master_ip=[ME, "127.0.0.1", [ME]]) is None


def test_hypervisors(node: NodeHost) -> None:
    found = ask(node, hypervisor=["fake", "kvm", "xen-pvm"])
    assert found["fake"] is None
    assert "QEMU is not at /nowhere/qemu" in found["kvm"]
    assert "'xen-pvm' cannot be used" in found["xen-pvm"]


def test_parameters_of_hypervisors(node: NodeHost) -> None:
    rows = [
        ["cluster", "fake", {"migration_mode": "live"}],
        ["instance web", "fake", {"migration_mode": "dead"}],
    ]
    ((source, name, text),) = ask(node, hvparms=rows)
    assert (source, name) == ("instance web", "fake")
    assert "migration_mode" in text


def test_what_runs(node: NodeHost) -> None:
    os.makedirs(node.paths.fake_dir)
    Path(node.paths.fake_dir, "web").write_text("0\n128\n1\n")
    assert ask(node, instancelist=["fake", "kvm"]) == ["web"]
    assert "cannot be used" in ask(node, instancelist=["fake", "xen-pvm"])
    assert ask(node, hvinfo="fake")["memory_free"] == 2048 - 128


def test_the_client_certificate(node: NodeHost) -> None:
    assert ask(node, client_cert=None)[0] == "ERROR"
    pki.node().save(Path(node.paths.client_pem))
    code, digest = ask(node, client_cert=None)
    pem = Path(node.paths.client_pem).read_text()
    assert (code, digest) == (None, x509.digest(pem))
    node.clock.set_date(4_000_000_000)
    assert ask(node, client_cert=None) == ["ERROR", f"{node.paths.client_pem} has expired"]


def test_os_definitions(node: NodeHost) -> None:
    directory = define(node)
    (row,) = ask(node, oslist=None)
    assert row[:3] == ["lab", directory, True]


def test_bridges(node: NodeHost) -> None:
    node.write("sys/class/net/br0/bridge/x")
    assert ask(node, bridges=["br0", "br1"]) == ["br1"]


def test_scripts(node: NodeHost) -> None:
    good = node.script("good")
    bad = str(node.write("bad"))
    assert ask(node, user_scripts=[good, bad, "/nowhere"]) == [bad, "/nowhere"]


def test_lists_of_allowed_paths_are_asked_of_one_node(node: NodeHost) -> None:
    node.allow_files("/etc", "/srv")
    assert ask(node, allowed_file_storage_paths=ME) == ["/etc"]
    assert ask(node, allowed_file_storage_paths="other") == []


def test_storage_paths(node: NodeHost) -> None:
    base = node.root / "disks"
    assert "is not below" in ask(node, file_storage_path=str(base))
    node.allow_files(str(base))
    assert ask(node, file_storage_path=str(base)) == f"{base} is not a directory"
    base.mkdir()
    assert ask(node, file_storage_path=str(base)) is None
    assert ask(node, shared_file_storage_path=str(base)) is None


def test_versions_and_time(node: NodeHost) -> None:
    assert ask(node, version=None) == [version.PROTOCOL, version.RELEASE]
    node.clock.set_date(1_700_000_000.25)
    assert ask(node, time=None) == [1_700_000_000, 250_000]


def test_the_machine(node: NodeHost) -> None:
    (text,) = ask(node, nodesetup=None)
    assert "sysrq-trigger" in text


def test_ssh_keys(node: NodeHost) -> None:
    member = ["u1", ME, True, True, True]
    assert ask(node, ssh_setup=[[member], "rsa"]) == ["root has no SSH key of the cluster's type"]
    node.write(f"{node.paths.root_ssh_dir}/authorized_keys", "ssh-rsa A root@x\nssh-rsa B root@x\n")
    (text,) = ask(node, ssh_clutter=None)
    assert "2 keys of root@x" in text


def test_guests_questions_are_questions() -> None:
    assert not self_check.GUEST_KEYS - ANSWERS.keys()
