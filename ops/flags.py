"""Flags that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

OperationId = Annotated[str, typer.Argument(help="The operation's id.", metavar="ID")]
TenantId = Annotated[str | None, typer.Option(help="Only this tenant's.", show_default=False)]
SiteId = Annotated[str, typer.Argument(help="The site's id.", metavar="SITE")]
SiteTenantId = Annotated[
    str | None,
    typer.Option(help="Its tenant; needed where two have a site of this id.", show_default=False),
]
Watch = Annotated[bool, typer.Option("--watch", help="Follow the operation to its end.")]
RequestedBy = Annotated[
    str | None,
    typer.Option(
        help="Who asks; else the caller's AWS identity, on one machine the user's name.",
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; do it.")]
Role = Annotated[
    str,
    typer.Option(help="In which role you decide, like TECH_LEAD.", show_default=False),
]
AsPerson = Annotated[
    str | None,
    typer.Option(
        "--as",
        help="On one machine, whose credentials to sign with, like tech-lead; on AWS it is you.",
        show_default=False,
    ),
]
