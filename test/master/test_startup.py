# SPDX-License-Identifier: GPL-2.0-or-later
"""What a starting master knows, before and after the vote."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganeti.errors import GenericError
from ganeti.master.parts import Parts
from ganeti.master.startup import Startup
from ganeti.model import configfile
from ganeti.model.config import Config
from ganeti.paths import Paths
from ganeti.utils import net
from test.support.cluster import a_cluster


@pytest.fixture
def cfg() -> Config:
    try:
        me = net.resolve(net.own_name()).name
    except GenericError:
        pytest.skip("the name of this host does not resolve")
    return a_cluster().with_nodes(me).build()


def write(paths: Paths, cfg: Config) -> None:
    """As the node daemon does: another file takes the place of the old one."""
    Path(f"{paths.config_data}.new").write_bytes(configfile.encode(cfg))
    os.rename(f"{paths.config_data}.new", paths.config_data)


def test_what_changed_while_the_nodes_voted_is_read_again(tmp_path: Path, cfg: Config) -> None:
    paths = Paths(str(tmp_path))
    os.makedirs(paths.data_dir)
    write(paths, cfg)
    before = Startup(paths, Parts())
    Path(paths.master_epoch).write_text("3\n")
    same = before.renewed()
    assert same.cfg is before.cfg
    assert same.epoch == 3
    write(paths, cfg.stamped(77, 5.0))
    assert same.renewed().cfg.serial_no == 77
