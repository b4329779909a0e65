"""``rewrite``: a filter from stdin to stdout that moves a dump from one address to another."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from migrator.rewrite.origin import OriginError, OriginMapping
from migrator.rewrite.report import RewriteReport
from migrator.rewrite.stream import rewrite_stream

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_BROKEN_PIPE = 141


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``rewrite``."""
    parser.description = "Rewrite the addresses in a MySQL or MariaDB dump, stdin to stdout."
    parser.add_argument(
        "--from", dest="sources", action="append", required=True, metavar="URL",
        help="address to replace, such as https://site.dev; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--to", dest="targets", action="append", required=True, metavar="URL",
        help="its new address; one for each --from, in the same order",
    )  # fmt: skip
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write counts and leftovers as JSON"
    )
    parser.add_argument(
        "--rewrite-guid", action="store_true", help="rewrite the guid column of posts too"
    )


def run(args: argparse.Namespace) -> int:
    """Filter stdin to stdout; returns the exit code."""
    if len(args.sources) != len(args.targets):
        sys.stderr.write("rewrite: each --from needs one --to" + "\n")
        return EXIT_USAGE
    try:
        pairs = zip(args.sources, args.targets, strict=True)
        mappings = [OriginMapping.parse(source, target) for source, target in pairs]
    except OriginError as error:
        sys.stderr.write(f"rewrite: {error}" + "\n")
        return EXIT_USAGE
    try:
        report = rewrite_stream(
            sys.stdin.buffer.raw,  # type: ignore[union-attr]
            sys.stdout.buffer,
            mappings,
            keep_guid=not args.rewrite_guid,
        )
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        sys.stderr.close()
        return EXIT_BROKEN_PIPE
    if args.report is not None:
        args.report.write_text(report.to_json(), encoding="utf-8")
    sys.stderr.write(_summary(report) + "\n")
    return EXIT_OK


def _summary(report: RewriteReport) -> str:
    marker = "marker seen" if report.dump_completed else "no completion marker"
    return (
        f"rewrite: {report.replacements} replaced in {report.values_changed.total()} values, "
        f"{report.broken_count} broken, {report.leftovers.total()} left, "
        f"{report.bytes_in} bytes in, {report.bytes_out} out, {marker}"
    )
