"""Notes which permission of which role each call needed, and that without it the call is refused.

Switched on by SITEFLEET_DECISIONS (a file). For each statement and action that has allowed a call,
the same call is judged once more by the emulator's own evaluator with that action taken out of
that statement: what is still allowed then did not need it. SITEFLEET_WITHOUT (`role/action`, comma
separated) takes an action out of a role for the whole run. Runs in MiniStack's interpreter, and
imports nothing but the standard library.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

LOG_VARIABLE = "SITEFLEET_DECISIONS"
WITHOUT_VARIABLE = "SITEFLEET_WITHOUT"

_SESSION = re.compile(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/")
_removed: ContextVar[tuple[str, str] | None] = ContextVar("sitefleet_removed", default=None)
_judged: ContextVar[tuple[Any, Any] | None] = ContextVar("sitefleet_judged", default=None)
_of_a_resource: ContextVar[bool] = ContextVar("sitefleet_of_a_resource", default=False)


@dataclass(kw_only=True)
class DecisionLog:
    """One line for each permission and second in which it was used."""

    path: Path
    lacking: frozenset[tuple[str, str]]
    """(role, action) that are taken away for the whole run."""
    written: set[tuple[object, ...]] = field(default_factory=set)
    needed: dict[tuple[str, ...], bool] = field(default_factory=dict)

    def is_new(self, permission: tuple[str, ...], now: int) -> bool:
        """Tell whether this second has no line of this permission yet."""
        key = (*permission, now)
        if key in self.written:
            return False
        self.written.add(key)
        return True

    def write(self, line: Mapping[str, object]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def note_decisions(evaluator: Any, environ: Mapping[str, str] = os.environ) -> None:
    """Put the log around MiniStack's evaluator, when it is asked for."""
    if LOG_VARIABLE not in environ:
        return
    pairs = (pair.rpartition("/") for pair in environ.get(WITHOUT_VARIABLE, "").split(",") if pair)
    log = DecisionLog(
        path=Path(environ[LOG_VARIABLE]),
        lacking=frozenset((role, action.lower()) for role, _, action in pairs),
    )
    _look_at_policies(evaluator, log)
    _judge_twice(evaluator, log)


# --- inside ---------------------------------------------------------------------------------


def _look_at_policies(evaluator: Any, log: DecisionLog) -> None:
    evaluate, of_resource = evaluator.evaluate, evaluator.evaluate_resource_policy

    def evaluate_noted(context: Any, policies: Sequence[Sequence[Any]], *limits: Any) -> Any:
        if _of_a_resource.get():
            return evaluate(context, policies, *limits)
        ready = [[_reduced(s, context, log) for s in statements] for statements in policies]
        result = evaluate(context, ready, *limits)
        if _removed.get() is None:
            _judged.set((context, result))
        return result

    def evaluate_resource_policy(*arguments: Any, **named: Any) -> Any:
        token = _of_a_resource.set(True)
        try:
            return of_resource(*arguments, **named)
        finally:
            _of_a_resource.reset(token)

    evaluator.evaluate = evaluate_noted
    evaluator.evaluate_resource_policy = evaluate_resource_policy


def _judge_twice(evaluator: Any, log: DecisionLog) -> None:
    enforce = evaluator.enforce

    def enforce_noted(*call: Any, **about: Any) -> Any:
        _judged.set(None)
        refused = enforce(*call, **about)
        judged = _judged.get()
        if refused is None and judged is not None:
            _note(log, judged, lambda: enforce(*call, **about))
        return refused

    evaluator.enforce = enforce_noted


def _note(log: DecisionLog, judged: tuple[Any, Any], again: Any) -> None:
    context, result = judged
    session = _SESSION.match(context.principal_arn)
    if session is None or result.decision != "Allow":
        return
    account, role = session[1], session[2]
    permission = (role, result.matched_sid, context.action)
    if not log.needed.get(permission):
        log.needed[permission] = _is_refused_without(result.matched_sid, context.action, again)
    now = int(time.time())  # noqa: TID251 - held against the clock of the tests' own record
    if log.is_new(permission, now):
        log.write(
            {
                "at": now,
                "account": account,
                "role": role,
                "sid": result.matched_sid,
                "action": context.action,
                "resource": context.resource_arn,
                "needed": log.needed[permission],
            }
        )


def _is_refused_without(sid: str, action: str, again: Any) -> bool:
    token = _removed.set((sid, action.lower()))
    try:
        return again() is not None
    finally:
        _removed.reset(token)


def _reduced(statement: Any, context: Any, log: DecisionLog) -> Any:
    """Return a statement without what is taken away; one without any action matches nothing."""
    session = _SESSION.match(context.principal_arn)
    action = context.action.lower()
    lacks = session is not None and (session[2], action) in log.lacking
    if not lacks and _removed.get() != (statement.sid, action):
        return statement
    left = [a for a in statement.actions if a.lower() != action]
    return replace(statement, actions=left or ["none:None"])
