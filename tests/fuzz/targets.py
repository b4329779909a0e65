"""What is fuzzed: each target takes any bytes and says what became of them, or fails.

A failure is anything but the errors that the code declares, an answer that loses the message, or
an input that takes longer than the limit.
"""

from __future__ import annotations

import pickle
import signal
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.adapters.memory.clock import SeededIds
from core.bootstrap import load_policy
from core.domain.errors import ConfigurationError
from core.domain.operation import Operation
from core.engine.message import Acknowledged, QueueMessage, TryAgain
from core.ports.messaging import QueueName
from events.decode import DecodeError, decode
from events.progress import FleetEvent, StepPoll, WakeUp
from events.redaction import redact_body
from events.rejections import rejection_of_body
from events.requests import Request, canonical_hash, effective_idempotency_key, encode
from events.sample_messages import AT
from events.vocabulary import OperationType
from migrator.rewrite.origin import OriginMapping
from migrator.rewrite.stream import Rewriter
from simulation.fleet import FleetState, SimulatedFleet
from simulation.in_flight.loader import load
from simulation.in_flight.recordings import FOLDER, Recording, read

LIMIT_SECONDS = 5
"""Of processor time for one input. The largest are a few kilobytes, and take milliseconds."""
IDLE_FACTOR = 12
"""So many times as long may pass on a clock: a busy machine lets a process wait."""
RUN_ONE_IN = 16
"""Of the operations that an input sets going, one in so many is followed to its end."""


class LostError(AssertionError):
    """A message was acknowledged, and nothing is there that answers it."""


class HungError(AssertionError):
    """An input took longer than the limit."""


