# SPDX-License-Identifier: GPL-2.0-or-later
"""The first configuration: what is not said has a default, what makes no sense is refused."""

import itertools
from typing import Any

import pytest

from ganeti.bootstrap.new_cluster import InitRequest, first_config
from ganeti.errors import ConfigurationError, GenericError, HypervisorError, OpPrereqError
from ganeti.model.config import Config
from test.bootstrap.host_facts import FACTS
from test.support.cluster import NOW, a_uuid


def made(**request: Any) -> Config:
    given = {"enabled_hypervisors": ("fake",), "enabled_disk_templates": ("diskless",), **request}
    numbers = itertools.count(1)
    return first_config(
        InitRequest("hive.example.com", **given), FACTS, lambda: a_uuid(next(numbers)), NOW
    )


def test_what_is_not_said_has_a_default() -> None:
    cluster = made().cluster
    assert cluster.candidate_pool_size == 10
    assert cluster.ipolicy["disk-templates"] == ["diskless"]
    assert cluster.nicparams["default"]["link"] == "xen-br0"
    assert made(candidate_pool_size=3).cluster.candidate_pool_size == 3


@pytest.mark.parametrize(
    ("request_", "kind", "word"),
    [
        ({"candidate_pool_size": 0}, OpPrereqError, "size 0"),
        ({"nicparams": {"mode": "tunnelled"}}, ConfigurationError, "tunnelled"),
        ({"ndparams": {"spindle_count": -1}}, OpPrereqError, "spindle_count"),
        ({"diskparams": {"drbd": {"protocol": "Q"}}}, OpPrereqError, "protocol"),
        ({"hvparams": {"kvm": {"migration_mode": "x"}}}, HypervisorError, "migration_mode"),
        ({"ipolicy": {"disk-templates": ["plain"]}}, OpPrereqError, "plain"),
        ({"beparams": {"minmem": 999}}, OpPrereqError, "minmem"),
        ({"ssh_key_type": "ecdsa", "ssh_key_bits": 2048}, OpPrereqError, "2048 bits"),
    ],
)
def test_what_makes_no_sense_is_refused(
    request_: dict[str, Any], kind: type[GenericError], word: str
) -> None:
    with pytest.raises(kind, match=word):
        made(**request_)
