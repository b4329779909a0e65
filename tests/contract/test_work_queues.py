"""WorkQueues: delays, dead letters, and bodies that are too large."""

from __future__ import annotations

import hashlib
import json

import pytest

from core.adapters.aws.work_queues import SqsQueues
from core.adapters.memory.work_queues import MemoryQueues
from core.domain.errors import SitefleetError
from core.ports.messaging import DeadLetter, QueueName, WorkQueues
from tests.contract.backends import Aws, Backend, Memory

LARGE = "ä" * (128 * 1024 + 1)


def urls_of(aws: Aws) -> dict[QueueName, str]:
    return {
        name: aws.clients.sqs.create_queue(QueueName=f"queue-{name}")["QueueUrl"]
        for name in QueueName
    }


def dead_url_of(aws: Aws) -> str:
    return aws.clients.sqs.create_queue(QueueName="dead-letters")["QueueUrl"]


@pytest.fixture
def queues(backend: Backend) -> WorkQueues:
    if isinstance(backend, Memory):
        return MemoryQueues(backend.world)
    return SqsQueues(
        clients=backend.clients,
        queue_urls=urls_of(backend),
        dead_letter_url=dead_url_of(backend),
        overflow_bucket=backend.make_bucket("transfer"),
    )


@pytest.fixture
def visible(backend: Backend, queues: WorkQueues):
    """Receive the bodies that a consumer would see now."""

    def receive(queue: QueueName) -> list[str]:
        if isinstance(backend, Memory):
            assert isinstance(queues, MemoryQueues)
            return [message.body for message in queues.receive(queue, limit=10)]
        answer = backend.clients.sqs.receive_message(
            QueueUrl=urls_of(backend)[queue], MaxNumberOfMessages=10
        )
        return [message["Body"] for message in answer.get("Messages", [])]

    return receive


