"""Sending dead letters back, beside two other ways to do it, on the same emulator in one run.

Three movers take the same letters back to the same queue: a plain loop (receive, send, delete, as
one finds it in many runbooks), phoenix-letter (a published tool, pinned in the group `bench`), and
`sitefleet dlq replay`. A consumer counts what arrives: lost, twice, with the attributes and the
message group it had. Each mover runs to its end several times, and is killed in the middle several
times and started again. Then 10,000 letters of twenty failures are read, grouped and explained.

    UV_PROJECT_ENVIRONMENT=.venv-bench .tools/bin/uv sync --only-group bench
    python benchmarks/dead_letters.py [--letters 300] [--rounds 3] [--kills 3] [--mixed 10000]

After a kill the letters stay hidden for a while. To not wait five minutes each time, letters are
hidden for 8 s and leases last 6 s here; for the others, the queue hides for 8 s, too.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from letter_consumer import OWN, Consumer
from letter_ground import (
    MOST_LETTERS,
    Ground,
    emulator_seconds,
    prepare,
    request,
)
from letter_movers import PHOENIX, commands, letter_room
from mixed_letters import bury_mixed

from core.domain.replays import ReplayFilter
from core.replay import work
from core.replay.desk import groups_of
from tests.contract.emulator import running_emulator


@dataclass(frozen=True, kw_only=True)
class Round:
    """One mover's way through all letters."""

    seconds: float
    lost: int
    twice: int
    whole: float
    """Share of the messages that kept attributes and group."""


# --- rounds -----------------------------------------------------------------------------------


def one_round(ground: Ground, command: Sequence[str], letters: int, kill_at: float | None) -> Round:
    """Let a mover take all letters back; kill it once when this share has arrived."""
    _bury(ground, letters)
    consumer = Consumer(ground=ground)
    with consumer.at_work():
        started = time.monotonic()
        process = _start(ground, command)
        if kill_at is not None:
            while len(consumer.arrived) < letters * kill_at and process.poll() is None:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            process.wait()
            _wait_until_visible(ground)
            process = _start(ground, command)
        process.wait(timeout=600)
        _wait_until_taken(ground)
    left = ground.count("operations-dlq")
    arrived = sum(consumer.arrived.values())
    _purge(ground)
    return Round(
        seconds=consumer.last_at - started,
        lost=letters - len(consumer.arrived) - left,
        twice=arrived - len(consumer.arrived),
        whole=consumer.whole / max(1, arrived),
    )


def _start(ground: Ground, command: Sequence[str]) -> subprocess.Popen[bytes]:
    urls = {
        "SOURCE_URL": ground.urls["operations-dlq"],
        "TARGET_URL": ground.urls["creation"],
    }
    return subprocess.Popen(command, env=ground.environ | urls, stdout=subprocess.DEVNULL)


def _wait_until_visible(ground: Ground) -> None:
    """Wait until nothing is hidden in the dead-letter queue: what the killed one had received."""
    name = "ApproximateNumberOfMessagesNotVisible"
    while True:
        found = ground.sqs.get_queue_attributes(
            QueueUrl=ground.urls["operations-dlq"], AttributeNames=[name]
        )
        if found["Attributes"][name] == "0":
            return
        time.sleep(0.2)


def _wait_until_taken(ground: Ground) -> None:
    while ground.count("creation"):
        time.sleep(0.05)


def _purge(ground: Ground) -> None:
    for queue in ("operations-dlq", "creation"):
        ground.sqs.purge_queue(QueueUrl=ground.urls[queue])


