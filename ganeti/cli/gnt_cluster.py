# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-cluster``: the cluster as a whole."""

from __future__ import annotations

import time

from ganeti.cli import (
    cluster_failover,
    cluster_info,
    cluster_init,
    cluster_modify,
    cluster_remote,
    jobs,
    parse,
    tags,
)
from ganeti.cli.command import Argument, Command, Run, Tool
from ganeti.cli.options import DRY_RUN, JOB, PRIORITY, flag
from ganeti.errors import Code, GenericError, OpPrereqError
from ganeti.opcodes.cluster import (
    OpClusterActivateMasterIp,
    OpClusterDeactivateMasterIp,
    OpClusterRedistConf,
    OpClusterVerify,
)
from ganeti.opcodes.tags import OpTagsSearch

LONGEST_PAUSE_S = 100 * 365 * 86400

YES = flag("--yes", dest="confirmed", doc="Do not ask")
TO_DRAINED = flag(
    "--yes-do-it", dest="yes_do_it", doc="Submit the job although the queue is drained"
)
NO_NPLUS1 = flag("--no-nplus1-mem", dest="skip_nplusone_mem", doc="Leave the N+1 memory test out")


def _activate_master_ip(run: Run) -> int:
    jobs.submit(run, OpClusterActivateMasterIp())
    return 0


def _deactivate_master_ip(run: Run) -> int:
    if not run.opts.confirmed:
        run.confirm(
            "Taking the cluster's address down cuts off everyone who works with it: the remote API, "
            "and your own session if it goes there. Continue?"
        )
    jobs.submit(run, OpClusterDeactivateMasterIp())
    return 0


def _getmaster(run: Run) -> int:
    run.say(run.world.ssconf.get("master_node"))
    return 0


def _master_ping(run: Run) -> int:
    try:
        run.world.client.QueryClusterInfo()
    except (GenericError, OSError):
        return 1
    return 0


def _version(run: Run) -> int:
    info = run.world.client.QueryClusterInfo()
    for label, key in (
        ("Software version", "software_version"),
        ("Internode protocol", "protocol_version"),
        ("Configuration format", "config_version"),
        ("OS api version", "os_api_version"),
        ("Export interface", "export_version"),
        ("VCS version", "vcs_version"),
    ):
        run.say(f"{label}: {info[key]}")
    return 0


def _queue(run: Run) -> int:
    (word,) = run.args
    if word == "info":
        (drained,) = run.world.client.QueryConfigValues(["drain_flag"])
        run.say(f"The drain flag is {'set' if drained else 'unset'}")
    else:
        run.world.client.SetDrainFlag(word == "drain")
    return 0


def _watcher(run: Run) -> int:
    word, client = run.args[0], run.world.client
    if word == "continue":
        client.SetWatcherPause(None)
        run.say("The watcher is no longer paused.")
        return 0
    if word == "pause":
        until = _pause_end(run)
        client.SetWatcherPause(until)
    else:
        (until,) = client.QueryConfigValues(["watcher_pause"])
    paused = until is not None and until > run.world.clock.now()
    run.say(
        f"The watcher is paused until {time.ctime(until)}."
        if paused
        else "The watcher is not paused."
    )
    return 0


def _pause_end(run: Run) -> int:
    """In whole seconds, as all nodes keep it: `info` must name the same end."""
    if len(run.args) == 1:
        raise OpPrereqError("say how long the watcher shall pause, as 1h", Code.WRONG_INPUT)
    span = parse.seconds(run.args[1])
    if span > LONGEST_PAUSE_S:
        raise OpPrereqError(f"'{run.args[1]}' is too long; at most 100 years", Code.WRONG_INPUT)
    return int(run.world.clock.now() + span)


def _redist_conf(run: Run) -> int:
    op = OpClusterRedistConf()
    if run.opts.yes_do_it:
        jobs.submit_drained(run, op)
    else:
        jobs.submit(run, op)
    return 0


def _search_tags(run: Run) -> int:
    found = jobs.submit(run, OpTagsSearch(pattern=run.args[0]))
    for path, tag in sorted(found):
        run.say(f"{path} {tag}")
    return int(not found)


def _verify(run: Run) -> int:
    checks = ["nplusone_mem"] if run.opts.skip_nplusone_mem else []
    result = jobs.submit(run, run.opcode(OpClusterVerify, skip_checks=checks))
    batch = jobs.Batch(run)
    batch.adopt(result["jobs"] if result else [])
    outcomes = batch.wait()
    return int(any(o.results is None or o.results[0] is False for o in outcomes))


TOOL = Tool(
    "the cluster as a whole",
    {
        "activate-master-ip": Command("Bring the cluster's address up", _activate_master_ip),
        "command": cluster_remote.COMMAND,
        "copyfile": cluster_remote.COPYFILE,
        "deactivate-master-ip": Command(
            "Take the cluster's address down", _deactivate_master_ip, (), (YES,)
        ),
        "destroy": cluster_init.DESTROY,
        "getmaster": Command("Show which node is the master", _getmaster),
        "info": cluster_info.COMMAND,
        "init": cluster_init.INIT,
        "master-failover": cluster_failover.COMMAND,
        "master-ping": Command("Test whether the master daemon answers", _master_ping),
        "modify": cluster_modify.COMMAND,
        "queue": Command(
            "Stop taking jobs, take them again, or show which it is",
            _queue,
            (Argument("word", choices=("drain", "info", "undrain")),),
        ),
        "redist-conf": Command(
            "Send the shared files to all nodes", _redist_conf, (), (*JOB, TO_DRAINED)
        ),
        "search-tags": Command(
            "Find tags by a regular expression", _search_tags, (Argument("pattern"),), (PRIORITY,)
        ),
        "verify": Command(
            "Check the health of the cluster",
            _verify,
            (),
            (
                *("verbose", "debug_simulate_errors", "error_codes", NO_NPLUS1, DRY_RUN, PRIORITY),
                *("group_name", "ignore_errors", "verify_clutter"),
            ),
            OpClusterVerify,
        ),
        "version": Command("Show the version numbers", _version),
        "watcher": Command(
            "Pause the watcher, let it go on, or show which it is",
            _watcher,
            (
                Argument("word", choices=("continue", "info", "pause")),
                Argument("time", 0),
            ),
        ),
        **tags.commands("cluster"),
    },
    {"show": "info", "masterfailover": "master-failover"},
)
