# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-job``: look at the queue and act on jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ganeti.cli import failure, filters, jobs, listing, parse, table, tree
from ganeti.cli.command import Argument, Command, Run, Tool
from ganeti.cli.options import FORCE, PRIORITIES, PRIORITY, constant, flag
from ganeti.errors import Code, GenericError, LuxiError, OpPrereqError
from ganeti.exitcode import ExitCode


def _status(flag_: str, statuses: Sequence[str]) -> Any:
    return constant(
        flag_, "status_filter", list(statuses), f"Jobs that are {' or '.join(statuses)}"
    )


PENDING = _status("--pending", ("canceling", "queued", "waiting"))
QUEUED = _status("--queued", ("queued",))
WAITING = _status("--waiting", ("waiting",))
RUNNING = _status("--running", ("running",))
ERROR = _status("--error", ("error",))
FINISHED = _status("--finished", ("canceled", "error", "success"))
ARCHIVED = flag("--archived", doc="Archived jobs too")
KILL = flag("--kill", doc="For scripts: a running job has no process to kill; needs --yes-do-it")
YES_DO_IT = flag("--yes-do-it", "--ya-rly", dest="yes_do_it", doc="Confirm --kill")

ARCHIVE_S = 89
"""How long the master may look for old jobs: not longer than the client waits for an answer."""

ONE_JOB = (Argument("job"),)
JOBS = (Argument("job", 1, None),)
MAYBE_JOBS = (Argument("job", 0, None),)


def _list(run: Run) -> int:
    fields = listing.wanted_fields(run.opts.output, listing.JOB.default)
    if run.opts.archived and "archived" not in fields:
        fields.append("archived")
    named = listing.asked_for(run, listing.JOB)
    statuses = run.opts.status_filter
    by_status = filters.is_one_of("status", statuses) if statuses else None
    return listing.show(run, listing.JOB, fields, filters.all_of(by_status, named))


def _ids(run: Run) -> list[int]:
    return [parse.integer("job id", word) for word in run.args]


def _archive(run: Run) -> int:
    exit_code = 0
    for job_id in _ids(run):
        if not run.world.client.ArchiveJob(job_id):
            run.note(f"Job {job_id} cannot be archived: it is unknown or has not finished")
            exit_code = 1
    return exit_code


def _autoarchive(run: Run) -> int:
    age = -1 if run.args[0] == "all" else parse.seconds(run.args[0])
    archived, left = run.world.client.AutoArchiveJobs(age, ARCHIVE_S)
    run.say(f"Archived {archived} jobs, {left} were not examined")
    return 0


def _cancel(run: Run) -> int:
    if run.opts.kill and not run.opts.yes_do_it:
        raise OpPrereqError("--kill needs --yes-do-it", Code.WRONG_INPUT)
    kill = bool(run.opts.kill)
    return _on_each(run, "cancel", lambda job_id: run.world.client.CancelJob(job_id, kill))


def _change_priority(run: Run) -> int:
    if run.opts.priority is None:
        raise failure.Complaint("--priority is missing: low, normal or high")
    priority = PRIORITIES[run.opts.priority]
    change = run.world.client.ChangeJobPriority
    return _on_each(run, "change the priority of", lambda job_id: change(job_id, priority))


def _on_each(run: Run, verb: str, act: Callable[[int], Sequence[Any]]) -> int:
    """Do something to the jobs that were named, or that are in the status asked for."""
    if bool(run.args) == bool(run.opts.status_filter):
        raise OpPrereqError("give either job ids or a status option", Code.WRONG_INPUT)
    ids = _ids(run) if run.args else _with_status(run, verb)
    results = [act(job_id) for job_id in ids]
    for _, message in results:
        run.say(message)
    return int(not all(done for done, _ in results))


def _with_status(run: Run, verb: str) -> list[int]:
    """The jobs in the status asked for, shown and confirmed."""
    fields = ["id", "status", "summary"]
    qfilter = filters.is_one_of("status", run.opts.status_filter)
    answer = run.world.client.Query("job", fields, qfilter)
    ids = [row[0][1] for row in answer["data"]]
    if ids and not run.opts.force:
        columns, rows = listing.cells(answer, listing.JOB, "h")
        run.say("\n".join(table.render(columns, rows)))
        if not run.world.terminal.confirm(f"Do you want to {verb} these {len(ids)} jobs?"):
            raise failure.Refused(ExitCode.CONFIRMATION_NEEDED)
    return ids


def _wait(run: Run) -> int:
    (job_id,) = _ids(run)
    return _until_end(run, job_id, lambda: jobs.wait(run, job_id))


