# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab itself: hosts are apart, faults do what they say, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from test.hosts.conftest import a_lab, fault
from test.lab import disks, first_process, programs
from test.lab.hosts import Host, State
from test.lab.lab import Lab
from test.lab.programs import LabError

DATA = "/var/lib/ganeti"
TOOL = str(programs.TREE / "tools/ganeti-lab")
ARPING = ["arping", "-c", "1", "-w", "2", "-I", "gbr"]
WRITE = """
import os, sys
file = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)
os.write(file, b"kept")
if sys.argv[2:] == ["fsync"]:
    os.fsync(file)
    os.fsync(os.open(os.path.dirname(sys.argv[1]), os.O_RDONLY))
"""


def tool(lab: Lab, *arguments: str) -> list[str]:
    command, *rest = arguments
    return [TOOL, command, "--name", lab.place.name, "--dir", str(lab.place.base), *rest]


def reaches(host: Host, address: str) -> bool:
    return host.outcome([*ARPING, address]).returncode == 0


def states(hosts: list[Host]) -> list[State]:
    return [host.state for host in hosts]


def write(host: Host, path: str, *how: str) -> None:
    host.run([programs.PYTHON, "-c", WRITE, path, *how])


@pytest.fixture
def hosts(bare_lab: Lab) -> list[Host]:
    """Three hosts, all up."""
    assert states(bare_lab.hosts) == ["up"] * 3
    return bare_lab.hosts


def test_a_host_has_a_name_and_networks_of_its_own(hosts: list[Host]) -> None:
    for host in hosts:
        assert host.run(["hostname"]) == f"{host.name}.lab\n"
        addresses = host.run(["ip", "-o", "addr"])
        for own in (host.address.primary, host.address.primary6, host.address.secondary):
            assert own in addresses
    assert reaches(hosts[0], hosts[1].address.primary)
    assert not reaches(hosts[0], "10.78.0.99")


def test_the_hosts_directories_are_apart_and_one_is_shared(hosts: list[Host]) -> None:
    one, other = hosts[:2]
    for directory in ("/etc", "/root", "/run", "/tmp", "/srv", DATA, "/var/log"):
        one.run(["touch", f"{directory}/mark"])
        assert not Path(directory, "mark").exists()
        assert other.outcome(["test", "-e", f"{directory}/mark"]).returncode == 1
    one.run(["touch", f"{first_process.SHARED}/mark"])
    other.run(["rm", f"{first_process.SHARED}/mark"])


def test_the_machines_own_data_are_out_of_sight(bare_lab: Lab, hosts: list[Host]) -> None:
    assert hosts[0].run(["find", "/etc/ganeti", "-type", "f"]) == "/etc/ganeti/file-storage-paths\n"
    assert hosts[0].outcome(["test", "-e", str(bare_lab.place.directory / "hosts")]).returncode == 1
    assert hosts[0].outcome(["sh", "-c", "ls /dev/vd* /dev/sd* /dev/loop* /dev/kmsg"]).stdout == ""


def test_what_would_reach_the_machine_is_covered(hosts: list[Host]) -> None:
    before = Path("/proc/sys/vm/swappiness").read_text()
    assert "Read-only" in hosts[0].outcome(["sh", "-c", "echo 99 >/proc/sys/vm/swappiness"]).stderr
    assert Path("/proc/sys/vm/swappiness").read_text() == before
    if Path("/proc/sysrq-trigger").exists():
        assert hosts[0].outcome(["sh", "-c", "echo h >/proc/sysrq-trigger"]).returncode != 0
    assert hosts[0].outcome(["date", "-s", "2001-01-01"]).returncode != 0
    hosts[0].run(["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"])


