"""A plain write that meets a transaction on its item: an answer that no stand-in plays."""

from __future__ import annotations

import pytest
from botocore.stub import Stubber

from core.adapters.aws.conditional import MOST_TRIES, ConflictError
from core.domain.errors import TransientError
from tests.contract.backends import Aws
from tests.contract.stored_operations import claim, operation, store_on

CONFLICT = "TransactionConflictException"


@pytest.fixture
def store(moto: Aws):
    store = store_on(moto)
    store.accept(operation(), "{}")
    return store


def test_a_claim_that_meets_a_transaction_is_repeated_at_once(moto: Aws, store):
    with Stubber(moto.clients.dynamodb) as dynamo:
        dynamo.add_client_error("update_item", CONFLICT)
        dynamo.add_client_error("update_item", CONFLICT)
        dynamo.add_client_error("update_item", "ConditionalCheckFailedException")
        assert claim(store, operation()) is None
        dynamo.assert_no_pending_responses()


def test_a_cancel_that_meets_one_is_not_lost(moto: Aws, store):
    with Stubber(moto.clients.dynamodb) as dynamo:
        dynamo.add_client_error("update_item", CONFLICT)
        dynamo.add_client_error("update_item", "ConditionalCheckFailedException")
        store.request_cancel(operation().operation_id, "No.", operation().created_at)
        dynamo.assert_no_pending_responses()


def test_conflicts_that_do_not_end_are_worth_another_attempt(moto: Aws, store):
    with Stubber(moto.clients.dynamodb) as dynamo:
        for _ in range(MOST_TRIES):
            dynamo.add_client_error("update_item", CONFLICT)
        with pytest.raises(ConflictError, match=operation().operation_id):
            claim(store, operation())


def test_a_write_without_a_condition_is_tried_again_by_the_engine(moto: Aws, store):
    with Stubber(moto.clients.dynamodb) as dynamo:
        dynamo.add_client_error("put_item", CONFLICT)
        with pytest.raises(TransientError, match=CONFLICT):
            store.note_resource("arn:aws:rds:snapshot", operation().operation_id)
