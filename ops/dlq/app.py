"""`sitefleet dlq`: look at dead letters, see what a replay will do, and replay them."""

from __future__ import annotations

from typing import Annotated

import typer

from core.domain.errors import NotFoundError
from core.domain.letters import Box, Letter
from core.domain.replays import ReplayFilter
from core.letter_room import LetterRoom
from core.replay.desk import Foretold, groups_of
from ops.command import command
from ops.desk import Desk
from ops.dlq.by_hand import add_moves
from ops.dlq.choosing import Chosen, choosing
from ops.dlq.copies import add_copies
from ops.dlq.flags import Limit, Reason, Yes, who_asks, why_of
from ops.dlq.following import replay_document, replay_summary
from ops.dlq.history import entry_lines, replay_lines
from ops.dlq.listing import depths_of, group_lines, list_document, total_line
from ops.dlq.looking import look, take, tell_unseen
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
from ops.flags import RequestedBy
from ops.wording import count

app = typer.Typer(
    help="Dead letters: what they are, what a replay will do, and replays.", no_args_is_help=True
)

Rate = Annotated[
    float | None,
    typer.Option(min=0.1, max=1000, help="Messages per second; else 10.", show_default=False),
]


@command(app, "list")
@choosing
def list_(desk: Desk, chosen: Chosen) -> None:
    """List dead letters by what failed; nothing is changed."""
    room = _room(desk)
    letters = look(desk, room, chosen)
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
    foretold = room.desk.foretell(look(desk, room, chosen, limit))
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
    by = who_asks(desk, requested_by)
    if abandon:
        opened = open_replay(room)
        desk.say(
            f"Closing replay {opened.replay_id}. What it had sent is settled first: letters that a "
            "dead process had taken show again within some minutes, and are waited for."
        )
        closed = room.replayer.abandon(opened.replay_id, owner=desk.ids.new_id())
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
    wishes = wishes_of(by, why_of(reason), chosen.filters(limit), rate)
    (send_for if remote else run_here)(desk, room, wishes, chosen, limit)


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


add_moves(app)
add_copies(app)


# --- inside ---------------------------------------------------------------------------------


def _room(desk: Desk) -> LetterRoom:
    return letters_of(desk.connection())


def _env(desk: Desk) -> str:
    return desk.connection().environment.value


def _named(desk: Desk, room: LetterRoom, name: str) -> tuple[Letter, int]:
    """Return the letter of this id, or the oldest of this group, and how many more it has."""
    found = take(room, desk.clock, ReplayFilter(), tuple(Box))
    room.desk.give_back(found.letters)
    mine = [one for one in found.letters if name in {one.message_id, one.group_id}]
    if not mine:
        tell_unseen(desk, found)
        raise NotFoundError(
            f"There is no dead letter and no group {name} in {_env(desk)}. List them with: "
            f"sitefleet dlq list --env {_env(desk)}"
        )
    return mine[0], len(mine) - 1


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
    foretold = room.desk.foretell(look(desk, room, chosen, limit))
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
