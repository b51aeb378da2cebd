# SPDX-License-Identifier: GPL-2.0-or-later
"""Build the guest: Debian's cloud kernel and an initrd of Debian's busybox with what stands in `guest/`.

The kernel is taken out of its bzImage: QEMU starts the bare ELF by its PVH note and needs neither
firmware nor decompressor, which under TCG costs seconds. The result lies in `build/guest/KEY/`, the key
being a digest of what it is made from, and is built once.
"""

from __future__ import annotations

import fcntl
import hashlib
import lzma
import os
import shutil
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from test.lab import programs
from test.lab.programs import LabError

BUILD = programs.TREE / "build" / "guest"
SOURCES = Path(__file__).parent / "guest"
KERNEL = "linux-image-cloud-amd64"
BUSYBOX = "busybox-static"
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_balloon", "button", "evdev")
# How kernels are packed: the first bytes, and the program that unpacks them.
PACKERS = {
    b"\x02\x21\x4c\x18": ["lz4", "-dc"],
    b"\xfd7zXZ\x00": ["xz", "-dc", "--single-stream"],
    b"\x28\xb5\x2f\xfd": ["zstd", "-dcq"],
}
# Words for a kernel that starts fast and keeps time under TCG, and does no harm under KVM.
KERNEL_ARGS = "quiet nokaslr mitigations=off tsc=reliable no_timer_check cryptomgr.notests random.trust_cpu=on"
ETC = {
    "passwd": "root::0:0:root:/:/bin/sh\n",
    "group": "root:x:0:\n",
    "issue": "Lab guest \\n\n\n",
    "profile": "export PATH=/sbin:/bin\n",
}


@dataclass(frozen=True)
class Guest:
    """The two files that QEMU is given."""

    kernel: Path
    initrd: Path


def built() -> Guest:
    """The guest's files, built now if they are not there yet."""
    place = BUILD / key()
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            work = BUILD / f"{place.name}.new"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            _build(work)
            for outdated in set(BUILD.glob("*/")) - {work}:
                shutil.rmtree(outdated)
            work.rename(place)
    return Guest(place / "vmlinux", place / "initrd")


def key() -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for source in sorted(SOURCES.iterdir()):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:12]


def _build(work: Path) -> None:
    packages = work / "packages"
    packages.mkdir()
    for package in (_kernel_package(), BUSYBOX):
        _download(package, packages)
    for deb in packages.glob("*.deb"):
        programs.run(["dpkg-deb", "-x", str(deb), str(work / "debian")])
    bzimage = next((work / "debian/boot").glob("vmlinuz-*")).read_bytes()
    (work / "packed").write_bytes(packed_kernel(bzimage))
    unpack_kernel(work / "packed", work / "vmlinux")
    _fill_initrd(work / "debian", work / "tree")
    _archive(work / "tree", work / "initrd")
    (work / "packed").unlink()
    for scratch in ("packages", "debian", "tree"):
        shutil.rmtree(work / scratch)


def _kernel_package() -> str:
    """The package with the newest kernel, which the name without a version depends on."""
    fields = _apt(["apt-cache", "depends", "--no-recommends", "--no-suggests", KERNEL])
    for line in fields.splitlines():
        kind, _, name = line.strip().partition(": ")
        if kind == "Depends" and name.startswith("linux-image-"):
            return name
    raise LabError(f"apt knows no kernel behind {KERNEL}; look at `apt-cache depends {KERNEL}`")


def _download(package: str, place: Path) -> None:
    _apt(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package], place)


def _apt(argv: list[str], cwd: Path | None = None) -> str:
    """Ask apt; when it does not know, as on a fresh machine, fetch its lists and ask again."""
    try:
        return programs.run(argv, cwd=cwd, timeout_s=300)
    except LabError:
        programs.run(["apt-get", "-q", "update"], timeout_s=300)
        return programs.run(argv, cwd=cwd, timeout_s=300)


def packed_kernel(bzimage: bytes) -> bytes:
    """The kernel inside a bzImage (Linux boot protocol 2.08: payload_offset, payload_length)."""
    setup_sectors = bzimage[0x1F1] or 4
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    return bzimage[start : start + length - 4]  # the last four bytes are the unpacked size


def unpack_kernel(packed: Path, kernel: Path) -> None:
    with packed.open("rb") as file:
        start = file.read(6)
    for magic, unpack in PACKERS.items():
        if start.startswith(magic):
            programs.run([*unpack, str(packed)], output_file=kernel)
            return
    raise LabError(f"{KERNEL} is packed in a way the lab does not know: {start.hex()}")


def _fill_initrd(debian: Path, tree: Path) -> None:
    for folder in ("bin", "sbin", "dev", "proc", "sys", "tmp", "run", "etc/acpi/PWRF", "lib"):
        (tree / folder).mkdir(parents=True)
    busybox = next(debian.glob("**/bin/busybox"))
    shutil.copy(busybox, tree / "bin/busybox")
    for applet in programs.run([str(busybox), "--list"]).split():
        if applet != "busybox":
            (tree / "bin" / applet).symlink_to("busybox")
    for name in ("getty", "reboot"):
        (tree / "sbin" / name).symlink_to("/bin/busybox")
    (tree / "init").symlink_to("bin/busybox")
    for name, text in ETC.items():
        (tree / "etc" / name).write_text(text)
    for name in ("inittab", "rc", "count", "record"):
        shutil.copy(SOURCES / name, tree / "etc" / name)
    shutil.copy(SOURCES / "power-button", tree / "etc/acpi/PWRF/00000080")
    _fill_modules(busybox, debian, tree)


def _fill_modules(busybox: Path, debian: Path, tree: Path) -> None:
    """Copy the modules, and list them in the order in which they can be loaded."""
    modules = next(debian.glob("**/lib/modules/*"))
    listing = programs.run(
        [str(busybox), "depmod", "-n", "-b", str(modules.parents[2]), modules.name]
    )
    names = []
    for path in load_order(listing, MODULES):
        source = modules / path
        packed = source.suffix == ".xz"
        name = source.name.removesuffix(".xz")
        content = source.read_bytes()
        (tree / "lib" / name).write_bytes(lzma.decompress(content) if packed else content)
        names.append(f"/lib/{name}\n")
    (tree / "etc/modules").write_text("".join(names))


def load_order(modules_dep: str, wanted: Iterable[str]) -> list[str]:
    """Paths of the wanted modules after those they need; what is built in is passed over.

    A line of modules.dep names a module and then all it needs, the last to be loaded first.
    """
    needs: dict[str, list[str]] = {}
    for line in modules_dep.splitlines():
        path, colon, others = line.partition(":")
        if colon:
            needs[_module_name(path)] = [path, *others.split()]
    order: dict[str, None] = {}
    for name in wanted:
        order.update(dict.fromkeys(reversed(needs.get(name, []))))
    return list(order)


def _module_name(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0].replace("-", "_")


def _archive(tree: Path, archive: Path) -> None:
    names = "\0".join(_names_below(tree))
    pack = ["cpio", "--create", "--format=newc", "--null", "--quiet", "--owner=0:0"]
    programs.run([*pack, f"--file={archive}"], stdin=names, cwd=tree)


def _names_below(tree: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(tree):
        for name in sorted([*folders, *files]):
            yield os.path.relpath(os.path.join(folder, name), tree)
