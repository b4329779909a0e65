"""`sitefleet dlq`: look at dead letters, see what a replay will do, and replay them."""

from __future__ import annotations

from typing import Annotated

import click
import typer

from core.domain.errors import NotFoundError
from core.domain.letters import Box, Letter, Origin
from core.domain.replays import ReplayFilter
from core.letter_room import LetterRoom
from core.replay.desk import REPLAYED, Foretold, groups_of
from events.redaction import REMOVED, redact_body
from ops.command import command
from ops.desk import Desk
from ops.dlq.choosing import Chosen, choosing
from ops.dlq.copies import add_copies, read_text
from ops.dlq.following import replay_document, replay_summary
from ops.dlq.history import entry_lines, replay_lines
from ops.dlq.listing import depths_of, group_lines, list_document, total_line
from ops.dlq.moving import foretell_corrected, park, send_corrected
from ops.dlq.planning import every_line, plan_document, plan_lines, sends_line
from ops.dlq.reach import letters_of
from ops.dlq.replaying import (
    carry_out,
    found,
    open_replay,
    resume_there,
    run_here,
    send_for,
    wishes_of,
)
from ops.dlq.showing import letter_document, letter_lines
from ops.errors import BadInputError
from ops.flags import RequestedBy
from ops.wording import count

app = typer.Typer(
    help="Dead letters: what they are, what a replay will do, and replays.", no_args_is_help=True
)
add_copies(app)

Reason = Annotated[
    str | None, typer.Option(help="Why; kept with what is done.", show_default=False)
]
Limit = Annotated[
    int | None, typer.Option(min=1, help="At most so many, the oldest.", show_default=False)
]
Rate = Annotated[
    float | None,
    typer.Option(min=0.1, max=1000, help="Messages per second; else 10.", show_default=False),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; else it is only told.")]
MessageId = Annotated[str, typer.Argument(help="The letter's message id.", metavar="MESSAGE")]


@command(app, "list")
@choosing
def list_(desk: Desk, chosen: Chosen) -> None:
    """List dead letters by what failed; nothing is changed."""
    room = _room(desk)
    letters = _looked_at(desk, room, chosen)
    groups, now = groups_of(letters), desk.clock.now()
    depths = depths_of(room.letters)
    if desk.as_json:
        desk.show_json(list_document(groups, depths, now))
        return
    if not groups:
        desk.say("There is no dead letter." if not chosen.typed else "No dead letter is meant.")
    else:
        desk.show(group_lines(groups, now))
        desk.say(total_line(groups))
        desk.say(f"Look at one: sitefleet dlq show {groups[0].group_id} --env {_env(desk)}")
    if chosen.box is None and depths[Box.PARKED].visible:
        desk.say(f"{count(depths[Box.PARKED].visible, 'letter')} parked: --box parked.")


@command(app, "show")
def show(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="Message id, or a group's name.", metavar="NAME")],
) -> None:
    """Show everything about a letter, or about a group by its oldest letter."""
    room = _room(desk)
    letter, others = _named(desk, room, name)
    [foretold] = room.desk.foretell([letter])
    failures = room.failures.of_operation(letter.operation_id) if letter.operation_id else ()
    if desk.as_json:
        desk.show_json(letter_document(letter, foretold.forecast, failures))
        return
    desk.show(letter_lines(letter, foretold.forecast, failures, desk.clock.now()))
    if others:
        desk.say(f"{count(others, 'more letter')} of this group: sitefleet dlq plan --group {name}")


@command(app, "plan")
@choosing
def plan(
    desk: Desk,
    chosen: Chosen,
    limit: Limit = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Print each letter.")] = False,
) -> None:
    """Tell what a replay WILL do with each letter; nothing is sent."""
    room = _room(desk)
    foretold = room.desk.foretell(_looked_at(desk, room, chosen, limit))
    if desk.as_json:
        desk.show_json(plan_document(foretold))
        return
    _show_plan(desk, foretold, every=every)


