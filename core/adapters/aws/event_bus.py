"""The custom event bus on EventBridge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from core.adapters.aws.errors import calling
from core.adapters.aws.retries import briefly
from core.adapters.aws.session import AwsClients
from core.domain.errors import PublishError
from events.progress import SOURCE, FleetEvent

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

MAX_ENTRIES: Final = 10
MAX_REQUEST_BYTES: Final = 1_000_000
"""PutEvents takes 1 to 10 entries of less than 1 MB together."""
ENTRY_OVERHEAD_BYTES: Final = 64
"""More than what EventBridge counts beside the texts (14 bytes of time)."""
MAX_TRIES: Final = 2


class EventBridgeBus:
    """Publishes in batches; every refused entry is mapped back to its event and tried once more."""

    def __init__(self, *, clients: AwsClients, bus_name: str) -> None:
        self._clients = clients
        self._bus_name = bus_name

    def publish(self, events: Sequence[FleetEvent]) -> None:
        """Publish all; PublishError names each event that was refused twice, with the code.

        Events that were taken are not taken back: the caller publishes all of them again, and
        receivers know an event by its id.
        """
        waiting: Sequence[FleetEvent] = events

        def put_waiting() -> None:
            nonlocal waiting
            refused = self._put_all(waiting)
            waiting = [event for event in waiting if event.metadata.event_id in refused]
            if waiting:
                raise self._not_taken(refused, len(events))

        briefly(PublishError, attempts=MAX_TRIES)(put_waiting)

    def _not_taken(self, refused: Mapping[str, str], number: int) -> PublishError:
        named = ", ".join(f"{event_id} ({code})" for event_id, code in refused.items())
        return PublishError(
            f"Event bus {self._bus_name} did not take {len(refused)} of {number} events: "
            f"{named}. They are published again from the record."
        )

    def _put_all(self, events: Sequence[FleetEvent]) -> dict[str, str]:
        refused: dict[str, str] = {}
        for batch in _batches(events):
            refused.update(self._put(batch))
        return refused

    def _put(self, batch: Sequence[FleetEvent]) -> Mapping[str, str]:
        """Send one request; return event id -> error code of the entries that were refused."""
        with calling("EventBridge", f"event bus {self._bus_name}"):
            answer = self._clients.events.put_events(Entries=[self._entry(e) for e in batch])
        if answer["FailedEntryCount"] == 0:
            return {}
        pairs = zip(batch, answer["Entries"], strict=True)
        return {
            event.metadata.event_id: entry.get("ErrorCode", "Unknown")
            for event, entry in pairs
            if "EventId" not in entry
        }

    def _entry(self, event: FleetEvent) -> PutEventsRequestEntryTypeDef:
        return {
            "EventBusName": self._bus_name,
            "Source": SOURCE,
            "DetailType": event.detail_type,
            "Detail": event.detail_json(),
            "Time": event.metadata.occurred_at,
        }


def _batches(events: Sequence[FleetEvent]) -> Iterator[Sequence[FleetEvent]]:
    batch: list[FleetEvent] = []
    batch_bytes = 0
    for event in events:
        size = len(event.detail_json().encode()) + len(event.detail_type) + ENTRY_OVERHEAD_BYTES
        if batch and (len(batch) == MAX_ENTRIES or batch_bytes + size > MAX_REQUEST_BYTES):
            yield batch
            batch, batch_bytes = [], 0
        batch.append(event)
        batch_bytes += size
    if batch:
        yield batch
