# SPDX-License-Identifier: GPL-2.0-or-later
"""The local protocol over its real sockets, with a real queue behind it."""

from __future__ import annotations

import logging
import os
import random
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ganeti import errors
from ganeti.luxi import framing
from ganeti.luxi.client import Client, ProtocolError
from ganeti.master.luxi_methods import LuxiMethods
from ganeti.master.luxi_requests import Requests
from ganeti.master.luxi_server import WORKERS, LuxiServer
from test.support.cluster import a_cluster, a_uuid
from test.support.descriptors import few_descriptors, many_descriptors
from test.support.luxi_world import LuxiWorld as World
from test.support.luxi_world import Raw
from test.support.master_world import MasterWorld
from test.support.queue_world import PATIENCE_S, Gate, scripted


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def raw(world: World) -> Raw:
    return Raw(world.paths.query_socket)


def test_both_sockets_serve_everything(world: World) -> None:
    for path in (world.paths.master_socket, world.paths.query_socket):
        state = os.stat(path)
        assert stat.S_ISSOCK(state.st_mode)
        assert stat.S_IMODE(state.st_mode) == 0o660
        with Raw(path) as client:
            client.ask("QueryConfigValues", ["cluster_name"])
            assert client.answers(1)[0]["result"] == ["cluster.example.com"]


