"""What a move would replace: a dump through the rewriter and to nowhere; nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from migrator.dump import DumpStream
from migrator.rewrite.origin import OriginMapping
from migrator.rewrite.stream import Rewriter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.domain.job_models import OriginMapping as AskedMapping
    from migrator.databases import Credentials, Databases

log = structlog.get_logger(__name__)


def count_replacements(
    databases: Databases, credentials: Credentials, schema: str, asked: Iterable[AskedMapping]
) -> dict[str, int]:
    """Return table -> addresses that a rewrite would replace; tables without any are not there."""
    mappings = [OriginMapping.parse(pair.source, pair.target) for pair in asked]
    if not mappings:
        return {}
    rewriter = Rewriter(mappings)
    for chunk in DumpStream(databases, credentials, schema):
        for _ in rewriter.pieces(chunk):
            continue
    for _ in rewriter.last_pieces():
        continue
    log.info("replacements_counted", tables=len(rewriter.report.tables))
    return dict(sorted(rewriter.report.tables.items()))
