# SPDX-License-Identifier: GPL-2.0-or-later
"""Labs for the tests of the hosts world: each is made under a name of its own and ends with its tests."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterator
from itertools import count

import pytest

from test.lab import cluster, faults
from test.lab.cluster import Wish
from test.lab.hosts import Host, State
from test.lab.lab import Lab
from test.lab.main import say
from test.lab.places import lab_place

LOGS = "/var/log/ganeti/*.log"
LAST_WORDS = f"tail -n 15 {LOGS} 2>/dev/null; ip -br -4 address; ip neighbour; ss -Htlnp"
_NUMBERS = count(1)
_LIVE: list[Lab] = []

Fault = Callable[..., None]


@contextlib.contextmanager
def a_lab(hosts: int, *, product: bool = True) -> Iterator[Lab]:
    """A lab for as long as the block lasts."""
    lab = Lab(lab_place(f"t{os.getpid()}-{next(_NUMBERS)}"))
    lab.up(hosts, say, product=product)
    _LIVE.append(lab)
    try:
        yield lab
    except BaseException as err:
        for host in lab.hosts:
            err.add_note(f"{lab.place.name} {host.name}:\n{last_words(host)}")
        raise
    finally:
        _LIVE.remove(lab)
        lab.down()


@pytest.fixture(scope="module")
def bare_lab() -> Iterator[Lab]:
    """Three hosts without the product."""
    with a_lab(3, product=False) as lab:
        yield lab


@pytest.fixture(scope="session")
def cluster_lab() -> Iterator[Lab]:
    """Three hosts that are a cluster with KVM guests; whoever breaks it mends it again."""
    with a_lab(3) as lab:
        cluster.make(lab, Wish(), say)
        yield lab


@pytest.fixture
def master(cluster_lab: Lab) -> Host:
    """The cluster's first master."""
    return cluster_lab.hosts[0]


@pytest.fixture(scope="session")
def fake_lab() -> Iterator[Lab]:
    """Three hosts that are a cluster with instances of pretence; whoever breaks it mends it again."""
    with a_lab(3) as lab:
        cluster.make(lab, Wish("fake"), say)
        yield lab


@pytest.fixture(scope="session")
def fake_master(fake_lab: Lab) -> Host:
    """The master of the cluster of pretence."""
    return fake_lab.hosts[0]


@pytest.fixture
def new_cluster() -> Iterator[Callable[[int, Wish], Lab]]:
    """Make clusters that the test may break for good."""
    with contextlib.ExitStack() as stack:

        def make(hosts: int, wish: Wish) -> Lab:
            lab = stack.enter_context(a_lab(hosts))
            cluster.make(lab, wish, say)
            return lab

        yield make


def fault(lab: Lab, host: Host, name: str, *arguments: str) -> None:
    """What `ganeti-lab fault` does."""
    faults.inject(lab, host.name, name, list(arguments))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure is told with the last words of all hosts, those of the newest lab first."""
    report = yield
    if report.failed:
        for lab in reversed(_LIVE):
            for host in lab.hosts:
                report.sections.append((f"{lab.place.name} {host.name}", last_words(host)))
    return report


def last_words(host: Host) -> str:
    if host.state is not State.UP:
        return f"{host.state}\n{host.console_tail()}"
    return host.outcome(["sh", "-c", LAST_WORDS]).stdout
