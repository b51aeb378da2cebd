# SPDX-License-Identifier: GPL-2.0-or-later
"""The copies of the job queue on a master candidate.

All changes happen under the queue's lock, which a master daemon on this host would hold: then they are
refused, because there the queue is the original.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from ganeti import owners, queue_files
from ganeti.contracts.node.jobs import JobCalls
from ganeti.contracts.node.packed import Packed
from ganeti.errors import JobQueueError
from ganeti.node.host import Host
from ganeti.utils import files
from ganeti.utils.filelock import FileLock

LOCK_TIMEOUT_S = 10.0
FILE_MODE, DRAIN_MODE, DIRECTORY_MODE = 0o640, 0o644, 0o750
_PURGED = re.compile(r"(job-[0-9]+|drain|candidates)")
_IN_QUEUE = re.compile(r"(job-[0-9]+|serial|version|candidates)")
_IN_ARCHIVE = re.compile(r"[0-9]+/job-[0-9]+")


class JobHandlers(JobCalls):
    """Files of the queue, by path. They belong to the master daemon, which may start here one day."""

    def __init__(self, host: Host) -> None:
        self._host, self._paths = host, host.paths
        self._owner = (owners.user_id("masterd"), owners.group_id("daemons"))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        directory = self._paths.queue_dir
        self._host.disk.ensure_dir(directory, mode=DIRECTORY_MODE, owner=self._owner)
        with FileLock(self._paths.queue_lock, clock=self._host.clock) as lock:
            lock.acquire(timeout_s=LOCK_TIMEOUT_S)
            yield

    def _checked(self, path: str) -> str:
        """The path, which must be that of a file of the queue."""
        directory = self._paths.queue_dir + "/"
        name = path.removeprefix(directory)
        archived = name.removeprefix("archive/")
        known = _IN_QUEUE.fullmatch(name) or (archived != name and _IN_ARCHIVE.fullmatch(archived))
        if not path.startswith(directory) or not known:
            raise JobQueueError(f"{path} is not a file of the job queue")
        return path

    def jobqueue_update(self, file_name: str, content: Packed) -> None:
        self.jobqueue_update_many([(file_name, content)])

    def jobqueue_update_many(self, files: list[tuple[str, Packed]]) -> None:
        writes = [self._write(path, content) for path, content in files]
        with self._locked():
            for directory in dict.fromkeys(os.path.dirname(write.path) for write in writes):
                self._host.disk.ensure_dir(directory, mode=DIRECTORY_MODE, owner=self._owner)
            self._host.disk.write_many(writes)

    def _write(self, path: str, content: Packed) -> files.Write:
        return files.Write(self._checked(path), content.data, FILE_MODE, self._owner)

    def jobqueue_rename(self, rename: list[tuple[str, str]]) -> None:
        """A file that is not there was never copied here, which is fine."""
        pairs = [(self._checked(old), self._checked(new)) for old, new in rename]
        with self._locked():
            self._rename([(old, new) for old, new in pairs if os.path.exists(old)])

    def jobqueue_set_drain_flag(self, flag: bool) -> None:
        with self._locked():
            if flag:
                path = self._paths.queue_drain
                self._host.disk.write(path, b"", mode=DRAIN_MODE, owner=self._owner)
            else:
                self._host.disk.remove(self._paths.queue_drain, missing_ok=True)

    def jobqueue_keep(self, live: list[int], archived: list[int]) -> list[int]:
        job, archived_job = self._paths.job, self._paths.archived_job
        with self._locked():
            old_live, old_archived = (
                queue_files.live(self._paths),
                queue_files.archived(self._paths),
            )
            back = ({*live} - old_live) & old_archived  # what is in an archive has ended
            self._rename([(archived_job(n), job(n)) for n in back])
            gone = [job(n) for n in old_live - {*live}]
            gone += [archived_job(n) for n in old_archived - {*archived} - back]
            self._host.disk.remove_many(gone)
        return sorted(({*live} - old_live - back) | ({*archived} - old_archived))

    def _rename(self, pairs: list[tuple[str, str]]) -> None:
        self._host.disk.rename_many(
            pairs, make_dirs_mode=DIRECTORY_MODE, make_dirs_owner=self._owner
        )

    def jobqueue_purge(self) -> None:
        """The serial stays, so that no number of a job is ever given twice."""
        with self._locked():
            self._host.disk.remove_files(self._paths.queue_dir, names=_PURGED)
            if os.path.isdir(self._paths.queue_archive_dir):
                shutil.rmtree(self._paths.queue_archive_dir)
