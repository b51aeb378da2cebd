# SPDX-License-Identifier: GPL-2.0-or-later
"""What is read is written again, whatever it has that is not known here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti.errors import ConfigurationError, ConfigVersionMismatch
from ganeti.model import configfile
from ganeti.model.config import Config
from test.support.cluster import a_cluster

FRESH = Path(__file__).parents[1] / "goldens" / "config" / "fresh.json"


def fresh() -> dict[str, Any]:
    """A cluster of one node, as release 3.0 has it after its first start."""
    raw: dict[str, Any] = json.loads(FRESH.read_text())
    return raw


def written(raw: dict[str, Any]) -> Any:
    return json.loads(configfile.encode(configfile.load(json.dumps(raw).encode())))


def a_mixed_cluster() -> Config:
    builder = a_cluster().with_nodes("n1", "n2").with_network("net", "192.0.2.0/24")
    for template in ("drbd", "plain", "file", "sharedfile", "rbd", "ext", "blockdev", "gluster"):
        builder.with_instance(f"{template}.example.com", template=template, tags=("a", "b"))
    return builder.with_instance("none.example.com").build()


def test_a_file_of_release_3_0_is_written_back_equal() -> None:
    raw = fresh()
    assert written(raw) == raw
    assert list(written(raw)) == list(raw)


def test_every_kind_of_disk_is_written_back_equal() -> None:
    raw = json.loads(configfile.encode(a_mixed_cluster()))
    assert written(raw) == raw


def test_unknown_keys_are_kept_at_every_level() -> None:
    raw = json.loads(configfile.encode(a_mixed_cluster()))
    raw["maintenance"] = {"roundDelay": 300}
    raw["cluster"]["new"] = raw["cluster"]["hvparams"]["kvm"]["new"] = [1]
    for section in ("nodes", "nodegroups", "instances", "disks", "networks"):
        for item in raw[section].values():
            item["new"] = {"deep": None}
            for inner in (*item.get("nics", ()), *item.get("children", ())):
                inner["new"] = 1.5
    assert written(raw) == raw
    assert list(written(raw)) == list(raw)


def test_the_indented_form_of_old_releases_is_read() -> None:
    raw = fresh()
    text = json.dumps(raw, indent=2, sort_keys=True)
    assert json.loads(configfile.encode(configfile.load(text.encode()))) == raw


def test_the_file_is_one_line_and_a_newline() -> None:
    data = configfile.encode(a_mixed_cluster())
    assert data.endswith(b"}\n")
    assert data.count(b"\n") == 1


def test_names_in_any_script_survive() -> None:
    cfg = a_cluster().with_cluster(tags=("größe", "日本")).build()
    assert configfile.load(configfile.encode(cfg)).cluster.tags == ("größe", "日本")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda raw: raw.pop("version"), "it has no version number"),
        (lambda raw: raw.pop("cluster"), "it has no cluster"),
        (lambda raw: raw.update(nodes=[]), "it has no nodes"),
        (lambda raw: raw.update(disks=[]), "disks: expected an object"),
        (lambda raw: raw.update(serial_no="x"), "it has no serial number"),
        (lambda raw: raw["cluster"].pop("rsahostkeypub"), "cluster/rsahostkeypub: is missing"),
        (lambda raw: raw["cluster"].update(master_node="x"), "names x as master"),
        (
            lambda raw: next(iter(raw["nodes"].values())).update(offline="no"),
            "/offline: expected a boolean, got 'no'",
        ),
        (
            lambda raw: next(iter(raw["nodes"].values())).update(uuid="other"),
            "has the UUID other",
        ),
    ],
)
def test_damage_is_named(change: Any, text: str) -> None:
    raw = fresh()
    change(raw)
    with pytest.raises(ConfigurationError, match=text):
        configfile.load(json.dumps(raw).encode())


def test_a_cut_file_is_damaged() -> None:
    with pytest.raises(ConfigurationError, match="is damaged"):
        configfile.load(configfile.encode(a_mixed_cluster())[:-10])


def test_another_version_is_refused() -> None:
    raw = fresh() | {"version": 2160000}
    with pytest.raises(ConfigVersionMismatch) as caught:
        configfile.parse(json.dumps(raw).encode())
    assert caught.value.args == (3000000, 2160000)


MANY = a_cluster().with_nodes("n1", "n2")
for number in range(300):
    MANY.with_instance(f"i{number}")
MANY_CFG = MANY.build()
UUIDS = list(MANY_CFG.instances)


def test_pieces_that_stay_the_same_are_the_same_objects() -> None:
    encoder = configfile.Encoder(piece=4)
    before = encoder.pieces(MANY_CFG)
    changed = MANY_CFG.changed([MANY_CFG.instances[UUIDS[17]].replace(admin_state="up")])
    after = encoder.pieces(changed)
    assert b"".join(after) == configfile.encode(changed)
    known = {id(piece) for piece in before}
    new = sum(len(piece) for piece in after if id(piece) not in known)
    assert new < sum(map(len, after)) / 2


@given(st.lists(st.tuples(st.sampled_from(UUIDS), st.booleans()), max_size=8))
def test_encoding_in_steps_is_encoding_at_once(steps: list[tuple[str, bool]]) -> None:
    encoder, cfg = configfile.Encoder(piece=4), MANY_CFG
    for uuid, is_removal in steps:
        instance = cfg.instances.get(uuid)
        if instance is None:
            cfg = cfg.changed([MANY_CFG.instances[uuid]])
        elif is_removal:
            cfg = cfg.changed([], [instance])
        else:
            cfg = cfg.changed([instance.replace(serial_no=instance.serial_no + 1)])
        assert b"".join(encoder.pieces(cfg)) == configfile.encode(cfg)