@command(app, "replay")
@choosing
def replay(
    desk: Desk,
    chosen: Chosen,
    *,
    reason: Reason = None,
    limit: Limit = None,
    rate: Rate = None,
    requested_by: RequestedBy = None,
    yes: Yes = False,
    remote: Annotated[
        bool, typer.Option("--remote", help="Let the replayer function do it, and follow it.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the replay that is open.")
    ] = False,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Close the replay that is open; letters stay.")
    ] = False,
) -> None:
    """Send dead letters again: one of each group first, and more only if it goes well.

    Without --yes it tells what it would do. A group stops when too many of it fail again.
    """
    room = _room(desk)
    by = _who(desk, requested_by)
    if abandon:
        closed = room.replayer.abandon(open_replay(room).replay_id, owner=desk.ids.new_id())
        desk.say(f"Replay {closed.replay_id} is closed. What it has not sent is where it was.")
        return
    if resume:
        opened = open_replay(room)
        if remote:
            resume_there(desk, room, opened, by=by)
        else:
            carry_out(desk, room, opened)
        return
    if not yes:
        _tell_replay(desk, room, chosen, limit, rate, remote=remote)
        return
    wishes = wishes_of(by, _why(reason), chosen.filters(limit), rate)
    (send_for if remote else run_here)(desk, room, wishes, chosen, limit)


@command(app, "park")
@choosing
def park_(
    desk: Desk,
    chosen: Chosen,
    reason: Reason = None,
    limit: Limit = None,
    requested_by: RequestedBy = None,
    *,
    yes: Yes = False,
) -> None:
    """Put letters aside, with a reason: they are not listed or replayed any more."""
    room = _room(desk)
    if not chosen.typed:
        raise BadInputError("Say which letters: --group, --message-id or another of the filters.")
    if chosen.box is Box.PARKED:
        raise BadInputError("Those are parked already.")
    letters = room.desk.collect(chosen.filters(limit), _boxes(chosen))
    if not yes:
        room.desk.give_back(letters)
        desk.show(group_lines(groups_of(letters), desk.clock.now()) if letters else [])
        desk.say(f"Nothing has been moved. {count(len(letters), 'letter')} would be parked: --yes")
        return
    park(room, letters, reason=_why(reason), by=_who(desk, requested_by))
    desk.say(f"Parked {count(len(letters), 'letter')}: sitefleet dlq list --box parked")


@command(app, "edit")
def edit(
    desk: Desk,
    message_id: MessageId,
    *,
    body: Annotated[
        str | None,
        typer.Option(help="File with the corrected body; else $EDITOR opens.", show_default=False),
    ] = None,
    reason: Reason = None,
    queue: Annotated[
        Origin | None,
        typer.Option(help="Queue, where the letter does not tell.", show_default=False),
    ] = None,
    requested_by: RequestedBy = None,
    yes: Yes = False,
) -> None:
    """Send a corrected body as a new message, linked to the letter, which is parked."""
    room, why = _room(desk), _why(reason)
    [letter] = _taken(room, message_id)
    try:
        text = _corrected_body(letter, body)
        foretold = foretell_corrected(room, letter, text, queue)
        desk.say(f"It will be {foretold.forecast.fate}: {foretold.forecast.sentence}")
        if not yes:
            desk.ask(f"Send it to the {foretold.letter.origin} queue?")
        by = _who(desk, requested_by)
        new_id = send_corrected(room, letter, foretold, reason=why, by=by)
    except BaseException:
        room.desk.give_back([letter])
        raise
    desk.say(f"Sent as {new_id}; the letter {message_id} is parked.")
    desk.show([new_id])


