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
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import median
from threading import Event, Thread
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import boto3
import structlog
from letter_ground import (
    HIDDEN_SECONDS,
    MOST_LETTERS,
    REGION,
    Ground,
    emulator_seconds,
    prepare,
    request,
)
from mixed_letters import bury_mixed

from core.adapters.aws.replay_outcomes import DynamoReplayOutcomes
from core.bootstrap import fleet
from core.domain.replays import Fate, Pace, ReplayFilter, Told
from core.letter_room import LetterRoom
from core.replay import work
from core.replay.desk import groups_of
from core.replay.replayer import Rest, Wishes
from tests.contract.emulator import running_emulator

CHECKOUT = Path(__file__).resolve().parents[1]
PHOENIX = CHECKOUT / ".venv-bench" / "bin" / "phoenix_letter"
LEASE_SECONDS = 6
OWN = {
    "priority": {"DataType": "Number", "StringValue": "3"},
    "checksum": {"DataType": "Binary", "BinaryValue": b"\x00\x01\xfe\xff"},
    "trace": {"DataType": "String.trace", "StringValue": "1-67-abc"},
}
"""What the sender had set beside the body."""


@dataclass(kw_only=True)
class Consumer:
    """Reads the creation queue; tells a replay what became of its messages, as workers do."""

    ground: Ground
    arrived: Counter[str] = field(default_factory=Counter)
    whole: int = 0
    """Messages that had the attributes and the group that they had at first."""
    last_at: float = 0.0

    @contextmanager
    def at_work(self) -> Iterator[Consumer]:
        stop = Event()
        readers = [Thread(target=self._read, args=(stop,)) for _ in range(2)]
        for reader in readers:
            reader.start()
        try:
            yield self
        finally:
            stop.set()
            for reader in readers:
                reader.join()

    def _read(self, stop: Event) -> None:
        sqs, url = self.ground.client("sqs"), self.ground.urls["creation"]
        outcomes = DynamoReplayOutcomes(
            client=self.ground.client("dynamodb"),
            table_name=self.ground.variables["SITEFLEET_OPERATIONS_TABLE"],
        )
        while not stop.is_set():
            answer = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=1,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            for message in answer.get("Messages", []):
                self._note(message, outcomes)
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def _note(self, message: Mapping[str, Any], outcomes: DynamoReplayOutcomes) -> None:
        given = message.get("MessageAttributes", {})
        body = json.loads(message["Body"])
        self.arrived[body["correlationId"]] += 1
        self.last_at = time.monotonic()
        kept = all(given.get(name) == value for name, value in OWN.items())
        group = message.get("Attributes", {}).get("MessageGroupId")
        self.whole += kept and group == body["payload"]["tenantId"]
        if "replayId" in given:
            outcomes.tell(
                Told(
                    replay_id=given["replayId"]["StringValue"],
                    message_id=given["replayOf"]["StringValue"],
                    fate=Fate.ACCEPTED,
                    sentence="Taken.",
                    at=datetime(2026, 11, 29, tzinfo=UTC),
                )
            )


@dataclass(frozen=True, kw_only=True)
class Round:
    """One mover's way through all letters."""

    seconds: float
    lost: int
    twice: int
    whole: float
    """Share of the messages that kept attributes and group."""


# --- movers, each a process of its own --------------------------------------------------------


def plain_mover() -> None:
    """Receive, send, delete: with what one gets when one asks for nothing more."""
    sqs = boto3.client("sqs")
    source, target = os.environ["SOURCE_URL"], os.environ["TARGET_URL"]
    while messages := sqs.receive_message(
        QueueUrl=source, MaxNumberOfMessages=10, WaitTimeSeconds=1
    ).get("Messages"):
        for message in messages:
            sqs.send_message(QueueUrl=target, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])


def our_mover() -> None:
    """What `sitefleet dlq replay --yes` does, without its bar; the open replay is resumed."""
    room = letter_room(os.environ)
    opened = room.journal.open_replay()
    if opened is None:
        wishes = Wishes(
            requested_by="benchmark",
            reason="benchmark",
            filters=ReplayFilter(),
            pace=Pace(per_second=1000),
        )
        letters = room.desk.collect(ReplayFilter())
        opened = room.replayer.begin(wishes, room.desk.foretell(letters))
    owner, rest = str(os.getpid()), Rest.HELD
    while rest is not Rest.FINISHED:
        until = datetime.now(UTC) + timedelta(minutes=10)  # noqa: TID251  (outside the fleet)
        rest = room.replayer.advance(opened.replay_id, owner=owner, until=until)
        time.sleep(0.2)


def letter_room(environ: Mapping[str, str]) -> LetterRoom:
    """Return our tools, with letters hidden and leases held for a shorter time than else."""
    structlog.configure(processors=[_silence])
    vars(work).update(
        HIDE_SECONDS=HIDDEN_SECONDS, LEASE_SECONDS=LEASE_SECONDS, RETAKE_SECONDS=HIDDEN_SECONDS - 3
    )
    vars(sys.modules["core.replay.replayer"]).update(LEASE_SECONDS=LEASE_SECONDS)
    room = fleet(environ).letters
    if room is None:
        raise SystemExit("The variables of the replayer are missing.")
    return room


def commands() -> dict[str, list[str]]:
    """Return how each mover is started."""
    here = [sys.executable, str(Path(__file__).resolve()), "--mover"]
    names = [f"bbws-wp-site-{queue}-sit" for queue in ("operations-dlq", "creation")]
    phoenix = [str(PHOENIX), "--src", names[0], "--dst", names[1], "--region", REGION]
    return {
        "plain loop": [*here, "plain"],
        "phoenix-letter 0.3.7": [*phoenix, "--empty-receive", "2"],
        "sitefleet dlq replay": [*here, "ours"],
    }


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


def _silence(*_: object) -> str:
    raise structlog.DropEvent


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
    """Measure and print; a mover is this program, too."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--letters", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--mixed", type=int, default=10_000)
    parser.add_argument("--mover", choices=["plain", "ours"], help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    movers: Mapping[str, Callable[[], None]] = {"plain": plain_mover, "ours": our_mover}
    if given.mover:
        movers[given.mover]()
        return
    if not PHOENIX.exists():
        raise SystemExit(f"{PHOENIX.name} is missing; see the first lines of this file.")
    if given.letters > MOST_LETTERS:
        raise SystemExit(f"At most {MOST_LETTERS} letters: each has a tenant of its own.")
    with running_emulator() as endpoint:
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
