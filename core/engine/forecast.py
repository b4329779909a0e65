"""What a replay of a dead letter WILL do, told before anything is sent.

The rules are the engine's own (core/engine/gatekeeper.py, claims.py): a forecast asks them and
writes nothing. Later letters are looked at through what the earlier ones will have done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from core.domain.approval import Decision
from core.domain.errors import RefusedError
from core.domain.letter_stamps import why_no_room
from core.domain.letters import Letter, Origin
from core.domain.operation import Operation, Turn
from core.domain.replays import Fate
from core.engine.claims import Ticket, ticket_for
from core.engine.decisions import Decider
from core.engine.engine import Engine
from core.engine.forecast_fates import Forecast, already_done, ended, unknown
from core.engine.forecast_sentences import (
    not_a_request,
    nowhere,
    run_sentence,
    schema_note,
)
from core.engine.foresight import Foresight, moved_on
from core.engine.gatekeeper import Gatekeeper, is_running_promotion, taken_back_after_cancel
from core.engine.letter_reads import mail_marks, marks_of, operations_of, sites_of
from core.engine.message import QueueMessage
from core.engine.remembered import remember, remembered
from core.engine.workflow import Workflow
from core.ports.messaging import QueueName
from events.announcements import read_announcement
from events.decode import DecodeError, Message
from events.notifications import notification_for
from events.progress import FleetEvent, StepPoll, WakeUp
from events.requests import (
    OperationApproval,
    OperationCancelRequest,
    OperationRejection,
    OperationRetryRequest,
    PromotionRollbackRequest,
    Request,
)

TICK: Final = "A tick of the sweeper: the next one does the same."


class Forecaster:
    """Foretells letters, one after the other, in the order in which they will be sent."""

    def __init__(self, engine: Engine) -> None:
        self._foresight = Foresight(engine.store)
        self._sites = remembered(engine.ports.sites)
        ports = replace(
            engine.ports,
            sites=self._sites,
            tenants=remembered(engine.ports.tenants),
            catalogue=remembered(engine.ports.catalogue),
            documents=remembered(engine.ports.documents),
            decisions=remembered(engine.ports.decisions),
            networks=remembered(engine.ports.networks),
        )
        self._engine = replace(engine, store=self._foresight.as_store(), ports=ports)
        self._gate = Gatekeeper(self._engine)
        self._decider = Decider(self._engine)
        self._told: set[str] = set()
        """Marks of the facts that were announced, or will have been by earlier letters."""

    def foretell(self, letters: Sequence[Letter]) -> Iterator[Forecast]:
        """Yield a forecast per letter; what they name is read in one go before."""
        self._read_ahead(letters)
        for letter in letters:
            forecast = self._one(letter, letter.content)
            note = schema_note(letter.content)
            yield replace(forecast, sentence=f"{forecast.sentence}{note}") if note else forecast

    def _read_ahead(self, letters: Sequence[Letter]) -> None:
        environment = self._engine.policy.environment
        self._foresight.prefetch(operations_of(letters, environment))
        sites = frozenset(sites_of(letters))
        self._foresight.prefetch_queues(sites)
        found = {(s.tenant_id, s.site_id): s for s in self._sites.get_many(sites)}
        remember(self._sites, "get", {site: found.get(site) for site in sites})
        self._told |= set(self._engine.store.announced_of(frozenset(marks_of(letters))))

    def _one(self, letter: Letter, found: Message | DecodeError) -> Forecast:
        match letter.origin:
            case None:
                return Forecast(fate=Fate.UNSENDABLE, sentence=nowhere(letter))
            case _ if why := why_no_room(letter):
                return Forecast(fate=Fate.UNSENDABLE, sentence=why)
            case Origin.NOTIFIER:
                return self._of_notifier(found)
            case Origin.MAILER:
                return self._of_mailer(letter.raw.body)
            case Origin.SWEEPER:
                return Forecast(fate=Fate.NOTHING, sentence=TICK)
        return self._of_consumer(letter, found)

    def _of_consumer(self, letter: Letter, found: Message | DecodeError) -> Forecast:
        if isinstance(found, DecodeError):
            return Forecast(fate=Fate.REFUSED, sentence=not_a_request(letter, found))
        if isinstance(found, FleetEvent | StepPoll | WakeUp):
            return self._of_progress(found)
        try:
            return self._of_request(_message(letter), found)
        except RefusedError as refused:
            return Forecast(
                fate=Fate.REFUSED, sentence=f"Refused again: {refused.code}: {refused.message}"
            )

    # --- requests ---------------------------------------------------------------------------

    def _of_request(self, message: QueueMessage, request: Request) -> Forecast:
        match request:
            case OperationCancelRequest() | OperationRetryRequest():
                return self._of_wish(request)
            case OperationApproval() | OperationRejection():
                return self._of_decision(request)
            case PromotionRollbackRequest():
                return self._of_rollback(message, request)
        workflow = self._gate.workflow_for(message, request)
        wanted = self._gate.new_operation(message, workflow, request)
        return self._of_new(workflow, request, wanted)

    def _of_wish(self, request: OperationCancelRequest | OperationRetryRequest) -> Forecast:
        operation = self._gate.known(request.payload.operation_id)
        if isinstance(request, OperationCancelRequest):
            if taken_back_after_cancel(operation):
                return ended(operation)
            self._gate.check_cancel(operation)
            return self._runs(operation, "The cancel counts: the operation is taken back.")
        if operation.is_terminal:
            return ended(operation)
        self._gate.check_retry(operation)
        return self._runs(operation, f"Step {operation.step} is tried anew.")

    def _of_new(self, workflow: Workflow, request: Request, wanted: Operation) -> Forecast:
        existing = self._engine.store.get(wanted.operation_id)
        if existing is not None:
            self._gate.check_repeat(existing, wanted)
            return Forecast(
                fate=Fate.ANSWERED,
                sentence=f"Already operation {existing.operation_id}, which is {existing.status}: "
                "its sender is told so, and nothing else happens.",
                operation_id=existing.operation_id,
            )
        self._gate.admit(workflow, request, wanted)
        self._foresight.foresee(wanted)
        holder = self._engine.store.queue_of(wanted.tenant_id, wanted.site_id).holder
        behind = holder.operation_id if holder else None
        waits = f"; it waits behind operation {behind}, which has the site" if behind else ""
        return Forecast(
            fate=Fate.ACCEPTED,
            sentence=f"A new operation begins, {wanted.operation_id}{waits}.",
            operation_id=wanted.operation_id,
            step=wanted.plan[0] if wanted.plan else None,
            behind=behind,
        )

    def _of_rollback(self, message: QueueMessage, request: PromotionRollbackRequest) -> Forecast:
        workflow = self._gate.workflow_for(message, request)
        wanted = self._gate.new_operation(message, workflow, request)
        if self._engine.store.get(wanted.operation_id) is not None:
            return self._of_new(workflow, request, wanted)
        self._decider.check_rollback(wanted, request)
        found = self._gate.promotion_under_way(request)
        if found is not None and request.payload.operation_id is not None:
            if taken_back_after_cancel(found):
                return ended(found)
            if is_running_promotion(found):
                return self._runs(found, f"Promotion {found.operation_id} is cancelled.")
        return self._of_new(workflow, request, wanted)

    def _of_decision(self, request: OperationApproval | OperationRejection) -> Forecast:
        operation = self._gate.known(request.payload.operation_id)
        found = self._decider.check(operation, request)
        if isinstance(found, Decision):
            return self._runs(operation, "The decision was kept before and counts once.")
        return self._runs(operation, "The decision counts, if AWS confirms its proof.")

    # --- the fleet's own messages -----------------------------------------------------------

    def _of_progress(self, message: FleetEvent | StepPoll | WakeUp) -> Forecast:
        ticket = ticket_for(message)
        if ticket is None:
            return Forecast(fate=Fate.NOTHING, sentence="A wake-up that names no operation.")
        operation = self._engine.store.get(ticket.operation_id)
        if operation is None:
            return unknown(ticket)
        if not _fits(ticket, operation):
            return already_done(operation)
        now, until = self._engine.now(), operation.lease_until
        if until is not None and until > now:
            return Forecast(
                fate=Fate.WAITS,
                sentence=f"Another worker has operation {operation.operation_id} until "
                f"{until:%H:%M:%S} UTC; the message comes again after that.",
                operation_id=operation.operation_id,
                step=operation.step,
            )
        return self._runs(operation, run_sentence(operation))

    def _of_notifier(self, found: Message | DecodeError) -> Forecast:
        if not isinstance(found, FleetEvent):
            return Forecast(fate=Fate.REFUSED, sentence="The notifier announces only events.")
        event_id, notification = found.metadata.event_id, notification_for(found)
        if notification is None:
            return Forecast(fate=Fate.NOTHING, sentence="Nobody needs to hear of this event.")
        if not self._is_news(event_id):
            return Forecast(fate=Fate.NOTHING, sentence="The fact was announced before.")
        return Forecast(
            fate=Fate.ANNOUNCED,
            sentence=f"Subscribers hear of {notification.event_type}.",
            operation_id=found.metadata.operation_id,
        )

    def _of_mailer(self, body: str) -> Forecast:
        try:
            heard = read_announcement(body)
        except DecodeError as error:
            return Forecast(fate=Fate.REFUSED, sentence=f"It comes back: {error}.")
        if not [mark for mark in mail_marks(heard) if self._is_news(mark)]:
            return Forecast(fate=Fate.NOTHING, sentence="No mail about it is missing.")
        return Forecast(
            fate=Fate.ANNOUNCED,
            sentence="The mails about it are written, those that were not written before.",
            operation_id=heard.payload.operation_id,
        )

    def _is_news(self, mark: str) -> bool:
        if mark in self._told:
            return False
        self._told.add(mark)
        return True

    def _runs(self, operation: Operation, sentence: str) -> Forecast:
        self._foresight.foresee(moved_on(operation))
        return Forecast(
            fate=Fate.RUNS,
            sentence=sentence,
            operation_id=operation.operation_id,
            step=operation.step,
        )


# --- inside ---------------------------------------------------------------------------------


def _message(letter: Letter) -> QueueMessage:
    """Return the message as its consumer will see it."""
    origin = letter.origin
    return QueueMessage(
        message_id=letter.message_id,
        body=letter.raw.body,
        receive_count=1,
        queue=QueueName(origin.value) if origin and origin.is_workflow else None,
    )


def _fits(ticket: Ticket, operation: Operation) -> bool:
    """Tell whether the operation waits for this very message."""
    if operation.is_terminal or operation.turn is Turn.WAITING:
        return False
    if ticket.is_wake_up:
        return operation.wait_number > 0 and ticket.step in {None, operation.step}
    return (ticket.event_id, ticket.wait_number) == (operation.event_id, operation.wait_number)
