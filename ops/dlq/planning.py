"""`sitefleet dlq plan`: what a replay WILL do, for people and programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from core.domain.replays import Fate
from core.replay.desk import Foretold
from ops.wording import count, one_line, table

MEANINGS: Final[Mapping[Fate, str]] = {
    Fate.ACCEPTED: "a new operation begins",
    Fate.ANSWERED: "already an operation: its sender hears how it stands",
    Fate.RUNS: "the step that waits for it runs",
    Fate.WAITS: "another worker has the operation: it comes again by itself",
    Fate.NOTHING: "what it asks for has happened already",
    Fate.ANNOUNCED: "subscribers hear of it",
    Fate.REFUSED: "it would be refused again: it stays where it is",
    Fate.UNSENDABLE: "no queue is known for it, or none would take it: it stays",
    Fate.TURNED_BACK: "the step failed for good: the operation was taken back",
    Fate.BROKE: "the step broke again",
}
STAY: Final = frozenset({Fate.REFUSED, Fate.UNSENDABLE})


def plan_lines(foretold: Sequence[Foretold]) -> list[str]:
    """Return how many letters have which fate, and one example of each."""
    counted = Counter(one.forecast.fate for one in foretold)
    examples = {one.forecast.fate: one for one in reversed(foretold)}
    rows = [(fate.value, f"{counted[fate]:,}", MEANINGS[fate]) for fate in Fate if counted[fate]]
    lines = table(("REPLAY", "LETTERS", "WHAT HAPPENS"), rows)
    told = [
        f"          {one_line(examples[fate].forecast.sentence)}" for fate in Fate if counted[fate]
    ]
    pairs = zip(lines[1:], told, strict=True)
    return [lines[0], *(line for pair in pairs for line in pair)]


def every_line(foretold: Sequence[Foretold]) -> list[str]:
    """Return each letter with what a replay will do."""
    rows = [
        (
            one.letter.message_id,
            one.letter.group_id,
            one_line(one.letter.message_type),
            one.forecast.fate.value,
            one_line(one.forecast.sentence),
        )
        for one in foretold
    ]
    return table(("MESSAGE", "GROUP", "TYPE", "REPLAY", "WHAT HAPPENS"), rows)


def sends_line(foretold: Sequence[Foretold]) -> str:
    """Return how many would be sent, and how many stay."""
    stay = sum(1 for one in foretold if one.forecast.fate in STAY)
    sent = count(len(foretold) - stay, "letter")
    return f"A replay sends {sent}." + (f" {stay:,} stay where they are." if stay else "")


def plan_document(foretold: Sequence[Foretold]) -> dict[str, Any]:
    """Return the plan for programs: the counts, and each letter."""
    counted = Counter(one.forecast.fate.value for one in foretold)
    return {
        "letters": len(foretold),
        "fates": dict(counted),
        "plan": [
            {
                "messageId": one.letter.message_id,
                "groupId": one.letter.group_id,
                "messageType": one.letter.message_type,
                "origin": one.letter.origin,
                "fate": one.forecast.fate,
                "sentence": one.forecast.sentence,
                "operationId": one.forecast.operation_id or one.letter.operation_id,
                "step": one.forecast.step,
                "behind": one.forecast.behind,
            }
            for one in foretold
        ],
    }
