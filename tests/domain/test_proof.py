"""A proof's headers, weighed without asking AWS: what is not exactly right is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.adapters.memory.caller_identity import Caller, sign
from core.domain.errors import ConfigurationError, RefusedError
from core.domain.proof import (
    ALLOWED_HEADERS,
    BODY,
    ProofBinding,
    ProofDecision,
    StsEndpoint,
    check_proof,
    proof_digest,
)
from events.formats import Environment
from events.vocabulary import ErrorCode

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
ENDPOINT = StsEndpoint.of_region("af-south-1")
LOCAL = StsEndpoint.of_one_machine("af-south-1", "http://127.0.0.1:4566")
BINDING = ProofBinding(
    operation_id="550e8400-e29b-41d4-a716-446655440000",
    plan_hash=f"sha256:{'a' * 64}",
    decision=ProofDecision.APPROVE,
    role="TECH_LEAD",
    environment=Environment.PROD,
)
LEAD = Caller(
    arn="arn:aws:iam::093646564004:user/tech-lead",
    access_key_id="AKIAIOSFODNN7EXAMPLE",
    secret_access_key="wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY",
)


def proof(**changes: str | None) -> dict[str, str]:
    """A good proof with some headers changed after signing, added, or (None) taken out."""
    made = {**sign(LEAD, BINDING, ENDPOINT, NOW)}
    for name, value in changes.items():
        header = name.replace("_", "-")
        if value is None:
            made.pop(header, None)
        else:
            made[header] = value
    return made


def refusal(headers, *, binding=BINDING, endpoint=ENDPOINT, now=NOW) -> str:
    with pytest.raises(RefusedError) as refused:
        check_proof(headers, binding=binding, endpoint=endpoint, now=now)
    assert refused.value.code is ErrorCode.PROM_003
    assert "Make a new one" in refused.value.message
    return refused.value.message


def authorization(**parts: str) -> str:
    """The good proof's authorization with a part of it replaced."""
    text = proof()["authorization"]
    for name, value in parts.items():
        text = re.sub(rf"{name}=[^,]+", f"{name}={value}", text)
    return text


def test_a_good_proof_is_accepted():
    check_proof(proof(), binding=BINDING, endpoint=ENDPOINT, now=NOW)


def test_a_good_proof_may_carry_what_other_clients_add():
    shouted = {name.upper(): value for name, value in proof(content_length="43").items()}
    check_proof(shouted, binding=BINDING, endpoint=ENDPOINT, now=NOW)
    assert len(BODY) == 43


@pytest.mark.parametrize("name", sorted(BINDING.headers))
def test_each_of_the_five_must_be_there(name):
    assert f"it lacks {name}" in refusal(proof(**{name: None}))


@pytest.mark.parametrize("name", ["host", "content-type", "x-amz-date", "authorization"])
def test_each_header_of_the_request_must_be_there(name):
    assert f"it lacks {name}" in refusal(proof(**{name: None}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("operation_id", "550e8400-e29b-41d4-a716-446655440001"),
        ("plan_hash", f"sha256:{'b' * 64}"),
        ("decision", ProofDecision.REJECT),
        ("decision", ProofDecision.ROLLBACK),
        ("role", "OPERATIONS_LEAD"),
        ("environment", Environment.SIT),
    ],
)
def test_it_holds_for_nothing_but_what_it_was_made_for(field, value):
    other = ProofBinding(**{**vars(BINDING), field: value})
    assert "holds for one operation, plan, decision, role and environment" in refusal(
        proof(), binding=other
    )


