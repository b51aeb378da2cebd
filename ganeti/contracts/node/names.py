# SPDX-License-Identifier: GPL-2.0-or-later
"""Names in calls that become names of files on a node: they must not lead to another place."""

from __future__ import annotations

from typing import Annotated

from ganeti.model.instance import Instance
from ganeti.schema.types import Check


def is_file_name(text: str) -> bool:
    """Whether a file of this name lies in the directory where it is looked for."""
    return text not in ("", ".", "..") and "/" not in text and text.isprintable()


FileName = Annotated[str, Check(is_file_name, "a name without '/'")]
Path = Annotated[str, Check(lambda text: "\0" not in text, "a path")]


def _is_guest(instance: Instance) -> bool:
    return not instance.forthcoming and is_file_name(instance.name)


Guest = Annotated[Instance, Check(_is_guest, "an instance that exists, with a name")]
"""An instance; the files of its guest are named after it."""
