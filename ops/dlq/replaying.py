"""`sitefleet dlq replay`: the replay that the command line itself carries out, or sends for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import typer
from rich.console import Console

from core.domain.errors import NotFoundError
from core.domain.replay_commands import (
    Action,
    CommandFilters,
    CommandPace,
    ReplayCommand,
    text_of,
)
from core.domain.replays import Pace, Replay, ReplayEntry, ReplayFilter, ReplayStatus
from core.letter_room import LetterRoom
from core.replay.replayer import NotStartedError, Rest, Wishes
from ops.desk import Desk
from ops.dlq.choosing import Chosen
from ops.dlq.following import end_lines, exit_code_of, progress_of, replay_document
from ops.dlq.looking import take, tell_hidden, tell_unseen
from ops.errors import ExitCode, NotTakenError

TURN: Final = timedelta(minutes=10)
PATIENCE_SECONDS: Final = 120
"""How long a replay that was sent for may take to begin: a function's start and its looking."""


def run_here(
    desk: Desk, room: LetterRoom, wishes: Wishes, chosen: Chosen, limit: int | None
) -> None:
    """Begin a replay and carry it out in this process."""
    found = take(room, desk.clock, chosen.filters(limit), chosen.boxes)
    tell_unseen(desk, found)
    replay = room.replayer.begin(wishes, room.desk.foretell_or_give_back(found.letters))
    desk.say(f"Replay {replay.replay_id} has begun.")
    carry_out(desk, room, replay)


def carry_out(desk: Desk, room: LetterRoom, replay: Replay) -> None:
    """Go on with a replay until it is finished, and print how it ended."""
    owner, again = desk.ids.new_id(), f"sitefleet dlq replay --resume --env {_env(desk)}"
    console = Console(stderr=True, highlight=False)
    try:
        with progress_of(console, replay.total) as watch:
            while True:
                rest = room.replayer.advance(
                    replay.replay_id, owner=owner, until=desk.clock.now() + TURN, watch=watch
                )
                if rest is Rest.FINISHED:
                    break
                if rest is Rest.HELD:
                    raise NotTakenError(
                        f"Somebody else works on replay {replay.replay_id}, or was killed while "
                        f"doing so: then its hold ends within two minutes. Go on then: {again}"
                    )
    except KeyboardInterrupt:
        desk.say(f"Interrupted; nothing is lost. Go on: {again}")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    report(desk, room, replay.replay_id)


def send_for(
    desk: Desk,
    room: LetterRoom,
    wishes: Wishes,
    chosen: Chosen,
    limit: int | None,
) -> None:
    """Let the replayer function do it, and follow its journal."""
    opened = room.journal.open_replay()
    if opened is not None:
        raise NotStartedError(
            f"Replay {opened.replay_id} of {opened.requested_by} is open. Finish it first: "
            f"sitefleet dlq replay --resume --remote --env {_env(desk)}"
        )
    hidden, replay_id = room.desk.hidden(chosen.boxes), desk.ids.new_id()
    command = ReplayCommand(
        action=Action.REPLAY,
        requested_by=wishes.requested_by,
        reason=wishes.reason,
        replay_id=replay_id,
        filters=CommandFilters.of(chosen.filters(limit)),
        boxes=chosen.boxes,
        pace=CommandPace(per_second=wishes.pace.per_second),
    )
    room.commands.send(text_of(command))
    desk.say(f"Sent the command to the replayer of {_env(desk)}; it is replay {replay_id}.")
    tell_hidden(desk, hidden)
    follow(desk, room, replay_id)


def resume_there(desk: Desk, room: LetterRoom, replay: Replay, *, by: str) -> None:
    """Let the replayer function go on with the open replay, and follow its journal."""
    command = ReplayCommand(action=Action.RESUME, requested_by=by, reason=replay.reason)
    room.commands.send(text_of(command))
    desk.say(f"Sent the command to the replayer of {_env(desk)}.")
    follow(desk, room, replay.replay_id)


def follow(desk: Desk, room: LetterRoom, replay_id: str) -> None:
    """Watch a replay's journal to its end; raises NotTakenError when it does not begin."""
    until = desk.clock.now() + timedelta(seconds=PATIENCE_SECONDS)
    while (replay := room.journal.get(replay_id)) is None:
        if desk.clock.now() >= until:
            raise NotTakenError(
                f"The replayer has not begun in {PATIENCE_SECONDS} s. Its log says why: "
                f"/aws/lambda/{_env(desk)}-bbws-async-processor-dlq-replayer"
            )
        desk.sleep(desk.interval_seconds)
    console = Console(stderr=True, highlight=False)
    with progress_of(console, replay.total) as watch:
        while replay is not None and replay.status is ReplayStatus.OPEN:
            watch(replay, room.journal.entries(replay_id))
            desk.sleep(desk.interval_seconds)
            replay = room.journal.get(replay_id)
    report(desk, room, replay_id)


def report(desk: Desk, room: LetterRoom, replay_id: str) -> None:
    """Print how a replay stands; raises typer.Exit with what a script goes by."""
    replay, entries = found(room, replay_id)
    if desk.as_json:
        desk.show_json(replay_document(replay, entries))
    else:
        desk.show(end_lines(replay, entries))
    raise typer.Exit(exit_code_of(replay, entries))


def found(room: LetterRoom, replay_id: str) -> tuple[Replay, Sequence[ReplayEntry]]:
    """Return a replay and its letters; raises NotFoundError."""
    replay = room.journal.get(replay_id)
    if replay is None:
        raise NotFoundError(
            f"There is no replay {replay_id}. List them with: sitefleet dlq history"
        )
    return replay, room.journal.entries(replay_id)


def open_replay(room: LetterRoom) -> Replay:
    """Return the replay that is open; raises NotFoundError."""
    replay = room.journal.open_replay()
    if replay is None:
        raise NotFoundError("No replay is open. List them with: sitefleet dlq history")
    return replay


def wishes_of(requested_by: str, reason: str, filters: ReplayFilter, rate: float | None) -> Wishes:
    """Return what is asked for; without a rate, that of the default pace."""
    pace = Pace() if rate is None else Pace(per_second=rate)
    return Wishes(requested_by=requested_by, reason=reason, filters=filters, pace=pace)


def _env(desk: Desk) -> str:
    return desk.connection().environment.value
