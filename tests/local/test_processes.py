"""Processes are ended by their own identity: never a recycled pid, always the whole group."""

import dataclasses
import sys

from local_probes import eventually

from local.processes import Command, Processes, start_ticks

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def start(tmp_path, name="probe", program=PARENT):
    tmp_path.joinpath("records").mkdir(exist_ok=True)
    processes = Processes(tmp_path / "records", tmp_path)
    _, record = processes.start(
        Command(
            name=name,
            arguments=[sys.executable, "-c", program],
            environment={},
            directory=tmp_path,
        )
    )
    return processes, record


def child_of(tmp_path):
    log = tmp_path / "probe.log"
    eventually(lambda: log.read_text().endswith("\n"))
    return int(log.read_text())


def test_the_whole_group_ends(tmp_path):
    processes, record = start(tmp_path)
    child = child_of(tmp_path)
    assert [stopped.name for stopped in processes.stop(processes.all())] == ["probe"]
    eventually(lambda: start_ticks(child) is None)
    assert not record.alive
    assert processes.all() == []


def test_children_end_that_outlived_their_leader(tmp_path):
    processes, record = start(tmp_path)
    child = child_of(tmp_path)
    processes._started[record.pid].kill()
    eventually(lambda: not record.alive)
    processes.stop(processes.all())
    eventually(lambda: start_ticks(child) is None)


def test_a_pid_that_belongs_to_somebody_else_now_is_left_alone(tmp_path):
    processes, record = start(tmp_path)
    stale = dataclasses.replace(record, started_ticks=record.started_ticks - 1)
    other = Processes(tmp_path / "elsewhere", tmp_path)
    assert other.stop([stale]) == []
    assert record.alive
    processes.stop([record])
