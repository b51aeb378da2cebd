# SPDX-License-Identifier: GPL-2.0-or-later
"""first_process BASE LAB NODE SWITCH: the first process of a host; it builds the host, boots it, and reaps its orphans.

It is started in new namespaces (mount, network, UTS, IPC, PID) and makes of them a machine: disks, a root
that is the machine's own under the lab's layer, /dev /proc /sys of its own, cables to the switch. Then it
does what a boot does: SSH, and the init script of the product. It ends only by a kill.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import sys
from pathlib import Path

from test.lab import disks, layer, network, places, programs
from test.lab.programs import run

# Where the lab finds the roots of the host's file systems, as /proc/PID/fd/N (disks.py).
SYSTEM_FD = 10
DATA_FD = 11
# What a host may need of the machine's devices: no disk, no console, no memory.
DEVICES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
    "net/tun": (10, 200),
    "kvm": (10, 232),
    "vhost-net": (10, 238),
}
OPTIONAL_DEVICES = ("kvm", "vhost-net")
DEVICE_LINKS = {
    "ptmx": "pts/ptmx",
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}
# What reaches the machine through /proc: the host may read it. The network's settings are its own.
READ_ONLY_PROC = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi")
DATA_DIRECTORIES = {"ganeti": "/var/lib/ganeti", "srv": "/srv"}
SHARED = "/srv/ganeti/shared-file-storage"
SERVICES = ("/etc/init.d/ssh", "/etc/init.d/ganeti")
# A host that has this file has been installed.
INSTALLED = "etc/hostname"
ADMIN_HOST = "node1"
# Python ignores it, and what is started would too.
DEFAULT_SIGNALS = (signal.SIGPIPE,)
ENVIRONMENT = {"PATH": programs.PATH, "HOME": "/", "LANG": "C.UTF-8"}


def mount(*arguments: str) -> None:
    run(["mount", "-n", *arguments])


def main() -> None:
    base, lab, name, switch = sys.argv[1:]
    place = places.lab_place(lab, base)
    host = place.host(name)
    lab_side = os.open(host.directory, os.O_RDONLY)
    for mount_point in ("system", "data", "root"):
        host.mount_point(mount_point).mkdir(exist_ok=True)
    mount_disks(host)
    root = mount_root(place, host)
    fill_devices(root)
    fill_kernel_views(root)
    mount_data(place, host, root)
    lay_cables(name, switch)
    if not (host.mount_point("system") / "upper" / INSTALLED).exists():
        install(place, name, root)
    move_into(root)
    if os.fork() == 0:
        boot(name)
        os.close(os.open("up", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=lab_side))
        os._exit(0)
    os.close(lab_side)
    reap_for_ever()


def mount_disks(host: places.HostPlace) -> None:
    """Mount the host's disks, and keep their roots open for the faults."""
    for name, image, descriptor in (
        ("system", host.system_image, SYSTEM_FD),
        ("data", host.data_image, DATA_FD),
    ):
        disks.mount_image(image, host.mount_point(name))
        root = os.open(host.mount_point(name), os.O_RDONLY | os.O_DIRECTORY)
        os.dup2(root, descriptor, inheritable=False)
        os.close(root)


def mount_root(place: places.LabPlace, host: places.HostPlace) -> Path:
    """The machine's root, and over it what is on this host's system disk."""
    system = host.mount_point("system")
    root = host.mount_point("root")
    layers = f"lowerdir=/,upperdir={system / 'upper'},workdir={system / 'work'}"
    mount("-t", "overlay", "-o", layers, "overlay", str(root))
    for fresh in ("run", "tmp"):
        mount(
            "-t",
            "tmpfs",
            "-o",
            "mode=755" if fresh == "run" else "mode=1777",
            fresh,
            f"{root}/{fresh}",
        )
    (root / "run/lock").mkdir()
    hidden = root / place.base.relative_to("/")
    if hidden.is_dir():  # or a host could open the images of all hosts through the overlay
        mount("-t", "tmpfs", "-o", "ro", "hidden", str(hidden))
    return root


