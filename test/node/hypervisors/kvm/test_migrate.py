# SPDX-License-Identifier: GPL-2.0-or-later
"""What QEMU is told and asked during a migration, against a stand-in that answers as arranged."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ganeti.errors import HypervisorError
from ganeti.node.hypervisors.base import MigrationStatus
from ganeti.node.hypervisors.kvm import migrate
from ganeti.node.hypervisors.kvm.qmp import Qmp
from test.node.hypervisors.kvm.guests import an_instance
from test.support.clock import FakeClock


class Answers:
    """Takes commands like a connection; each answer is given until the last, which stays."""

    def __init__(self, **answers: list[Any]) -> None:
        self._answers = {name.replace("_", "-"): list(rows) for name, rows in answers.items()}
        self.told: list[tuple[str, Any]] = []

    def execute(self, command: str, arguments: Any = None) -> Any:
        self.told.append((command, arguments))
        rows = self._answers.get(command, [{}])
        return rows.pop(0) if len(rows) > 1 else rows[0]

    @property
    def commands(self) -> list[str]:
        return [name for name, _ in self.told]

    @property
    def qmp(self) -> Qmp:
        return cast(Qmp, self)


def hv(**values: Any) -> dict[str, Any]:
    return {**an_instance().hvparams, **values}


def test_a_live_migration_begins() -> None:
    answers = Answers()
    migrate.begin(answers.qmp, hv(), "10.1.0.2", live=True)
    assert answers.told == [
        ("migrate-set-parameters", {"max-bandwidth": 32 * 1024 * 1024, "downtime-limit": 30}),
        ("migrate", {"uri": "tcp:10.1.0.2:8102"}),
    ]


def test_another_one_stops_the_guest_first() -> None:
    answers = Answers()
    migrate.begin(answers.qmp, hv(migration_port=9000), "fd00::2", live=False)
    assert answers.commands[0] == "stop"
    assert answers.told[-1] == ("migrate", {"uri": "tcp:[fd00::2]:9000"})


def test_capabilities_are_set() -> None:
    answers = Answers()
    params = hv(migration_caps="xbzrle:postcopy-ram", migration_bandwidth=1)
    migrate.begin(answers.qmp, params, "10.1.0.2", live=True)
    assert answers.told[0][1]["max-postcopy-bandwidth"] == 1024 * 1024
    rows = [{"capability": n, "state": True} for n in ("xbzrle", "postcopy-ram")]
    assert answers.told[1] == ("migrate-set-capabilities", {"capabilities": rows})


RAM = {"transferred": 5, "total": 10, "dirty-sync-count": 1}
STATUSES = [
    ({"status": "setup"}, MigrationStatus("active")),
    ({"status": "active", "ram": RAM}, MigrationStatus("active", 5, 10)),
    ({"status": "device", "ram": RAM}, MigrationStatus("active", 5, 10)),
    ({"status": "completed", "ram": RAM}, MigrationStatus("completed", 5, 10)),
    ({"status": "failed", "error-desc": "x"}, MigrationStatus("failed")),
    ({"status": "cancelled"}, MigrationStatus("cancelled")),
    (
        {"status": "postcopy-active", "ram": RAM},
        MigrationStatus("postcopy-active", 5, 10, "postcopy-active"),
    ),
]


@pytest.mark.parametrize(("answer", "expected"), STATUSES)
def test_status(answer: dict[str, Any], expected: MigrationStatus) -> None:
    answers = Answers(query_migrate=[answer], query_status=[{"status": "postmigrate"}])
    assert migrate.status(answers.qmp) == expected


@pytest.mark.parametrize("answer", [{}, {"status": "none"}, {"status": "completed"}])
def test_no_migration_is_an_error(answer: dict[str, Any]) -> None:
    """A guest that came by a migration itself says `completed`, and runs."""
    answers = Answers(query_migrate=[answer], query_status=[{"status": "running"}])
    with pytest.raises(HypervisorError, match="no migration"):
        migrate.status(answers.qmp)


@pytest.mark.parametrize("wanted", [True, False])
def test_the_second_phase_begins_after_two_rounds(wanted: bool) -> None:
    answers = Answers(
        query_migrate=[{"status": "active", "ram": {**RAM, "dirty-sync-count": 2}}],
        query_migrate_capabilities=[[{"capability": "postcopy-ram", "state": wanted}]],
    )
    migrate.status(answers.qmp)
    assert ("migrate-start-postcopy" in answers.commands) is wanted


def test_giving_up_waits_for_the_end() -> None:
    answers = Answers(query_migrate=[{"status": "cancelling"}, {"status": "cancelled"}])
    migrate.give_up(answers.qmp, FakeClock())
    assert answers.commands == ["migrate_cancel", "query-migrate", "query-migrate", "cont"]


@pytest.mark.parametrize(("state", "goes_on"), [("postmigrate", False), ("paused", True)])
def test_a_guest_that_may_run_on_the_target_does_not_go_on(state: str, goes_on: bool) -> None:
    """One that was stopped for the way, and came here by a migration earlier, does."""
    answers = Answers(query_migrate=[{"status": "completed"}], query_status=[{"status": state}])
    if goes_on:
        migrate.give_up(answers.qmp, FakeClock())
    else:
        with pytest.raises(HypervisorError, match="has gone over"):
            migrate.give_up(answers.qmp, FakeClock())
    assert ("cont" in answers.commands) is goes_on


def test_a_migration_that_does_not_end_is_told() -> None:
    answers = Answers(query_migrate=[{"status": "active"}])
    with pytest.raises(HypervisorError, match="does not end"):
        migrate.give_up(answers.qmp, FakeClock())
    assert "cont" not in answers.commands


def test_the_target_waits_for_the_guest() -> None:
    answers = Answers(
        query_status=[
            {"status": "inmigrate", "running": False},
            {"status": "running", "running": True},
        ]
    )
    migrate.complete(answers.qmp, hv(migration_caps="xbzrle"), FakeClock())
    assert answers.told[-2][1] == {"capabilities": [{"capability": "xbzrle", "state": False}]}
    assert "cont" not in answers.commands


def test_a_guest_that_was_stopped_goes_on() -> None:
    answers = Answers(query_status=[{"status": "paused", "running": False}])
    migrate.complete(answers.qmp, hv(), FakeClock())
    assert answers.commands[-1] == "cont"


def test_a_guest_that_does_not_arrive_is_told() -> None:
    answers = Answers(query_status=[{"status": "inmigrate", "running": False}])
    with pytest.raises(HypervisorError, match="has not arrived"):
        migrate.complete(answers.qmp, hv(), FakeClock())