@pytest.mark.parametrize("name", ["host", "x-amz-date", *sorted(BINDING.headers)])
def test_each_of_them_must_be_signed(name):
    signed = proof()["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    rest = ";".join(header for header in signed if header != name)
    assert f"{name} must be among the signed" in refusal(
        proof(authorization=authorization(SignedHeaders=rest))
    )


def test_a_session_token_must_be_signed_too():
    assert "x-amz-security-token must be among" in refusal(proof(x_amz_security_token="token"))


def test_no_header_beyond_the_list():
    for name in ("x-amz-target", "transfer-encoding", "connection", "x-forwarded-host", "cookie"):
        assert "headers beyond those" in refusal(proof(**{name: "1"}))


def test_no_header_twice():
    assert "given twice" in refusal({**proof(), "Host": ENDPOINT.host})


@pytest.mark.parametrize(
    "host",
    [
        "sts.amazonaws.com",
        "sts.eu-west-1.amazonaws.com",
        "sts.af-south-1.amazonaws.com:443",
        "sts.af-south-1.amazonaws.com:8443",
        "sts.af-south-1.amazonaws.com.example.com",
        "user@sts.af-south-1.amazonaws.com",
        "STS.af-south-1.amazonaws.com",
        "127.0.0.1:4566",
        "169.254.169.254",
        "",
    ],
)
def test_no_other_host(host):
    assert "addressed to another host" in refusal(proof(host=host))


def test_the_one_machines_host_counts_there_and_nowhere_else():
    local = sign(LEAD, BINDING, LOCAL, NOW)
    check_proof(local, binding=BINDING, endpoint=LOCAL, now=NOW)
    assert "addressed to another host" in refusal(local)
    assert "addressed to another host" in refusal(proof(), endpoint=LOCAL)


@pytest.mark.parametrize(
    "url",
    [
        "http://sts.example.com/",
        "https://127.0.0.1:4566/",
        "http://127.0.0.1@sts.example.com/",
        "http://user@127.0.0.1:4566/",
        "http://127.0.0.1.example.com/",
        "file:///etc/passwd",
        "",
    ],
)
def test_only_the_loopback_may_stand_in_for_sts(url):
    with pytest.raises(ConfigurationError, match="stand in for STS"):
        StsEndpoint.of_one_machine("af-south-1", url)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AWS AKIAIOSFODNN7EXAMPLE:c2lnbmF0dXJl",
        "Bearer " + "a" * 64,
        proof()["authorization"].replace("/sts/", "/s3/"),
        proof()["authorization"].replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        proof()["authorization"].replace("AKIAIOSFODNN7EXAMPLE", "093646564004"),
        proof()["authorization"] + ", Signature=" + "0" * 64,
        proof()["authorization"].replace("Signature=", "Signature=0"),
        authorization(Signature="F" * 64),
    ],
)
def test_the_signature_has_one_form(text):
    assert "not an AWS4-HMAC-SHA256 signature" in refusal(proof(authorization=text))


def test_the_scope_is_the_regions_own():
    text = authorization().replace("/af-south-1/", "/us-east-1/")
    assert "signed for another region" in refusal(proof(authorization=text))


def test_the_scopes_day_is_the_dates():
    text = authorization().replace("/20261121/", "/20261120/")
    assert "day of its signature" in refusal(proof(authorization=text))


@pytest.mark.parametrize("signed", ["x-amz-date;host", "host;host", "host;x-amz-target"])
def test_signed_headers_are_there_and_in_order(signed):
    text = authorization(SignedHeaders=signed)
    assert "not there, or not in order" in refusal(proof(authorization=text))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content-type", "application/json"),
        ("content-type", "application/x-www-form-urlencoded; charset=utf-16"),
        ("content-length", "44"),
        ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ("x-amz-content-sha256", "0" * 64),
    ],
)
def test_the_body_is_the_fixed_one(name, value):
    assert f"{name} does not belong to a POST" in refusal(proof(**{name: value}))


def test_it_lives_for_fifteen_minutes():
    for seconds in (0, 1, 899, 900, -60):
        later = NOW + timedelta(seconds=seconds)
        check_proof(proof(), binding=BINDING, endpoint=ENDPOINT, now=later)
    assert "older than 15 minutes" in refusal(proof(), now=NOW + timedelta(seconds=901))
    assert "dated in the future" in refusal(proof(), now=NOW - timedelta(seconds=61))


@pytest.mark.parametrize("text", ["20261121T080000", "20261121T250000Z", "2026112\u0661T080000Z"])
def test_a_date_is_a_date(text):
    stamped = authorization().replace("/20261121/", f"/{text[:8]}/")
    message = refusal(proof(x_amz_date=text, authorization=stamped))
    assert "not a time like" in message or "AWS4-HMAC-SHA256" in message


def test_the_same_signature_has_the_same_digest_and_another_one_another():
    assert proof_digest(proof()) == proof_digest({k.upper(): v for k, v in proof().items()})
    later = sign(LEAD, BINDING, ENDPOINT, NOW + timedelta(seconds=1))
    assert proof_digest(later) != proof_digest(proof())
    assert re.fullmatch(r"[0-9a-f]{64}", proof_digest(proof()))


@given(
    name=st.sampled_from([*sorted(ALLOWED_HEADERS), "x-other"]),
    value=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=80),
)
def test_no_refusal_repeats_a_value(name, value):
    assume(value not in name)
    message = refusal(proof(**{name: value}))
    assert value not in message
    assert proof()["authorization"] not in message
