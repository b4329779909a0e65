"""Documents and DeploymentRecords: what is kept for people."""

from __future__ import annotations

import pytest

from core.adapters.aws.deployments import DynamoDeploymentRecords
from core.adapters.aws.documents import S3Documents
from core.adapters.memory.deployments import MemoryDeploymentRecords
from core.adapters.memory.documents import MemoryDocuments
from core.ports.protection import DeploymentRecords, Documents
from tests.contract.backends import Aws, Backend, Memory

KEY = "evidence/550e8400-e29b-41d4-a716-446655440000.json"
TEXT = '{"site": "Bäckerei \U0001f950"}'
RECORD = {
    "deployment_id": "promotion-550e8400-e29b-41d4-a716-446655440000",
    "timestamp": "2026-11-21T08:00:00Z",
    "environment": "prod",
    "action": "promotion",
    "from_version": "r1",
    "to_version": "r2",
    "actor": "thabo",
    "reason": "New menu",
}


@pytest.fixture
def documents(backend: Backend) -> Documents:
    if isinstance(backend, Memory):
        return MemoryDocuments(backend.world)
    return S3Documents(clients=backend.clients, bucket=backend.make_bucket("transfer"))


def test_a_document_that_was_never_written_is_none(documents: Documents):
    assert documents.get(KEY) is None


def test_a_document_comes_back_as_it_was_written(documents: Documents):
    documents.put(KEY, TEXT)
    assert documents.get(KEY) == TEXT


def test_the_last_text_of_a_key_counts(documents: Documents):
    documents.put(KEY, TEXT)
    documents.put(KEY, "{}")
    assert documents.get(KEY) == "{}"


def test_the_keys_below_a_prefix_are_listed_and_no_others(documents: Documents):
    for key in ("records/tenant-1/b.json", "records/tenant-1/a.json", "records/tenant-10/c.json"):
        documents.put(key, TEXT)
    assert documents.keys("records/tenant-1/") == [
        "records/tenant-1/a.json",
        "records/tenant-1/b.json",
    ]
    assert list(documents.keys("records/none/")) == []


def test_the_same_text_again_makes_no_new_version(aws: Aws):
    bucket = aws.make_bucket("transfer")
    aws.clients.s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    documents = S3Documents(clients=aws.clients, bucket=bucket)
    documents.put(KEY, TEXT)
    documents.put(KEY, TEXT)
    assert len(aws.clients.s3.list_object_versions(Bucket=bucket)["Versions"]) == 1


@pytest.mark.parametrize(
    ("key", "content_type"),
    [
        (KEY, "application/json"),
        ("evidence/report.html", "text/html; charset=utf-8"),
        ("notes", "text/plain; charset=utf-8"),
    ],
)
def test_a_browser_is_told_what_a_document_is(aws: Aws, key: str, content_type: str):
    bucket = aws.make_bucket("transfer")
    S3Documents(clients=aws.clients, bucket=bucket).put(key, TEXT)
    assert aws.clients.s3.head_object(Bucket=bucket, Key=key)["ContentType"] == content_type


# --- deployments -----------------------------------------------------------------------------


@pytest.fixture
def records(backend: Backend) -> DeploymentRecords:
    if isinstance(backend, Memory):
        return MemoryDeploymentRecords(backend.world)
    backend.clients.dynamodb.create_table(
        TableName="bbws-deployments-prod",
        KeySchema=[{"AttributeName": "deployment_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "deployment_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return DynamoDeploymentRecords(
        client=backend.clients.dynamodb, table_name="bbws-deployments-prod"
    )


@pytest.fixture
def stored(backend: Backend):
    """All records, as whoever reads the table sees them."""

    def read() -> list[dict[str, str]]:
        if isinstance(backend, Memory):
            return [dict(record) for record in backend.world.deployments.values()]
        items = backend.clients.dynamodb.scan(TableName="bbws-deployments-prod")["Items"]
        return [{name: value["S"] for name, value in item.items()} for item in items]

    return read


def test_a_deployment_is_recorded_once_in_the_runbook_s_form(records: DeploymentRecords, stored):
    records.put(RECORD)
    records.put(RECORD)
    assert stored() == [RECORD]


def test_each_deployment_has_its_own_record(records: DeploymentRecords, stored):
    rollback = {**RECORD, "deployment_id": "rollback-1", "action": "rollback"}
    records.put(RECORD)
    records.put(rollback)
    assert sorted(record["action"] for record in stored()) == ["promotion", "rollback"]
