# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may call: the list of candidates and the time before there is one."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ganeti.http.messages import Peer, Request, Response
from ganeti.node.peers import Peers
from ganeti.paths import Paths
from ganeti.ssconf import Ssconf
from ganeti.utils.files import Disk

CLUSTER, ONE, TWO = "CL:US", "AA:01", "AA:02"


@pytest.fixture
def ssconf(tmp_path: Path) -> Ssconf:
    paths = Paths(str(tmp_path))
    os.makedirs(paths.data_dir)
    os.makedirs(paths.lock_dir)
    return Ssconf(paths)


def listing(ssconf: Ssconf, *digests: str) -> None:
    lines = (f"uuid-{n}={digest}" for n, digest in enumerate(digests))
    ssconf.write(Disk(), {"master_candidates_certs": "\n".join(lines)})


def let_in(peers: Peers, digest: str | None) -> bool:
    request = Request("POST", "/version", {}, b"", Peer("192.0.2.1", 5, digest))
    answer = peers.authorize(request)
    assert answer == digest or (isinstance(answer, Response) and answer.status == 403)
    return not isinstance(answer, Response)


def test_only_listed_certificates_get_in(ssconf: Ssconf) -> None:
    listing(ssconf, ONE, TWO)
    peers = Peers(ssconf, CLUSTER)
    assert let_in(peers, ONE)
    assert let_in(peers, TWO)
    assert not let_in(peers, "AA:03")
    assert not let_in(peers, CLUSTER)
    assert not let_in(peers, None)


@pytest.mark.parametrize("empty", [True, False])
def test_without_a_list_the_clusters_certificate_gets_in(ssconf: Ssconf, empty: bool) -> None:
    if empty:
        listing(ssconf)
    peers = Peers(ssconf, CLUSTER)
    assert let_in(peers, CLUSTER)
    assert not let_in(peers, ONE)


def test_above_a_certificate_only_the_clusters_may_stand(ssconf: Ssconf) -> None:
    listing(ssconf, ONE)
    peers = Peers(ssconf, CLUSTER)
    assert peers.accept(CLUSTER, 1)
    assert not peers.accept(ONE, 1)
    assert peers.accept(ONE, 0)


def test_a_demoted_candidate_is_out_at_once(ssconf: Ssconf) -> None:
    listing(ssconf, ONE, TWO)
    peers = Peers(ssconf, CLUSTER)
    listing(ssconf, TWO)
    peers.reload()
    assert not let_in(peers, ONE)
    assert let_in(peers, TWO)


class Twice(threading.Event):
    """Waits once, then it is over."""

    def __init__(self) -> None:
        super().__init__()
        self._waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        self._waits += 1
        return self._waits > 1


def test_a_list_that_another_program_wrote_is_noticed(ssconf: Ssconf) -> None:
    listing(ssconf, ONE)
    peers = Peers(ssconf, CLUSTER)
    listing(ssconf, TWO)
    assert let_in(peers, ONE)
    peers.follow(Twice())
    assert not let_in(peers, ONE)
    assert let_in(peers, TWO)


def test_a_list_that_cannot_be_read_any_more_stays_as_it_was(
    ssconf: Ssconf, tmp_path: Path
) -> None:
    listing(ssconf, ONE)
    peers = Peers(ssconf, CLUSTER)
    file = Path(Paths(str(tmp_path)).ssconf("master_candidates_certs"))
    file.unlink()
    file.mkdir()  # reading it is an error now, even for root
    peers.follow(Twice())
    assert let_in(peers, ONE)


def test_a_damaged_list_leaves_the_old_one_in_force(ssconf: Ssconf, tmp_path: Path) -> None:
    listing(ssconf, ONE)
    peers = Peers(ssconf, CLUSTER)
    Path(Paths(str(tmp_path)).ssconf("master_candidates_certs")).write_text("no digest\n")
    peers.follow(Twice())
    assert let_in(peers, ONE)
    assert not let_in(peers, CLUSTER)
