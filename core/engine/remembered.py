"""Reads that are asked once: for looking at thousands of messages about the same few things."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, cast


def remembered[Port](port: Port) -> Port:
    """Return a port that asks each question once, for as long as it lives. Only for reads.

    Arguments have to be hashable. A question whose answer is an error is asked again.
    """
    return cast("Port", _Remembered(port))


def remember[Arguments: tuple[Hashable, ...]](
    port: object, question: str, answers: Mapping[Arguments, object]
) -> None:
    """Let a remembered port know answers that were read in another way; by their arguments."""
    if not isinstance(port, _Remembered):
        raise TypeError(f"{type(port).__name__} remembers nothing; wrap it with remembered().")
    port.answers |= {(question, *arguments): answer for arguments, answer in answers.items()}


class _Remembered:
    def __init__(self, port: object) -> None:
        self._port = port
        self.answers: dict[tuple[Hashable, ...], Any] = {}

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not callable(method):
            return method

        def ask(*arguments: Hashable, **named: Hashable) -> Any:
            question = (name, *arguments, *sorted(named.items()))
            if question not in self.answers:
                self.answers[question] = method(*arguments, **named)
            return self.answers[question]

        setattr(self, name, ask)
        return ask
