# SPDX-License-Identifier: GPL-2.0-or-later
"""The cluster's address as the node daemon handles it."""

from __future__ import annotations

from typing import Any

import pytest

from ganeti.errors import GenericError, HooksAbort
from ganeti.node import master_ip
from ganeti.utils import net
from test.support.node_host import NodeHost

PARAMS: dict[str, Any] = {
    "uuid": "u1",
    "ip": "127.0.0.1",
    "netmask": 32,
    "netdev": "lo",
    "ip_family": net.IPV4,
}


@pytest.mark.parametrize(("family", "version"), [(net.IPV4, "4"), (net.IPV6, "6")])
def test_the_environment_is_exactly_this(family: int, version: str) -> None:
    assert master_ip.environment({**PARAMS, "ip_family": family}) == {
        "MASTER_NETDEV": "lo",
        "MASTER_IP": "127.0.0.1",
        "MASTER_NETMASK": "32",
        "CLUSTER_IP_VERSION": version,
    }


@pytest.mark.parametrize("external", [False, True])
def test_a_script_brings_it_up_with_hooks_around(node: NodeHost, external: bool) -> None:
    paths = node.paths
    script = paths.external_master_setup_script if external else paths.default_master_setup_script
    node.runner.on(script)
    before = node.script(f"{paths.hooks_dir}/master-ip-turnup-pre.d/a")
    after = node.script(f"{paths.hooks_dir}/master-ip-turnup-post.d/b")
    master_ip.activate(node.host, PARAMS, external=external)
    assert node.runner.commands == [(before,), (script, "start"), (after,)]
    assert node.runner.calls[1].env == master_ip.environment(PARAMS)
    assert node.runner.calls[1].reset_env
    assert (node.runner.calls[0].env or {})["GANETI_MASTER_IP"] == "127.0.0.1"


def test_it_goes_down_the_same_way(node: NodeHost) -> None:
    node.runner.on(node.paths.default_master_setup_script)
    after = node.script(f"{node.paths.hooks_dir}/master-ip-turndown-post.d/b")
    master_ip.deactivate(node.host, PARAMS, external=False)
    assert node.runner.commands == [
        (node.paths.default_master_setup_script, "stop"),
        (after,),
    ]


def test_what_the_script_says_is_told(node: NodeHost) -> None:
    node.runner.on(node.paths.default_master_setup_script, returncode=1, stderr="in use")
    with pytest.raises(GenericError, match="start exited with code 1: in use"):
        master_ip.activate(node.host, PARAMS, external=False)


def test_a_hook_can_refuse(node: NodeHost) -> None:
    refuse = node.script(f"{node.paths.hooks_dir}/master-ip-turnup-pre.d/refuse")
    node.runner.on(refuse, returncode=1)
    with pytest.raises(HooksAbort):
        master_ip.activate(node.host, PARAMS, external=False)
    assert node.runner.commands == [(refuse,)]


def test_another_netmask_comes_before_the_old_one_goes(node: NodeHost) -> None:
    node.runner.on("ip")
    master_ip.change_netmask(node.host, 24, 24, "127.0.0.1", "lo")
    assert node.runner.commands == []
    master_ip.change_netmask(node.host, 32, 24, "127.0.0.1", "lo")
    assert node.runner.commands == [
        ("ip", "address", "replace", "127.0.0.1/24", "dev", "lo", "label", "lo:0"),
        ("ip", "address", "del", "127.0.0.1/32", "dev", "lo"),
    ]


def test_only_an_address_that_is_up_changes(node: NodeHost) -> None:
    with pytest.raises(GenericError, match="is not up on this node"):
        master_ip.change_netmask(node.host, 32, 24, "192.0.2.1", "lo")


def test_a_netmask_that_is_refused_is_told(node: NodeHost) -> None:
    node.runner.on("ip", returncode=2, stderr="RTNETLINK answers: no")
    with pytest.raises(GenericError, match="RTNETLINK answers: no"):
        master_ip.change_netmask(node.host, 32, 24, "127.0.0.1", "lo")
