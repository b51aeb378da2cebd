# SPDX-License-Identifier: GPL-2.0-or-later
"""The tool that tries a server, against one that is well and some that are not."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ganeti.confd.answers import Facts
from ganeti.confd.exercise import Exercise, Failure, key_of, main, parse
from ganeti.confd.packet import Key
from ganeti.confd.responder import Responder
from ganeti.confd.server import Server
from ganeti.model.config import Config
from ganeti.paths import Paths
from ganeti.utils.clock import Clock
from test.support.confd import SECRET, config, nic, with_nics

Reply = Callable[[bytes], bytes | None]


def responder(cfg: Config) -> Reply:
    made = Responder(Key(SECRET), Clock())
    made.put_in_service(Facts(cfg))
    return made.reply


@contextlib.contextmanager
def exercise(reply: Reply, said: list[str]) -> Iterator[Exercise]:
    server = Server("127.0.0.1", 0, reply)
    thread = threading.Thread(target=server.serve)
    thread.start()
    made = Exercise(Key(SECRET), "127.0.0.1", said.append, port=server.port, timeout_s=0.5)
    try:
        yield made
    finally:
        made.close()
        server.stop()
        thread.join()


def test_a_server_that_is_well() -> None:
    said: list[str] = []
    with exercise(responder(config()), said) as made:
        made.functions()
        made.timings(3)
    *functions, ping, master, role = said
    assert functions == [
        "ping: 3000000",
        "cluster master: master.lab",
        "cluster master by fields: ['master.lab', '10.9.9.9', '10.0.0.2']",
        "role of the master: 0",
        "primary IPs of nodes: ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6']",
        "primary IPs of candidates: ['10.0.0.3', '10.0.0.2']",
        "instance IPs: ['192.0.2.1']",
        "their nodes: [[0, '10.0.0.3', 7]]",
        "node of 192.0.2.1: 10.0.0.3",
    ]
    for line, what in ((ping, "ping"), (master, "cluster master"), (role, "node role")):
        assert line.startswith(f"{what}: 3 requests in ")


def test_a_silent_server() -> None:
    with exercise(lambda _: None, []) as made, pytest.raises(Failure) as failed:
        made.functions()
    assert str(failed.value) == "Did not receive all expected confd replies"


def test_a_server_that_has_an_error() -> None:
    facts = Facts(config())
    del facts.links
    made = Responder(Key(SECRET), Clock())
    made.put_in_service(facts)
    with exercise(made.reply, []) as tried, pytest.raises(Failure) as failed:
        tried.functions()
    assert str(failed.value) == "instance IPs: status 1, answer 1"


def test_a_server_that_has_many_instances() -> None:
    cfg = config()
    web = with_nics(cfg, "web.lab", *(nic(f"192.0.2.{n}", link="br0") for n in range(3, 255)))
    said: list[str] = []
    with exercise(responder(web), said) as made:
        made.functions()
    nodes = next(line for line in said if line.startswith("their nodes: "))
    assert nodes.count("10.0.0.") == 100


class TwoConfigurations:
    """Who answers the fourth question knows another master."""

    def __init__(self) -> None:
        cfg = config()
        other = cfg.cluster.replace(master_node=cfg.node("candidate.lab").uuid)
        self._replies = [responder(cfg)] * 3 + [responder(cfg.changed([other]))]

    def __call__(self, data: bytes) -> bytes | None:
        return self._replies.pop(0)(data)


def test_a_master_that_is_none() -> None:
    with (
        exercise(TwoConfigurations(), []) as made,
        pytest.raises(Failure, match="has another role"),
    ):
        made.functions()


def test_the_key_is_that_of_the_file_or_the_option(tmp_path: Path) -> None:
    paths = Paths(str(tmp_path))
    Path(paths.data_dir).mkdir(parents=True)
    Path(paths.hmac_key).write_bytes(SECRET)
    good = Key(SECRET).sign(b"salt", b"text")
    text = SECRET.decode()
    for argv in ([], ["--hmac", text], ["--hmac", text.strip()]):
        assert key_of(parse(argv), paths).sign(b"salt", b"text") == good


def test_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = parse([])
    assert (options.address, options.requests) == ("127.0.0.1", 100)
    with pytest.raises(SystemExit) as wrong:
        main(["argument"], Paths(str(tmp_path)))
    assert wrong.value.code == 2
    assert main([], Paths(str(tmp_path))) == 1
    assert "hmac.key" in capsys.readouterr().err
