# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs allocators of this node (extension points, "iallocator")."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from typing import Any

from ganeti.contracts.node.allocator import AllocatorCalls
from ganeti.errors import GenericError
from ganeti.node.host import Host
from ganeti.utils import files

NAME = re.compile(r"[a-zA-Z0-9_-]+")
QUESTION_PREFIX = "ganeti-iallocator."
TIMEOUT_S = 840.0
"""Less than the call may take, so that the answer still comes."""


class AllocatorHandlers(AllocatorCalls):
    def __init__(self, host: Host) -> None:
        self._host = host

    def iallocator_runner(
        self, name: str, idata: str, default_iallocator_params: dict[str, Any]
    ) -> str:
        """Only what stands on stdout is the answer: allocators warn on stderr."""
        program = self._found(name)
        with tempfile.NamedTemporaryFile("w", prefix=QUESTION_PREFIX, encoding="utf-8") as file:
            file.write(idata)
            file.flush()
            argv = [program, file.name, *_options(default_iallocator_params)]
            result = self._host.runner.run(argv, timeout_s=TIMEOUT_S)
        if result.failed:
            raise GenericError(f"allocator '{name}' {result.fail_reason}: {result.output}")
        return result.stdout

    def _found(self, name: str) -> str:
        directories = self._host.paths.iallocator_search_path
        path = files.find_executable(directories, name) if NAME.fullmatch(name) else None
        if path is None:
            raise GenericError(f"there is no allocator '{name}' in {' or '.join(directories)}")
        return path


def _options(params: Mapping[str, Any]) -> list[str]:
    return [f"--{k}" if value is None else f"--{k}={value}" for k, value in params.items()]