def test_exec_passes_streams_and_exit_code(bare_lab: Lab) -> None:
    script = "cat; echo err >&2; exit 41"
    done = subprocess.run(
        tool(bare_lab, "exec", "node1", "--", "sh", "-c", script),
        input=b"in",
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (41, b"in", b"err\n")


def test_exec_gives_the_environment_of_a_login(hosts: list[Host]) -> None:
    environment = dict(line.split("=", 1) for line in hosts[0].run(["env"]).splitlines())
    assert environment["HOME"] == "/root"
    assert environment["PATH"] == programs.PATH
    assert "PYTHONPATH" not in environment
    assert hosts[0].run(["pwd"]) == "/root\n"


def test_a_writer_into_a_closed_pipe_ends(hosts: list[Host]) -> None:
    assert hosts[0].run(["bash", "-c", "yes | head -1; echo ${PIPESTATUS[0]}"]) == "y\n141\n"


def test_the_admin_gets_into_every_host_from_the_first(hosts: list[Host]) -> None:
    ssh = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new"]
    for host in hosts:
        assert hosts[0].run([*ssh, host.address.fqdn, "hostname"]) == f"{host.name}.lab\n"
    assert hosts[1].outcome([*ssh, "node1.lab", "true"]).returncode == 255


def test_after_a_power_cut_only_what_was_fsynced_is_there(bare_lab: Lab, hosts: list[Host]) -> None:
    host = hosts[2]
    write(host, f"{DATA}/synced", "fsync")
    write(host, "/etc/synced", "fsync")
    write(host, f"{DATA}/not-synced")
    write(host, "/etc/not-synced")
    fault(bare_lab, host, "kill")
    assert states([host]) == ["off"]
    assert not reaches(hosts[0], host.address.primary)
    fault(bare_lab, host, "boot")
    assert states([host]) == ["up"]
    for directory in (DATA, "/etc"):
        assert host.run(["cat", f"{directory}/synced"]) == "kept"
        assert host.outcome(["cat", f"{directory}/not-synced"]).stdout == ""
    assert reaches(hosts[0], host.address.primary)


def test_cut_and_heal(bare_lab: Lab, hosts: list[Host]) -> None:
    one, two, three = hosts
    fault(bare_lab, one, "cut", "node2")
    assert not reaches(one, two.address.primary)
    assert not reaches(two, one.address.primary)
    assert reaches(one, three.address.primary)
    assert (
        one.outcome(["arping", "-c1", "-w2", "-I", "eth1", two.address.secondary]).returncode != 0
    )
    fault(bare_lab, three, "cut")
    assert not reaches(one, three.address.primary)
    fault(bare_lab, two, "heal")
    assert reaches(one, two.address.primary)
    assert not reaches(one, three.address.primary)
    fault(bare_lab, three, "heal")
    assert reaches(one, three.address.primary)


def test_a_cut_outlives_a_power_cut(bare_lab: Lab, hosts: list[Host]) -> None:
    fault(bare_lab, hosts[1], "cut")
    fault(bare_lab, hosts[1], "kill")
    fault(bare_lab, hosts[1], "boot")
    assert not reaches(hosts[0], hosts[1].address.primary)
    fault(bare_lab, hosts[1], "heal")
    assert reaches(hosts[0], hosts[1].address.primary)


def test_a_frozen_host_stands_still_and_can_be_killed(bare_lab: Lab, hosts: list[Host]) -> None:
    host = hosts[1]
    fault(bare_lab, host, "freeze")
    assert states([host]) == ["frozen"]
    with pytest.raises(LabError, match="frozen"):
        host.run(["true"])
    assert (
        "SSH"
        not in hosts[0].outcome(["timeout", "1", "bash", "-c", "cat </dev/tcp/node2/22"]).stdout
    )
    fault(bare_lab, host, "thaw")
    assert host.run(["echo", "on"]) == "on\n"
    fault(bare_lab, host, "freeze")
    fault(bare_lab, host, "kill")
    fault(bare_lab, host, "boot")


def test_a_full_disk(bare_lab: Lab, hosts: list[Host]) -> None:
    fault(bare_lab, hosts[0], "fill")
    done = hosts[0].outcome(["dd", "if=/dev/zero", f"of={DATA}/big", "bs=4096", "count=1"])
    assert "No space left" in done.stderr
    assert hosts[0].data_is_filled
    hosts[0].run(["touch", "/etc/fine"])
    fault(bare_lab, hosts[0], "unfill")
    hosts[0].run(["dd", "if=/dev/zero", f"of={DATA}/big", "bs=1M", "count=4"])
    assert not hosts[0].data_is_filled


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("readonly", "Read-only file system"), ("dead-disk", "Input/output error")],
)
def test_a_bad_disk_until_kill_and_boot(
    bare_lab: Lab, hosts: list[Host], name: str, complaint: str
) -> None:
    host = hosts[0]
    write(host, f"{DATA}/before", "fsync")
    fault(bare_lab, host, name)
    assert complaint in host.outcome(["touch", f"{DATA}/after"]).stderr
    assert complaint in host.outcome(["touch", "/srv/after"]).stderr
    host.run(["touch", "/etc/fine"])
    fault(bare_lab, host, "kill")
    fault(bare_lab, host, "boot")
    assert host.run(["cat", f"{DATA}/before"]) == "kept"
    host.run(["touch", f"{DATA}/after"])


