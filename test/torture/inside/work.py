# SPDX-License-Identifier: GPL-2.0-or-later
"""What the clients of the torture do, one step after the other, until nobody answers.

What is about to be asked, what was acknowledged and how jobs ended is told before the next step, in the
words that the ledger knows: an attempt has a key and says what it does (`effects`), later perhaps the
number of its job, or that it is done without one.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from typing import Any

from ganeti.errors import GenericError, JobQueueError
from test.torture.inside.telling import hasty_client, tell

FINAL = ("success", "error", "canceled")
REFUSED_S = 0.05
MOST_INSTANCES = 6
FAVOURED = 8
OLD_S = 5
DELAY = {"OP_ID": "OP_TEST_DELAY", "on_master": True, "on_nodes": [], "no_locks": False}
"""With locks, that a second one has to wait for."""
ROLES = {"M": "master", "C": "candidate", "R": "regular", "D": "drained", "O": "offline"}

Op = dict[str, Any]
What = list[Any]


def tags_op(verb: str, *tags: str, instance: str | None = None) -> Op:
    kind = "cluster" if instance is None else "instance"
    return {"OP_ID": f"OP_TAGS_{verb}", "kind": kind, "name": instance, "tags": list(tags)}


class Worker:
    """One client; `number` makes its names its own, so that it knows the order of what happens to them."""

    def __init__(self, round_: str, number: int, seed: str, favourite: str) -> None:
        self.prefix, self.number, self.favourite = f"{round_}-{number}", number, favourite
        self.random = random.Random(f"{seed}-{number}")
        self.counter = 0
        self.instances: list[str] = []
        self.tags: list[str] = []
        self.ended: list[int] = []

    def run(self) -> None:
        try:
            with hasty_client() as client:
                self.client = client
                self.begin()
                while True:
                    self.act()
        except (GenericError, OSError) as err:
            tell(lost=str(err))

    def begin(self) -> None:
        """What is there of earlier rounds."""
        names = sorted(row[0] for row in self.client.QueryInstances([], ["name"], False))
        self.instances = [name for name in names if name.split("-")[2:3] == [str(self.number)]]
        if self.number == 0:
            self.set_drained(False)
        if self.number == 1:
            self.restore_nodes()

    def act(self) -> None:
        try:
            self.random.choice(self.actions())()
        except JobQueueError as err:  # a full disk, say, or the queue takes no jobs
            tell(refused=str(err))
            time.sleep(REFUSED_S)

    def actions(self) -> list[Callable[[], None]]:
        """What can be done now; what is named twice is done more often."""
        found = [self.tag, self.tag, self.two_tags, self.depend, self.delay, self.cancel]
        found.append(self.priority)
        if self.tags:
            found.append(self.untag)
        if self.ended:
            found.append(self.archive)
        if len(self.instances) < MOST_INSTANCES:
            found += [self.add, self.add]
        if self.instances:
            found += [self.start, self.stop, self.resize, self.mark, self.remove]
        found += {0: [self.parameter, self.drain], 1: [self.node], 2: [self.filter]}.get(
            self.number, [self.archive_old]
        )
        return found + FAVOURED * [one for one in found if one.__name__ == self.favourite]

    # Jobs.

    def name(self) -> str:
        self.counter += 1
        return f"{self.prefix}-{self.counter}"

    def attempt(self, what: What, **more: Any) -> str:
        key = self.name()
        tell(attempt=key, what=what, **more)
        return key

    def submit(self, what: What, *ops: Op) -> int:
        """Submit a job; `what` is what it does."""
        key = self.attempt(what)
        job_id = self.client.SubmitJob(ops)
        tell(attempt=key, job=job_id)
        return job_id

    def carry_out(self, what: What, *ops: Op) -> str:
        """Submit a job and see its end; its status."""
        return self.end_of(self.submit(what, *ops))

    def end_of(self, job_id: int) -> str:
        info: list[Any] | None = None
        serial = -1
        while True:
            answer = self.client.WaitForJobChange(job_id, ["status"], info, serial, 30)
            if answer == "nochange":
                continue
            info, entries = answer
            serial = entries[-1][0] if entries else serial
            if info[0] in FINAL:
                tell(job=job_id, end=info[0], error=self.error_of(job_id, info[0]))
                self.ended.append(job_id)
                return str(info[0])

    def error_of(self, job_id: int, status: str) -> Any:
        if status != "error":
            return None
        [(results,)] = self.client.QueryJobs([job_id], ["opresult"])
        return results[-1]

    # Tags, and jobs that depend on others.

    def tag(self) -> None:
        tag = f"tag-{self.name()}"
        if self.random.random() < 0.3:
            self.submit(["tag", tag], tags_op("SET", tag))
        elif self.carry_out(["tag", tag], tags_op("SET", tag)) == "success":
            self.tags.append(tag)

    def untag(self) -> None:
        tag = self.tags.pop()
        self.carry_out(["untag", tag], tags_op("DEL", tag))

    def two_tags(self) -> None:
        """A job of two opcodes."""
        tags = [f"tag-{self.name()}" for _ in range(2)]
        self.carry_out(["tag", *tags], *(tags_op("SET", tag) for tag in tags))

    def depend(self) -> None:
        """Two jobs; the second has to wait for the success of the first, which may fail."""
        tags = [f"tag-{self.name()}" for _ in range(2)]
        fails = self.random.random() < 0.5
        first: What = ["untag" if fails else "tag", tags[0]]
        keys = [self.attempt(first)]
        keys.append(self.attempt(["tag", tags[1]], needs=keys[0]))
        second = dict(tags_op("SET", tags[1]), depends=[[-1, ["success"]]])
        jobs = [[tags_op("DEL" if fails else "SET", tags[0])], [second]]
        answers = self.client.SubmitManyJobs(jobs)
        for key, (is_taken, answer) in zip(keys, answers, strict=True):
            tell(**({"attempt": key, "job": answer} if is_taken else {"refused": answer}))
        for is_taken, answer in answers:
            if is_taken:
                self.end_of(answer)

    # Jobs that wait, and what can be done to them.

    def delay(self) -> None:
        self.submit(["delay"], dict(DELAY, duration=self.random.choice([0.001, 0.01, 0.2])))

    def two_delays(self) -> int:
        """The second waits for the lock that the first holds."""
        return [self.submit(["delay"], dict(DELAY, duration=0.1)) for _ in range(2)][-1]

    def cancel(self) -> None:
        job_id = self.two_delays()
        done, _text = self.client.CancelJob(job_id, False)
        if done:
            tell(job=job_id, cancelled=True)

    def priority(self) -> None:
        job_id, priority = self.two_delays(), self.random.choice([-10, 10])
        done, _text = self.client.ChangeJobPriority(job_id, priority)
        if done:
            tell(job=job_id, priority=priority)

    # The archive, and the queue itself.

    def archive(self) -> None:
        job_id = self.ended.pop(0)
        tell(archiving=job_id)
        self.client.ArchiveJob(job_id)

    def archive_old(self) -> None:
        tell(archiving_old=True)
        self.client.AutoArchiveJobs(OLD_S, 1)

    def drain(self) -> None:
        self.set_drained(True)
        self.set_drained(False)

    def set_drained(self, flag: bool) -> None:
        key = self.attempt(["drain", flag])
        self.client.SetDrainFlag(flag)
        tell(attempt=key, done=True)

    # The cluster: its parameters, filters, nodes.

    def parameter(self) -> None:
        value = self.random.randint(1, 8)
        op = {"OP_ID": "OP_CLUSTER_SET_PARAMS", "beparams": {"vcpus": value}}
        self.carry_out(["cpus", value], op)

    def filter(self) -> None:
        """Add a rule, or change one, or take one away."""
        mine = [row[0] for row in self.client.QueryFilters(None, ["uuid"])]
        if len(mine) > 2:
            gone = self.random.choice(mine)
            key = self.attempt(["filter", gone, None])
            self.client.DeleteFilter(gone)
        else:
            chosen = self.random.choice([*mine, str(uuid.UUID(int=self.random.getrandbits(128)))])
            priority = self.random.randint(0, 99)
            key = self.attempt(["filter", chosen, priority])
            predicates = [["reason", ["=", "source", "nobody"]]]
            self.client.ReplaceFilter(chosen, priority, predicates, "CONTINUE", [])
        tell(attempt=key, done=True)

    def node(self) -> None:
        """A candidate is none for a moment."""
        names = [name for name, role in self.roles() if role == "candidate"]
        if names:
            flag = self.random.choice(["offline", "drained", "master_candidate", "master_capable"])
            self.set_flag(names[-1], flag, flag in ("offline", "drained"))
            self.restore_nodes()

    def roles(self) -> list[tuple[str, str]]:
        rows = self.client.QueryNodes([], ["name", "role"], False)
        return sorted((name, ROLES[role]) for name, role in rows)

    def restore_nodes(self) -> None:
        """Whatever a node is, let it be a candidate."""
        for name, role in self.roles():
            if role == "regular":
                self.set_flag(name, "master_capable", True)
                self.set_flag(name, "master_candidate", True)
            elif role in ("offline", "drained"):
                self.set_flag(name, role, False)

    def set_flag(self, name: str, flag: str, value: bool) -> None:
        op = {"OP_ID": "OP_NODE_SET_PARAMS", "node_name": name, flag: value, "auto_promote": True}
        self.carry_out(["node", name, flag, value], op)

    # Instances.

    def add(self) -> None:
        kind = self.random.choice(list(KINDS))
        name = f"{kind}-{self.name()}.lab"
        op = {
            "OP_ID": "OP_INSTANCE_CREATE",
            "instance_name": name,
            "mode": "create",
            "nics": [{}],
            "os_type": "lab-guest+default",
            "no_install": True,
            "start": False,
            "ip_check": False,
            "name_check": False,
            "wait_for_sync": True,
            "pnode": self.random.choice(["node1.lab", "node2.lab", "node3.lab"]),
        }
        if self.carry_out(["add", name], {**op, **KINDS[kind]}) == "success":
            self.instances.append(name)

    def change(self, name: str, what: What, op_id: str, **more: Any) -> str:
        op = {"OP_ID": op_id, "instance_name": name, **more}
        return self.carry_out([what[0], name, *what[1:]], op)

    def start(self) -> None:
        fake = [name for name in self.instances if not name.startswith("k-")]
        if fake:
            self.change(self.random.choice(fake), ["start"], "OP_INSTANCE_STARTUP")

    def stop(self) -> None:
        name = self.random.choice(self.instances)
        self.change(name, ["stop"], "OP_INSTANCE_SHUTDOWN", timeout=1)

    def resize(self) -> None:
        name, value = self.random.choice(self.instances), self.random.randint(1, 8)
        beparams = {"vcpus": value}
        self.change(name, ["resize", value], "OP_INSTANCE_SET_PARAMS", beparams=beparams)

    def mark(self) -> None:
        """A tag of an instance."""
        name, tag = self.random.choice(self.instances), f"mark-{self.name()}"
        self.carry_out(["mark", name, tag], tags_op("SET", tag, instance=name))

    def remove(self) -> None:
        if self.random.random() < 0.5:
            return
        name = self.random.choice(self.instances)
        ends = self.change(name, ["remove"], "OP_INSTANCE_REMOVE")
        if ends == "success":
            self.instances.remove(name)


KINDS: dict[str, Op] = {
    "i": {"hypervisor": "fake", "disk_template": "diskless", "disks": []},
    "f": {"hypervisor": "fake", "disk_template": "file", "disks": [{"size": 1024}]},
    "k": {"hypervisor": "kvm", "disk_template": "diskless", "disks": []},
}
"""By how their names begin. One has a disk, which is a record of its own; one has a TCP port. No guest of
KVM is started."""
