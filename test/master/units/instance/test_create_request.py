# SPDX-License-Identifier: GPL-2.0-or-later
"""What a request for a new instance must make up its mind about."""

from typing import Any

import pytest

from ganeti.errors import OpPrereqError
from ganeti.master.units.instance import create_request
from ganeti.opcodes.instance import OpInstanceCreate
from test.support.cluster import a_cluster

CLUSTER = (
    a_cluster()
    .with_cluster(
        enabled_disk_templates=["sharedfile", "diskless", "drbd", "ext"], blacklisted_os=["bad"]
    )
    .build()
    .cluster
)


def request(**more: Any) -> OpInstanceCreate:
    given: dict[str, Any] = {
        "instance_name": "web.x",
        "mode": "create",
        "disks": [{"size": 1024}],
        "nics": [],
        "os_type": "noop",
        "pnode": "n1",
    }
    return OpInstanceCreate(**{**given, **more})


def test_defaults_follow_from_the_cluster() -> None:
    op = request()
    create_request.settle(op, CLUSTER)
    assert (op.disk_template, op.file_driver, op.start) == ("sharedfile", "loop", True)


def test_without_installation_nothing_is_started() -> None:
    op = request(no_install=True, os_type=None)
    create_request.settle(op, CLUSTER)
    assert not op.start


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"disk_template": "plain"}, "not enabled"),
        ({"disk_template": "diskless"}, "no disks"),
        ({"disks": []}, "at least one disk"),
        ({"disks": [{"size": "big"}]}, "'big'"),
        ({"disks": [{"size": 0}]}, "'0'"),
        ({"disks": [{"mode": "rw"}]}, "give a size"),
        ({"disks": [{"size": 1, "mode": "xx"}]}, "'xx'"),
        ({"disks": [{"size": 1, "colour": "red"}]}, "colour"),
        ({"disks": [{"size": 1, "name": "a"}, {"size": 1, "name": "a"}]}, "named a"),
        ({"disks": [{"size": 1, "adopt": "lv"}]}, "adopted"),
        ({"disks": [{"size": 1, "access": "userspace"}]}, "no access mode"),
        ({"disks": [{"size": 1}] * 17}, "16 disks"),
        ({"nics": [{}] * 9}, "8 NICs"),
        ({"disk_template": "ext"}, "provider"),
        ({"disk_template": "drbd"}, "secondary node"),
        ({"disk_template": "diskless", "disks": [], "file_driver": "loop"}, "file options"),
        ({"pnode": None}, "-n"),
        ({"iallocator": "hail"}, "not both"),
        ({"opportunistic_locking": True}, "allocator"),
        ({"os_type": None}, "-o"),
        ({"os_type": "bad+variant"}, "blacklisted"),
        ({"forthcoming": True, "commit": True}, "exclude"),
        ({"mode": "import"}, "import"),
    ],
)
def test_what_is_refused_is_named(more: dict[str, Any], word: str) -> None:
    with pytest.raises(OpPrereqError) as caught:
        create_request.settle(request(**more), CLUSTER)
    assert word in str(caught.value)