@contextmanager
def limited(seconds: float = LIMIT_SECONDS) -> Iterator[None]:
    """Raise HungError in what takes longer; outside of the main thread there is no limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_signal: int, _frame: object) -> None:
        raise HungError(f"It has not ended after {seconds} s.")

    clocks = {
        signal.ITIMER_PROF: (signal.SIGPROF, seconds),
        signal.ITIMER_REAL: (signal.SIGALRM, IDLE_FACTOR * seconds),
    }
    before = {number: signal.signal(number, ring) for number, _ in clocks.values()}
    for clock, (_, longest) in clocks.items():
        signal.setitimer(clock, longest)
    try:
        yield
    finally:
        for clock in clocks:
            signal.setitimer(clock, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


# --- decode ------------------------------------------------------------------------------------


def decode_body(data: bytes) -> str:
    """Decode, and use what comes of it the way a consumer does."""
    body = data.decode("utf-8", "surrogateescape")
    assert redact_body(redact_body(body)) == redact_body(body)
    try:
        message = decode(body)
    except DecodeError as error:
        _check_refusal(error)
        return "refused"
    if isinstance(message, Request):
        assert canonical_hash(message).startswith("sha256:")
        assert effective_idempotency_key(message)
        assert decode(encode(message)) == message
        return "request"
    assert decode(message.queue_body()) == message
    return type(message).__name__


def _check_refusal(error: DecodeError) -> None:
    assert error.reason
    event = rejection_of_body(
        error, environment="dev", occurred_at=AT, consumer=OperationType.SITE_UPDATE
    )
    assert decode(event.queue_body()) == event


# --- the consumer over memory twins ------------------------------------------------------------

PLACES = (
    ("creation-made-up", QueueName.CREATION),
    ("update-several-changes", QueueName.UPDATE),
    ("deletion-in-prod", QueueName.DELETION),
    ("promotion-to-prod-first", QueueName.PROMOTION),
    ("promotion", None),
)
"""Recorded run in the middle of which the message comes, and the queue that it comes on."""


@dataclass(kw_only=True)
class Stage:
    """A fleet in the middle of a run, set up again after an input that has moved it."""

    recording: Recording
    queue: QueueName | None
    fleet: SimulatedFleet = field(init=False)
    _saved: bytes = field(init=False)
    _operations: dict[str, Operation] = field(init=False)

    def __post_init__(self) -> None:
        moments = self.recording.moments
        self.fleet = load(self.recording.header, moments[len(moments) // 2])
        self._saved = pickle.dumps(self.fleet.saved())
        self._operations = dict(self.fleet.store.operations)

    def set_up(self) -> SimulatedFleet:
        """Return the fleet as it stands in that moment."""
        if self.fleet.store.operations != self._operations:
            state: FleetState = pickle.loads(self._saved)
            self.fleet = SimulatedFleet(environment=self.fleet.environment, state=state)
            self._operations = dict(self.fleet.store.operations)
        self.fleet.world.events.clear()
        self.fleet.world.dead_letters.clear()
        self.fleet.world.ids = SeededIds()
        return self.fleet


_STAGES: dict[int, Stage] = {}


def stage(number: int) -> Stage:
    """Return one of the places at which a message may arrive."""
    number %= len(PLACES)
    if number not in _STAGES:
        name, queue = PLACES[number]
        recording = read(FOLDER / "0.1.0" / f"{name}.jsonl.gz")
        _STAGES[number] = Stage(recording=recording, queue=queue)
    return _STAGES[number]


SILENT = {FleetEvent.__name__, StepPoll.__name__, WakeUp.__name__}
"""Of these nothing need come: a fact that is known, a poll or a wake-up that is too late."""


def consume(data: bytes) -> str:
    """Hand a body to the consumer, the first byte says where; nothing may be lost."""
    place = stage(data[0] if data else 0)
    fleet, body = place.set_up(), data[1:].decode("utf-8", "surrogateescape")
    before = _stand(fleet)
    message = QueueMessage(message_id="fuzz", body=body, receive_count=1, queue=place.queue)
    disposition = fleet.consumer.handle(message)
    assert isinstance(disposition, Acknowledged | TryAgain)
    silent = [m for m in fleet.world.dead_letters if not m.attributes.get("reason")]
    assert not silent, "a dead letter without a reason"
    after, kind = _stand(fleet), _kind(body)
    if after == before and kind not in SILENT and isinstance(disposition, Acknowledged):
        raise LostError(f"A {kind} was acknowledged and nothing came of it.")
    if after[0] > before[0] and zlib.crc32(data) % RUN_ONE_IN == 0:
        _follow(fleet)
    return kind


def _stand(fleet: SimulatedFleet) -> tuple[int, int, int, int]:
    """Count operations, events, dead letters and claims: what a message may leave behind."""
    fences = sum(operation.fence for operation in fleet.store.operations.values())
    world = fleet.world
    return len(fleet.store.operations), len(world.events), len(world.dead_letters), fences


def _kind(body: str) -> str:
    try:
        return type(decode(body)).__name__
    except DecodeError:
        return "refused"


def _follow(fleet: SimulatedFleet) -> None:
    """Let everything that has been accepted come to its end, or to people."""
    fleet.run(most_steps=6000)
    for operation in fleet.store.operations.values():
        assert operation.is_terminal or operation.waits_for_people, (
            f"{operation.operation_type} stays {operation.status} at {operation.step}, "
            f"{operation.waiting_for}"
        )


# --- the rewrite ---------------------------------------------------------------------------------

MAPPING = OriginMapping.parse("https://site.dev", "https://www.site-prod.example")


def rewrite(data: bytes) -> str:
    """Rewrite a dump whole and in pieces; the first byte says how long these are."""
    size, dump = (data[0] % 97 + 1, data[1:]) if data else (1, b"")
    whole, report = _rewritten([dump])
    pieces, same = _rewritten([dump[at : at + size] for at in range(0, len(dump), size)])
    assert pieces == whole, "the output depends on where the input was cut"
    assert same == report, "the report depends on where the input was cut"
    if not report["replacements"]:
        assert whole == dump, "something changed, and no replacement was counted"
        return "copied"
    return "rewritten"


def _rewritten(pieces: list[bytes]) -> tuple[bytes, dict[str, object]]:
    rewriter = Rewriter([MAPPING])
    out = b"".join([*(rewriter.feed(piece) for piece in pieces), rewriter.finish()])
    report: dict[str, object] = rewriter.report.as_dict()
    return out, report


# --- policy files --------------------------------------------------------------------------------

_FOLDER = tempfile.TemporaryDirectory(prefix="sitefleet-fuzz-")


def read_policy(data: bytes) -> str:
    """Load a policy file; what cannot be used is refused by name."""
    folder = Path(_FOLDER.name)
    (folder / "fuzz.toml").write_bytes(data)
    try:
        policy = load_policy("fuzz", folder)
    except ConfigurationError as error:
        return "refused" if "fuzz.toml" in str(error) else _not_named(error)
    assert policy.environment
    return "read"


def _not_named(error: ConfigurationError) -> str:
    raise AssertionError(f"The error does not say which file it is about: {error}")


TARGETS: dict[str, Callable[[bytes], str]] = {
    "decode": decode_body,
    "consumer": consume,
    "rewrite": rewrite,
    "policy": read_policy,
}
