"""A replay without an operator's terminal: each message is one turn, and the next is sent for it.

A function's time is up after minutes, a replay's is not: when it is not finished, a turn sends the
message that begins the next one, and only then acknowledges its own. A turn that is killed leaves
its message; it comes again, and the journal tells where to go on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog

from core.domain.errors import LostClaimError, NotFoundError
from core.domain.replay_commands import (
    Action,
    CommandError,
    ReplayCommand,
    ReplayContinue,
    read_command,
    text_of,
)
from core.domain.replays import EntryState
from core.ports.dead_letters import ReplayCommands, ReplayJournal
from core.replay.desk import Foretold, LetterDesk
from core.replay.replayer import NotStartedError, Replayer, Rest, Wishes
from core.replay.transient import passing
from core.replay.work import LEASE_SECONDS

LISTEN_AGAIN_SECONDS: Final = 15
"""When nothing is left to send and only outcomes are waited for."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class RemoteReplays:
    """What the replayer function does with a message."""

    replayer: Replayer
    desk: LetterDesk
    journal: ReplayJournal
    commands: ReplayCommands

    def handle(self, message_id: str, body: str, *, owner: str, until: datetime) -> None:
        """Take one turn; whoever calls it acknowledges the message after it, and not before.

        What cannot be done is logged and done with: a command that is none, one that finds another
        replay open, one that means no letter.
        """
        try:
            replay_id = self._replay_of(message_id, body)
            if replay_id is not None:
                self._advance(replay_id, owner, until)
        except (CommandError, NotStartedError, NotFoundError) as error:
            log.warning("refusing_command", messageId=message_id, reason=str(error))

    def _replay_of(self, message_id: str, body: str) -> str | None:
        command = read_command(body)
        if isinstance(command, ReplayContinue):
            return command.replay_id
        if command.action is Action.RESUME:
            found = self.journal.open_replay()
            return found.replay_id if found is not None else None
        return self._begun(command.replay_id or message_id, command)

    def _begun(self, replay_id: str, command: ReplayCommand) -> str:
        """Begin a replay, or find that this very command has begun it before."""
        if self.journal.get(replay_id) is None:
            wishes = Wishes(
                requested_by=command.requested_by,
                reason=command.reason,
                filters=command.filters.read(),
                pace=command.pace.read(),
            )
            self.replayer.begin(wishes, self._chosen(command), replay_id=replay_id)
        return replay_id

    def _chosen(self, command: ReplayCommand) -> list[Foretold]:
        filters = command.filters.read()
        if command.action is not Action.SCHEDULED:
            return self.desk.foretell_or_give_back(self.desk.collect(filters, command.boxes))
        every = self.desk.collect(replace(filters, limit=None), command.boxes)
        letters = passing(every, filters.limit)
        meant = {letter.message_id for letter in letters}
        self.desk.give_back(letter for letter in every if letter.message_id not in meant)
        return self.desk.foretell_or_give_back(letters)

    def _advance(self, replay_id: str, owner: str, until: datetime) -> None:
        try:
            rest = self.replayer.advance(replay_id, owner=owner, until=until)
        except LostClaimError:
            rest = Rest.HELD
        log.info("leaving_replay", replayId=replay_id, rest=rest.value)
        match rest:
            case Rest.HELD:
                self._go_on(replay_id, LEASE_SECONDS)
            case Rest.OUT_OF_TIME:
                entries = self.journal.entries(replay_id)
                unsent = any(entry.state is EntryState.PLANNED for entry in entries)
                self._go_on(replay_id, 0 if unsent else LISTEN_AGAIN_SECONDS)

    def _go_on(self, replay_id: str, delay_seconds: int) -> None:
        body = text_of(ReplayContinue(replay_id=replay_id))
        self.commands.send(body, delay_seconds=delay_seconds)
