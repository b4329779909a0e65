"""The operator's desk: letters taken from their queues, chosen, grouped and foretold.

Letters are hidden while they lie on the desk and given back when it is left; nothing is lost by a
desk that is never tidied, they only show again later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core.domain.errors import SitefleetError
from core.domain.letter_moving import was_of
from core.domain.letter_reading import open_letter, read_letter
from core.domain.letters import Box, FailureKey, Letter, RawLetter
from core.domain.replays import ReplayFilter
from core.engine.engine import Engine
from core.engine.forecast import Forecaster
from core.engine.forecast_fates import Forecast
from core.ports.dead_letters import DeadLetters, Failures

HIDE_SECONDS: Final = 300
REPLAYED: Final = (Box.OPERATIONS, Box.UNDELIVERABLE)
"""Where letters are replayed from; what is parked has to be taken out of its place first."""

type Watch = Callable[[int], None]
"""Hears how many letters have been read."""


@dataclass(frozen=True, kw_only=True)
class LetterGroup:
    """Letters that failed in the same way."""

    failure: FailureKey
    count: int
    kinds: Mapping[str, int]
    boxes: Mapping[str, int]
    tenants: Mapping[str, int]
    oldest: datetime
    newest: datetime
    example: Letter

    @property
    def group_id(self) -> str:
        return self.failure.group_id


@dataclass(frozen=True, kw_only=True)
class Foretold:
    """A letter and what its replay will do."""

    letter: Letter
    forecast: Forecast


class LetterDesk:
    """Reads dead letters; changes none."""

    def __init__(self, *, letters: DeadLetters, failures: Failures, engine: Engine) -> None:
        self._letters = letters
        self._failures = failures
        self._engine = engine

    def collect(
        self,
        filters: ReplayFilter,
        boxes: Sequence[Box] = REPLAYED,
        *,
        hide_seconds: int = HIDE_SECONDS,
        watch: Watch | None = None,
    ) -> list[Letter]:
        """Take the letters that are meant, oldest first, and give the others back.

        Letters that somebody else has on a desk are not seen; `hidden` tells how many.
        """
        taken: dict[tuple[Box, str], RawLetter] = {}
        with self._given_back_if_it_breaks(taken.values()):
            self._take(taken, boxes, hide_seconds, watch)
            chosen = self._chosen(filters, taken.values())
        kept = {letter.raw.receipt for letter in chosen}
        self._letters.give_back([raw for raw in taken.values() if raw.receipt not in kept])
        return chosen

    def hidden(self, boxes: Sequence[Box] = REPLAYED) -> int:
        """Return about how many letters are hidden: on somebody's desk."""
        return sum(self._letters.depth(box).hidden for box in boxes)

    def give_back(self, letters: Iterable[Letter]) -> None:
        """Show letters again."""
        self._letters.give_back([letter.raw for letter in letters])

    def keep(self, letters: Iterable[Letter], hide_seconds: int) -> None:
        """Keep letters on the desk for so long from now on."""
        self._letters.keep([letter.raw for letter in letters], hide_seconds=hide_seconds)

    def foretell(self, letters: Sequence[Letter]) -> list[Foretold]:
        """Tell what a replay of these letters will do, in this order."""
        forecasts = Forecaster(self._engine).foretell(letters)
        return [
            Foretold(letter=letter, forecast=forecast)
            for letter, forecast in zip(letters, forecasts, strict=True)
        ]

    def foretell_or_give_back(self, letters: Sequence[Letter]) -> list[Foretold]:
        """Foretell letters that stay on the desk; they are given back when it cannot be told."""
        with self._given_back_if_it_breaks([letter.raw for letter in letters]):
            return self.foretell(letters)

    @contextmanager
    def _given_back_if_it_breaks(self, taken: Collection[RawLetter]) -> Iterator[None]:
        """Nobody else can look for the cause while the letters are hidden."""
        try:
            yield
        except BaseException:
            with suppress(SitefleetError):  # they show again by themselves; what broke is told
                self._letters.give_back(list(taken))
            raise

    def _take(
        self,
        taken: dict[tuple[Box, str], RawLetter],
        boxes: Sequence[Box],
        hide_seconds: int,
        watch: Watch | None,
    ) -> None:
        for box in boxes:
            while batch := self._letters.receive(box, hide_seconds=hide_seconds):
                taken.update({(box, raw.message_id): raw for raw in batch})
                if watch is not None:
                    watch(len(taken))

    def _chosen(self, filters: ReplayFilter, taken: Iterable[RawLetter]) -> list[Letter]:
        named = frozenset(filters.message_ids)
        meant = [raw for raw in taken if not named or raw.message_id in named]
        meant.sort(key=lambda raw: (raw.sent_at, raw.message_id))
        chosen = [letter for letter in self._read(meant) if self._means(filters, letter)]
        return chosen[: filters.limit]

    def _read(self, taken: Sequence[RawLetter]) -> list[Letter]:
        """Read each letter, together with what it does not tell by itself.

        That is the recorded attempts of one without a reason, the operation of one without a site.
        """
        opened = [open_letter(raw) for raw in taken]
        asked = {one.operation_id or "" for one in opened if _is_silent(one.raw)} - {""}
        failures = self._failures.of_operations(sorted(asked))
        named = {one.about.asked_operation or "" for one in opened} - {""}
        operations = self._engine.store.get_many(sorted(named)) if named else {}
        return [
            read_letter(
                one,
                failures.get(one.operation_id or "", ()) if _is_silent(one.raw) else (),
                operations.get(one.about.asked_operation or ""),
            )
            for one in opened
        ]

    def _means(self, filters: ReplayFilter, letter: Letter) -> bool:
        age = timedelta(seconds=filters.older_than_seconds or 0)
        wanted = (
            (filters.origin, letter.origin),
            (filters.group_id, letter.group_id),
            (filters.tenant_id, letter.tenant_id),
            (filters.site_id, letter.site_id),
            (filters.operation_id, letter.operation_id),
        )
        return (
            all(asked is None or asked == found for asked, found in wanted)
            and self._engine.now() - letter.failed_at >= age
        )


def groups_of(letters: Sequence[Letter]) -> list[LetterGroup]:
    """Return the letters by failure, the largest group first."""
    members: dict[FailureKey, list[Letter]] = {}
    for letter in letters:
        members.setdefault(letter.failure, []).append(letter)
    groups = [_group(failure, found) for failure, found in members.items()]
    return sorted(groups, key=lambda group: (-group.count, group.group_id))


def _group(failure: FailureKey, members: Sequence[Letter]) -> LetterGroup:
    return LetterGroup(
        failure=failure,
        count=len(members),
        kinds=Counter(letter.kind.value for letter in members),
        boxes=Counter(letter.raw.box.value for letter in members),
        tenants=Counter(letter.tenant_id or "unknown" for letter in members),
        oldest=min(letter.failed_at for letter in members),
        newest=max(letter.failed_at for letter in members),
        example=members[0],
    )


def _is_silent(raw: RawLetter) -> bool:
    """Tell whether only the recorded attempts can say why: SQS moved it, without a word."""
    return was_of(raw).raw.source is not None
