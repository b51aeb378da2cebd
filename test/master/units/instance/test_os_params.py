# SPDX-License-Identifier: GPL-2.0-or-later
"""OS parameters: public, private, secret."""

import pytest

from ganeti.errors import OpPrereqError
from ganeti.master.units.instance import os_params
from ganeti.opcodes.instance import OpInstanceReinstall
from test.support.cluster import a_cluster


def test_default_takes_an_own_value_away() -> None:
    assert os_params.updated({"a": 1, "b": 2}, {"a": "default", "c": 3}) == {"b": 2, "c": 3}


def test_levels_are_merged_and_the_nearest_wins() -> None:
    cfg = (
        a_cluster()
        .with_cluster(osparams={"deb": {"x": "cluster", "y": "cluster"}})
        .with_instance("web", os="deb", osparams={"y": "own", "z": "own"})
        .build()
    )
    given = os_params.Given({"z": "now"}, {"p": "private"}, {"s": "secret"})
    merged = os_params.merged(cfg, cfg.instance("web"), "deb", given)
    assert merged == {"x": "cluster", "y": "own", "z": "now", "p": "private", "s": "secret"}


def test_secrets_are_not_stored() -> None:
    cfg = a_cluster().with_instance("web").build()
    given = os_params.Given({}, {"p": "1"}, {"s": "2"})
    assert given.stored(cfg.instance("web")) == {"osparams": {}, "osparams_private": {"p": "1"}}


def test_one_key_in_two_kinds_is_refused() -> None:
    op = OpInstanceReinstall(instance_name="web", osparams={"k": "1"}, osparams_private={"k": "2"})
    with pytest.raises(OpPrereqError) as caught:
        os_params.Given.of(op)
    assert "k" in str(caught.value)


def test_a_secret_that_a_restart_lost_is_asked_for_again() -> None:
    op = OpInstanceReinstall(instance_name="web", osparams_secret={"k": "<redacted>"})
    with pytest.raises(OpPrereqError) as caught:
        os_params.Given.of(op)
    assert "submit" in str(caught.value)