def test_reboot_ends_one_host_alone(bare_lab: Lab, hosts: list[Host]) -> None:
    restart = "import ctypes; ctypes.CDLL(None).reboot(0x01234567)"
    hosts[2].outcome([programs.PYTHON, "-c", restart])
    programs.wait_until(lambda: hosts[2].state is State.OFF, 10, "the host is off")
    assert states(hosts[:2]) == ["up"] * 2
    fault(bare_lab, hosts[2], "boot")


def test_faults_refuse_what_cannot_be(bare_lab: Lab, hosts: list[Host]) -> None:
    with pytest.raises(LabError, match="up, not off"):
        fault(bare_lab, hosts[0], "boot")
    with pytest.raises(LabError, match="cut from itself"):
        fault(bare_lab, hosts[0], "cut", "node1")


def test_a_second_lab_of_the_name_is_refused(bare_lab: Lab) -> None:
    with pytest.raises(LabError, match="there already"):
        Lab(bare_lab.place).up(1, lambda text: None, product=False)
    assert states(bare_lab.hosts) == ["up"] * 3


def test_labs_live_side_by_side_and_end_without_a_trace(bare_lab: Lab) -> None:
    with a_lab(1, product=False) as other:
        place = other.place
        assert other.hosts[0].run(["hostname"]) == "node1.lab\n"
        bystander = subprocess.Popen(["sleep", "60"])
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    assert not place.directory.exists()
    assert not place.cgroup.path.exists()
    assert disks.loops_of(place.directory) == []
    assert states(bare_lab.hosts) == ["up"] * 3
    other.down()


def test_down_ends_what_a_killed_up_had_begun() -> None:
    with a_lab(1, product=False) as lab:
        pass
    up = subprocess.Popen(tool(lab, "up", "--bare", "--hosts", "2"), stdout=subprocess.DEVNULL)
    first = lab.place.host("node1").cgroup
    programs.wait_until(lambda: first.populated, 60, "the first host begins")
    os.kill(up.pid, signal.SIGKILL)
    up.wait()
    subprocess.run(tool(lab, "down"), check=True)
    assert not lab.place.directory.exists()
    assert not lab.place.cgroup.path.exists()
    assert disks.loops_of(lab.place.directory) == []


def test_an_interrupted_up_leaves_nothing() -> None:
    with a_lab(1, product=False) as lab:
        pass
    up = subprocess.Popen(tool(lab, "up", "--bare", "--hosts", "2"), stdout=subprocess.DEVNULL)
    first = lab.place.host("node1").cgroup
    programs.wait_until(lambda: first.populated, 60, "the first host begins")
    up.terminate()
    assert up.wait() == 128 + signal.SIGTERM
    assert not lab.place.directory.exists()
    assert not lab.place.cgroup.path.exists()


def test_down_touches_no_directory_that_is_not_a_lab(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/precious").touch()
    done = subprocess.run(
        [TOOL, "down", "--name", "x", "--dir", str(tmp_path)], capture_output=True, check=False
    )
    assert (done.returncode, b"is not a lab" in done.stderr) == (1, True)
    assert (tmp_path / "x/precious").exists()
