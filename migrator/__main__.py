"""`python -m migrator`: run a job of the fleet, or do one part of it by hand.

Exit codes: 0 done (for `run`: a result was written, whatever it says), 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import structlog

from core.domain.errors import SitefleetError
from migrator import commands, logs
from migrator.clock import SystemClock
from migrator.configuration import Configuration
from migrator.errors import JobFailure
from migrator.explanations import explain
from migrator.jobs import JOBS
from migrator.rewrite import cli as rewrite_cli
from migrator.run import run_job
from migrator.services import Services

log = structlog.get_logger(__name__)

DIRECT = {
    "dump": commands.dump_command,
    "load": commands.load_command,
    "content": commands.content_command,
    "verify": commands.verify_command,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the only place where an error becomes an exit code."""
    args = _parser().parse_args(arguments)
    logs.configure()
    logs.bind_command(args.command)
    if args.command == "rewrite":
        return rewrite_cli.run(args)
    try:
        services = Services(Configuration.from_environ(os.environ), SystemClock())
        if args.command == "verify" and not args.job and not (args.url and args.connect):
            raise JobFailure("verify needs a job, or --url and --connect.")
        if getattr(args, "job", None):
            only = None if args.command == "run" else args.command
            return run_job(services, args.job, only=only)
        return DIRECT[args.command](services, args)
    except (SitefleetError, OSError) as error:
        log.error("command_failed", error=explain(error).message)  # noqa: TRY400 - no traceback for a sentence
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="migrator", description=__doc__)
    commands_ = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _job(commands_.add_parser("run", help="do the job that a description asks for"), "any kind")
    for kind in JOBS:
        if kind not in DIRECT:
            _job(commands_.add_parser(kind, help=f"do a job of kind {kind}"), kind)
    _dump(commands_.add_parser("dump", help="write a schema's dump"))
    _load(commands_.add_parser("load", help="load a dump into an empty schema"))
    _content(commands_.add_parser("content", help="pack, place or list a content folder"))
    _verify(commands_.add_parser("verify", help="run the checks against a site"))
    rewrite_cli.add_arguments(commands_.add_parser("rewrite", help="rewrite addresses in a dump"))
    return parser


def _job(parser: argparse.ArgumentParser, kind: str) -> None:
    parser.add_argument("job", metavar="JOB", help=f"s3://bucket/key or a file: {kind}")


def _dump(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--secret", required=True, help="secret with host, username, password")
    parser.add_argument("--schema", required=True)
    parser.add_argument("--output", default="-", help="file (.zst: compressed) or - for stdout")


def _load(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--secret", required=True, help="secret with host, username, password")
    parser.add_argument("--schema", required=True, help="an existing schema without tables")
    parser.add_argument("--input", default="-", help="file or - for stdin; zstd is recognised")
    parser.add_argument(
        "--map", action="append", default=[], metavar="URL=URL", help="address and its new one"
    )


def _content(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("manifest", help="print a folder's manifest")
    packing = actions.add_parser("pack", help="write manifest and packs; prints its sha256")
    packing.add_argument("--known", help="manifest of what the target already has")
    placing = actions.add_parser("place", help="build a folder from manifest and packs")
    placing.add_argument("--live", help="folder that files which did not travel are copied from")
    placing.add_argument("--sha256", help="of the manifest, as pack printed it")
    for action in (packing, placing):
        action.add_argument("--transfer", required=True, help="folder of manifest and packs")
    for action in (listing, packing, placing):
        action.add_argument("dir", metavar="DIR", help="a wp-content folder")


def _verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", nargs="?", metavar="JOB", help="a verify job; or:")
    parser.add_argument("--url", help="the site's address, https://host")
    parser.add_argument("--connect", action="append", help="host:port to connect to")
    parser.add_argument("--public", action="store_true", help="the load balancer's address")
    parser.add_argument(
        "--comprehensive", action="store_true", help="every sitemap page, and a browser"
    )
    parser.add_argument("--foreign-host", action="append", default=[], help="must occur nowhere")


if __name__ == "__main__":
    sys.exit(main())
