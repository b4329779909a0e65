"""Sessions and clients: bounded calls, and one short session per operation in the source."""

from __future__ import annotations

import pytest
from botocore.stub import Stubber

from core.adapters.aws.session import AwsClients, SourceAccount, client_config
from core.domain.errors import ConfigurationError, SitefleetError
from tests.contract.backends import REGION, Aws

OPERATION = "550e8400-e29b-41d4-a716-446655440000"
STEP_SECONDS = 60


def test_one_call_ends_within_a_step():
    config = client_config()
    attempts = config.retries["total_max_attempts"]
    longest_backoff = sum(2**n for n in range(attempts - 1))
    assert (config.connect_timeout + config.read_timeout) * attempts + longest_backoff < (
        STEP_SECONDS - 10
    )
    assert config.retries["mode"] == "standard"


def test_a_client_is_made_when_it_is_first_asked_for_and_kept(moto: Aws):
    clients = AwsClients(region=REGION)
    assert "_session" not in vars(clients)
    assert clients.sqs is clients.sqs
    assert clients.sqs.meta.region_name == REGION


class TestTheSourceAccount:
    def test_the_session_is_named_after_the_operation(self, moto: Aws):
        source = moto.source_account()
        caller = source.clients(OPERATION).sts.get_caller_identity()
        assert caller["Account"] == moto.source_account_id
        assert caller["Arn"].endswith(f"/sitefleet-source/{OPERATION}")

    def test_it_is_kept_for_five_minutes_and_for_one_operation(self, moto: Aws):
        source = moto.source_account()
        first = source.clients(OPERATION)
        moto.clock.advance(299)
        assert source.clients(OPERATION) is first
        moto.clock.advance(1)
        second = source.clients(OPERATION)
        assert second is not first
        assert source.clients("another-operation") is not second

    def test_the_external_id_is_the_secrets(self, moto: Aws):
        source = moto.source_account()
        role = f"arn:aws:iam::{moto.source_account_id}:role/sitefleet-source"
        with Stubber(moto.clients.sts) as sts:
            sts.add_client_error(
                "assume_role",
                "AccessDenied",
                http_status_code=403,
                expected_params={
                    "RoleArn": role,
                    "RoleSessionName": OPERATION,
                    "ExternalId": "ext-1",
                    "DurationSeconds": 900,
                },
            )
            with pytest.raises(SitefleetError, match=f"may not do STS AssumeRole on role {role}"):
                source.clients(OPERATION)

    def test_without_a_role_there_is_a_sentence(self, moto: Aws):
        source = SourceAccount(
            home=moto.clients, role_arn="", external_id_secret="", clock=moto.clock
        )
        with pytest.raises(ConfigurationError, match="no source account"):
            source.clients(OPERATION)