def test_the_sockets_are_gone_afterwards(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.close()
    assert os.listdir(world.paths.socket_dir) == []


def test_a_stale_socket_is_no_obstacle(tmp_path: Path) -> None:
    world = MasterWorld(tmp_path, a_cluster().build())
    for _ in range(2):
        server = LuxiServer(world.paths, Requests(LuxiMethods(world.services)))
        server.bind()
    server.start()
    with Client(world.paths) as client:
        assert client.QueryConfigValues(["master_node"]) == ["n1"]
    server.stop()


def test_a_job_from_its_submission_to_its_archive(world: World) -> None:
    client, gate = world.client, Gate()
    world.queue.script("gated", gate)
    job_id = client.SubmitJob([scripted("gated").encode()])
    gate.wait_for_arrival()
    assert client.QueryJobs([job_id], ["id", "status"]) == [[job_id, "running"]]
    assert client.CancelJob(job_id)[0] is False
    assert client.ArchiveJob(job_id) is False
    gate.let_through()
    info, serial = ["running"], -1
    while info == ["running"]:
        info, _ = client.WaitForJobChange(job_id, ["status"], info, serial, 10)
    assert info == ["success"]
    assert client.ArchiveJob(job_id) is True
    assert client.QueryJobs([], ["id"]) == []
    assert client.QueryJobs([], ["id", "archived"]) == [[job_id, True]]


def test_several_jobs_at_once(world: World) -> None:
    ops = [scripted("nothing").encode()]
    ((first_ok, first), (second_ok, second)) = world.client.SubmitManyJobs([ops, ops])
    assert (first_ok, second_ok, second) == (True, True, first + 1)


def test_a_drained_queue(world: World) -> None:
    ops = [scripted("nothing").encode()]
    assert world.client.SetDrainFlag(True) is True
    assert world.client.QueryConfigValues(["drain_flag"]) == [True]
    with pytest.raises(errors.JobQueueDrainError):
        world.client.SubmitJob(ops)
    assert world.client.SubmitJobToDrainedQueue(ops) == 1


def test_jobs_that_do_not_exist(world: World) -> None:
    with pytest.raises(errors.JobLost):
        world.client.WaitForJobChange(4711, ["status"], None, None, 1)
    assert world.client.CancelJob(4711)[0] is False
    with pytest.raises(errors.GenericError, match="by itself"):
        world.client.call("PickupJob", 4711)
    assert world.client.QueryJobs([4711], ["id", "status"]) == [[4711, None]]


def test_a_wait_ends_without_change_when_its_time_is_over(world: World) -> None:
    gate = Gate()
    world.queue.script("gated", gate)
    job_id = world.client.SubmitJob([scripted("gated").encode()])
    gate.wait_for_arrival()
    answers: list[Any] = []
    waiter = threading.Thread(
        target=lambda: answers.append(
            world.new_client().WaitForJobChange(job_id, ["status"], ["running"], 0, 10)
        )
    )
    world.queue.pass_time(1)  # what the queue writes lazily
    waiter.start()
    world.queue.wait_for_alarm()
    world.queue.pass_time(10)
    waiter.join(PATIENCE_S)
    assert answers == ["nochange"]
    gate.let_through()


def test_many_watchers_take_no_threads(world: World) -> None:
    gate = Gate()
    world.queue.script("gated", gate)
    job_id = world.client.SubmitJob([scripted("gated").encode()])
    gate.wait_for_arrival()
    watchers = [raw(world) for _ in range(200)]
    for watcher in watchers:
        watcher.ask("WaitForJobChange", job_id, ["status"], ["running"], 0, 60)
    assert world.client.QueryConfigValues(["master_node"]) == ["n1"]
    world.queue.alarms.wait_for(200, PATIENCE_S)
    assert threading.active_count() < 100
    gate.let_through()
    for watcher in watchers:
        (answer,) = watcher.answers(1)
        assert answer["result"] == [["success"], []]
        watcher.close()


def test_slow_requests_of_others_do_not_hold_anybody_up(world: World) -> None:
    gate = Gate()
    world.queue.script("gated", gate)
    held = [raw(world) for _ in range(10)]
    world.queue.candidates.hold()
    for client in held:
        client.ask("SetDrainFlag", False)
    assert world.client.QueryConfigValues(["master_node"]) == ["n1"]
    world.queue.candidates.let_go()
    for client in held:
        assert client.answers(1)[0] == {"success": True, "result": True}
        client.close()


def test_requests_of_one_client_are_answered_in_order(world: World) -> None:
    with raw(world) as client:
        names = ["master_node", "cluster_name", "volume_group_name"] * 20
        client.send(
            b"".join(
                framing.encode({"method": "QueryConfigValues", "args": [[name]]}) for name in names
            )
        )
        values = {"master_node": "n1", "cluster_name": "cluster.example.com"}
        expected = [[values.get(name, "xenvg")] for name in names]
        assert [answer["result"] for answer in client.answers(len(names))] == expected


def test_a_large_answer_comes_through_a_slow_reader(world: World) -> None:
    world.queue.script("large", "x" * 3_000_000)
    job_id = world.queue.submit("large")
    world.queue.until(job_id)
    with raw(world) as client:
        client.ask("QueryJobs", [job_id], ["opresult"])
        client.ask("QueryJobs", [job_id], ["id"])
        first, second = client.answers(2)
    assert first["result"] == [[["x" * 3_000_000]]]
    assert second["result"] == [[job_id]]


@pytest.mark.parametrize("data", [b"nonsense\x03", b"{}\x03", b"\x03"])
def test_after_garbage_there_is_a_text_and_the_end(world: World, data: bytes) -> None:
    with raw(world) as client:
        client.send(data)
        (answer,) = client.answers(1)
        assert answer["success"] is False and isinstance(answer["result"], str)
        assert client.is_ended()
    assert world.client.QueryConfigValues(["master_node"]) == ["n1"]


def test_a_client_that_leaves_in_the_middle_hurts_nobody(world: World) -> None:
    with raw(world) as client:
        client.send(b'{"method": ')
    with raw(world) as client:
        client.ask("Query", "instance", ["name"], None)
    assert world.client.QueryConfigValues(["master_node"]) == ["n1"]


def test_without_descriptors_clients_wait_until_others_go(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = MasterWorld(tmp_path, a_cluster().build())
    server = LuxiServer(world.paths, Requests(LuxiMethods(world.services)))
    server.bind()
    waiting = [Raw(world.paths.query_socket) for _ in range(20)]
    with few_descriptors(2):
        server.start()
        for client in waiting:
            client.ask("QueryConfigValues", ["master_node"])
            assert client.answers(1)[0]["result"] == ["n1"]
            client.close()
    server.stop()
    assert "a client cannot be accepted" in caplog.text


def test_without_descriptors_the_first_client_is_served_as_soon_as_there_are_some(
    tmp_path: Path,
) -> None:
    world = MasterWorld(tmp_path, a_cluster().build())
    server = LuxiServer(world.paths, Requests(LuxiMethods(world.services)))
    server.bind()
    failed = threading.Event()

    class Tells(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            failed.set()

    logger, handler = logging.getLogger(LuxiServer.__module__), Tells()
    with Raw(world.paths.query_socket) as client:
        logger.addHandler(handler)
        with few_descriptors(0):
            server.start()
            assert failed.wait(PATIENCE_S), "it cannot accept the client"
        logger.removeHandler(handler)
        client.ask("QueryConfigValues", ["master_node"])
        assert client.answers(1)[0]["result"] == ["n1"]
    server.stop()


def test_errors_reach_the_client_as_they_were(world: World) -> None:
    with pytest.raises(errors.OpPrereqError) as caught:
        world.client.Query("node", ["name"], ["==", "name", "n9"])
    assert caught.value.code == "unknown_entity"
    with pytest.raises(errors.OpPrereqError, match="no locks"):
        world.client.QueryNodes([], ["name"], True)
    with pytest.raises(ProtocolError):
        world.client.Query("color", ["name"], None)
    with pytest.raises(ProtocolError):
        world.client.Query("node", ["name"], ["~", "name", "n9"])
    with pytest.raises(errors.ParameterError):
        world.client.Query("node", ["name"], ["?", "color"])


def test_queries(world: World) -> None:
    answer = world.client.Query("node", ["name", "role"], ["|", ["==", "name", "n2"]])
    assert answer["data"] == [[[0, "n2"], [0, "C"]]]
    assert world.client.QueryFields("lock", ["mode"])["fields"][0]["title"] == "Mode"
    assert world.client.QueryInstances(["web", "nobody"], ["name", "pnode"], False) == [
        ["web", "n1"]
    ]
    assert world.client.QueryNodes([], ["name"], False) == [["n1"], ["n2"], ["n3"]]
    assert world.client.QueryGroups([], ["name", "node_cnt"], False) == [["default", 3]]
    assert world.client.QueryNetworks([], ["name"], False) == []
    world.nodes.says("n1", "export_list", ["db", "web"])
    assert world.client.QueryExports(["n1"], False) == [["n1", "db"], ["n1", "web"]]
    assert world.client.QueryTags("cluster", "") == []
    assert world.client.QueryClusterInfo()["master"] == "n1"


def test_job_filters(world: World) -> None:
    client, reason = world.client, [["gnt:user", "maintenance", 1]]
    predicates = [["jobid", ["=", "id", 5]]]
    uuid = client.ReplaceFilter(None, 0, predicates, ["RATE_LIMIT", 2], reason)
    assert client.QueryFilters(None, ["uuid", "predicates", "action", "watermark"]) == [
        [uuid, [["jobid", ["==", "id", 5]]], ["RATE_LIMIT", 2], 0]
    ]
    assert client.ReplaceFilter(uuid, 3, [], "PAUSE", reason) == uuid
    ((priority, action, trail),) = client.QueryFilters(
        [uuid], ["priority", "action", "reason_trail"]
    )
    assert (priority, action, trail[0], trail[1][:2]) == (3, "PAUSE", *reason, ["luxid", ""])
    assert client.ReplaceFilter(a_uuid(77), 0, [], "RATE_LIMIT 3", []) == a_uuid(77)
    with pytest.raises(errors.ParameterError, match="no UUID"):
        client.ReplaceFilter("77", 0, [], "PAUSE", [])
    client.DeleteFilter(uuid)
    assert client.QueryFilters(None, ["uuid"]) == [[a_uuid(77)]]
    with pytest.raises(errors.GenericError, match="no filter"):
        client.DeleteFilter(uuid)


@pytest.mark.parametrize(
    ("predicates", "action"),
    [
        ([], "SLEEP"),
        ([], ["RATE_LIMIT", "many"]),
        ([], "RATE_LIMIT 0"),
        ([["color", ["==", "id", 5]]], "PAUSE"),
        ([["jobid", ["|", ["==", "id", 5], ["?", "status"]]]], "PAUSE"),
        ([["reason", ["!", ["==", "text", "noon"]]]], "PAUSE"),
    ],
)
def test_job_filters_that_make_no_sense(world: World, predicates: Any, action: Any) -> None:
    with pytest.raises((errors.ParameterError, ProtocolError)):
        world.client.ReplaceFilter(None, 0, predicates, action, [])


def test_the_watcher_can_be_paused(world: World) -> None:
    for node in ("n1", "n2", "n3"):
        world.nodes.says(node, "set_watcher_pause", None)
    until = int(world.clock.now()) + 600
    given = world.client.SetWatcherPause(until)
    assert (given, type(given)) == (until, int), "what was given, as it was given"
    assert world.nodes.asked == [(n, "set_watcher_pause", [until]) for n in ("n1", "n2", "n3")]
    with pytest.raises(errors.GenericError, match="past"):
        world.client.SetWatcherPause(until - 1200)
    world.nodes.fails("n2", "set_watcher_pause", "no route to host")
    with pytest.raises(errors.OpExecError, match="n2: no route"):
        world.client.SetWatcherPause(None)


# Clients that misbehave, and clients that wait: others are served meanwhile.


def is_served(world: World) -> bool:
    """Another client that comes now is answered before anything else has changed."""
    return bool(world.new_client().QueryConfigValues(["master_node"]) == ["n1"])


def test_the_sockets_belong_to_whom_they_should(tmp_path: Path) -> None:
    world = MasterWorld(tmp_path, a_cluster().build())
    requests = Requests(LuxiMethods(world.services))
    group = 4242 if os.getuid() == 0 else os.getgid()
    server = LuxiServer(world.paths, requests, owner=(os.getuid(), group))
    server.bind()
    for path in (world.paths.master_socket, world.paths.query_socket):
        found = os.stat(path)
        assert (found.st_uid, found.st_gid) == (os.getuid(), group)
    server.stop()


def test_many_queries_that_wait_for_dead_nodes_hold_nobody_up(world: World) -> None:
    for node in ("n1", "n2", "n3"):
        world.nodes.says(node, "export_list", ["web"])
    world.nodes.hold("n3")
    waiting = [raw(world) for _ in range(2 * WORKERS)]
    for client in waiting:
        client.ask("QueryExports", ["n3"], False)
    world.nodes.wait_for_held("n3", len(waiting))
    assert is_served(world)
    assert world.client.QueryExports(["n2"], False) == [["n2", "web"]]
    assert world.client.SubmitJob([scripted("nothing").encode()]) == 1
    world.nodes.let_go("n3")
    for client in waiting:
        assert client.answers(1)[0]["result"] == [["n3", "web"]]
        client.close()


def test_a_thousand_idle_clients_hold_nobody_up(world: World) -> None:
    with many_descriptors(2100):
        idle = [raw(world) for _ in range(1000)]
        for client in idle[::2]:
            client.send(b'{"method": "QueryConf')
        assert is_served(world)
        for client in idle[::2]:
            client.send(b'igValues", "args": [["master_node"]]}\x03')
        for client in idle[::2]:
            assert client.answers(1)[0]["result"] == ["n1"]
        for client in idle:
            client.close()
        assert is_served(world)


def test_a_request_that_comes_byte_by_byte_is_answered(world: World) -> None:
    with raw(world) as client:
        for byte in framing.encode({"method": "QueryConfigValues", "args": [["master_node"]]}):
            assert is_served(world)
            client.send(bytes([byte]))
        assert client.answers(1)[0]["result"] == ["n1"]


def test_what_never_ends_is_cut_off(world: World) -> None:
    piece = b" " * (1024 * 1024)
    with raw(world) as client, pytest.raises(OSError):
        for _ in range(2 * framing.LIMIT // len(piece)):
            client.send(piece)
            assert is_served(world)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\x03",
        b'{"method": "\xc3", "args": []}\x03',
        b"[" * 1_000_000 + b"\x03",
        b'{"a":' * 1_000_000 + b"\x03",
        b"\x03" * 100_000,
        b'{"method": "ArchiveJob", "args": [NaN]}\x03',
        b'{"method": "ArchiveJob", "args": [%s]}\x03' % (b"9" * 1_000_000),
        b'{"method": "ArchiveJob", "args": [5]}' * 2 + b"\x03",
        random.Random(1).randbytes(100_000) + b"\x03",
    ],
)
def test_more_garbage_is_answered_with_a_text_and_the_end(world: World, data: bytes) -> None:
    with raw(world) as client:
        client.send(data)
        (answer,) = client.answers(1)
        assert answer["success"] is False and isinstance(answer["result"], str)
        assert client.is_ended()
    assert is_served(world)


def test_who_never_reads_its_answer_costs_no_thread(world: World) -> None:
    world.queue.script("large", "x" * 3_000_000)
    job_id = world.queue.submit("large")
    world.queue.until(job_id)
    deaf = [raw(world) for _ in range(WORKERS + 1)]
    for client in deaf:
        client.ask("QueryJobs", [job_id], ["opresult"])
        client.wait_for_data()
    assert is_served(world)
    for client in deaf:
        client.close()
    assert is_served(world)


def test_who_has_said_all_still_gets_the_answers(world: World) -> None:
    with raw(world) as client:
        client.ask("QueryConfigValues", ["master_node"])
        client.ask("QueryConfigValues", ["cluster_name"])
        client.has_said_all()
        assert [a["result"] for a in client.answers(2)] == [["n1"], ["cluster.example.com"]]
        assert client.is_ended()


def test_who_waits_for_a_job_and_has_said_all_still_hears_of_it(world: World) -> None:
    gate = Gate()
    world.queue.script("gated", gate)
    job_id = world.client.SubmitJob([scripted("gated").encode()])
    gate.wait_for_arrival()
    with raw(world) as client:
        client.ask("WaitForJobChange", job_id, ["status"], ["running"], 0, 60)
        client.has_said_all()
        world.queue.wait_for_alarm()
        gate.let_through()
        assert client.answers(1)[0]["result"] == [["success"], []]


def test_half_a_request_and_the_end_is_no_request(world: World) -> None:
    with raw(world) as client:
        client.send(framing.encode({"method": "SubmitJob", "args": [[]]})[:-1])
        client.has_said_all()
        assert client.is_ended()
    assert world.queue.queue.last_id == 0


def test_many_come_and_go_at_once(world: World) -> None:
    def come_and_go(number: int) -> None:
        for turn in range(50):
            with raw(world) as client:
                match (number + turn) % 4:
                    case 0:
                        client.send(b'{"method": ')
                    case 1:
                        client.ask("Query", "node", ["name"], None)
                    case 2:
                        client.ask("Query", "node", ["name"], None)
                        assert len(client.answers(1)) == 1

    crowd = [threading.Thread(target=come_and_go, args=(number,)) for number in range(8)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(PATIENCE_S)
    assert is_served(world)


def test_a_client_that_waits_for_a_job_and_leaves_hurts_nobody(world: World) -> None:
    gate = Gate()
    world.queue.script("gated", gate)
    job_id = world.client.SubmitJob([scripted("gated").encode()])
    gate.wait_for_arrival()
    with raw(world) as client:
        client.ask("WaitForJobChange", job_id, ["status"], ["running"], 0, 60)
        world.queue.wait_for_alarm()
    gate.let_through()
    world.queue.until(job_id)
    assert is_served(world)
