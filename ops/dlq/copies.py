"""`sitefleet dlq export` and `import`: dead letters in a file, and back."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import mkstemp
from typing import Annotated

import typer

from core.domain.letters import Box
from ops.command import command
from ops.desk import Desk
from ops.dlq.choosing import Chosen, choosing
from ops.dlq.files import BadLine, line_of, read_lines
from ops.dlq.flags import who_asks
from ops.dlq.looking import take, tell_unseen
from ops.dlq.moving import put_back
from ops.dlq.reach import letters_of
from ops.errors import BadInputError, ExitCode
from ops.flags import RequestedBy, Yes
from ops.wording import count

STANDARD = "-"


def add_copies(app: typer.Typer) -> None:
    """Add the two commands."""
    command(app, "export")(choosing(export))
    command(app, "import")(import_)


def export(
    desk: Desk,
    file: Annotated[str, typer.Argument(help="File to write; - for standard output.")],
    chosen: Chosen,
) -> None:
    """Copy dead letters to a file, one JSON object per line; they stay where they are."""
    room = letters_of(desk.connection())
    found = take(room, desk.clock, chosen.filters(), chosen.boxes)
    room.desk.give_back(found.letters)
    tell_unseen(desk, found)
    if found.letters or not found.unseen:
        _write(file, "".join(f"{line_of(letter)}\n" for letter in found.letters))
        desk.say(f"Wrote {count(len(found.letters), 'letter')}; they are still in their queues.")
    else:
        desk.say("Nothing was written.")
    if found.unseen:
        raise typer.Exit(ExitCode.NOT_SUCCEEDED)


def import_(
    desk: Desk,
    file: Annotated[str, typer.Argument(help="File of `dlq export`; - for standard input.")],
    requested_by: RequestedBy = None,
    from_line: Annotated[int, typer.Option(min=1, help="Begin with this line.")] = 1,
    *,
    yes: Yes = False,
) -> None:
    """Put letters from a file into their dead-letter queue; a line that is none is told."""
    read = list(read_lines(read_text(file)))
    bad = [one for one in read if isinstance(one, BadLine)]
    good = [one for one in read if not isinstance(one, BadLine) and one[0] >= from_line]
    for one in bad:
        desk.say(f"Line {one.number} is no letter: {one.why}.")
    if not good:
        raise BadInputError(f"{file} holds no letter to import.")
    if not yes:
        desk.ask(f"Put {count(len(good), 'letter')} into the queues of {_env(desk)}?")
    room = letters_of(desk.connection())
    by = who_asks(desk, requested_by)
    for number, raw in good:
        try:
            put_back(room, raw, by=by)
        except BaseException:  # Ctrl-C too: whoever does not know where it stood sends them twice
            desk.say(
                f"The lines before {number} are in, and perhaps that one. Go on: "
                f"--from-line {number}"
            )
            raise
    desk.say(f"Imported {count(len(good), 'letter')}: {_boxes({raw.box for _, raw in good})}.")
    if bad:
        desk.say(f"{count(len(bad), 'line')} left out; correct and import them alone.")
        raise typer.Exit(ExitCode.NOT_SUCCEEDED)


def read_text(file: str) -> str:
    """Return a file's or standard input's text; raises BadInputError."""
    try:
        if file == STANDARD:
            return sys.stdin.buffer.read().decode("utf-8")
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{file} is not UTF-8 text (byte {error.start}).") from error


def _write(file: str, text: str) -> None:
    if file == STANDARD:
        typer.echo(text, nl=False)
        return
    path = Path(file).resolve()
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
        else:
            _replace(path, text)
    except OSError as error:
        raise BadInputError(f"{file} cannot be written: {error.strerror}.") from error


def _replace(path: Path, text: str) -> None:
    """Write a file beside it and rename that: what was there stays whole until all is written.

    Only its owner may read it: letters hold what senders wrote.
    """
    handle, beside = mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _boxes(boxes: set[Box]) -> str:
    return ", ".join(sorted(boxes))


def _env(desk: Desk) -> str:
    return desk.connection().environment.value
