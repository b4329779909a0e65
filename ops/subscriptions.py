"""`sitefleet notifications`: try a subscription's filter policy before SNS has it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from events.filter_policies import FilterPolicyError, Policy, read_policy, why_not
from events.formats import Environment
from events.notifications import ATTRIBUTE_NAMES, Notification
from events.sample_facts import sample_facts
from events.sample_messages import TENANT
from events.vocabulary import NotificationOutcome, NotificationType, Severity
from ops.command import command
from ops.desk import Desk
from ops.errors import BadInputError
from ops.wording import count, listed, table

app = typer.Typer(help="Try subscriptions to the notifications.", no_args_is_help=True)

PolicyText = Annotated[
    str, typer.Argument(help="A filter policy as JSON, or @file.", metavar="POLICY")
]
Tenant = Annotated[str, typer.Option(help="The tenant that the sample facts are about.")]
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "eventType": frozenset(NotificationType),
    "environment": frozenset(Environment),
    "severity": frozenset(Severity),
    "outcome": frozenset(NotificationOutcome),
}
"""Attributes whose values are known beforehand."""


@command(app, "match")
def match(desk: Desk, policy: PolicyText, *, tenant_id: Tenant = TENANT) -> None:
    """Tell which facts a subscription with this filter policy receives, and why not the others.

    The facts are samples of every kind, in the environment of --env (else prod). Nothing is sent
    or asked; the fleet need not be there.
    """
    wanted = _read(policy)
    facts = sample_facts(desk.options.env or Environment.PROD, tenant_id)
    answers = [(fact, why_not(wanted, fact.attributes())) for fact in facts]
    hints = hints_of(wanted)
    if desk.as_json:
        desk.show_json(_document(answers, hints))
        return
    received = [fact for fact, reasons in answers if not reasons]
    desk.show([f"It receives {len(received)} of {count(len(facts), 'sample fact')}."])
    desk.show(_received(received))
    desk.show(_missed([(fact, reasons) for fact, reasons in answers if reasons]))
    for hint in hints:
        desk.say(hint)


def hints_of(policy: Policy) -> list[str]:
    """Say what can never match, and what was perhaps meant."""
    strange = sorted(policy.names - set(ATTRIBUTE_NAMES))
    hints = [
        f"No notification has an attribute {name}{_meant(name, ATTRIBUTE_NAMES)}. "
        f"There are: {listed(ATTRIBUTE_NAMES)}."
        for name in strange
    ]
    hints += [
        f"{name}: {written} compares numbers, and every attribute is a text: it never matches."
        for name, written in policy.numbers
    ]
    for name, text in policy.exact_texts():
        known = _KNOWN.get(name)
        if known is not None and text not in known:
            hints.append(f"{name} is never {text}{_meant(text, sorted(known))}.")
    return hints


# --- inside ---------------------------------------------------------------------------------

type Answer = tuple[Notification, Sequence[str]]


def _read(text: str) -> Policy:
    if text.startswith("@"):
        path = Path(text[1:])
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise BadInputError(f"{path} cannot be read: {error}") from error
    try:
        return read_policy(text)
    except FilterPolicyError as error:
        raise BadInputError("\n".join(error.problems)) from error


def _meant(text: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(text, known, n=1)
    same = [name for name in known if name.lower() == text.lower()]
    found = [*same, *close]
    return f" (did you mean {found[0]}?)" if found else ""


def _received(facts: Sequence[Notification]) -> list[str]:
    if not facts:
        return []
    return ["", *table(("RECEIVES", "OUTCOME", "SEVERITY"), [_cells(fact) for fact in facts])]


def _missed(answers: Sequence[Answer]) -> list[str]:
    if not answers:
        return []
    rows = [(*_cells(fact), "; ".join(reasons)) for fact, reasons in answers]
    return ["", *table(("DOES NOT RECEIVE", "OUTCOME", "SEVERITY", "BECAUSE"), rows)]


def _cells(fact: Notification) -> tuple[str, ...]:
    unreadable = " (unknown tenant)" if fact.tenant_id == "unknown" else ""
    return fact.event_type.value + unreadable, fact.outcome.value, fact.severity.value


def _document(answers: Sequence[Answer], hints: Sequence[str]) -> dict[str, Any]:
    return {
        "facts": [
            {"attributes": fact.attributes(), "received": not reasons, "because": list(reasons)}
            for fact, reasons in answers
        ],
        "hints": list(hints),
    }
