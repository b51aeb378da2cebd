# SPDX-License-Identifier: GPL-2.0-or-later
"""The names under which guests and scripts find the disks of this node's instances.

``/run/ganeti/instance-disks/<instance>:<index>`` is a link to the device, so that a path on a guest's
command line outlives a change of the device.
"""

from __future__ import annotations

import os

from ganeti.errors import BlockDeviceError
from ganeti.paths import Paths

DIRECTORY_MODE = 0o755


def link_of(paths: Paths, instance: str, index: int) -> str:
    return f"{paths.disk_links_dir}/{instance}:{index}"


def make(paths: Paths, instance: str, index: int, device: str) -> str:
    """Let the link show the device; returns it."""
    link = link_of(paths, instance, index)
    try:
        os.makedirs(paths.disk_links_dir, mode=DIRECTORY_MODE, exist_ok=True)
        if os.path.islink(link) and os.readlink(link) == device:
            return link
        _drop(link)
        os.symlink(device, link)
    except OSError as err:
        raise BlockDeviceError(f"the link {link} cannot be made: {err}") from err
    return link


def remove_all(paths: Paths, instance: str) -> None:
    """Remove the links of an instance."""
    prefix = f"{instance}:"
    try:
        names = os.listdir(paths.disk_links_dir)
    except FileNotFoundError:
        return
    for name in names:
        if name.startswith(prefix) and name.removeprefix(prefix).isdigit():
            _drop(f"{paths.disk_links_dir}/{name}")


def _drop(link: str) -> None:
    try:
        os.unlink(link)
    except FileNotFoundError:
        return


def require(paths: Paths, instance: str, index: int) -> None:
    """Raises BlockDeviceError if a disk of a running guest has lost its link."""
    link = link_of(paths, instance, index)
    if not os.path.islink(link):
        raise BlockDeviceError(f"the link {link} is missing; reactivate the instance's disks")
