"""Three ways to take dead letters back to their queue, each a process of its own."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import boto3
import structlog
from letter_ground import HIDDEN_SECONDS, REGION

from core.bootstrap import fleet
from core.domain.replays import Pace, ReplayFilter
from core.letter_room import LetterRoom
from core.replay import work
from core.replay.replayer import Rest, Wishes

PHOENIX = Path(__file__).resolve().parents[1] / ".venv-bench" / "bin" / "phoenix_letter"
LEASE_SECONDS = 6


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
        HIDE_SECONDS=HIDDEN_SECONDS,
        LEASE_SECONDS=LEASE_SECONDS,
        KEEP_SECONDS=HIDDEN_SECONDS // 2,
    )
    vars(sys.modules["core.replay.replayer"]).update(LEASE_SECONDS=LEASE_SECONDS)
    room = fleet(environ).letters
    if room is None:
        raise SystemExit("The variables of the replayer are missing.")
    return room


def commands() -> dict[str, list[str]]:
    """Return how each mover is started."""
    here = [sys.executable, str(Path(__file__).resolve())]
    names = [f"bbws-wp-site-{queue}-sit" for queue in ("operations-dlq", "creation")]
    phoenix = [str(PHOENIX), "--src", names[0], "--dst", names[1], "--region", REGION]
    return {
        "plain loop": [*here, "plain"],
        "phoenix-letter 0.3.7": [*phoenix, "--empty-receive", "2"],
        "sitefleet dlq replay": [*here, "ours"],
    }


def _silence(*_: object) -> str:
    raise structlog.DropEvent


def main(arguments: Sequence[str]) -> None:
    """Be the mover that is named."""
    movers: Mapping[str, Callable[[], None]] = {"plain": plain_mover, "ours": our_mover}
    movers[arguments[0]]()


if __name__ == "__main__":
    main(sys.argv[1:])
