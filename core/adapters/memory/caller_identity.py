"""Twin of the region's STS: it holds access keys, and really verifies the signatures.

`sign` is what a person's AWS client does, for simulations and tests; the command line signs with
the SDK's own signer (ops/proof.py), which contract tests hold against this twin.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.domain.errors import RefusedError
from core.domain.proof import BODY, CONTENT_TYPE, ProofBinding, StsEndpoint
from events.vocabulary import ErrorCode

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Somebody with an access key."""

    arn: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


class MemoryCallerIdentity:
    """Knows the callers that it was given; one who leaves is taken out of `callers`."""

    def __init__(self, callers: Iterable[Caller] = ()) -> None:
        self.callers = {caller.access_key_id: caller for caller in callers}
        self.endpoint = StsEndpoint.of_region("af-south-1")

    def ask(self, headers: Mapping[str, str]) -> str:
        given = {name.lower(): value for name, value in headers.items()}
        parts = _authorization(given.get("authorization", ""))
        key_id, _, scope = parts.get("Credential", "").partition("/")
        caller = self.callers.get(key_id)
        if caller is None:
            raise RefusedError(
                ErrorCode.PROM_003,
                "AWS refused the proof of who decides (InvalidClientTokenId): the credentials that "
                "signed it are not valid. Sign in again and send a new proof.",
            )
        wanted = _signature(caller, given, parts.get("SignedHeaders", "").split(";"), scope)
        if not hmac.compare_digest(wanted, parts.get("Signature", "")):
            raise RefusedError(
                ErrorCode.PROM_003,
                "AWS refused the proof of who decides (SignatureDoesNotMatch): something in it was "
                "changed after it was signed. Sign it again and send a new proof.",
            )
        return caller.arn


def sign(
    caller: Caller, binding: ProofBinding, endpoint: StsEndpoint, now: datetime
) -> dict[str, str]:
    """Return the headers of a proof."""
    headers = {
        **binding.headers,
        "content-type": CONTENT_TYPE,
        "host": endpoint.host,
        "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
    }
    signed = sorted(headers)
    scope = f"{headers['x-amz-date'][:8]}/{endpoint.region}/sts/aws4_request"
    signature = _signature(caller, headers, signed, scope)
    return {
        **headers,
        "authorization": f"{_ALGORITHM} Credential={caller.access_key_id}/{scope}, "
        f"SignedHeaders={';'.join(signed)}, Signature={signature}",
    }


def _authorization(text: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in text.removeprefix(_ALGORITHM).split(","))
    return {name: value for name, _, value in pairs}


def _signature(caller: Caller, headers: Mapping[str, str], signed: list[str], scope: str) -> str:
    """AWS Signature Version 4 of a POST of the fixed body to the root path."""
    lines = [f"{name}:{' '.join(headers.get(name, '').split())}" for name in signed]
    body_hash = hashlib.sha256(BODY.encode()).hexdigest()
    canonical = "\n".join(["POST", "/", "", *lines, "", ";".join(signed), body_hash])
    request_hash = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join([_ALGORITHM, headers.get("x-amz-date", ""), scope, request_hash])
    key = b"AWS4" + caller.secret_access_key.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
