# SPDX-License-Identifier: GPL-2.0-or-later
"""One opcode's life, from its locks to its hooks."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import Code, HooksAbort, HooksFailure, JobQueueError, OpPrereqError
from ganeti.master.locks.plan import All, Level
from ganeti.master.processor import UnitAttempt, UnitExecutor, inherited
from ganeti.model.config import Config
from ganeti.opcodes.base import OpCode
from ganeti.opcodes.cluster import OpClusterVerify, OpClusterVerifyConfig
from ganeti.opcodes.instance import OpInstanceReboot, OpInstanceStartup
from ganeti.opcodes.tags import OpTagsSet
from test.support.cluster import a_cluster
from test.support.master_world import MasterWorld


class Job:
    """A job with one opcode: takes its locks as the queue does, then runs it."""

    job_id, priority = 7, 0

    def __init__(self, world: MasterWorld, opcode: OpCode) -> None:
        self.lines, self.submitted = list[str](), list[Any]()
        self.broken: JobQueueError | None = None
        attempt = UnitExecutor(world.services).begin(self.job_id, 0, opcode, self.feedback)
        assert isinstance(attempt, UnitAttempt)
        self.attempt, self.locks = attempt, self
        self._held: dict[Level, frozenset[str]] = {}
        for level in Level:
            want = attempt.want(level, self._held)
            names = frozenset[str]() if want is None else want.names
            self._held[level] = (
                frozenset(attempt.names_of(level)) if isinstance(names, All) else names
            )

    def run(self) -> Any:
        return self.attempt.run(self)

    def owned(self, level: Level) -> frozenset[str]:
        return self._held[level]

    def release(self, level: Level, names: Iterable[str] | None = None) -> None:
        self._held[level] = frozenset()

    def downgrade(self, level: Level, names: Iterable[str] | None = None) -> None:
        raise AssertionError(level)

    def until_durable(self) -> None:
        if self.broken is not None:
            raise self.broken

    def feedback(self, kind: str, payload: Any) -> None:
        self.lines.append(payload)

    def submit_jobs(self, jobs: Any) -> list[Any]:
        self.submitted += jobs
        return [(True, number) for number, _ in enumerate(jobs, 100)]


def world(root: Path) -> MasterWorld:
    cfg = a_cluster().with_nodes("n1", "n2").with_instance("web").with_instance("db").build()
    return MasterWorld(root, cfg)


def change(world: MasterWorld, who: str, **attributes: Any) -> None:
    with world.store.write("somebody else") as cfg:
        cfg.put(cfg.root.instance(who).replace(**attributes))


def startup() -> OpCode:
    return OpInstanceStartup(instance_name="web")


def test_a_rename_while_it_waited_for_the_lock_is_noticed(tmp_path: Path) -> None:
    here = world(tmp_path)
    job = Job(here, startup())
    change(here, "web", name="www")
    with pytest.raises(OpPrereqError, match="submit the job again") as caught:
        job.run()
    assert caught.value.code == Code.WRONG_STATE
    assert here.nodes.asked == []


def test_so_is_another_primary_node(tmp_path: Path) -> None:
    here = world(tmp_path)
    job = Job(here, startup())
    change(here, "web", primary_node=here.store.current.node("n2").uuid)
    with pytest.raises(OpPrereqError, match="submit the job again"):
        job.run()


def test_a_tag_goes_to_whom_the_lock_is_held_for(tmp_path: Path) -> None:
    """The short name means somebody else by now."""
    cfg = a_cluster().with_nodes("n1").with_instance("web.a").with_instance("db.b").build()
    here = MasterWorld(tmp_path, cfg)
    job = Job(here, OpTagsSet(kind="instance", name="web", tags=["x"]))
    change(here, "web.a", name="old.a")
    change(here, "db.b", name="web.b")
    with pytest.raises(OpPrereqError, match="submit the job again"):
        job.run()


def test_an_instance_that_is_gone_is_told(tmp_path: Path) -> None:
    here = world(tmp_path)
    job = Job(here, startup())
    with here.store.write("somebody else") as cfg:
        cfg.remove(cfg.root.instance("web"))
    with pytest.raises(OpPrereqError, match="'web' is no longer there"):
        job.run()


def test_jobs_of_a_result_are_submitted_and_named(tmp_path: Path) -> None:
    job = Job(world(tmp_path), OpClusterVerify().replace(reason=[("me", "why", 1)]))
    result = job.run()
    assert result["jobs"] == [[True, 100], [True, 101]]
    (config,), (group,) = job.submitted
    assert config.reason == [("me", "why", 1)]
    assert group.depends == [(-1, [])]


PARENT = OpClusterVerify().replace(debug_level=2, priority=-10, reason=[("me", "why", 1)])


@pytest.mark.parametrize(
    ("said", "child_has"),
    [
        ({}, (2, -10, "Submitted by OP_CLUSTER_VERIFY", [("me", "why", 1)])),
        (
            {"debug_level": 1, "priority": 10, "comment": "own", "reason": [("it", "so", 2)]},
            (1, 10, "own", [("it", "so", 2), ("me", "why", 1)]),
        ),
    ],
)
def test_what_jobs_inherit_from_the_opcode_that_submits_them(said: Any, child_has: Any) -> None:
    child = inherited(PARENT, PARENT.priority, OpClusterVerifyConfig().replace(**said))
    assert (child.debug_level, child.priority, child.comment, child.reason) == child_has


@pytest.mark.parametrize(("risen", "submitted"), [(-13, -10), (-3, 0), (6, 10), (0, 0), (-20, -10)])
def test_a_priority_that_has_risen_is_inherited_as_one_that_can_be_submitted(
    risen: int, submitted: int
) -> None:
    assert inherited(PARENT, risen, OpClusterVerifyConfig()).priority == submitted


# Hooks.


def reboot(**more: Any) -> OpCode:
    return OpInstanceReboot(instance_name="web", reboot_type="hard", **more)


def ready(root: Path) -> MasterWorld:
    here = world(root)
    here.nodes.says("n1", "instance_info", {"memory": 1, "vcpus": 1, "state": 0, "time": 1.0})
    here.nodes.accepts("instance_reboot", "bridges_exist")
    return here


def hook_calls(here: MasterWorld) -> list[tuple[str, str, Mapping[str, str]]]:
    return [
        (args[0], args[1], args[2]) for _, call, args in here.nodes.asked if call == "hooks_runner"
    ]


def test_post_hooks_see_before_and_after(tmp_path: Path) -> None:
    here = ready(tmp_path)
    here.nodes.says("n1", "hooks_runner", [])
    Job(here, reboot()).run()
    (path, phase, before), (_, _, after) = hook_calls(here)
    assert (path, phase) == ("instance-reboot", "pre")
    assert before["GANETI_REBOOT_TYPE"] == "hard"
    assert before["GANETI_INSTANCE_STATUS"] == "down"
    assert not [name for name in before if name.startswith("GANETI_POST_")]
    assert after["GANETI_HOOKS_PHASE"] == "post"
    assert after["GANETI_INSTANCE_STATUS"] == "down"
    assert after["GANETI_POST_INSTANCE_STATUS"] == "up"


def test_what_could_not_be_written_as_running_is_only_checked(tmp_path: Path) -> None:
    here = ready(tmp_path)
    job = Job(here, reboot())
    job.broken = JobQueueError("no space left")
    with pytest.raises(JobQueueError):
        job.run()
    asked = {call for _, call, _ in here.nodes.asked}
    assert "bridges_exist" in asked
    assert not asked & {"hooks_runner", "instance_reboot"}


def test_a_pre_hook_that_refuses_stops_everything(tmp_path: Path) -> None:
    here = ready(tmp_path)
    here.nodes.says("n1", "hooks_runner", [["instance-reboot-pre.d/no", 1, "not today"]])
    before = here.store.current
    with pytest.raises(HooksAbort) as caught:
        Job(here, reboot()).run()
    assert caught.value.args[0] == [["n1", "instance-reboot-pre.d/no", "not today"]]
    assert here.store.current is before


def test_a_node_that_does_not_answer_cannot_say_yes_alone(tmp_path: Path) -> None:
    here = ready(tmp_path)
    here.nodes.fails("n1", "hooks_runner", "no route to host")
    with pytest.raises(HooksFailure, match="n1: no route to host"):
        Job(here, reboot()).run()


def test_a_dry_run_ends_after_the_pre_hooks(tmp_path: Path) -> None:
    here = ready(tmp_path)
    here.nodes.says("n1", "hooks_runner", [])
    before: Config = here.store.current
    Job(here, reboot(dry_run=True)).run()
    assert len(hook_calls(here)) == 1
    assert here.store.current is before


def test_a_change_of_the_configuration_has_hooks_of_its_own(tmp_path: Path) -> None:
    here = ready(tmp_path)
    Path(f"{here.paths.hooks_dir}/config-update-post.d").mkdir(parents=True)
    here.nodes.says("n1", "hooks_runner", [])
    Job(here, reboot()).run()
    path, phase, env = hook_calls(here)[-1]
    assert (path, phase, env["GANETI_HOOKS_PATH"]) == ("config-update", "post", "config-update")


def test_a_post_hook_that_fails_is_only_told(tmp_path: Path) -> None:
    here = ready(tmp_path)
    here.nodes.says("n1", "hooks_runner", [], [["instance-reboot-post.d/x", 1, "oh"]])
    job = Job(here, reboot())
    job.run()
    assert job.lines == [" - WARNING: hook instance-reboot-post.d/x on node n1 failed: oh"]
