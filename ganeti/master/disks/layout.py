# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the files of file-based disks lie."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ganeti.errors import Code, OpPrereqError
from ganeti.model import templates
from ganeti.model.cluster import Cluster
from ganeti.model.disk import Disk


def directory_of(disks: Sequence[Disk]) -> str | None:
    """The directory of an instance's own files, or None if it has no such disks.

    Gluster's files lie flat below the mount point: there is no directory to make or remove.
    """
    owned = [d for d in disks if templates.TEMPLATES[d.dev_type].has_directory]
    return os.path.dirname(owned[0].logical_id[1]) if owned else None


def file_directory(
    cluster: Cluster, template: str, subdirectory: str | None, instance_name: str
) -> str:
    """``<cluster directory>[/<subdirectory>]/<instance>``; raises OpPrereqError if unusable."""
    base = {
        "file": cluster.file_storage_dir,
        "sharedfile": cluster.shared_file_storage_dir,
        "gluster": cluster.gluster_storage_dir,
    }[template]
    if not base:
        raise OpPrereqError(
            f"the cluster has no directory for disks of template {template};"
            " set one with 'gnt-cluster modify'",
            Code.WRONG_STATE,
        )
    if subdirectory and (os.path.isabs(subdirectory) or ".." in subdirectory.split("/")):
        raise OpPrereqError(
            f"the file storage directory '{subdirectory}' must be a relative path below {base}",
            Code.WRONG_INPUT,
        )
    parts = [base, subdirectory or ""]
    if template != "gluster":
        parts.append(instance_name)
    return os.path.normpath("/".join(part for part in parts if part))
