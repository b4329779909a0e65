"""`sitefleet dlq park` and `edit`: letters that a person puts aside or corrects."""

from __future__ import annotations

from typing import Annotated

import click
import typer

from core.domain.errors import NotFoundError
from core.domain.letters import Box, Letter, Origin
from core.domain.replays import ReplayFilter
from core.letter_room import LetterRoom
from core.replay.desk import groups_of
from events.redaction import REMOVED, redact_body
from ops.command import command
from ops.desk import Desk
from ops.dlq.choosing import Chosen, choosing
from ops.dlq.copies import read_text
from ops.dlq.flags import Limit, Reason, Yes, who_asks, why_of
from ops.dlq.holding import Hold
from ops.dlq.listing import group_lines
from ops.dlq.looking import Look, look, take, tell_unseen
from ops.dlq.moving import foretell_corrected, park, send_corrected
from ops.dlq.reach import letters_of
from ops.errors import BadInputError, ExitCode
from ops.flags import RequestedBy
from ops.wording import count

NOTHING_MEANT = "No letter is meant; nothing was parked."


def add_moves(app: typer.Typer) -> None:
    """Add the two commands."""
    command(app, "park")(choosing(park_))
    command(app, "edit")(edit)


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
    room = letters_of(desk.connection())
    if not chosen.typed:
        raise BadInputError("Say which letters: --group, --message-id or another of the filters.")
    if chosen.box is Box.PARKED:
        raise BadInputError("Those are parked already.")
    if not yes:
        _tell_parking(desk, look(desk, room, chosen, limit))
        return
    why, by = why_of(reason), who_asks(desk, requested_by)
    found = take(room, desk.clock, chosen.filters(limit), chosen.boxes)
    tell_unseen(desk, found)
    if not found.letters:
        raise BadInputError(NOTHING_MEANT)
    with Hold(room, desk.clock, found) as hold:
        done = park(room, hold, reason=why, by=by)
    _tell_parked(desk, done, left=len(found.letters) - done)


def edit(
    desk: Desk,
    message_id: Annotated[str, typer.Argument(help="The letter's message id.", metavar="MESSAGE")],
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
    room = letters_of(desk.connection())
    why, by = why_of(reason), who_asks(desk, requested_by)
    found = _taken(desk, room, message_id)
    [letter] = found.letters
    with Hold(room, desk.clock, found) as hold:
        text = _corrected_body(letter, body)
        foretold = foretell_corrected(room, letter, text, queue)
        desk.say(f"It will be {foretold.forecast.fate}: {foretold.forecast.sentence}")
        if not yes:
            desk.ask(f"Send it to the {foretold.letter.origin} queue?")
        new_id = send_corrected(room, hold, foretold, reason=why, by=by)
    desk.say(f"Sent as {new_id}; the letter {message_id} is parked.")
    desk.show([new_id])


# --- inside ---------------------------------------------------------------------------------


def _tell_parking(desk: Desk, letters: list[Letter]) -> None:
    if not letters:
        raise BadInputError(NOTHING_MEANT)
    desk.show(group_lines(groups_of(letters), desk.clock.now()))
    desk.say(f"Nothing has been moved. {count(len(letters), 'letter')} would be parked: --yes")


def _tell_parked(desk: Desk, done: int, *, left: int) -> None:
    desk.say(f"Parked {count(done, 'letter')}: sitefleet dlq list --box parked")
    if left:
        desk.say(f"{count(left, 'letter')} not parked: somebody else has taken them meanwhile.")
        raise typer.Exit(ExitCode.NOT_SUCCEEDED)


def _taken(desk: Desk, room: LetterRoom, message_id: str) -> Look:
    found = take(room, desk.clock, ReplayFilter(message_ids=(message_id,)), tuple(Box))
    if not found.letters:
        raise NotFoundError(f"There is no dead letter {message_id}; or somebody looks at it now.")
    return found


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
