"""The place where a run can be stopped: a proxy around any port that reports each call.

Crash enumeration counts the calls of a run and then, for each of them, stops the worker before the
call, after it, or after its effect but without its answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import Any, cast

from core.domain.errors import TransientError


class Crashed(BaseException):
    """The worker died here; not an Exception, so that no handler of errors keeps it alive."""


class AnswerLostError(TransientError):
    """The call has had its effect, but its answer never came (a timeout)."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of one port's method."""

    number: int
    """Counted from 1 over all wrapped ports of the boundary."""
    port: str
    method: str


type Observer = Callable[[Call], None]


def ignore(call: Call) -> None:
    """Do nothing: the observer of a run that nobody disturbs."""


class Boundary:
    """Counts the calls of every port that it wraps; the observers may raise to end the call."""

    def __init__(self, *, before: Observer = ignore, after: Observer = ignore) -> None:
        self.before = before
        self.after = after
        self.calls: list[Call] = []

    def wrap[Port](self, name: str, port: Port) -> Port:
        """Return the port with each of its methods reported to this boundary."""
        return cast("Port", _Wrapped(self, name, port))

    def around(self, port: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method with the observers called before and after it."""

        @wraps(method)
        def observed(*arguments: Any, **named: Any) -> Any:
            call = Call(number=len(self.calls) + 1, port=port, method=method.__name__)
            self.calls.append(call)
            self.before(call)
            answer = method(*arguments, **named)
            self.after(call)
            return answer

        return observed


class Moment(StrEnum):
    """Where, relative to a call's effect, a run is stopped."""

    BEFORE = "before"
    AFTER = "after"
    """The effect and its answer have come, and the worker dies with them."""
    ANSWER_LOST = "answer lost"
    """The effect has happened, and the worker lives on without knowing it."""


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Stop a run at one call; afterwards it is not disturbed again."""

    call: int
    moment: Moment

    def boundary(self) -> Boundary:
        return Boundary(before=self._before, after=self._after)

    def _before(self, call: Call) -> None:
        if call.number == self.call and self.moment is Moment.BEFORE:
            raise Crashed(f"before call {call.number}, {call.port}.{call.method}")

    def _after(self, call: Call) -> None:
        if call.number != self.call:
            return
        if self.moment is Moment.AFTER:
            raise Crashed(f"after call {call.number}, {call.port}.{call.method}")
        if self.moment is Moment.ANSWER_LOST:
            raise AnswerLostError(
                f"The answer of call {call.number}, {call.port}.{call.method}, is lost."
            )


class _Wrapped:
    """Passes every attribute on; methods go through the boundary."""

    def __init__(self, boundary: Boundary, name: str, port: object) -> None:
        self._boundary = boundary
        self._name = name
        self._port = port

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._port, attribute)
        if attribute.startswith("_") or not callable(value):
            return value
        return self._boundary.around(self._name, value)