def _bury(ground: Ground, letters: int) -> None:
    """Let SQS itself move messages to the dead-letter queue, as after their last receive."""
    url = ground.urls["creation"]
    dead = ground.sqs.get_queue_attributes(
        QueueUrl=ground.urls["operations-dlq"], AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    _redrive(ground, dead, most_receives=1, hidden_seconds=0)
    for first in range(0, letters, 10):
        entries = [
            {
                "Id": str(number),
                "MessageBody": json.dumps(request(number)),
                "MessageAttributes": OWN,
                "MessageGroupId": f"tenant-{number}",
            }
            for number in range(first, min(first + 10, letters))
        ]
        ground.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    while ground.count("creation"):
        ground.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    _redrive(ground, dead, most_receives=1000, hidden_seconds=30)


def _redrive(ground: Ground, dead: str, *, most_receives: int, hidden_seconds: int) -> None:
    policy = {"deadLetterTargetArn": dead, "maxReceiveCount": str(most_receives)}
    ground.sqs.set_queue_attributes(
        QueueUrl=ground.urls["creation"],
        Attributes={"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": str(hidden_seconds)},
    )


# --- many letters -----------------------------------------------------------------------------


def explain(ground: Ground, letters: int) -> dict[str, float]:
    """Read, group and foretell many letters; return the seconds of each."""
    bury_mixed(ground, letters)
    room = letter_room(os.environ)
    vars(work).update(HIDE_SECONDS=300)
    cpu, emulators = time.process_time(), emulator_seconds()
    moments = [time.monotonic()]
    found = room.desk.collect(ReplayFilter(), hide_seconds=600)
    moments.append(time.monotonic())
    groups = groups_of(found)
    moments.append(time.monotonic())
    foretold = room.desk.foretell(found)
    moments.append(time.monotonic())
    if (len(foretold), len(groups)) != (letters, 20):
        raise SystemExit(f"{len(foretold)} letters in {len(groups)} groups, not {letters} in 20.")
    read, grouped, told = (b - a for a, b in pairwise(moments))
    return {
        "read": read,
        "group": grouped,
        "foretell": told,
        "together": moments[-1] - moments[0],
        "own processor": time.process_time() - cpu,
        "emulator's processor": emulator_seconds() - emulators,
    }


# --- the run ----------------------------------------------------------------------------------


def measure(ground: Ground, letters: int, rounds: int, kills: int) -> dict[str, Any]:
    """Let each mover do all rounds; return medians, and sums of what went wrong."""
    random, found = Random(7), {}  # noqa: S311  (no secret)
    for name, command in commands().items():
        whole = [one_round(ground, command, letters, None) for _ in range(rounds)]
        killed = [
            one_round(ground, command, letters, random.uniform(0.2, 0.8)) for _ in range(kills)
        ]
        seconds = median(one.seconds for one in whole)
        found[name] = {
            "per_second": round(letters / seconds, 1),
            "seconds": [round(one.seconds, 2) for one in whole],
            "lost": sum(one.lost for one in whole),
            "twice": sum(one.twice for one in whole),
            "kept": round(median(one.whole for one in whole), 3),
            "lost_when_killed": [one.lost for one in killed],
            "twice_when_killed": [one.twice for one in killed],
        }
        print(f"  {name}: {found[name]}", file=sys.stderr)
    return found


def _print_movers(found: Mapping[str, Any], letters: int, kills: int) -> None:
    fastest = max(one["per_second"] for one in found.values())
    print(f"\n{letters} letters back to their queue; medians; {kills} kills each\n")
    print("| mover | per second | of the fastest | lost | twice | attributes and group kept |")
    print("|---|---|---|---|---|---|")
    for name, one in found.items():
        lost = f"{one['lost']}, killed: {one['lost_when_killed']}"
        twice = f"{one['twice']}, killed: {one['twice_when_killed']}"
        ratio = f"{one['per_second'] / fastest:.2f}"
        print(f"| {name} | {one['per_second']} | {ratio} | {lost} | {twice} | {one['kept']:.0%} |")


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--letters", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--mixed", type=int, default=10_000)
    given = parser.parse_args(arguments)
    if not PHOENIX.exists():
        raise SystemExit(f"{PHOENIX.name} is missing; see the first lines of this file.")
    if given.letters > MOST_LETTERS:
        raise SystemExit(f"At most {MOST_LETTERS} letters: each has a tenant of its own.")
    with running_emulator(of_the_machine=True) as endpoint:
        ground = prepare(endpoint)
        if given.rounds:
            found = measure(ground, given.letters, given.rounds, given.kills)
            _print_movers(found, given.letters, given.kills)
        os.environ.update(ground.environ)
        seconds = explain(ground, given.mixed)
        told = ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items())
        print(f"\n{given.mixed:,} mixed letters, 20 failures, 5 tenants: {told}")


if __name__ == "__main__":
    main(sys.argv[1:])
