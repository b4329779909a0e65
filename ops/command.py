"""How a function becomes a command: it gets a desk, the common flags, and the one error edge."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from typing import Annotated, Any, Final, get_type_hints

import typer

from events.formats import Environment
from ops.desk import Desk
from ops.edge import edge
from ops.place import Options

PANEL: Final = "Every command has these"
PREFIX: Final = "SITEFLEET"


_COMMON: Final[tuple[tuple[str, Any, str, str, list[str]], ...]] = (
    ("env", Environment | None, "--env", "Environment: dev, sit or prod.", ["SITEFLEET_ENV"]),
    ("as_json", bool, "--json", "Print data as JSON.", ["SITEFLEET_JSON"]),
    (
        "endpoint_url",
        str | None,
        "--endpoint-url",
        "Endpoint of all AWS calls, instead of AWS or the one machine.",
        ["SITEFLEET_ENDPOINT_URL", "AWS_ENDPOINT_URL"],
    ),
    (
        "region",
        str | None,
        "--region",
        "AWS region; else that of AWS_DEFAULT_REGION or the profile, else af-south-1.",
        ["SITEFLEET_REGION"],
    ),
    (
        "profile",
        str | None,
        "--profile",
        "AWS profile; else that of AWS_PROFILE.",
        ["SITEFLEET_PROFILE"],
    ),
    (
        "debug",
        bool,
        "--debug",
        "Show where an unexpected error comes from.",
        ["SITEFLEET_DEBUG"],
    ),
)
"""Parameter, type, flag, meaning, environment variables."""


def common_flags(*, with_variables: bool) -> dict[str, Any]:
    """Return the common flags' annotations; only the root reads their variables.

    Were each command to read them again, SITEFLEET_ENV would win over `sitefleet --env`.
    """
    return {
        name: Annotated[kind, _flag(flag, text, variables if with_variables else None)]
        for name, kind, flag, text, variables in _COMMON
    }


def command(app: typer.Typer, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register `function(desk, ...)` as a command with the common flags."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        app.command(name)(_with_common_flags(function))
        return function

    return register


def root_callback(ctx: typer.Context, **given: Any) -> None:
    """Keep the flags that stand before the command's name."""
    ctx.obj = Options(**given)


def as_root(app: typer.Typer, text: str) -> None:
    """Give the root command the common flags, with their environment variables."""

    def root(**given: Any) -> None:
        root_callback(given.pop("ctx"), **given)

    _sign(root, {"ctx": typer.Context}, common_flags(with_variables=True))
    root.__doc__ = text
    app.callback()(root)


# --- inside ---------------------------------------------------------------------------------


def _flag(name: str, text: str, variables: list[str] | None) -> Any:
    return typer.Option(
        name,
        help=text,
        envvar=variables,
        rich_help_panel=PANEL,
        show_default=False,
        case_sensitive=False,
    )


def _with_common_flags(function: Callable[..., None]) -> Callable[..., None]:
    common = common_flags(with_variables=False)

    @functools.wraps(function)
    def run(**given: Any) -> None:
        ctx: typer.Context = given.pop("ctx")
        here = Options(**{name: given.pop(name) for name in common})
        options = here.over(ctx.obj or Options())
        desk = Desk.of(options, os.environ)
        with edge(desk.say, debug=options.debug):
            function(desk, **given)

    own = get_type_hints(function, include_extras=True)
    del own["desk"], own["return"]
    defaults = {
        parameter.name: parameter.default
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is not inspect.Parameter.empty
    }
    _sign(run, {"ctx": typer.Context, **own}, common, defaults)
    return run


def _sign(
    function: Callable[..., None],
    own: dict[str, Any],
    common: dict[str, Any],
    defaults: dict[str, Any] | None = None,
) -> None:
    """Give a function the signature that typer reads."""
    empty = {"as_json": False, "debug": False}
    values = {**{name: empty.get(name) for name in common}, **(defaults or {})}
    annotations = {**own, **common}
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=annotation,
            default=values.get(name, inspect.Parameter.empty),
        )
        for name, annotation in annotations.items()
    ]
    vars(function)["__signature__"] = inspect.Signature(parameters)
    function.__annotations__ = annotations
