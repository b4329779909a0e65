"""What operators call directly: dump, load, content and verify without a job description."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from core.domain.jobs import VerifyExpectation
from migrator.checks.visits import Address, Visitor
from migrator.compression import Compressor, decompressed
from migrator.content import load_manifest, pack, place
from migrator.databases import base_tables
from migrator.dump import dump
from migrator.errors import JobFailure
from migrator.load import load
from migrator.manifest import build_manifest, read_manifest
from migrator.rewrite.origin import OriginMapping
from migrator.rewrite.stream import Rewriter
from migrator.transfer import LocalFolder, stream_blocks
from migrator.verification import look_closely, verify_site

if TYPE_CHECKING:
    import argparse

    from migrator.services import Services

_ZSTD = b"\x28\xb5\x2f\xfd"


def dump_command(services: Services, args: argparse.Namespace) -> int:
    """Write a schema's dump to a file (zstd if its name ends in .zst) or to stdout."""
    credentials = services.databases.credentials(args.secret)
    if args.output == "-":
        report = dump(services.databases, credentials, args.schema, _stdout)
    else:
        target = Path(args.output)
        with LocalFolder(target.parent).writer(target.name) as sink:
            compressor = Compressor(sink) if target.suffix == ".zst" else None
            write = compressor.write if compressor else sink.write
            report = dump(services.databases, credentials, args.schema, write)
            if compressor:
                compressor.close()
    _say(f"dump: {sum(report.rows.values())} rows of {len(report.rows)} tables, "
         f"{report.size_bytes} bytes of SQL")  # fmt: skip
    return 0


def load_command(services: Services, args: argparse.Namespace) -> int:
    """Load a dump into an empty schema that exists; a schema with tables is refused."""
    credentials = services.databases.credentials(args.secret)
    with services.databases.connect(credentials, args.schema) as connection:
        if base_tables(connection, args.schema):
            raise JobFailure(
                f"The schema {args.schema} has tables. A dump is loaded into an empty schema only."
            )
    pairs = [pair.partition("=") for pair in args.map]
    mappings = [OriginMapping.parse(source, target) for source, _, target in pairs]
    rewriter = Rewriter(mappings) if mappings else None
    with _input(args.input) as stream:
        report = load(services.databases, credentials, args.schema, _plain(stream), rewriter)
    _say(f"load: {sum(report.rows.values())} rows of {len(report.rows)} tables, "
         f"{report.size_bytes} bytes of SQL")  # fmt: skip
    return 0


def content_command(_services: Services, args: argparse.Namespace) -> int:
    """Pack, place or list a content folder on this machine."""
    folder = Path(args.dir)
    if args.action == "manifest":
        sys.stdout.buffer.write(build_manifest(folder).to_json() + b"\n")
        return 0
    if args.action == "pack":
        known = read_manifest(Path(args.known).read_bytes(), args.known) if args.known else None
        packed = pack(folder, LocalFolder(Path(args.transfer)), known)
        _say(f"content: {len(packed.manifest.files)} files, {packed.travelled} packed")
        sys.stdout.write(packed.manifest_sha256 + "\n")
        return 0
    source = LocalFolder(Path(args.transfer))
    manifest = load_manifest(source, sha256=args.sha256)
    placed = place(source, manifest, folder, Path(args.live) if args.live else None)
    _say(f"content: {len(manifest.files)} files placed, {placed.copied_from_live} from live")
    return 0


def verify_command(services: Services, args: argparse.Namespace) -> int:
    """Run the checks that need only HTTP; exit code 1 when one fails."""
    checks = verify_site(
        args.url,
        args.connect,
        public=args.public,
        expected=VerifyExpectation(foreign_hosts=args.foreign_host) if args.foreign_host else None,
    )
    if args.comprehensive:
        address = Address.parse(args.connect[0], public=args.public)
        visitor = Visitor(site_url=args.url, address=address)
        checks += look_closely(visitor, services.configuration, discouraged=False)
    for check in checks:
        sys.stdout.write(f"{'ok  ' if check.passed else 'FAIL'} {check.name}: {check.evidence}\n")
    return 0 if all(check.passed for check in checks) else 1


# --- private -------------------------------------------------------------------------------


def _stdout(data: bytes) -> None:
    sys.stdout.buffer.write(data)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _input(name: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb")


def _plain(stream: BinaryIO) -> Iterator[bytes]:
    """Yield SQL text, decompressed where the input is zstd."""
    blocks = stream_blocks(stream)
    first = next(blocks, b"")

    def all_blocks() -> Iterator[bytes]:
        yield first
        yield from blocks

    return decompressed(all_blocks()) if first.startswith(_ZSTD) else all_blocks()
