"""Command groups that are loaded when they are first used.

`sitefleet local` needs the one-machine runtime of a checkout; the other commands do not, so a
machine without it has a `sitefleet` that works, and a `local` that says what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

from ops.errors import ExitCode


@dataclass(frozen=True, kw_only=True)
class Mounted:
    """A group that lives elsewhere."""

    module: str
    attribute: str
    help: str


MOUNTED: Final[Mapping[str, Mounted]] = {
    "local": Mounted(
        module="local.cli",
        attribute="app",
        help="Run the whole fleet on this machine: emulator, databases, WordPress, front proxy.",
    )
}


class MountingGroup(TyperGroup):
    """The root group: its own commands, then the mounted ones."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return all names, in the order of the help."""
        return [*super().list_commands(ctx), *MOUNTED]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; a mounted one is imported now."""
        if cmd_name in MOUNTED:
            return _loaded(MOUNTED[cmd_name], cmd_name)
        return super().get_command(ctx, cmd_name)


# --- inside ---------------------------------------------------------------------------------


def _loaded(mounted: Mounted, name: str) -> Any:
    try:
        app = getattr(import_module(mounted.module), mounted.attribute)
    except ImportError as error:
        return _absent(mounted, name, str(error))
    holder = typer.Typer(add_completion=False)
    holder.add_typer(app, name=name)
    loaded: Any = typer.main.get_command(holder)
    return loaded.commands[name]


def _absent(mounted: Mounted, name: str, why: str) -> Any:
    app = typer.Typer(add_completion=False)

    @app.command(
        name,
        help=mounted.help,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def absent() -> None:
        typer.echo(
            f"The one-machine runtime cannot be loaded here ({why}). It runs from a checkout of "
            "the project; see README.md.",
            err=True,
        )
        raise typer.Exit(ExitCode.UNEXPECTED)

    return typer.main.get_command(app)
