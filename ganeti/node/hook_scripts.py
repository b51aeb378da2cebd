# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the hooks of this node (extension points, "Hooks": what runs, in which order, with what).

Only visible files with harmless names run; editors' backups and the like are skipped, not refused.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping

from ganeti import version
from ganeti.contracts.node.hooks import FAILED, RAN, SKIPPED, Row
from ganeti.errors import HooksAbort, HooksFailure
from ganeti.node.host import Host
from ganeti.paths import SCRIPT_PATH

NAME = re.compile(r"[a-zA-Z0-9_-]+")
PHASES = ("pre", "post")
TIMEOUT_S = 840.0
"""Less than the call may take, so that the answer still comes."""


def run(host: Host, hpath: str, phase: str, env: Mapping[str, str]) -> list[Row]:
    """Run the scripts of a phase with this environment and nothing else."""
    if phase not in PHASES or not NAME.fullmatch(hpath):
        raise HooksFailure(f"'{hpath}' in phase '{phase}' is not the path of hooks")
    directory = f"{hpath}-{phase}.d"
    base = f"{host.paths.hooks_dir}/{directory}"
    try:
        names = sorted(name for name in os.listdir(base) if not name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as err:
        raise HooksFailure(f"the hooks in {base} cannot be listed: {err}") from err
    return [_row(host, f"{directory}/{name}", f"{base}/{name}", env) for name in names]


def _row(host: Host, label: str, path: str, env: Mapping[str, str]) -> Row:
    if not _runs(path):
        return (label, SKIPPED, "")
    result = host.runner.run([path], timeout_s=TIMEOUT_S, env=env, reset_env=True, cwd="/")
    output = result.output or (result.fail_reason if result.failed else "")
    return (label, FAILED if result.failed else RAN, output)


def _runs(path: str) -> bool:
    """A regular, executable file with a harmless name."""
    if not NAME.fullmatch(os.path.basename(path)):
        return False
    try:
        state = os.stat(path)
    except OSError:
        return False
    return stat.S_ISREG(state.st_mode) and os.access(path, os.X_OK)


def run_local(host: Host, hpath: str, phase: str, op_id: str, env: Mapping[str, str]) -> None:
    """Hooks around something that this node does by itself; raises HooksAbort if a pre hook refuses."""
    master = host.ssconf.get("master_node", default="")
    variables = {
        "PATH": SCRIPT_PATH,
        "GANETI_HOOKS_VERSION": str(version.HOOKS),
        "GANETI_HOOKS_PHASE": phase,
        "GANETI_HOOKS_PATH": hpath,
        "GANETI_OP_CODE": op_id,
        "GANETI_OBJECT_TYPE": "CLUSTER",
        "GANETI_DATA_DIR": host.paths.data_dir,
        "GANETI_CLUSTER": host.ssconf.get("cluster_name", default=""),
        "GANETI_MASTER": master,
        **{f"GANETI_{name}": value for name, value in env.items()},
    }
    rows = run(host, hpath, phase, variables)
    failed = [[master, script, output] for script, code, output in rows if code == FAILED]
    if failed and phase == "pre":
        raise HooksAbort(failed)
