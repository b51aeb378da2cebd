# SPDX-License-Identifier: GPL-2.0-or-later
"""The program behind `gnt-instance console` for KVM guests."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganeti.utils.process import Result, Runner

SCRIPT = str(Path(__file__).parents[2] / "tools/kvm-console-wrapper")
SOCAT = """#!/bin/sh
case $1 in
    CONSOLE) echo console to "$2"; while [ ! -e {done} ]; do /bin/sleep 0.01; done ;;
    *)
        read -r line
        echo "$line" >>{told}
        [ "$line" != cont ] || touch {done}
        [ "$line" != "info status" ] || echo "VM status: {status}"
        [ "{status}" != running ] || touch {done}
        ;;
esac
"""


def console(directory: Path, status: str) -> tuple[Result, list[str]]:
    """Look at a guest's console until its monitor has been spoken to; what the monitor was told."""
    told = directory / "told"
    socat, sleep = directory / "socat", directory / "sleep"
    socat.write_text(SOCAT.format(done=directory / "done", told=told, status=status))
    sleep.write_text("#!/bin/sh\n")
    for program in (socat, sleep):
        program.chmod(0o755)
    argv = [SCRIPT, str(socat), "web", "/monitor", "CONSOLE", "UNIX-CONNECT:/serial"]
    env = {"PATH": f"{directory}:/usr/bin:/bin"}
    result = Runner().run(argv, timeout_s=20, env=env, reset_env=True)
    return result, told.read_text().splitlines()


@pytest.mark.parametrize(
    ("status", "expected"),
    [("paused (prelaunch)", ["info status", "cont"]), ("running", ["info status"])],
)
def test_a_paused_guest_goes_on(tmp_path: Path, status: str, expected: list[str]) -> None:
    result, told = console(tmp_path, status)
    assert not result.failed, result.output
    assert "console to UNIX-CONNECT:/serial" in result.stdout
    assert told == expected


def test_arguments_are_counted() -> None:
    assert Runner().run([SCRIPT, "socat"], timeout_s=10).returncode == 1
