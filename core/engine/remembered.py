"""Reads that are asked once: for looking at thousands of messages about the same few things."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast


def remembered[Port](port: Port) -> Port:
    """Return a port that asks each question once, for as long as it lives. Only for reads.

    Arguments have to be hashable. A question whose answer is an error is asked again.
    """
    return cast("Port", _Remembered(port))


class _Remembered:
    def __init__(self, port: object) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not callable(method):
            return method
        asked: Callable[..., Any] = cache(method)
        setattr(self, name, asked)
        return asked
