# SPDX-License-Identifier: GPL-2.0-or-later
"""Staging, writing, publishing; failures, candidates, foreign edits, and other masters."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ganeti.errors import ConfigurationError, ProgrammerError
from ganeti.master.config.store import Ticket
from ganeti.model.config import Config
from ganeti.rpc.runner import Deposed
from test.support.cluster import NOW, a_cluster
from test.support.config_world import ConfigWorld, tagged


def a_config() -> Config:
    return a_cluster().with_nodes("n1", "n2", "n3").with_instance("web").build()


@pytest.fixture
def world(tmp_path: Path) -> ConfigWorld:
    """A store that has written its first round."""
    world = ConfigWorld(tmp_path, a_config())
    world.round()
    return world


def test_a_start_writes_the_configuration_again(tmp_path: Path) -> None:
    world = ConfigWorld(tmp_path, a_config())
    assert world.on_disk()["serial_no"] == 1
    world.round()
    # One number is skipped: a crash may have left it on a candidate.
    assert world.on_disk()["serial_no"] == world.cfg.serial_no == 3
    assert world.on_candidate("n2") == world.on_candidate("n3") == world.on_disk()
    assert world.cfg.master.uuid not in world.candidates.has


def test_what_is_staged_is_not_seen_before_it_is_durable(world: ConfigWorld) -> None:
    before = world.on_disk()
    ticket = world.stage(tagged("a"))
    assert not world.cfg.cluster.tags
    assert world.on_disk() == before
    assert not ticket.done.is_set()
    world.round()
    ticket.wait()
    assert world.cfg.cluster.tags == ("a",)
    assert world.on_disk()["cluster"]["tags"] == ["a"]
    assert world.on_disk()["serial_no"] == before["serial_no"] + 1
    assert world.on_candidate("n2") == world.on_disk()


def test_transactions_that_are_staged_together_are_written_together(world: ConfigWorld) -> None:
    before = world.cfg.serial_no
    tickets = [world.stage(tagged(name)) for name in "abc"]
    world.round()
    for ticket in tickets:
        ticket.wait()
    assert world.cfg.cluster.tags == ("a", "b", "c")
    assert world.cfg.serial_no == before + 1


def test_an_exception_stages_nothing(world: ConfigWorld) -> None:
    with pytest.raises(ValueError, match="oops"):
        with world.store.stage() as ticket:
            tagged("a")(ticket.transaction)
            raise ValueError("oops")
    world.change(tagged("b"))
    assert world.cfg.cluster.tags == ("b",)


def test_an_empty_transaction_writes_nothing(world: ConfigWorld) -> None:
    before = world.on_disk()
    ticket = world.stage(lambda transaction: None)
    ticket.wait()
    assert world.on_disk() == before


def test_who_finds_that_nothing_is_left_to_do_waits_for_those_who_do_it(
    world: ConfigWorld,
) -> None:
    world.stage(tagged("a"))
    good = world.stage(lambda transaction: None)
    assert not good.done.is_set()
    world.round()
    good.wait()
    world.primitives.fails_at = "rename"
    world.stage(tagged("b"))
    bad = world.stage(lambda transaction: None)
    world.round()
    with pytest.raises(ConfigurationError):
        bad.wait()


def test_a_transaction_inside_of_one_is_a_bug(world: ConfigWorld) -> None:
    with pytest.raises(ProgrammerError):
        with world.store.stage(), world.store.stage():
            pass
    world.change(tagged("a"))


@pytest.mark.parametrize("step", ["write", "sync", "rename", "sync-directory"])
def test_a_disk_that_fails(world: ConfigWorld, step: str) -> None:
    used = {content["serial_no"] for content in [world.on_disk()]}
    world.primitives.fails_at = step
    tickets = [world.stage(tagged("a")), world.stage(tagged("b"))]
    world.round()
    for ticket in tickets:
        with pytest.raises(ConfigurationError, match=r"nothing was changed.*No space left"):
            ticket.wait()
    assert world.cfg.cluster.tags == ()
    failed = world.on_candidate("n2")
    assert failed["cluster"]["tags"] == ["a", "b"]
    used.add(failed["serial_no"])

    world.primitives.fails_at = None
    world.round()
    # What was published is written again, so that nobody ever takes up what failed.
    assert world.on_disk()["serial_no"] > max(used)
    assert world.on_disk()["cluster"].get("tags", []) == []
    assert world.on_candidate("n2") == world.on_candidate("n3") == world.on_disk()


def test_what_was_staged_on_top_of_what_fails_fails_too(world: ConfigWorld) -> None:
    later: list[Ticket] = []

    def stage_another(_node: str, _content: object) -> None:
        if not later:
            later.append(world.stage(tagged("b")))

    world.candidates.when_kept = stage_another
    world.primitives.fails_at = "rename"
    with pytest.raises(ConfigurationError):
        world.change(tagged("a"))
    with pytest.raises(ConfigurationError, match="nothing was changed"):
        later[0].wait()
    world.primitives.fails_at = None
    world.change(tagged("c"))
    assert world.cfg.cluster.tags == ("c",)


def test_after_a_failure_the_next_change_comes_on_top_of_what_is_published(
    world: ConfigWorld,
) -> None:
    world.primitives.fails_at = "rename"
    world.stage(tagged("lost"))
    world.round()
    world.primitives.fails_at = None
    world.change(tagged("kept"))
    sent = [content for _, content in world.candidates.sent]
    assert world.cfg.cluster.tags == ("kept",)
    assert world.on_disk()["cluster"]["tags"] == ["kept"]
    serials = [world.cfg.serial_no - n for n in (2, 1, 0)]
    # The failed one, the published one once more, the new one: a number each.
    wires = [content.data for content in dict.fromkeys(sent)][-3:]
    assert [f'"serial_no":{n}'.encode() in data for n, data in zip(serials, wires, strict=True)]
    assert b'"lost"' in wires[0]
    assert b'"lost"' not in wires[1]
    assert b'"kept"' in wires[2]


def test_while_the_disk_fails_nothing_more_is_sent(world: ConfigWorld) -> None:
    """Only one number can be on a candidate that is beyond that of the file here."""
    world.primitives.fails_at = "write"
    with pytest.raises(ConfigurationError):
        world.change(tagged("a"))
    sent = len(world.candidates.sent)
    for _ in range(3):
        with pytest.raises(ConfigurationError):
            world.change(tagged("b"))
    assert len(world.candidates.sent) == sent


def test_an_edited_file_is_not_overwritten(world: ConfigWorld) -> None:
    world.path.write_bytes(world.path.read_bytes().replace(b'"n3"', b'"n4"'))
    edited, sent = world.path.read_bytes(), len(world.candidates.sent)
    with pytest.raises(ConfigurationError, match="was changed by somebody else"):
        world.change(tagged("a"))
    assert world.path.read_bytes() == edited
    assert len(world.candidates.sent) == sent
    assert world.cfg.instance("web").name == "web"


def test_a_file_that_is_gone_is_not_made_again(world: ConfigWorld) -> None:
    world.path.unlink()
    with pytest.raises(ConfigurationError, match="was changed by somebody else"):
        world.change(tagged("a"))
    assert not world.path.exists()


def test_a_write_that_failed_late_is_no_edit_by_others(world: ConfigWorld) -> None:
    world.primitives.fails_at = "sync-directory"
    with pytest.raises(ConfigurationError):
        world.change(tagged("a"))
    world.primitives.fails_at = None
    world.change(tagged("b"))
    assert world.on_disk()["cluster"]["tags"] == ["b"]


def test_a_candidate_that_fails_is_warned_about_once(world: ConfigWorld) -> None:
    world.candidates.failures[world.cfg.node("n2").uuid] = OSError("connection refused")
    ticket = world.change(tagged("a"))
    assert ticket.transaction.warnings == [
        "master candidate n2 does not have this change yet: connection refused"
    ]
    assert list(world.store.behind()) == [world.cfg.node("n2").uuid]
    assert world.change(tagged("b")).transaction.warnings == []


def test_a_silent_candidate_is_waited_for_and_then_left_behind(world: ConfigWorld) -> None:
    world.candidates.silent.add(world.cfg.node("n3").uuid)
    ticket = world.change(tagged("a"))
    assert "n3 does not have this change yet: no answer" in ticket.transaction.warnings[0]


def test_a_master_without_candidates_says_so_each_time(world: ConfigWorld) -> None:
    for name in ("n2", "n3"):
        world.candidates.failures[world.cfg.node(name).uuid] = OSError("no route")
    for tag in "ab":
        warnings = world.change(tagged(tag)).transaction.warnings
        assert "if the master is lost now, this change is lost too" in warnings[-1]
    assert world.cfg.cluster.tags == ("a", "b")


def test_a_candidate_that_comes_back_gets_the_newest(world: ConfigWorld) -> None:
    uuid = world.cfg.node("n2").uuid
    world.candidates.failures[uuid] = OSError("no route")
    world.change(tagged("a"))
    world.change(tagged("b"))
    world.candidates.failures.clear()
    world.alarms.pass_time(60)
    assert world.on_candidate("n2") == world.on_disk()
    assert world.store.behind() == {}


def test_candidates_come_and_go_with_the_configuration(world: ConfigWorld) -> None:
    n3 = world.cfg.node("n3")
    world.change(lambda t: t.put(t.root.nodes[n3.uuid].replace(master_candidate=False)))
    last = world.candidates.has.pop(n3.uuid)
    assert b'"tags"' not in last.data
    world.change(tagged("a"))
    assert n3.uuid not in world.candidates.has
    world.change(lambda t: t.put(t.root.nodes[n3.uuid].replace(master_candidate=True)))
    assert world.on_candidate("n3") == world.on_disk()


def test_a_deposed_master_acknowledges_nothing_more(world: ConfigWorld) -> None:
    world.candidates.failures[world.cfg.node("n2").uuid] = Deposed("n2 obeys n3")
    with pytest.raises(Deposed, match="n2 obeys n3"):
        world.change(tagged("a"))
    assert world.cfg.cluster.tags == ()
    with pytest.raises(Deposed, match="n2 obeys n3"):
        world.stage(tagged("b"))


def test_ssconf_is_sent_where_it_changed(world: ConfigWorld) -> None:
    world.nodes.sent.clear()
    web = world.cfg.instance("web")
    world.change(lambda t: t.put(t.root.instances[web.uuid].replace(admin_state="up")))
    assert world.nodes.sent == []
    serial = world.cfg.cluster.serial_no
    world.change(lambda t: t.put(t.root.instances[web.uuid].replace(name="www")))
    assert world.cfg.cluster.serial_no == serial + 1
    assert {node for node, _ in world.nodes.sent} == set(world.cfg.nodes)
    assert {values["instance_list"] for _, values in world.nodes.sent} == {"www"}


def test_offline_nodes_get_no_ssconf_and_all_of_it_when_they_are_back(world: ConfigWorld) -> None:
    n3 = world.cfg.node("n3").uuid
    roles = {"offline": True, "master_candidate": False}
    world.change(lambda t: t.put(t.root.nodes[n3].replace(**roles)))
    world.nodes.has.clear()
    world.change(tagged("a"))
    assert n3 not in world.nodes.has
    world.change(lambda t: t.put(t.root.nodes[n3].replace(offline=False)))
    assert world.nodes.has[n3]["cluster_tags"] == "a"


def test_ssconf_of_a_change_that_failed_does_not_stay_on_the_nodes(world: ConfigWorld) -> None:
    world.change(tagged("a"))
    world.primitives.fails_at = "sync"
    with pytest.raises(ConfigurationError):
        world.change(tagged("b"))
    world.primitives.fails_at = None
    world.round()
    assert {values["cluster_tags"] for values in world.nodes.has.values()} == {"a"}
    world.nodes.has.clear()
    world.round()
    assert world.nodes.has == {}


def test_ssconf_travels_while_the_configuration_is_written(world: ConfigWorld) -> None:
    order: list[str] = []
    world.nodes.when_kept = lambda _node, _values: order.append("node")
    world.store.when_published = lambda _before, _after: order.append("published")
    world.change(tagged("a"))
    assert order == ["node"] * len(world.cfg.nodes) + ["published"]


def test_a_node_without_ssconf_is_warned_about(world: ConfigWorld) -> None:
    world.nodes.failures[world.cfg.node("n3").uuid] = OSError("no route")
    warnings = world.change(tagged("a")).transaction.warnings
    assert warnings == ["node n3 does not have the newest ssconf files: no route"]


def test_ssconf_can_be_sent_once_more(world: ConfigWorld) -> None:
    world.store.start()
    world.nodes.has.clear()
    before = world.cfg.serial_no
    assert world.store.push_ssconf() == []
    assert set(world.nodes.has) == set(world.cfg.nodes)
    assert world.cfg.serial_no == before
    world.store.close()


def test_who_publishes_tells(world: ConfigWorld) -> None:
    told: list[tuple[int, int]] = []
    world.store.when_published = lambda a, b: told.append((a.serial_no, b.serial_no))
    before = world.cfg.serial_no
    world.change(tagged("a"))
    assert told == [(before, before + 1)]


def test_writes_are_counted_by_context(tmp_path: Path) -> None:
    world = ConfigWorld(tmp_path, a_config())
    world.store.start()
    for tag in "ab":
        with world.store.write("job-1") as transaction:
            tagged(tag)(transaction)
    assert (world.store.writes_of("job-1"), world.store.writes_of("job-2")) == (2, 0)
    world.store.release("job-1")
    assert world.store.writes_of("job-1") == 0
    world.store.close()


def test_many_threads_lose_nothing(tmp_path: Path) -> None:
    world = ConfigWorld(tmp_path, a_config())
    world.store.start()

    def work(name: str) -> None:
        for number in range(5):
            with world.store.write(name) as transaction:
                tagged(f"{name}.{number}")(transaction)
            assert f"{name}.{number}" in world.cfg.cluster.tags

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.store.close()
    assert sorted(world.on_disk()["cluster"]["tags"]) == sorted(
        f"t{n}.{m}" for n in range(8) for m in range(5)
    )
    assert world.on_disk()["serial_no"] <= 3 + 40


def test_a_start_removes_what_a_write_left_that_a_crash_cut_short(tmp_path: Path) -> None:
    world = ConfigWorld(tmp_path, a_config())
    left_over = world.path.with_name(f".{world.path.name}.0123456789ab.new")
    of_others = world.path.with_name(".ssconf_cluster_name.0123456789ab.new")
    for path in (left_over, of_others):
        path.touch()
    world.store.start()
    world.store.close()
    assert not left_over.exists() and of_others.exists()


def test_a_store_that_is_closed_takes_nothing_more(tmp_path: Path) -> None:
    world = ConfigWorld(tmp_path, a_config())
    ticket = world.stage(tagged("a"))
    world.store.start()
    world.store.close()
    ticket.wait()
    assert world.on_disk()["cluster"]["tags"] == ["a"]
    with pytest.raises(ConfigurationError, match="is ending"):
        world.stage(tagged("b"))


def test_what_a_transaction_stores_is_stamped(world: ConfigWorld) -> None:
    world.clock.pass_time(100)
    web = world.cfg.instance("web")
    world.change(lambda t: t.put(t.root.instances[web.uuid].replace(admin_state="up")))
    stored = world.cfg.instance("web")
    assert (stored.serial_no, stored.ctime, stored.mtime) == (2, NOW, world.clock.now())
    assert world.cfg.mtime == world.clock.now()