@command(app, "history")
def history(
    desk: Desk,
    replay_id: Annotated[
        str | None, typer.Argument(help="One replay, with its letters.", metavar="REPLAY")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 20,
) -> None:
    """List replays: who, when, why, which letters, and what became of them."""
    room = _room(desk)
    if replay_id is not None:
        one, entries = found(room, replay_id)
        if desk.as_json:
            desk.show_json(replay_document(one, entries))
        else:
            desk.show(entry_lines(one, entries))
        return
    replays = room.journal.recent(limit)
    if desk.as_json:
        desk.show_json({"replays": [replay_summary(one) for one in replays]})
    elif replays:
        desk.show(replay_lines(replays))
    else:
        desk.say("Nothing was ever replayed here.")


# --- inside ---------------------------------------------------------------------------------


def _room(desk: Desk) -> LetterRoom:
    return letters_of(desk.connection())


def _env(desk: Desk) -> str:
    return desk.connection().environment.value


def _who(desk: Desk, requested_by: str | None) -> str:
    return requested_by or desk.connection().identity() or "unknown"


def _why(reason: str | None) -> str:
    if not reason or not reason.strip():
        raise BadInputError("Say why: --reason '...'. It is kept with what is done.")
    return reason.strip()


def _boxes(chosen: Chosen) -> tuple[Box, ...]:
    return REPLAYED if chosen.box is None else (chosen.box,)


def _looked_at(
    desk: Desk, room: LetterRoom, chosen: Chosen, limit: int | None = None
) -> list[Letter]:
    """Take letters and give them back: they are looked at, and change nothing."""
    boxes = _boxes(chosen)
    letters = room.desk.collect(chosen.filters(limit), boxes)
    room.desk.give_back(letters)
    hidden = room.desk.hidden(boxes)
    if hidden:
        desk.say(
            f"{count(hidden, 'letter')} more cannot be seen: somebody looks at or replays them "
            "now; they show again within minutes."
        )
    return letters


def _named(desk: Desk, room: LetterRoom, name: str) -> tuple[Letter, int]:
    """Return the letter of this id, or the oldest of this group, and how many more it has."""
    letters = room.desk.collect(ReplayFilter(), tuple(Box))
    room.desk.give_back(letters)
    mine = [one for one in letters if name in {one.message_id, one.group_id}]
    if not mine:
        raise NotFoundError(
            f"There is no dead letter and no group {name} in {_env(desk)}. List them with: "
            f"sitefleet dlq list --env {_env(desk)}"
        )
    return mine[0], len(mine) - 1


def _taken(room: LetterRoom, message_id: str) -> list[Letter]:
    letters = room.desk.collect(ReplayFilter(message_ids=(message_id,)), tuple(Box))
    if not letters:
        raise NotFoundError(f"There is no dead letter {message_id}; or somebody looks at it now.")
    return letters


def _show_plan(desk: Desk, foretold: list[Foretold], *, every: bool) -> None:
    if not foretold:
        desk.say("No dead letter is meant.")
        return
    desk.show(plan_lines(foretold))
    if every:
        desk.show(["", *every_line(foretold)])
    desk.say(sends_line(foretold))


def _tell_replay(
    desk: Desk,
    room: LetterRoom,
    chosen: Chosen,
    limit: int | None,
    rate: float | None,
    *,
    remote: bool,
) -> None:
    foretold = room.desk.foretell(_looked_at(desk, room, chosen, limit))
    if desk.as_json:
        desk.show_json(plan_document(foretold))
        return
    _show_plan(desk, foretold, every=False)
    numbers = [("--limit", limit), ("--rate", rate)]
    extra = "".join(f" {flag} {value}" for flag, value in numbers if value is not None)
    there = " --remote" if remote else ""
    desk.say(
        "Nothing has been sent. To send: "
        f"sitefleet dlq replay{chosen.typed}{extra}{there} --env {_env(desk)} --reason '...' --yes"
    )


def _corrected_body(letter: Letter, file: str | None) -> str:
    clean = redact_body(letter.raw.body)
    if file is not None:
        text = read_text(file)
    elif REMOVED in clean:
        raise BadInputError(
            "The message carries a proof, which is shown to nobody. Give the whole corrected body "
            "with --body, or ask its sender to send it again."
        )
    else:
        text = click.edit(clean, extension=".json") or ""
    if not text.strip() or text.strip() == clean.strip():
        raise BadInputError("The body is as it was; nothing was sent.")
    return text.rstrip("\n")
