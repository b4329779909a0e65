"""How a log line looks: one JSON object, with the context of the operation it is about."""

from __future__ import annotations

import structlog
from structlog.typing import Processor


def json_processors() -> list[Processor]:
    """Return the processors of functions and jobs, as CloudWatch Logs Insights reads them."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
