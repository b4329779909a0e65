"""`promotions report`: the whole story of a promotion, on the terminal or as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops.desk import Desk
from ops.documents import Document
from ops.errors import BadInputError, ExitCode
from ops.following import document_of
from ops.picture import Line, picture
from ops.promotion.blocks import block_documents, lines_of
from ops.promotion.looking import OperationId
from ops.promotion.page import Page, html_of, page_of, text_blocks
from ops.promotion.records import PromotionRecords, find_promotion, read_promotion
from ops.promotion.seal import Seal, read_seal
from ops.timeline import timeline

Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        help="Write an HTML page to this file instead, and print its path.",
        show_default=False,
        dir_okay=False,
        writable=True,
    ),
]


def report(desk: Desk, operation_id: OperationId, *, output: Output = None) -> None:
    """Tell the whole story of a promotion: timeline, plan, gates, approvals, checks, way back.

    The seal of its evidence is verified: the sha256 of the kept document against the one in the
    record. A broken seal ends with exit code 1.
    """
    connection, operation = find_promotion(desk, operation_id)
    records = read_promotion(connection, operation)
    seal = read_seal(connection, records)
    page = page_of(records, seal, desk.clock.now())
    if output is not None:
        _write(output, html_of(page))
        desk.show([str(output)])
    elif desk.as_json:
        document = document_of(desk, connection, operation)
        desk.show_json({**document, **_document(page, seal)})
    else:
        desk.show_lines(_lines(desk, records, page))
    desk.say(seal.sentence)
    if seal.is_broken:
        raise typer.Exit(ExitCode.UNEXPECTED)


# --- inside ---------------------------------------------------------------------------------


def _write(output: Path, html: str) -> None:
    try:
        output.write_text(html, encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"{output} cannot be written: {error.strerror}.") from error


def _lines(desk: Desk, records: PromotionRecords, page: Page) -> list[Line]:
    now = desk.clock.now()
    rows = timeline(records.operation, records.steps, now)
    head = picture(records.operation, rows, now)
    return [*head, Line(text=""), *lines_of(text_blocks(page)[1:])]


def _document(page: Page, seal: Seal) -> Document:
    return {
        "seal": {
            "key": seal.key,
            "sealed": seal.is_sealed,
            "broken": seal.is_broken,
            "recordedSha256": seal.recorded,
            "foundSha256": seal.found,
            "sentence": seal.sentence,
        },
        "report": block_documents(text_blocks(page)),
    }