def _watch(run: Run) -> int:
    (job_id,) = _ids(run)
    title = f"Output from job {job_id} follows"
    run.say(title)
    run.say("-" * len(title))
    return _until_end(run, job_id, lambda: jobs.follow(run, job_id))


def _until_end(run: Run, job_id: int, act: Callable[[], object]) -> int:
    try:
        act()
    except LuxiError:
        raise  # the talk with the master broke off, which says nothing about the job
    except GenericError as err:
        code, text = failure.describe(err)
        run.note(f"Job {job_id} failed: {text}")
        return code
    return 0


_INFO_FIELDS = (
    *("id", "status", "ops", "opresult", "opstatus", "oplog", "opstart", "opexec", "opend"),
    *("received_ts", "start_ts", "end_ts"),
)


def _info(run: Run) -> int:
    qfilter = filters.is_one_of("id", _ids(run))
    answer = run.world.client.Query("job", list(_INFO_FIELDS), qfilter)
    run.show(tree.render([_job_tree(row) for row in answer["data"]]))
    return 0


def _job_tree(row: Sequence[Sequence[Any]]) -> Any:
    job = {name: cell[1] for name, cell in zip(_INFO_FIELDS, row, strict=True)}
    if job["status"] is None:
        return f"Job ID {job['id']} not found"
    received, start, end = job["received_ts"], job["start_ts"], job["end_ts"]
    return tree.Fields(
        {
            "Job ID": job["id"],
            "Status": job["status"],
            "Received": _time(received),
            "Processing start": _time(start) + _delta(received, start),
            "Processing end": _time(end) + _delta(start, end),
            "Total processing time": _total(received, end),
            "Opcodes": [
                _opcode_tree(*parts)
                for parts in zip(
                    *(job["ops"], job["opstatus"], job["opstart"], job["opexec"], job["opend"]),
                    *(job["opresult"], job["oplog"]),
                    strict=True,
                )
            ],
        },
        aligned=("Received", "Processing start", "Processing end"),
    )


def _opcode_tree(op: dict[str, Any], status: str, *rest: Any) -> tree.Fields:
    start, execution, end, result, log = rest
    return tree.Fields(
        {
            "Opcode": op["OP_ID"],
            "Status": status,
            "Processing start": _op_time(start),
            "Execution start": _op_time(execution),
            "Processing end": _op_time(end),
            "Input fields": op,
            "Result": result,
            "Execution log": [
                tree.Fields({"Time": table.moment(stamp), "Content": (serial, kind, payload)})
                for serial, stamp, kind, payload in log
            ],
        },
        aligned=("Processing start", "Execution start", "Processing end"),
    )


def _time(pair: Any) -> str:
    return table.moment(pair) if pair else f"unknown ({pair})"


def _op_time(pair: Any) -> str:
    return table.moment(pair) if pair else "N/A"


def _seconds(pair: Sequence[int]) -> float:
    return pair[0] + pair[1] / 1_000_000


def _delta(before: Any, after: Any) -> str:
    return f" (delta {_seconds(after) - _seconds(before):.6f}s)" if before and after else ""


def _total(received: Any, end: Any) -> str:
    if not received or not end:
        return "N/A"
    return f"{_seconds(end) - _seconds(received):.6f} seconds"


TOOL = Tool(
    "look at the job queue and act on jobs",
    {
        "archive": Command("Archive jobs that have finished", _archive, JOBS),
        "autoarchive": Command(
            "Archive finished jobs that are older than an age", _autoarchive, (Argument("age|all"),)
        ),
        "cancel": Command(
            "Cancel jobs", _cancel, MAYBE_JOBS, (FORCE, KILL, PENDING, QUEUED, WAITING, YES_DO_IT)
        ),
        "change-priority": Command(
            "Change the priority of jobs that wait",
            _change_priority,
            MAYBE_JOBS,
            (PRIORITY, FORCE, PENDING, QUEUED, WAITING),
        ),
        "info": Command("Show all about jobs", _info, JOBS),
        "list": Command(
            "List jobs",
            _list,
            MAYBE_JOBS,
            (*listing.LIST, PENDING, RUNNING, ERROR, FINISHED, ARCHIVED),
        ),
        "list-fields": listing.fields_command(listing.JOB, "List the fields of jobs"),
        "wait": Command("Wait for the end of a job", _wait, ONE_JOB),
        "watch": Command("Follow the log of a job", _watch, ONE_JOB),
    },
    {"show": "info"},
)
