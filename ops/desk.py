"""What every command works with: its flags, the fleet they point at, and where it prints."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import typer
from rich.console import Console
from rich.text import Text

from core.adapters.system import RandomIds, SystemClock
from core.domain.operation import Operation
from core.ports.clock import Clock, IdSource
from events.formats import Environment
from ops.connection import Connection
from ops.errors import BadInputError
from ops.one_machine import OneMachine, find_one_machine
from ops.picture import Line, served_url
from ops.place import Options, Place, choose_place
from ops.watch import Sleep, watch

LOCAL_INTERVAL_SECONDS: Final = 0.5
AWS_INTERVAL_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Desk:
    """Data goes to standard output, prose to standard error."""

    options: Options
    environ: Mapping[str, str]
    clock: Clock
    ids: IdSource
    sleep: Sleep

    @classmethod
    def of(cls, options: Options, environ: Mapping[str, str]) -> Desk:
        """Return a desk with the machine's clock and ids."""
        return cls(
            options=options,
            environ=environ,
            clock=SystemClock(),
            ids=RandomIds(),
            sleep=time.sleep,
        )

    # --- the fleet -------------------------------------------------------------------------

    @cached_property
    def place(self) -> Place:
        machine = find_one_machine(self.environ)
        place = choose_place(self.options, self.environ, machine)
        if place.machine is not None:
            self.say(f"Using the one-machine runtime at {place.endpoint_url}.")
        return place

    @property
    def machine(self) -> OneMachine | None:
        return self.place.machine

    @property
    def interval_seconds(self) -> float:
        return LOCAL_INTERVAL_SECONDS if self.machine is not None else AWS_INTERVAL_SECONDS

    def connection(self, environment: Environment | None = None) -> Connection:
        """Return the connection to an environment: the one given, else that of --env."""
        chosen = environment or self.options.env
        if chosen is None:
            raise BadInputError(
                "Which environment? Say --env dev, --env sit or --env prod, or set SITEFLEET_ENV."
            )
        return Connection(self.place, chosen)

    def connections(self) -> Sequence[Connection]:
        """Return where an operation may be: --env, or on one machine every environment."""
        if self.options.env is None and self.machine is not None:
            return [Connection(self.place, environment) for environment in self.machine.accounts]
        return [self.connection()]

    # --- printing --------------------------------------------------------------------------

    @property
    def as_json(self) -> bool:
        return self.options.as_json

    def say(self, sentence: str) -> None:
        """Print prose."""
        typer.echo(sentence, err=True)

    def show(self, lines: Sequence[str]) -> None:
        """Print data for people."""
        for line in lines:
            typer.echo(line)

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Print data for people, in colour where the terminal has colours."""
        console = Console(highlight=False)
        for line in lines:
            console.print(Text(line.text, style=line.style), soft_wrap=True)

    def ask(self, question: str) -> None:
        """Ask whether to go on; raises BadInputError when the answer is no, or nobody is there."""
        try:
            agreed = typer.confirm(question, err=True)
        except typer.Abort:
            raise BadInputError(
                "Nobody answered, and nothing was sent. Where nobody sits, say --yes."
            ) from None
        if not agreed:
            raise BadInputError("Nothing was sent.")

    def show_json(self, document: Any) -> None:
        """Print data for programs."""
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))

    def follow(self, connection: Connection, operation_id: str, *, is_data: bool) -> Operation:
        """Watch an operation to its end; the timeline is data only where it is what was asked."""
        console = Console(stderr=not is_data or self.as_json, highlight=False)
        operation = watch(
            connection.operations,
            operation_id,
            console,
            self.clock,
            self.interval_seconds,
            sleep=self.sleep,
        )
        self._say_where_to_look(operation)
        return operation

    def _say_where_to_look(self, operation: Operation) -> None:
        url = served_url(operation)
        if self.machine is not None and url is not None:
            self.say(f"In a browser on this machine: {self.machine.browser_url(url)}")
