# SPDX-License-Identifier: GPL-2.0-or-later
"""OS definitions on this node: directories with scripts and lists (extension points, "OS interface").

The first directory of a name on the search path counts. A definition that is not whole is still found,
with the reason why it cannot be used.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ganeti.errors import GenericError
from ganeti.utils import files

API_VERSIONS = (10, 15, 20)
VARIANTS_SINCE, PARAMETERS_SINCE = 15, 20
CREATE, CREATE_UNTRUSTED = "create", "create_untrusted"
ALWAYS = ("import", "export", "rename")
VERIFY = "verify"
CORE_PARAMETERS = frozenset({"os-image", "os-install-package"})


class OsError(GenericError):
    """An OS definition is missing or cannot be used."""


@dataclass(frozen=True)
class OsDefinition:
    """One definition; `problem` is empty if it is good."""

    name: str
    path: str
    problem: str = ""
    api_versions: Sequence[int] = ()
    variants: Sequence[str] = ()
    parameters: Sequence[tuple[str, str]] = field(default=())
    is_trusted: bool = True

    @property
    def api(self) -> int:
        """The version that is used: the highest that both know."""
        return max(set(self.api_versions) & set(API_VERSIONS))

    def script(self, name: str) -> str:
        return f"{self.path}/{name}"

    def has(self, name: str) -> bool:
        return _is_script(self.script(name))


def _is_script(path: str) -> bool:
    try:
        state = os.stat(path)
    except OSError:
        return False
    return stat.S_ISREG(state.st_mode) and bool(state.st_mode & stat.S_IXUSR)


def _words(path: str) -> list[str]:
    """The lines of a list without comments; a missing file is an empty list."""
    try:
        lines = files.read_lines(path)
    except FileNotFoundError:
        return []
    words = (line.strip() for line in lines)
    return [word for word in words if word and not word.startswith("#")]


def _api_versions(path: str) -> list[int]:
    try:
        return [int(word) for word in _words(f"{path}/ganeti_api_version")]
    except ValueError as err:
        raise OsError(f"ganeti_api_version is not a list of numbers: {err}") from err


def read(name: str, path: str) -> OsDefinition:
    """The definition in a directory, good or not."""
    try:
        versions = _api_versions(path)
        return _checked(name, path, versions)
    except OsError as err:
        return OsDefinition(name, path, str(err))
    except (OSError, UnicodeDecodeError) as err:
        return OsDefinition(name, path, f"it cannot be read: {err}")


def _checked(name: str, path: str, versions: list[int]) -> OsDefinition:
    common = set(versions) & set(API_VERSIONS)
    if not common:
        known = ", ".join(map(str, API_VERSIONS))
        raise OsError(f"its API versions ({versions}) are none of those that are known: {known}")
    needed = [*ALWAYS, *([VERIFY] if max(common) >= PARAMETERS_SINCE else [])]
    missing = [script for script in needed if not _is_script(f"{path}/{script}")]
    is_trusted = _is_script(f"{path}/{CREATE}")
    if not is_trusted and not _is_script(f"{path}/{CREATE_UNTRUSTED}"):
        missing.insert(0, CREATE)
    if missing:
        raise OsError(f"script(s) missing or not executable: {', '.join(missing)}")
    variants = _words(f"{path}/variants.list") if max(common) >= VARIANTS_SINCE else []
    with_parameters = max(common) >= PARAMETERS_SINCE
    lines = _words(f"{path}/parameters.list") if with_parameters else []
    parameters = [(key.lower(), text.strip()) for key, _, text in (x.partition(" ") for x in lines)]
    return OsDefinition(name, path, "", versions, variants, parameters, is_trusted)


def find_all(search_path: Sequence[str]) -> Iterator[OsDefinition]:
    """Every definition, also those that another one of the same name hides."""
    for base in search_path:
        try:
            names = sorted(os.listdir(base))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for name in names:
            if not name.startswith(".") and os.path.isdir(f"{base}/{name}"):
                yield read(name, f"{base}/{name}")


def find(search_path: Sequence[str], name: str) -> OsDefinition | None:
    """The definition that counts."""
    for base in search_path:
        if os.path.isdir(f"{base}/{name}"):
            return read(name, f"{base}/{name}")
    return None


def split(name: str) -> tuple[str, str]:
    """Name and variant of ``name+variant``."""
    base, _, variant = name.partition("+")
    return base, variant


def require(search_path: Sequence[str], full_name: str) -> OsDefinition:
    """The definition of an instance's OS; raises OsError if it cannot be used."""
    name, _variant = split(full_name)
    found = find(search_path, name) if name and "/" not in name else None
    if found is None:
        raise OsError(f"there is no OS '{name}' on this node")
    if found.problem:
        raise OsError(f"OS '{name}' in {found.path} cannot be used: {found.problem}")
    return found


def check_variant(definition: OsDefinition, full_name: str, *, force: bool) -> None:
    """An OS with variants needs one of them, one without takes none; `force` takes any."""
    name, variant = split(full_name)
    if not definition.variants:
        if variant:
            raise OsError(f"OS '{name}' has no variants, so not '{variant}'")
        return
    listed = ", ".join(definition.variants)
    if not variant:
        raise OsError(f"OS '{name}' needs a variant: {name}+VARIANT, with one of {listed}")
    if variant not in definition.variants and not force:
        raise OsError(f"OS '{name}' does not have the variant '{variant}' (it has: {listed})")


def check_names(definition: OsDefinition, params: Sequence[str]) -> None:
    """Only parameters of the definition's list may be given."""
    known = {key for key, _ in definition.parameters} | CORE_PARAMETERS
    unknown = sorted(set(params) - known)
    if unknown:
        raise OsError(f"OS '{definition.name}' has no parameter {', '.join(unknown)}")
