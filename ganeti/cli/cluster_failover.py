# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-cluster master-failover``: works without a master daemon, on the node that shall be master."""

from __future__ import annotations

from ganeti.cli import failure
from ganeti.cli.command import Command, Run
from ganeti.cli.options import flag

NO_VOTING = flag("--no-voting", doc="Go on although too few nodes answer")
YES_DO_IT = flag("--yes-do-it", dest="yes_do_it", doc="Do not ask because of --no-voting")
IGNORE_OFFLINE = flag("--ignore-offline-nodes", doc="Do not count nodes that are marked offline")
QUESTION = (
    "Without a vote this node becomes master even if the other nodes have another one. Two masters can"
    " start the same instance twice, which destroys its disks. Make sure that the old master is off."
    " Continue?"
)


def _master_failover(run: Run) -> int:
    opts = run.opts
    if opts.no_voting and not opts.yes_do_it:
        run.confirm(QUESTION)
    from ganeti.bootstrap import master_failover

    try:
        return master_failover.run(
            run.world.paths,
            voting=not opts.no_voting,
            with_offline=not opts.ignore_offline_nodes,
            warn=run.note,
        )
    except master_failover.NoMajority as err:
        raise failure.Complaint(str(err)) from None


COMMAND = Command(
    "Make this node the master",
    _master_failover,
    (),
    (NO_VOTING, YES_DO_IT, IGNORE_OFFLINE),
)
