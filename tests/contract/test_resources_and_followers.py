"""What an operation leaves in the store beside itself: resources it waits for, and followers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.adapters.aws.operations import DynamoOperations
from core.adapters.followers import StoredFollowers
from core.adapters.memory.operations import MemoryOperationStore
from core.domain.errors import SitefleetError
from core.ports.operation_store import OperationStore
from events.vocabulary import OperationStatus
from tests.contract.backends import Backend, Memory
from tests.contract.stored_operations import NOW, TABLE, claim, moved, operation

SNAPSHOT = "arn:aws:rds:af-south-1:093646564004:cluster-snapshot:prod-tenant-1-pre-promotion-1"


@pytest.fixture
def store(backend: Backend) -> OperationStore:
    if isinstance(backend, Memory):
        return MemoryOperationStore()
    backend.clients.dynamodb.create_table(**TABLE)  # type: ignore[arg-type]
    return DynamoOperations(client=backend.clients.dynamodb, table_name="operations")


class TestResources:
    def test_nobody_waits_for_a_resource_that_was_not_noted(self, store: OperationStore):
        assert store.operation_of_resource(SNAPSHOT) is None

    def test_a_resource_leads_to_the_operation_that_noted_it(self, store: OperationStore):
        store.note_resource(SNAPSHOT, "operation-1")
        store.note_resource(SNAPSHOT, "operation-1")
        store.note_resource(f"{SNAPSHOT}0", "operation-2")
        assert store.operation_of_resource(SNAPSHOT) == "operation-1"
        assert store.operation_of_resource(f"{SNAPSHOT}0") == "operation-2"

    def test_the_last_operation_that_waits_for_it_counts(self, store: OperationStore):
        """The file system is the resource of every backup job that fails."""
        store.note_resource(SNAPSHOT, "operation-1")
        store.note_resource(SNAPSHOT, "operation-2")
        assert store.operation_of_resource(SNAPSHOT) == "operation-2"


class TestFollowers:
    later = replace(operation(9), due_at=NOW + timedelta(hours=4), request_hash="9" * 32)

    def test_a_follower_is_due_at_its_time_and_not_before(self, store: OperationStore):
        StoredFollowers(store).start_later(self.later, '{"after": 4}')
        assert list(store.due(NOW + timedelta(hours=3), 10)) == []
        assert list(store.due(NOW + timedelta(hours=4), 10)) == [self.later]
        assert store.history(self.later.operation_id).request_body == '{"after": 4}'

    def test_the_same_follower_again_changes_nothing_even_when_it_has_begun(
        self, store: OperationStore
    ):
        followers = StoredFollowers(store)
        followers.start_later(self.later, "{}")
        begun = claim(store, self.later)
        assert begun is not None
        store.commit(moved(begun))
        followers.start_later(self.later, "{}")
        stored = store.get(self.later.operation_id)
        assert stored is not None
        assert stored.status is OperationStatus.IN_PROGRESS

    def test_another_request_under_the_same_id_is_an_error(self, store: OperationStore):
        followers = StoredFollowers(store)
        followers.start_later(self.later, "{}")
        with pytest.raises(SitefleetError, match="already with another request"):
            followers.start_later(replace(self.later, request_hash="8" * 32), "{}")
