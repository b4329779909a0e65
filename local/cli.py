"""`sitefleet local ...`: the fleet on this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from local.cloud import ACCOUNTS
from local.errors import LocalError
from local.inbox import read_inbox
from local.localhost_names import SUFFIX
from local.runtime import Runtime
from local.state import load_description

TAIL_LINES = 200
app = typer.Typer(
    name="local",
    help="Run the whole fleet on this machine: emulator, databases, WordPress, front proxy.",
    no_args_is_help=True,
)
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")
]


@app.command()
def up(*, as_json: AsJson = False) -> None:
    """Start the fleet; if it runs already, say what is running."""
    with _sentences():
        description = _runtime().up()
        if as_json:
            typer.echo(json.dumps(description))
            return
        typer.echo(f"endpoint  {description['endpoint']}  (region {description['region']})")
        for name, account in description["accounts"].items():
            port = description["proxy"].rpartition(":")[2]
            label = ACCOUNTS[name].label
            typer.echo(
                f"{name:<9} access key {account['accessKeyId']}, "
                f"sites at http://<subdomain>.{label}{SUFFIX}:{port}/"
            )


@app.command()
def down() -> None:
    """Stop exactly what `up` started and remove its data; logs stay."""
    with _sentences():
        stopped = _runtime().down()
        _say(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


@app.command()
def status(*, as_json: AsJson = False) -> None:
    """Say what is running."""
    with _sentences():
        runtime = _runtime()
        running = runtime.running()
        if as_json:
            typer.echo(
                json.dumps(
                    {
                        "complete": load_description(runtime.layout) is not None,
                        "processes": [
                            {"name": record.name, "pid": record.pid, "log": record.log}
                            for record in running
                        ],
                    }
                )
            )
            return
        for record in running:
            typer.echo(f"{record.pid:>8}  {record.name}  {record.log}")
        if not running:
            _say("Nothing is running. Start it with `sitefleet local up`.")


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="A process or the beginning of its name.")] = "",
    lines: Annotated[int, typer.Option(help="Lines from the end of each log.")] = TAIL_LINES,
) -> None:
    """Print a process's log; without a name, list the logs."""
    with _sentences():
        found = sorted(_runtime().layout.logs.glob(f"{name}*.log"))
        if not name:
            typer.echo("\n".join(path.stem for path in found))
        elif not found:
            raise LocalError(
                f"There is no log of {name}. `sitefleet local logs` lists the logs that exist."
            )
        else:
            for path in found:
                _print_tail(path, lines, titled=len(found) > 1)


@app.command()
def mail(*, as_json: AsJson = False) -> None:
    """Show the mail that the fleet has sent: it stays in the emulator, and reaches nobody."""
    with _sentences():
        layout = _runtime().layout
        description = load_description(layout)
        if description is None:
            raise LocalError("Nothing is running. Start it with `sitefleet local up`.")
        inbox = read_inbox(description["endpoint"], layout)
        if as_json:
            fields = ("environment", "to", "subject", "text")
            told = [{n: getattr(m, n) for n in fields} | {"page": str(m.page)} for m in inbox]
            typer.echo(json.dumps(told))
            return
        for kept in inbox:
            typer.echo(f"{kept.environment}  {', '.join(kept.to)}  {kept.subject}\n{kept.page}\n")
        if not inbox:
            _say("No mail was sent yet: it is sent when a creation has ended.")


def main() -> None:
    """Run the commands on their own: `python -m local`."""
    app()


def _runtime() -> Runtime:
    return Runtime(os.environ, _say)


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)


def _print_tail(path: Path, lines: int, *, titled: bool) -> None:
    if titled:
        typer.echo(f"==> {path.stem}")
    typer.echo("\n".join(path.read_text(errors="replace").splitlines()[-lines:]))


@contextmanager
def _sentences() -> Iterator[None]:
    """The one edge where an error becomes a sentence and an exit code."""
    try:
        yield
    except LocalError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
