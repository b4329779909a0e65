"""`sitefleet status`: one screen, live."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Annotated, Final

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ops.command import command
from ops.desk import Desk
from ops.picture import Line
from ops.status.evidence import Status, StatusReader
from ops.status.screen import status_document, status_lines
from ops.watch import Sleep

AWS_INTERVAL_SECONDS: Final = 5.0
LOCAL_INTERVAL_SECONDS: Final = 1.0

Days = Annotated[
    int, typer.Option(min=1, max=92, help="How far back operations are counted by their status.")
]
Live_ = Annotated[bool, typer.Option("--watch", help="Go on until Ctrl-C.")]

type Look = Callable[[], Sequence[Status]]


def status(desk: Desk, *, watch: Live_ = False, days: Days = 7) -> None:
    """Show how the fleet is: queues, operations, what stands still, dead letters, notifications.

    On one machine every environment is shown when --env is not given. What cannot be read is
    unknown, with the reason.
    """
    readers = [StatusReader(connection, days) for connection in desk.connections()]

    def look() -> list[Status]:
        return [reader.read(desk.clock.now()) for reader in readers]

    if watch:
        interval = AWS_INTERVAL_SECONDS if desk.machine is None else LOCAL_INTERVAL_SECONDS
        show_live(look, Console(highlight=False), desk, interval_seconds=interval, sleep=desk.sleep)
    elif desk.as_json:
        desk.show_json({"environments": [status_document(one) for one in look()]})
    else:
        desk.show_lines(screen(look()))


def show_live(
    look: Look, console: Console, desk: Desk, *, interval_seconds: float, sleep: Sleep
) -> None:
    """Show it again and again: in place on a terminal, one after the other elsewhere.

    With --json, one line each. Ends with Ctrl-C.
    """
    if console.is_terminal and not desk.as_json:
        with Live(console=console, auto_refresh=False, screen=True) as live:
            while True:
                live.update(_group(screen(look())), refresh=True)
                sleep(interval_seconds)
    while True:
        found = look()
        if desk.as_json:
            typer.echo(json.dumps([status_document(one) for one in found], ensure_ascii=False))
        else:
            desk.show_lines([*screen(found), Line(text="")])
        sleep(interval_seconds)


def screen(found: Sequence[Status]) -> list[Line]:
    """Return the lines of all environments."""
    lines: list[Line] = []
    for one in found:
        lines += [Line(text="")] if lines else []
        lines += status_lines(one)
    return lines


def add_status(app: typer.Typer) -> None:
    """Register the command."""
    command(app, "status")(status)


def _group(lines: Sequence[Line]) -> Group:
    return Group(*(Text(line.text, style=line.style, no_wrap=True) for line in lines))
