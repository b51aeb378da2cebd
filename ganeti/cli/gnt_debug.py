# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-debug``: test jobs and a look at the locks."""

from __future__ import annotations

from typing import Any

import simplejson

from ganeti.cli import jobs, listing, parse, queue_test
from ganeti.cli.command import Argument, Command, Run, Tool
from ganeti.cli.options import DRY_RUN, JOB, PRIORITY, SUBMIT, VERBOSE, flag, value
from ganeti.errors import Code, OpPrereqError
from ganeti.opcodes import base
from ganeti.opcodes.test import OpTestDelay, OpTestOsParams
from ganeti.schema import types
from ganeti.utils import loading

NO_LOCKS = flag("-l", "--no-locks", doc="Take no locks")
INTERVAL = value("--interval", kind="int", doc="Repeat the list after so many seconds")
OP_REPEAT = value(
    "--op-repeat", kind="int", dest="rep_op", default=1, doc="Repeat the opcodes within a job"
)
JOB_REPEAT = value(
    "--job-repeat", kind="int", dest="rep_job", default=1, doc="Submit each file so often"
)
TIMING = flag("--timing-stats", doc="Say how many there were and how long it took")
EACH = flag("--each", doc="Submit the jobs one by one")


def _delay(run: Run) -> int:
    try:
        duration = parse.number(run.args[0])
    except ValueError:
        raise OpPrereqError(f"'{run.args[0]}' is no number of seconds") from None
    if not duration > 0:
        raise OpPrereqError("the duration must be above zero")
    jobs.submit(run, run.opcode(OpTestDelay, duration=duration))
    return 0


def _locks(run: Run) -> int:
    fields = listing.wanted_fields(run.opts.output, listing.LOCK.default)
    if run.opts.interval and run.opts.interval < 0:
        raise OpPrereqError("the interval must be above zero", Code.WRONG_INPUT)
    while True:
        exit_code = listing.show(run, listing.LOCK, fields)
        if not run.opts.interval:
            return exit_code
        run.say()
        run.world.clock.sleep(run.opts.interval)


def _submit_job(run: Run) -> int:
    started = run.world.clock.monotonic()
    batch = jobs.Batch(run)
    counts = {"op": 0, "job": 0}
    loading.load_all("ganeti.opcodes")
    for path in run.args:
        raw = _read_opcodes(path) * run.opts.rep_op
        for index in range(run.opts.rep_job):
            batch.add(f"file {path}/{index}", *(_decoded(path, one) for one in raw))
            counts["op"] += len(raw)
            counts["job"] += 1
            if run.opts.each:
                batch.submit()
    batch.submit()
    submitted = run.world.clock.monotonic()
    outcomes = batch.wait()
    if run.opts.timing_stats:
        _show_timing(run, counts, started, submitted)
    return jobs.exit_code(outcomes)


def _read_opcodes(path: str) -> list[Any]:
    try:
        with open(path, encoding="utf-8") as file:
            raw = simplejson.load(file)
    except (OSError, ValueError) as err:
        raise OpPrereqError(f"the file '{path}' cannot be read: {err}", Code.WRONG_INPUT) from None
    if not isinstance(raw, list):
        raise OpPrereqError(f"the file '{path}' holds no list of opcodes", Code.WRONG_INPUT)
    return raw


def _decoded(path: str, raw: Any) -> base.OpCode:
    try:
        return base.decode(raw)
    except (base.Unknown, types.Mismatch) as err:
        raise OpPrereqError(f"in the file '{path}': {err}", Code.WRONG_INPUT) from None


def _show_timing(run: Run, counts: dict[str, int], started: float, submitted: float) -> None:
    now = run.world.clock.monotonic()
    run.say(f"C:op     {counts['op']:4d}")
    run.say(f"C:job    {counts['job']:4d}")
    run.say(f"T:submit {submitted - started:.4f}")
    run.say(f"T:exec   {now - submitted:.4f}")
    run.say(f"T:total  {now - started:.4f}")


def _test_osparams(run: Run) -> int:
    jobs.submit(run, run.opcode(OpTestOsParams))
    return 0


TOOL = Tool(
    "test jobs and a look at the locks",
    {
        "delay": Command(
            "Submit a job that sleeps",
            _delay,
            (Argument("seconds"),),
            ("on_master", "on_nodes", "repeat", "interruptible", NO_LOCKS, *JOB),
            OpTestDelay,
        ),
        "locks": Command(
            "List the locks", _locks, (), (*listing.TABLE, listing.OUTPUT, INTERVAL, VERBOSE)
        ),
        "submit-job": Command(
            "Submit jobs that stand in files as JSON",
            _submit_job,
            (Argument("file", 1, None),),
            (VERBOSE, OP_REPEAT, JOB_REPEAT, TIMING, EACH, DRY_RUN, PRIORITY),
        ),
        "test-jobqueue": Command(
            "Test that the job queue does what it must", queue_test.run_all, (), (PRIORITY,)
        ),
        "test-osparams": Command(
            "Submit a job with secret parameters, which says that they arrive",
            _test_osparams,
            (),
            ("osparams_secret", *SUBMIT),
            OpTestOsParams,
        ),
    },
    {},
)
