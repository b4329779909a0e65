"""Cdn: everything of a host's distribution is invalidated, once per reference."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.stub import Stubber

from core.adapters.aws.cdn import CloudFrontCdn
from core.adapters.memory.cdn import MemoryCdn
from core.domain.errors import SitefleetError, TransientError
from core.ports.protection import Cdn
from tests.contract.backends import Aws, Backend, Memory

HOST = "banana.wp.kimmyai.io"
REFERENCE = "550e8400-e29b-41d4-a716-446655440000"


def distribute(backend: Backend, *aliases: str) -> str:
    """Put a distribution in front of host names; return its id."""
    if isinstance(backend, Memory):
        number = f"E{backend.world.serial():013d}"
        backend.world.distributions |= dict.fromkeys(aliases, number)
        return number
    config: Any = {
        "CallerReference": "-".join(aliases),
        "Aliases": {"Quantity": len(aliases), "Items": list(aliases)},
        "Comment": "",
        "Enabled": True,
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "alb",
                    "DomainName": "alb.example.org",
                    "CustomOriginConfig": {
                        "HTTPPort": 80,
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": "https-only",
                    },
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "alb",
            "ViewerProtocolPolicy": "redirect-to-https",
            "MinTTL": 0,
            "ForwardedValues": {"QueryString": True, "Cookies": {"Forward": "all"}},
        },
    }
    answer = backend.clients.cloudfront.create_distribution(DistributionConfig=config)
    return answer["Distribution"]["Id"]


@pytest.fixture
def cdn(backend: Backend) -> Cdn:
    if isinstance(backend, Memory):
        return MemoryCdn(backend.world)
    return CloudFrontCdn(clients=backend.clients)


def test_a_host_without_a_distribution_has_nothing_to_invalidate(cdn: Cdn, backend: Backend):
    distribute(backend, "apple.wp.kimmyai.io")
    assert cdn.invalidate(HOST, REFERENCE) is None


def test_an_invalidation_of_the_host_s_distribution_gets_done(cdn: Cdn, backend: Backend):
    distribute(backend, "apple.wp.kimmyai.io")
    distribution = distribute(backend, "www.banana.example", HOST)
    found = cdn.invalidate(HOST, REFERENCE)
    assert found is not None
    assert found.startswith(f"{distribution}/")
    assert cdn.done(found)


@pytest.mark.parametrize("backend", ["memory", "emulator"], indirect=True)
def test_the_same_reference_again_is_the_same_invalidation(backend: Backend, cdn: Cdn):
    """moto makes another one for a repeated caller reference, which CloudFront never does."""
    distribute(backend, HOST)
    first = cdn.invalidate(HOST, REFERENCE)
    assert cdn.invalidate(HOST, REFERENCE) == first
    assert cdn.invalidate(HOST, "another-operation") != first


def test_everything_is_invalidated(aws: Aws):
    distribution = distribute(aws, HOST)
    found = CloudFrontCdn(clients=aws.clients).invalidate(HOST, REFERENCE)
    assert found is not None
    answer = aws.clients.cloudfront.get_invalidation(
        DistributionId=distribution, Id=found.partition("/")[2]
    )
    batch = answer["Invalidation"]["InvalidationBatch"]
    assert batch["Paths"]["Items"] == ["/*"]
    assert batch["CallerReference"] == REFERENCE


def test_a_wildcard_counts_where_no_distribution_names_the_host_itself(aws: Aws):
    cdn = CloudFrontCdn(clients=aws.clients)
    wildcard = distribute(aws, "*.wp.kimmyai.io")
    found = cdn.invalidate(HOST, REFERENCE)
    assert found is not None
    assert found.startswith(f"{wildcard}/")
    own = distribute(aws, HOST)
    found = cdn.invalidate(HOST, "later")
    assert found is not None
    assert found.startswith(f"{own}/")


def test_an_invalidation_whose_distribution_has_gone_keeps_nobody_waiting(aws: Aws):
    assert CloudFrontCdn(clients=aws.clients).done("E00000000000/I000000000")


def test_the_memory_twin_takes_its_time():
    backend = Memory()
    cdn = MemoryCdn(backend.world, settle_seconds=30)
    distribute(backend, HOST)
    found = cdn.invalidate(HOST, REFERENCE)
    assert found is not None
    assert not cdn.done(found)
    backend.clock.advance(30)
    assert cdn.done(found)
    assert not cdn.done("never made")


# --- answers that no local tool gives ----------------------------------------------------------


def summary(number: str, *aliases: str) -> dict:
    """A distribution as the list shows it: only these two are read."""
    return {"Id": number, "Aliases": {"Quantity": len(aliases), "Items": list(aliases)}}


def listed(*distributions: dict, marker: str = "", following: str = "") -> dict:
    return {
        "DistributionList": {
            "Marker": marker,
            "MaxItems": 100,
            "IsTruncated": bool(following),
            "Quantity": len(distributions),
            "Items": list(distributions),
            **({"NextMarker": following} if following else {}),
        }
    }


@pytest.fixture
def unchecked(moto: Aws) -> Stubber:
    """Summaries have two dozen required members; the answer's shape is not checked for them."""
    stubber = Stubber(moto.clients.cloudfront)
    stubber._validate_operation_response = lambda *_: None  # type: ignore[method-assign]
    return stubber


def test_every_page_of_distributions_is_looked_at(moto: Aws, unchecked: Stubber):
    unchecked.add_response("list_distributions", listed(summary("E1"), following="E1"), {})
    unchecked.add_response(
        "list_distributions", listed(summary("E2", HOST.upper()), marker="E1"), {"Marker": "E1"}
    )
    unchecked.add_response(
        "create_invalidation",
        {"Location": "l", "Invalidation": {"Id": "I1", "Status": "InProgress"}},
        {
            "DistributionId": "E2",
            "InvalidationBatch": {
                "Paths": {"Quantity": 1, "Items": ["/*"]},
                "CallerReference": REFERENCE,
            },
        },
    )
    unchecked.add_response(
        "get_invalidation",
        {"Invalidation": {"Id": "I1", "Status": "InProgress"}},
        {"DistributionId": "E2", "Id": "I1"},
    )
    with unchecked:
        cdn = CloudFrontCdn(clients=moto.clients)
        assert cdn.invalidate(HOST, REFERENCE) == "E2/I1"
        assert not cdn.done("E2/I1")
        unchecked.assert_no_pending_responses()


def test_a_distribution_with_too_much_under_way_is_tried_again(moto: Aws, unchecked: Stubber):
    unchecked.add_response("list_distributions", listed(summary("E2", HOST)), {})
    unchecked.add_client_error("create_invalidation", "TooManyInvalidationsInProgress")
    with unchecked, pytest.raises(TransientError, match="too many invalidations") as caught:
        CloudFrontCdn(clients=moto.clients).invalidate(HOST, REFERENCE)
    assert caught.value.retry_after_seconds == 60


def test_any_other_refusal_is_an_error(moto: Aws, unchecked: Stubber):
    unchecked.add_response("list_distributions", listed(summary("E2", HOST)), {})
    unchecked.add_client_error("create_invalidation", "AccessDenied")
    with unchecked, pytest.raises(SitefleetError, match="may not do CloudFront") as caught:
        CloudFrontCdn(clients=moto.clients).invalidate(HOST, REFERENCE)
    assert not isinstance(caught.value, TransientError)
