"""`sitefleet`: the operators' command line, for the one machine and for AWS alike."""

from __future__ import annotations

from typing import Final

import typer

from ops import backups, operations, promotions, sites, subscriptions, tenants
from ops.command import PREFIX, as_root
from ops.dlq import app as dlq
from ops.doctor.command import add_doctor
from ops.mounting import MountingGroup
from ops.send import add_send
from ops.status.command import add_status
from ops.tracing.command import add_trace

ABOUT: Final = (
    "Carry WordPress sites through their life: send requests, follow operations, look at sites. "
    "Data goes to standard output, prose to standard error."
)

app = typer.Typer(
    name="sitefleet",
    cls=MountingGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"auto_envvar_prefix": PREFIX, "help_option_names": ["--help", "-h"]},
)
as_root(app, ABOUT)
add_send(app)
app.add_typer(promotions.app, name="promotions")
app.add_typer(operations.app, name="operations")
backups.add(sites.app)
app.add_typer(sites.app, name="sites")
app.add_typer(tenants.app, name="tenants")
app.add_typer(subscriptions.app, name="notifications")
app.add_typer(dlq.app, name="dlq")
add_status(app)
add_doctor(app)
add_trace(app)


def main() -> None:
    """Run the command line."""
    app(prog_name="sitefleet")
