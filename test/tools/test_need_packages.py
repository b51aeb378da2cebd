# SPDX-License-Identifier: GPL-2.0-or-later
"""The script that looks for Debian packages, with programs in its PATH that only tell what they were asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganeti.utils.process import Result, Runner

SCRIPT = str(Path(__file__).parents[2] / "tools/need-packages")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """One package is there, one was removed but left its settings; the others are unknown."""
    _program(
        tmp_path, "dpkg-query", "case $4 in here) echo installed ;; left) echo config-files ;; esac"
    )
    _program(tmp_path, "apt-get", 'echo "$@" >>"$ASKED"')
    return tmp_path


def _program(directory: Path, name: str, script: str) -> None:
    (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / name).chmod(0o755)


def need(programs: Path, uid: int, *packages: str) -> Result:
    _program(programs, "id", f"echo {uid}")
    env = {"PATH": f"{programs}:/usr/bin:/bin", "ASKED": str(programs / "asked")}
    return Runner().run([SCRIPT, *packages], env=env, timeout_s=10)


@pytest.mark.parametrize("uid", [0, 1000])
def test_what_is_there_is_passed_over(programs: Path, uid: int) -> None:
    result = need(programs, uid, "here")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert not (programs / "asked").exists()


def test_root_is_told_and_gets_what_is_missing(programs: Path) -> None:
    result = need(programs, 0, "here", "left", "gone")
    assert (result.returncode, result.stderr) == (0, "Installing the Debian packages: left gone\n")
    asked = (programs / "asked").read_text().splitlines()
    assert asked == ["-qq update", "-qq install --no-install-recommends left gone"]


def test_others_are_told_what_to_install(programs: Path) -> None:
    result = need(programs, 1000, "here", "left", "gone")
    assert result.returncode == 1
    assert "as root:\n    apt-get install --no-install-recommends left gone\n" in result.stderr
    assert not (programs / "asked").exists()