def fill_devices(root: Path) -> None:
    dev = root / "dev"
    mount("-t", "tmpfs", "-o", "mode=755", "dev", str(dev))
    for folder in ("net", "pts", "shm"):
        (dev / folder).mkdir()
    for name, (major, minor) in DEVICES.items():
        if name in OPTIONAL_DEVICES and not Path("/dev", name).exists():
            continue
        os.mknod(dev / name, 0o600 | stat.S_IFCHR, os.makedev(major, minor))
        (dev / name).chmod(0o666)
    for name, target in DEVICE_LINKS.items():
        (dev / name).symlink_to(target)
    (dev / "console").touch(0o600)
    mount(
        "-t", "devpts", "-o", "newinstance,ptmxmode=666,mode=620,gid=5", "devpts", str(dev / "pts")
    )
    mount("-t", "tmpfs", "-o", "mode=1777", "shm", str(dev / "shm"))


def fill_kernel_views(root: Path) -> None:
    """/proc and /sys; before any daemon starts, what reaches the machine is covered."""
    mount("-t", "sysfs", "-o", "ro", "sys", str(root / "sys"))
    proc = root / "proc"
    mount("-t", "proc", "proc", str(proc))
    covered = [proc / name for name in READ_ONLY_PROC if (proc / name).exists()]
    for path in covered:
        mount("--bind", str(path), str(path))
    mount("--bind", str(proc / "sys/net"), str(proc / "sys/net"))
    for path in covered:
        mount("-o", "remount,bind,ro", str(path))


def bind(source: Path, target: Path, options: str) -> None:
    target.mkdir(parents=True, exist_ok=True)
    mount("-o", options, str(source), str(target))


def mount_data(place: places.LabPlace, host: places.HostPlace, root: Path) -> None:
    data = host.mount_point("data")
    for folder, where in DATA_DIRECTORIES.items():
        (data / folder).mkdir(exist_ok=True)
        bind(data / folder, root / where.removeprefix("/"), "bind")
    bind(place.shared, root / SHARED.removeprefix("/"), "bind")
    bind(place.guest, root / layer.GUEST_DIRECTORY.removeprefix("/"), "bind,ro")


def lay_cables(name: str, switch: str) -> None:
    """Connect the host to the switch. Cables of an earlier life may still hang there for a moment."""
    in_switch = ["nsenter", f"--net={switch}", "ip"]
    for port in (name, network.replication_port(name)):
        run([*in_switch, "link", "delete", port], good=(0, 1))
    run(["ip", "-batch", "-"], stdin=network.cable_batch(name, switch))
    run([*in_switch, "-batch", "-"], stdin=network.port_batch(name))
    run(["ip", "-batch", "-"], stdin=network.host_batch(name))


def install(place: places.LabPlace, name: str, root: Path) -> None:
    """What a host gets once: its name, its host keys, and the admin's key on the admin's host."""
    if name == ADMIN_HOST:
        shutil.copy(place.admin_key, root / "root/.ssh/id_ed25519")
    run(["ssh-keygen", "-A", "-f", str(root)])
    (root / INSTALLED).write_text(f"{network.host_address(name).fqdn}\n")
    run(["sync", "-f", str(root)])


def move_into(root: Path) -> None:
    """Make `root` the root, and let go of the machine's."""
    old = root / ".old"
    old.mkdir(exist_ok=True)
    os.chdir(root)
    run(["pivot_root", ".", ".old"])
    os.chdir("/")
    run(["umount", "-n", "-l", "/.old"])
    Path("/.old").rmdir()


def boot(name: str) -> None:
    """What a boot starts; what a service cannot do is seen on the console, and the boot goes on."""
    socket.sethostname(network.host_address(name).fqdn)
    for service in SERVICES:
        if os.access(service, os.X_OK):
            os.waitpid(
                os.posix_spawn(service, [service, "start"], ENVIRONMENT, setsigdef=DEFAULT_SIGNALS),
                0,
            )


def reap_for_ever() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        signal.sigwait({signal.SIGCHLD})


if __name__ == "__main__":
    main()
