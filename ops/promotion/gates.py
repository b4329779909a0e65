"""The gates in a line each."""

from __future__ import annotations

from ops.promotion.blocks import Block
from ops.promotion.records import PromotionRecords


def gate_block(records: PromotionRecords) -> Block | None:
    """Return every gate's verdict."""
    return None
