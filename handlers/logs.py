"""Logs of the functions: one JSON object per line, with the context of the message."""

from __future__ import annotations

import logging

import structlog

from core.adapters.json_logs import json_processors


def configure_logs() -> None:
    """Write JSON lines to standard output, as CloudWatch Logs Insights reads them."""
    structlog.configure(
        processors=json_processors(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )
