"""With whose rights a job writes: an export's with those of one operation (test_iam tries them)."""

from __future__ import annotations

import os
from unittest.mock import patch

import pytest
from moto import mock_aws

from core.adapters.system import SystemClock
from migrator.configuration import Configuration
from migrator.services import Services
from migrator.writing import writing_session

OPERATION = "550e8400-e29b-41d4-a716-446655440000"
ROLE = "arn:aws:iam::536580886816:role/bbws-wp-export-dev-writer"
TASK = {
    "AWS_ACCESS_KEY_ID": "AKIATASK000000000000",
    "AWS_SECRET_ACCESS_KEY": "task",
    "AWS_DEFAULT_REGION": "af-south-1",
}


@pytest.fixture(autouse=True)
def aws():
    with patch.dict(os.environ, TASK), mock_aws():
        os.environ.pop("AWS_ENDPOINT_URL", None)
        yield


def services(role: str) -> Services:
    return Services(Configuration(writer_role=role), SystemClock())


def test_without_a_writer_role_a_job_writes_as_the_task():
    own = services("")
    assert own.writer(OPERATION) is own.s3


def test_with_one_it_writes_as_a_session_named_after_the_operation():
    arn = writing_session(ROLE, OPERATION).client("sts").get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::536580886816:assumed-role/bbws-wp-export-dev-writer/{OPERATION}"


def test_the_session_is_renewed_by_itself():
    credentials = writing_session(ROLE, OPERATION).get_credentials()
    assert credentials.method == "assume-role"
    assert credentials.refresh_needed()
    assert credentials.get_frozen_credentials().token
    assert not credentials.refresh_needed()


def test_nothing_is_asked_before_the_first_write():
    exporter = services(ROLE)
    with patch("botocore.client.BaseClient._make_api_call") as call:
        assert exporter.writer(OPERATION) is not exporter.s3
    call.assert_not_called()
