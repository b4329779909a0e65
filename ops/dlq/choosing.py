"""Which dead letters a command is about: the flags that its commands share."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final, get_type_hints

import typer

from core.domain.letters import Box, Origin
from core.domain.replays import ReplayFilter
from core.replay.desk import REPLAYED
from ops.errors import BadInputError

PANEL: Final = "Which letters"
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_AGE: Final = re.compile(r"(\d{1,6})([smhd])")


def _option(*names: str, text: str) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=PANEL, show_default=False)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The flags as they were typed; none: every letter of the dead-letter queues."""

    queue: Annotated[
        Origin | None, _option("--queue", text="Only those that go back to this queue.")
    ] = None
    box: Annotated[
        Box | None,
        _option(
            "--box",
            text="Only those that lie here; parked ones are looked at only when named.",
        ),
    ] = None
    group: Annotated[
        str | None, _option("--group", text="Only this failure's, as `dlq list` names it.")
    ] = None
    tenant_id: Annotated[str | None, _option("--tenant-id", text="Only this tenant's.")] = None
    site_id: Annotated[str | None, _option("--site-id", text="Only this site's.")] = None
    operation: Annotated[
        str | None, _option("--operation", text="Only those about this operation.")
    ] = None
    older_than: Annotated[
        str | None,
        _option("--older-than", text="Only those that have lain longer: 90s, 30m, 2h, 3d."),
    ] = None
    message_id: Annotated[
        list[str] | None, _option("--message-id", text="Only this one; may be given again.")
    ] = None

    def filters(self, limit: int | None = None) -> ReplayFilter:
        """Return the flags as a filter; raises BadInputError for an age that is none."""
        return ReplayFilter(
            origin=self.queue,
            group_id=self.group,
            tenant_id=self.tenant_id,
            site_id=self.site_id,
            operation_id=self.operation,
            older_than_seconds=None if self.older_than is None else seconds_of(self.older_than),
            message_ids=tuple(self.message_id or ()),
            limit=limit,
        )

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Return where to look: the place that is named, else where letters are replayed from."""
        return REPLAYED if self.box is None else (self.box,)

    @property
    def typed(self) -> str:
        """Return the flags as one types them, with a space before each."""
        given = [
            ("--queue", self.queue),
            ("--box", self.box),
            ("--group", self.group),
            ("--tenant-id", self.tenant_id),
            ("--site-id", self.site_id),
            ("--operation", self.operation),
            ("--older-than", self.older_than),
            *(("--message-id", one) for one in self.message_id or ()),
        ]
        return "".join(f" {flag} {value}" for flag, value in given if value)


def seconds_of(age: str) -> int:
    """Return the seconds of an age like 30m; raises BadInputError."""
    match = _AGE.fullmatch(age)
    if match is None:
        raise BadInputError(f"{age!r} is no age: say seconds, minutes, hours or days: 90s, 2h.")
    return int(match[1]) * _SECONDS[match[2]]


def choosing(function: Callable[..., None]) -> Callable[..., None]:
    """Give a function `f(desk, chosen, ...)` the flags of `Chosen` in the place of `chosen`."""
    flags = get_type_hints(Chosen, include_extras=True)
    own = get_type_hints(function, include_extras=True)
    del own["chosen"], own["return"]

    @functools.wraps(function)
    def run(desk: Any, **given: Any) -> None:
        chosen = Chosen(**{name: given.pop(name) for name in flags})
        function(desk, chosen=chosen, **given)

    parameters = inspect.signature(function).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    defaults |= {field.name: field.default for field in fields(Chosen)}
    signed = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=annotation,
            default=defaults[name],
        )
        for name, annotation in {**own, **flags}.items()
    ]
    vars(run)["__signature__"] = inspect.Signature(signed)
    run.__annotations__ = {**own, **flags, "return": None}
    return run