@pytest.fixture
def buried(backend: Backend):
    """Read the dead letters: body and attributes."""

    def read() -> list[tuple[str, dict[str, str]]]:
        if isinstance(backend, Memory):
            return [(m.body, dict(m.attributes)) for m in backend.world.dead_letters]
        answer = backend.clients.sqs.receive_message(
            QueueUrl=dead_url_of(backend), MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return [
            (
                message["Body"],
                {
                    name: value["StringValue"]
                    for name, value in message.get("MessageAttributes", {}).items()
                },
            )
            for message in answer.get("Messages", [])
        ]

    return read


@pytest.fixture
def stored(backend: Backend):
    def read(key: str) -> bytes:
        if isinstance(backend, Memory):
            return backend.world.objects[key]
        bucket = f"transfer-{backend.account_id}"
        return backend.clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    return read


def test_a_message_without_delay_is_visible_at_once(queues: WorkQueues, visible):
    queues.send(QueueName.UPDATE, "hello", delay_seconds=0, tenant_id="tenant-1")
    assert visible(QueueName.UPDATE) == ["hello"]
    assert visible(QueueName.CREATION) == []


def test_a_delayed_message_is_not_visible_yet(queues: WorkQueues, visible):
    queues.send(QueueName.PROMOTION, "later", delay_seconds=900, tenant_id="tenant-1")
    assert visible(QueueName.PROMOTION) == []


@pytest.mark.parametrize("delay", [-1, 901])
def test_a_delay_that_sqs_does_not_know_is_refused(queues: WorkQueues, delay: int):
    with pytest.raises(SitefleetError, match="not between 0 and 900 s"):
        queues.send(QueueName.UPDATE, "x", delay_seconds=delay, tenant_id="tenant-1")


def test_a_dead_letter_keeps_body_and_reason(queues: WorkQueues, buried):
    reason = {"reason": "not JSON", "errorCode": "SITE_001", "originQueue": "update"}
    queues.dead_letter(DeadLetter(body="{", attributes=reason))
    assert buried() == [("{", reason)]


def test_the_depth_of_the_dead_letter_queue_is_told(queues: WorkQueues):
    assert queues.dead_letters() == 0
    for number in range(3):
        queues.dead_letter(DeadLetter(body=f"{{{number}", attributes={}))
    assert queues.dead_letters() == 3


def test_an_eleventh_attribute_is_refused(queues: WorkQueues):
    attributes = {f"a{number}": "x" for number in range(11)}
    with pytest.raises(SitefleetError, match="10 attributes, not 11"):
        queues.dead_letter(DeadLetter(body="{", attributes=attributes))


def test_a_body_of_256_kib_is_sent_as_it_is(queues: WorkQueues, buried):
    body = "x" * (256 * 1024)
    queues.dead_letter(DeadLetter(body=body))
    assert [found for found, _ in buried()] == [body]


@pytest.mark.parametrize("body", [LARGE, "a\x00b"], ids=["oversized", "unsendable character"])
def test_what_does_not_fit_goes_to_s3_and_leaves_a_pointer(
    queues: WorkQueues, buried, stored, body: str
):
    queues.dead_letter(DeadLetter(body=body, attributes={"reason": "too large"}))
    digest = hashlib.sha256(body.encode()).hexdigest()
    [(pointer, attributes)] = buried()
    assert attributes == {"reason": "too large"}
    found = json.loads(pointer)
    assert found["pointer"].startswith("s3://")
    assert found["pointer"].endswith(f"/oversized/{digest}")
    assert (found["sha256"], found["sizeBytes"]) == (digest, len(body.encode()))
    assert stored(f"oversized/{digest}").decode() == body


class TestTheConsumersSide:
    """What the twin plays of SQS itself, for the simulator."""

    @pytest.fixture
    def memory(self) -> Memory:
        return Memory()

    @pytest.fixture
    def queues(self, memory: Memory) -> MemoryQueues:
        queues = MemoryQueues(memory.world, visibility_seconds=360, max_receive_count=2)
        queues.send(QueueName.UPDATE, "hello", delay_seconds=30, tenant_id="tenant-1")
        return queues

    def test_a_delayed_message_appears_when_its_time_has_come(self, memory, queues):
        memory.clock.advance(29)
        assert queues.receive(QueueName.UPDATE) == []
        memory.clock.advance(1)
        assert [message.body for message in queues.receive(QueueName.UPDATE)] == ["hello"]

    def test_a_received_message_comes_back_after_the_visibility_timeout(self, memory, queues):
        memory.clock.advance(30)
        [first] = queues.receive(QueueName.UPDATE)
        assert queues.receive(QueueName.UPDATE) == []
        memory.clock.advance(360)
        [second] = queues.receive(QueueName.UPDATE)
        assert second.receive_count == 2
        assert second.message_id == first.message_id

    def test_it_comes_back_earlier_when_the_consumer_says_so(self, memory, queues):
        memory.clock.advance(30)
        [message] = queues.receive(QueueName.UPDATE)
        queues.change_visibility(QueueName.UPDATE, message.receipt, 5)
        memory.clock.advance(5)
        assert len(queues.receive(QueueName.UPDATE)) == 1

    def test_an_outdated_receipt_deletes_nothing(self, memory, queues):
        memory.clock.advance(30)
        [message] = queues.receive(QueueName.UPDATE)
        outdated = message.receipt
        memory.clock.advance(360)
        [message] = queues.receive(QueueName.UPDATE)
        queues.delete(QueueName.UPDATE, outdated)
        assert len(memory.world.queues[QueueName.UPDATE]) == 1
        queues.delete(QueueName.UPDATE, message.receipt)
        assert memory.world.queues[QueueName.UPDATE] == []

    def test_too_many_receives_end_in_the_dead_letter_queue(self, memory, queues):
        memory.clock.advance(30)
        for _ in range(2):
            assert len(queues.receive(QueueName.UPDATE)) == 1
            memory.clock.advance(360)
        assert queues.receive(QueueName.UPDATE) == []
        assert [message.body for message in memory.world.dead_letters] == ["hello"]
        assert memory.world.queues[QueueName.UPDATE] == []
