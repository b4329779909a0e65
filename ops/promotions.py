"""`sitefleet promotions`: ask for promotions, look at them, decide about them, take them back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import typer

from ops.command import command
from ops.promotion.deciding import approve, reject
from ops.promotion.listing import list_promotions
from ops.promotion.looking import plan, show
from ops.promotion.proving import evidence
from ops.promotion.reporting import report
from ops.promotion.starting import start
from ops.promotion.taking_back import rollback

COMMANDS: Final[Mapping[str, Callable[..., None]]] = MappingProxyType(
    {
        "start": start,
        "list": list_promotions,
        "show": show,
        "plan": plan,
        "evidence": evidence,
        "approve": approve,
        "reject": reject,
        "rollback": rollback,
        "report": report,
    }
)

app = typer.Typer(
    help="Promote sites from dev to sit and from sit to prod: start, look, approve, take back.",
    no_args_is_help=True,
)
for _name, _function in COMMANDS.items():
    command(app, _name)(_function)
