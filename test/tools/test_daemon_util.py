# SPDX-License-Identifier: GPL-2.0-or-later
"""daemon-util, on a prefix of its own with daemons that are none."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganeti.utils.process import Result, Runner

SCRIPT = Path(__file__).parents[2] / "daemons/daemon-util"
DAEMON = """#!/bin/sh
echo "$0 $*" >>{told}
exit {code}
"""


class Site:
    """An installation below a directory; which daemons it has is up to the test."""

    def __init__(self, root: Path) -> None:
        self.root, self.told = root, root / "told"
        self.processes: list[int] = []
        self.run_dir, self.sbin = root / "run", root / "usr/sbin"
        for directory in (self.run_dir, self.sbin, root / "usr/lib/ganeti", root / "etc/default"):
            directory.mkdir(parents=True)
        self._script = root / "daemon-util"
        self._script.write_text(self._relocated(SCRIPT.read_text(encoding="utf-8")))
        self.program(root / "usr/lib/ganeti/ensure-dirs")

    def _relocated(self, text: str) -> str:
        for line, path in (
            ("PREFIX=/usr", self.root / "usr"),
            ("SYSCONFDIR=/etc", self.root / "etc"),
            ("LOCALSTATEDIR=/var", self.root / "var"),
            ("RUNDIR=/run/ganeti", self.run_dir),
        ):
            assert f"\n{line}\n" in text
            text = text.replace(f"\n{line}\n", f"\n{line.partition('=')[0]}={path}\n")
        return text

    def program(self, path: Path, code: int = 0) -> None:
        path.write_text(DAEMON.format(told=self.told, code=code))
        path.chmod(0o755)

    def daemon(self, name: str, code: int = 0) -> None:
        self.program(self.sbin / name, code)

    def running(self, name: str) -> int:
        """A process that is called like the daemon and has its PID file."""
        shutil.copy("/bin/sleep", self.sbin / name)
        pid = Runner().start_detached([str(self.sbin / name), "60"])
        self.processes.append(os.pidfd_open(pid))
        (self.run_dir / f"{name}.pid").write_text(f"{pid}\n")
        return pid

    def __call__(self, *words: str, **env: str) -> Result:
        return Runner().run(["/bin/sh", str(self._script), *words], timeout_s=40, env=env)

    def started(self) -> list[str]:
        """What was run, without the directories."""
        lines = self.told.read_text().splitlines() if self.told.exists() else []
        return [line.rpartition("/")[2].strip() for line in lines]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    for process in made.processes:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(process, signal.SIGKILL)
        os.close(process)


@pytest.mark.parametrize("words", [[], ["frob"], ["check_config"], ["start_all"], ["die"]])
def test_what_is_no_verb(site: Site, words: list[str]) -> None:
    result = site(*words)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("code", "text", "result"), [("0", "", 0), ("11", "not master\n", 0), ("1", "exit code 1\n", 1)]
)
def test_exit_codes_of_daemons(site: Site, code: str, text: str, result: int) -> None:
    done = site("check-exitcode", code)
    assert (done.stdout, done.returncode) == (text, result)


def test_daemons_have_an_order_and_need_not_all_be_there(site: Site) -> None:
    for name in ("ganeti-rapi", "ganeti-masterd", "ganeti-noded"):
        site.daemon(name)
    assert site("list-start-daemons").stdout.split() == [
        *("ganeti-noded", "ganeti-masterd", "ganeti-rapi"),
    ]
    assert site("list-stop-daemons").stdout.split() == [
        *("ganeti-rapi", "ganeti-masterd", "ganeti-noded"),
    ]


def test_names_and_paths(site: Site) -> None:
    assert site("is-daemon-name", "ganeti-confd").returncode == 0
    for name in ("ganeti-luxid", "noded", ""):
        assert site("is-daemon-name", name).returncode == 1
    assert site("daemon-pidfile", "ganeti-noded").stdout == f"{site.run_dir}/ganeti-noded.pid\n"
    assert site("daemon-executable", "ganeti-noded").stdout == f"{site.sbin}/ganeti-noded\n"


def test_a_daemon_gets_the_arguments_of_the_site_of_the_caller_and_of_the_verb(site: Site) -> None:
    site.daemon("ganeti-noded")
    (site.root / "etc/default/ganeti").write_text('NODED_ARGS="-d --no-mlock"\n')
    assert site("start", "ganeti-noded", "-f", EXTRA_NODED_ARGS="-p 1").returncode == 0
    assert site.started() == ["ensure-dirs", "ganeti-noded -d --no-mlock -p 1 -f"]


def test_all_are_started_in_a_cluster_only(site: Site) -> None:
    site.daemon("ganeti-noded")
    refused = site("start-all")
    assert (refused.returncode, site.started()) == (1, [])
    assert "server.pem" in refused.stderr


@pytest.mark.parametrize(("code", "result", "rapi"), [(0, 0, True), (11, 0, True), (1, 1, False)])
def test_all_are_started_and_not_to_be_master_is_fine(
    site: Site, code: int, result: int, rapi: bool
) -> None:
    (site.root / "var/lib/ganeti").mkdir(parents=True)
    (site.root / "var/lib/ganeti/server.pem").touch()
    site.daemon("ganeti-noded")
    site.daemon("ganeti-masterd", code)
    site.daemon("ganeti-rapi")
    done = site("start-all")
    assert done.returncode == result
    assert ("ganeti-rapi" in site.started()) is rapi
    assert ("ganeti-masterd" in done.stderr) is not rapi


def test_what_runs_is_not_started_again(site: Site) -> None:
    site.running("ganeti-noded")
    assert site("check", "ganeti-noded").returncode == 0
    assert site("start", "ganeti-noded").returncode == 0
    assert site("check-and-start", "ganeti-noded").returncode == 0


def test_what_runs_is_stopped_and_what_does_not_is_no_failure(site: Site) -> None:
    pid = site.running("ganeti-noded")
    assert site("stop", "ganeti-noded").returncode == 0
    assert site("check", "ganeti-noded").returncode == 1
    cmdline = Path(f"/proc/{pid}/cmdline")
    assert not cmdline.exists() or not cmdline.read_bytes()
    assert site("stop", "ganeti-noded").returncode == 0


def test_a_supervisor_takes_over_what_runs(site: Site) -> None:
    site.running("ganeti-noded")
    (site.sbin / "ganeti-noded").unlink()
    site.daemon("ganeti-noded")
    assert site("foreground", "ganeti-noded").returncode == 0
    assert site("check", "ganeti-noded").returncode == 1
    assert site.started() == ["ensure-dirs", "ganeti-noded -f"]


def test_a_process_that_only_has_the_number_is_left_alone(site: Site) -> None:
    pid = site.running("ganeti-noded")
    (site.run_dir / "ganeti-masterd.pid").write_text(f"{pid}\n")
    assert site("check", "ganeti-masterd").returncode == 1
    assert site("stop", "ganeti-masterd").returncode == 0
    assert site("check", "ganeti-noded").returncode == 0
