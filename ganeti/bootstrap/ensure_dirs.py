# SPDX-License-Identifier: GPL-2.0-or-later
"""ensure-dirs: create the directories and set owners and modes right, before a daemon starts.

What must be is declared in `ganeti.paths`. A role is a user (or group) of its own where that exists,
otherwise root.
"""

from __future__ import annotations

import optparse
import os
import stat
import sys

from ganeti import owners
from ganeti.paths import DEFAULT, Paths, Place, places

ARCHIVE_FILE_MODE, ARCHIVE_DIR_MODE = 0o640, 0o750


def ensure(place: Place) -> None:
    """Make a directory that is missing; give what is there its owner and mode. Links are refused."""
    if place.kind == "dir":
        _make(place.path, place.mode)
    try:
        state = os.lstat(place.path)
    except FileNotFoundError:
        return
    if stat.S_ISLNK(state.st_mode):
        raise OSError(f"{place.path} is a symbolic link; replace it with what it should be")
    owner = (owners.user_id(place.user), owners.group_id(place.group))
    if (state.st_uid, state.st_gid) != owner:
        os.chown(place.path, *owner)
    if stat.S_IMODE(state.st_mode) != place.mode:
        os.chmod(place.path, place.mode)


def _make(path: str, mode: int) -> None:
    if not os.path.isdir(path):
        _make(os.path.dirname(path), 0o755)
        os.mkdir(path, mode)


def archive_places(paths: Paths) -> list[Place]:
    """Everything in the archive of jobs, for a full run."""
    found = []
    for directory, _, names in os.walk(paths.queue_archive_dir):
        found.append(Place(directory, "dir", ARCHIVE_DIR_MODE, "masterd", "daemons"))
        found += [
            Place(f"{directory}/{name}", "file", ARCHIVE_FILE_MODE, "masterd", "daemons")
            for name in names
        ]
    return found


def ssconf_places(paths: Paths) -> list[Place]:
    """The ssconf files that are there."""
    if not os.path.isdir(paths.data_dir):
        return []
    names = [name for name in os.listdir(paths.data_dir) if name.startswith("ssconf_")]
    return [Place(f"{paths.data_dir}/{name}", "file", 0o444, "noded", "noded") for name in names]


def main(args: list[str]) -> int:
    """The program; exit code 1 with a message when something cannot be set right."""
    parser = optparse.OptionParser(prog="ensure-dirs")
    parser.add_option("-d", "--debug", action="count", default=0)
    parser.add_option("-v", "--verbose", action="store_true", default=False)
    parser.add_option("-f", "--full-run", action="store_true", default=False, dest="full_run")
    options, rest = parser.parse_args(args)
    if rest:
        sys.stderr.write("ensure-dirs: no arguments are expected\n")
        return 1
    wanted = [*places(DEFAULT), *ssconf_places(DEFAULT)]
    if options.full_run:
        wanted += archive_places(DEFAULT)
    try:
        for place in wanted:
            if options.verbose:
                sys.stderr.write(f"{place.path}\n")
            ensure(place)
    except OSError as err:
        sys.stderr.write(f"ensure-dirs: {err}\n")
        return 1
    return 0
