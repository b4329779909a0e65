"""Logs of the functions: one JSON object per line, with the context of the message."""

from __future__ import annotations

import logging

import structlog


def configure_logs() -> None:
    """Write JSON lines to standard output, as CloudWatch Logs Insights reads them."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )
