#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's OS definition: what its scripts do, and the layout of the disk they write.

The guest itself is a kernel and an initrd; its disk only tells one guest from another. Bytes 0 to 4095
hold the settings (a mark and `NAME=VALUE` lines, the rest NUL), bytes 4096 to 4607 the counter's line,
which the running guest rewrites: `boot=N tick=N state=running|halted`. Nothing beyond the first MiB counts.

`create`, `import`, `export`, `rename` and `verify` are links to this file: the name it is called by says
what to do. It needs nothing of the project, as it is copied to the hosts alone.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

MARK = "lab-guest 1"
SETTINGS_SIZE = 4096
COUNTER_OFFSET = 4096
COUNTER_SIZE = 512
USED_SIZE = 1 << 20
ACTIONS_THAT_CAN_FAIL = ("create", "import", "export", "rename")


class BadRequestError(Exception):
    """What was asked for cannot be done; the message names the parameter."""


@dataclass(frozen=True)
class Counter:
    """What a guest has counted: starts of its disk, and numbers since the last of them."""

    boot: int
    tick: int
    state: str


def read_counter(disk: str | Path) -> Counter | None:
    """The counter on a guest's disk, running or not; None before the first number."""
    with Path(disk).open("rb") as source:
        source.seek(COUNTER_OFFSET)
        line = source.read(COUNTER_SIZE).rstrip(b"\0").decode("ascii")
    words = dict(word.split("=", 1) for word in line.split())
    if not words:
        return None
    return Counter(int(words["boot"]), int(words["tick"]), words["state"])


def settings_block(settings: Mapping[str, str]) -> bytes:
    """The first bytes of the disk."""
    text = "".join([MARK, "\n", *(f"{name}={value}\n" for name, value in settings.items())])
    return text.encode("ascii").ljust(SETTINGS_SIZE, b"\0")


def parse_settings(block: bytes) -> dict[str, str]:
    """The settings of a block that `settings_block` made."""
    mark, *lines = block.rstrip(b"\0").decode("ascii").splitlines()
    if mark != MARK:
        raise BadRequestError("the disk holds no lab guest: its first line is not the mark")
    return dict(line.split("=", 1) for line in lines)


def guest_settings(env: Mapping[str, str]) -> dict[str, str]:
    """What the guest is to know, from the environment of an OS script."""
    return {
        "hostname": env["INSTANCE_NAME"],
        "addresses": " ".join(_addresses(env)),
        "heartbeat": f"{_heartbeat(env):g}",
        "power_button": "no" if env.get("OS_VARIANT") == "stubborn" else "yes",
        "counter_offset": str(COUNTER_OFFSET),
    }


def parameter_problems(env: Mapping[str, str]) -> list[str]:
    """What is wrong with the OS parameters, for `verify`."""
    problems = []
    for check in (_addresses, _heartbeat, _action_to_fail):
        try:
            check(env)
        except BadRequestError as err:
            problems.append(str(err))
    return problems


def _addresses(env: Mapping[str, str]) -> list[str]:
    """The addresses with prefix lengths: those of the parameter `ip`, else the first NIC's."""
    given = env.get("OSP_IP", "").split()
    if not given and env.get("NIC_0_IP"):
        subnet = env.get("NIC_0_NETWORK_SUBNET", "")
        length = subnet.partition("/")[2] or ("64" if ":" in env["NIC_0_IP"] else "24")
        given = [f"{env['NIC_0_IP']}/{length}"]
    for address in given:
        try:
            ipaddress.ip_interface(address)
        except ValueError as err:
            raise BadRequestError(
                f"parameter ip: '{address}' is not an address; give ADDRESS/PREFIX"
            ) from err
    return given


def _heartbeat(env: Mapping[str, str]) -> float:
    text = env.get("OSP_HEARTBEAT", "1")
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.05 <= seconds <= 3600:
        raise BadRequestError(f"parameter heartbeat: '{text}' is not 0.05 to 3600 seconds")
    return seconds


def _action_to_fail(env: Mapping[str, str]) -> str:
    action = env.get("OSP_FAIL", "")
    if action and action not in ACTIONS_THAT_CAN_FAIL:
        raise BadRequestError(
            f"parameter fail: '{action}' is none of {', '.join(ACTIONS_THAT_CAN_FAIL)}"
        )
    return action


def _fail_where_asked(action: str, env: Mapping[str, str]) -> None:
    if _action_to_fail(env) == action:
        raise BadRequestError(f"{action} fails because the parameter 'fail' asks for it")
    if action == "create" and env.get("OS_VARIANT") == "broken":
        raise BadRequestError("create fails because the variant is 'broken'")


def _rewrite_settings(path: str, settings: Mapping[str, str]) -> None:
    with Path(path).open("r+b") as disk:
        disk.write(settings_block(settings))
        disk.flush()
        os.fsync(disk.fileno())


def create(env: Mapping[str, str]) -> None:
    """Write the settings and a fresh counter to the first disk, if there is one."""
    settings = guest_settings(env)
    if env["DISK_COUNT"] == "0":
        print("no disks: the guest will have no settings and leave no counter")
        return
    path = env["DISK_0_PATH"]
    with Path(path).open("r+b") as disk:
        disk.write(bytes(USED_SIZE))
    _rewrite_settings(path, settings)
    print(f"{path}: {settings}")


def rename(env: Mapping[str, str]) -> None:
    """Give the guest its new name."""
    if env["DISK_COUNT"] == "0":
        return
    path = env["DISK_0_PATH"]
    with Path(path).open("rb") as disk:
        settings = parse_settings(disk.read(SETTINGS_SIZE))
    _rewrite_settings(path, settings | {"hostname": env["INSTANCE_NAME"]})


def export(env: Mapping[str, str]) -> None:
    """Write the part of the disk that counts to standard output."""
    if "EXP_SIZE_FD" in env:
        with os.fdopen(int(env["EXP_SIZE_FD"]), "w") as size:
            size.write(str(USED_SIZE))
    with Path(env["EXPORT_DEVICE"]).open("rb") as disk:
        sys.stdout.buffer.write(disk.read(USED_SIZE))
    sys.stdout.buffer.flush()


def import_disk(env: Mapping[str, str]) -> None:
    """Write what `export` gave from standard input to the disk."""
    with Path(env["IMPORT_DEVICE"]).open("r+b") as disk:
        shutil.copyfileobj(sys.stdin.buffer, disk)
        disk.flush()
        os.fsync(disk.fileno())


def verify(env: Mapping[str, str]) -> None:
    """Check what the arguments name: only `parameters` is known."""
    unknown = set(sys.argv[1:]) - {"parameters"}
    if unknown:
        raise BadRequestError(f"unknown check: {', '.join(sorted(unknown))}")
    problems = parameter_problems(env)
    if problems:
        raise BadRequestError("; ".join(problems))


SCRIPTS: dict[str, Callable[[Mapping[str, str]], None]] = {
    "create": create,
    "export": export,
    "import": import_disk,
    "rename": rename,
    "verify": verify,
}


def main() -> int:
    action = Path(sys.argv[0]).name
    try:
        _fail_where_asked(action, os.environ)
        SCRIPTS[action](os.environ)
    except BadRequestError as err:
        print(f"lab-guest: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
