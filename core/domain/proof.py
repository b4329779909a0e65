"""The proof of who decides: the headers of a signed sts:GetCallerIdentity request, checked purely.

Whoever holds a person's AWS credentials signs a POST of `BODY` to the region's own STS endpoint,
together with five headers that say what is decided. Nobody else can make that signature, and it
fits no other operation, plan, decision, role or environment. Everything that can be seen without
asking AWS is checked here; whether the signature is genuine, and whose it is, only STS knows
(core/ports/decisions.py, CallerIdentity).

No sentence of this module repeats a header's value: a signature is a credential for 15 minutes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from core.domain.errors import ConfigurationError, RefusedError
from events.formats import Environment
from events.vocabulary import ErrorCode

BODY: Final = "Action=GetCallerIdentity&Version=2011-06-15"
CONTENT_TYPE: Final = "application/x-www-form-urlencoded; charset=utf-8"
LONGEST_AGE: Final = timedelta(minutes=15)
MOST_SKEW: Final = timedelta(minutes=1)
"""How far ahead of ours the signer's clock may be."""

OPERATION_HEADER: Final = "x-sitefleet-operation"
PLAN_HEADER: Final = "x-sitefleet-plan"
DECISION_HEADER: Final = "x-sitefleet-decision"
ROLE_HEADER: Final = "x-sitefleet-role"
ENVIRONMENT_HEADER: Final = "x-sitefleet-environment"

_FIXED: Final = {
    "content-type": frozenset({CONTENT_TYPE, "application/x-www-form-urlencoded"}),
    "content-length": frozenset({str(len(BODY))}),
    "x-amz-content-sha256": frozenset({hashlib.sha256(BODY.encode()).hexdigest()}),
}
"""What these headers hold, if they are there: the request has one body."""
_REQUIRED: Final = ("host", "content-type", "x-amz-date", "authorization")
_BOUND: Final = (
    OPERATION_HEADER,
    PLAN_HEADER,
    DECISION_HEADER,
    ROLE_HEADER,
    ENVIRONMENT_HEADER,
)
ALLOWED_HEADERS: Final = frozenset({*_REQUIRED, *_FIXED, *_BOUND, "x-amz-security-token"})
"""Nothing else is accepted, and nothing else is ever sent to STS."""

_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=[A-Z0-9]{16,128}/(?P<date>\d{8})/(?P<region>[a-z0-9-]{1,32})"
    r"/sts/aws4_request, *SignedHeaders=(?P<signed>[a-z0-9-]+(?:;[a-z0-9-]+)*)"
    r", *Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)
_DATE: Final = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})


class ProofDecision(StrEnum):
    """What a proof is a proof of."""

    APPROVE = "approve"
    REJECT = "reject"
    ROLLBACK = "rollback"


@dataclass(frozen=True, kw_only=True)
class ProofBinding:
    """What is decided: a proof holds for exactly this."""

    operation_id: str
    plan_hash: str
    decision: ProofDecision
    role: str
    environment: Environment

    @property
    def headers(self) -> dict[str, str]:
        """The five headers that a signer adds and signs."""
        return {
            OPERATION_HEADER: self.operation_id,
            PLAN_HEADER: self.plan_hash,
            DECISION_HEADER: str(self.decision),
            ROLE_HEADER: self.role,
            ENVIRONMENT_HEADER: str(self.environment),
        }


@dataclass(frozen=True, kw_only=True)
class StsEndpoint:
    """The one place where proofs are shown: the STS of the environment's region."""

    region: str
    url: str

    @classmethod
    def of_region(cls, region: str) -> StsEndpoint:
        """AWS's own endpoint in the region; never the global one, never a name from a message."""
        return cls(region=region, url=f"https://sts.{region}.amazonaws.com/")

    @classmethod
    def of_one_machine(cls, region: str, url: str) -> StsEndpoint:
        """The one machine's emulator; raises ConfigurationError unless it is on the loopback."""
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname not in _LOOPBACK or "@" in parts.netloc:
            raise ConfigurationError(
                "Only an emulator on 127.0.0.1 may stand in for STS, and only on one machine. "
                "Take AWS_ENDPOINT_URL out of the function's environment."
            )
        return cls(region=region, url=f"http://{parts.netloc}/")

    @property
    def host(self) -> str:
        """What the host header of a proof says."""
        return urlsplit(self.url).netloc


