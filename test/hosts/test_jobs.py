# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs that wait for each other, and how they are shown."""

from __future__ import annotations

import ast
import re

from test.hosts import typed
from test.hosts.typed import listed, refused
from test.lab import programs
from test.lab.hosts import Host

DELAY = ["gnt-debug", "delay"]
STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}"

UNTIL_VISITED = ["-i", "3600"]
VISIT = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"


def visit(master: Host, job: str) -> None:
    """End a delay that is to last until somebody connects to the socket that its log names."""

    def op_log() -> str:
        return listed(master, "job", "oplog", job)[0][0]

    programs.wait_until(lambda: "delay-test" in op_log(), typed.JOB_S, "it offers a socket")
    [[(_, _, _, path)]] = ast.literal_eval(op_log())
    master.run(["python3", "-c", VISIT, path])


def busy_locks(master: Host) -> list[list[str]]:
    """Mode, owners and waiters of each lock that somebody waits for."""
    columns = ["--no-headers", "--separator=|", "-o", "mode,owner,pending"]
    rows = master.run(["gnt-debug", "locks", *columns]).splitlines()
    return [words for words in (row.split("|") for row in rows) if words[2] != "-"]


def test_an_urgent_job_overtakes_one_that_waits_longer(fake_master: Host) -> None:
    first, second, third = (
        typed.submitted(fake_master, [*DELAY, *words])
        for words in (UNTIL_VISITED, ["0.2"], ["0.01"])
    )
    typed.wait_job(fake_master, first, "running")
    typed.wait_job(fake_master, third, "waiting")
    before = busy_locks(fake_master)
    told = fake_master.run(["gnt-job", "change-priority", "--priority=high", third])
    after = busy_locks(fake_master)
    assert listed(fake_master, "job", "priority,oppriority", third) == [["-10", "[-10]"]]
    visit(fake_master, first)
    fake_master.run(["gnt-job", "wait", second])
    assert before == [["exclusive", first, f"exclusive:{second}, exclusive:{third}"]]
    assert after == [["exclusive", first, f"exclusive:{third}, exclusive:{second}"]]
    assert third in told
    began = dict(listed(fake_master, "job", "id,opexec", second, third))
    assert began[third] < began[second]
    refused(fake_master, ["gnt-job", "change-priority", third], "--priority")
    late = fake_master.outcome(["gnt-job", "change-priority", "--priority=low", third])
    assert (late.returncode, third in late.stdout) == (1, True)


def test_how_a_job_is_listed(fake_master: Host) -> None:
    job = typed.submitted(fake_master, [*DELAY, "--reason=noon", "0.01"])
    typed.wait_job(fake_master, job, "success")
    width = max(len(job), 2)
    table = f"{'ID':>{width}} Status  Summary\n{job:>{width}} success TEST_DELAY(1.0e-2)\n"

    def jobs(*words: str) -> str:
        return fake_master.run(["gnt-job", "list", *words])

    assert jobs(job) == table
    assert jobs("-F", f"id == {job}") == table
    assert jobs("--no-headers", "--separator=:", "-o", "id,status", job) == f"{job}:success\n"
    assert jobs("--running", job) == "ID Status Summary\n"
    assert jobs("--running", "--no-headers", job) == ""
    assert jobs("--archived", job).splitlines()[1].endswith(" N")
    odd = fake_master.outcome(["gnt-job", "list", "--no-headers", "-o", "id,odd", job])
    assert (odd.returncode, odd.stdout) == (14, f"{job} ??\n")
    assert odd.stderr == "Warning: Queried for unknown fields odd\n"
    refused(fake_master, ["gnt-job", "list", "last"], "wrong_input", "last")


def test_how_a_job_is_told_in_full(fake_master: Host) -> None:
    job = typed.submitted(fake_master, [*DELAY, "-r", "2", "--reason=noon", "0.01"])
    assert fake_master.run(["gnt-job", "wait", job]) == ""
    info = fake_master.run(["gnt-job", "info", job])
    assert re.match(
        rf"- Job ID: {job}\n"
        rf"  Status: success\n"
        rf"  Received:         {STAMP}\n"
        rf"  Processing start: {STAMP} \(delta \d+\.\d{{6}}s\)\n"
        rf"  Processing end:   {STAMP} \(delta \d+\.\d{{6}}s\)\n"
        rf"  Total processing time: \d+\.\d{{6}} seconds\n"
        rf"  Opcodes: \n"
        rf"    - Opcode: OP_TEST_DELAY\n"
        rf"      Status: success\n"
        rf"      Processing start: {STAMP}\n"
        rf"      Execution start:  {STAMP}\n"
        rf"      Processing end:   {STAMP}\n"
        rf"      Input fields: \n"
        rf"        OP_ID: OP_TEST_DELAY\n",
        info,
    )
    assert "          - - gnt:user\n            - noon\n" in info
    assert re.search(
        r"Execution log: \n        - Time: .*\n          Content: \[1, message, ", info
    )
    title, dashes, *log = fake_master.run(["gnt-job", "watch", job]).splitlines()
    assert (title, dashes) == (f"Output from job {job} follows", "-" * len(title))
    # After the time, 24 characters as of ctime, and a blank.
    assert [line[25:] for line in log] == [" - INFO: round 0/1", " - INFO: round 1/1"]


def test_waiting_for_a_job_that_fails_says_why(fake_master: Host) -> None:
    job = typed.submitted(fake_master, [*DELAY, "-n", "nosuch", "0.01"])
    for verb in ("wait", "watch"):
        done = refused(fake_master, ["gnt-job", verb, job], "error type: unknown_entity", "nosuch")
        assert done.stderr.startswith(f"Job {job} ")
    [[status, result]] = listed(fake_master, "job", "opstatus,opresult", job)
    assert (status, "OpPrereqError" in result) == ("['error']", True)


def test_whoever_connects_ends_a_delay(fake_master: Host) -> None:
    job = typed.submitted(fake_master, [*DELAY, "-l", *UNTIL_VISITED])
    typed.wait_job(fake_master, job, "running")
    killed = fake_master.outcome(["gnt-job", "cancel", "--kill", "--yes-do-it", job])
    assert (killed.returncode, job in killed.stdout) == (1, True)
    visit(fake_master, job)
    assert fake_master.run(["gnt-job", "wait", job]) == ""