def check_proof(
    headers: Mapping[str, str], *, binding: ProofBinding, endpoint: StsEndpoint, now: datetime
) -> None:
    """Check everything that needs no call; raises RefusedError (PROM_003) with what is wrong."""
    given = _by_lower_name(headers)
    _check_names(given)
    _check_fixed(given, endpoint)
    authorization = _authorization(given)
    _check_scope(authorization, given, endpoint)
    _check_signed(authorization, given)
    _check_binding(given, binding)
    _check_age(given, now)


def proof_digest(headers: Mapping[str, str]) -> str:
    """Return the sha256 of the proof's signature: by it, a proof that comes again is known."""
    signature = _authorization(_by_lower_name(headers))["signature"]
    return hashlib.sha256(signature.encode()).hexdigest()


# --- inside ---------------------------------------------------------------------------------


def _refused(sentence: str) -> RefusedError:
    return RefusedError(
        ErrorCode.PROM_003,
        f"The proof of who decides was not accepted: {sentence} "
        "Make a new one with `sitefleet promotions approve`, `reject` or `rollback`.",
    )


def _by_lower_name(headers: Mapping[str, str]) -> dict[str, str]:
    lowered = {name.lower(): value for name, value in headers.items()}
    if len(lowered) != len(headers):
        raise _refused("a header is given twice.")
    return lowered


def _check_names(given: Mapping[str, str]) -> None:
    if not given.keys() <= ALLOWED_HEADERS:
        allowed = ", ".join(sorted(ALLOWED_HEADERS))
        raise _refused(f"it has headers beyond those that a proof may have ({allowed}).")
    missing = [name for name in (*_REQUIRED, *_BOUND) if name not in given]
    if missing:
        raise _refused(f"it lacks {', '.join(missing)}.")


def _check_fixed(given: Mapping[str, str], endpoint: StsEndpoint) -> None:
    for name, accepted in _FIXED.items():
        if name in given and given[name] not in accepted:
            raise _refused(f"{name} does not belong to a POST of {BODY}.")
    if given["host"] != endpoint.host:
        raise _refused(
            f"it is addressed to another host; it has to be signed for {endpoint.host}, the STS "
            "endpoint of this environment's region."
        )


def _authorization(given: Mapping[str, str]) -> re.Match[str]:
    found = _AUTHORIZATION.fullmatch(given.get("authorization", ""))
    if found is None:
        raise _refused(
            "authorization is not an AWS4-HMAC-SHA256 signature for the service sts by an access "
            "key of an IAM user or a role session."
        )
    return found


def _check_scope(
    authorization: re.Match[str], given: Mapping[str, str], endpoint: StsEndpoint
) -> None:
    if authorization["region"] != endpoint.region:
        raise _refused(f"it is signed for another region than {endpoint.region}.")
    if authorization["date"] != given["x-amz-date"][:8]:
        raise _refused("the day of its signature is not the day of x-amz-date.")


def _check_signed(authorization: re.Match[str], given: Mapping[str, str]) -> None:
    signed = authorization["signed"].split(";")
    if signed != sorted(set(signed)) or not given.keys() >= set(signed):
        raise _refused("SignedHeaders names a header that is not there, or not in order.")
    wanted = {"host", *(name for name in given if name.startswith(("x-amz-", "x-sitefleet-")))}
    missing = sorted(wanted - set(signed))
    if missing:
        raise _refused(f"{', '.join(missing)} must be among the signed headers.")


def _check_binding(given: Mapping[str, str], binding: ProofBinding) -> None:
    for name, value in binding.headers.items():
        if given[name] != value:
            subject = name.removeprefix("x-sitefleet-")
            raise _refused(
                f"{name} is not the {subject} that is decided here; a proof holds for one "
                "operation, plan, decision, role and environment only."
            )


def _check_age(given: Mapping[str, str], now: datetime) -> None:
    signed_at = _signed_at(given["x-amz-date"])
    if signed_at - now > MOST_SKEW:
        raise _refused("it is dated in the future; set the clock of the machine that signs.")
    if now - signed_at > LONGEST_AGE:
        minutes = int(LONGEST_AGE.total_seconds() // 60)
        raise _refused(f"it is older than {minutes} minutes.")


def _signed_at(text: str) -> datetime:
    if not _DATE.fullmatch(text):
        raise _refused("x-amz-date is not a time like 20261121T073000Z.")
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _refused("x-amz-date is not a time like 20261121T073000Z.") from None
