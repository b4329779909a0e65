"""Makes the proof of who decides, from the credentials of whoever runs the command.

What comes out are the headers of an sts:GetCallerIdentity request that is signed but not sent:
the fleet sends it, and learns from AWS itself who signed.
"""

from __future__ import annotations

from datetime import UTC, datetime

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials

from core.domain.proof import BODY, CONTENT_TYPE, ProofBinding, StsEndpoint

_ALGORITHM = "AWS4-HMAC-SHA256"


def signed_proof(
    credentials: Credentials | ReadOnlyCredentials,
    region: str,
    endpoint: str | None,
    binding: ProofBinding,
    now: datetime,
) -> dict[str, str]:
    """Return the headers of a proof; `endpoint` is the one machine's URL, None on AWS.

    The region is that of the environment where the decision counts, not the caller's own.
    """
    place = (
        StsEndpoint.of_one_machine(region, endpoint) if endpoint else StsEndpoint.of_region(region)
    )
    timestamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        **binding.headers,
        "content-type": CONTENT_TYPE,
        "host": place.host,
        "x-amz-date": timestamp,
    }
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    request = AWSRequest(method="POST", url=place.url, headers=headers, data=BODY)
    request.context["timestamp"] = timestamp
    return {**headers, "authorization": _authorization(credentials, region, request)}


def _authorization(
    credentials: Credentials | ReadOnlyCredentials, region: str, request: AWSRequest
) -> str:
    signer = SigV4Auth(credentials, "sts", region)
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    signed = signer.signed_headers(signer.headers_to_sign(request))
    return (
        f"{_ALGORITHM} Credential={signer.scope(request)}, "
        f"SignedHeaders={signed}, Signature={signature}"
    )
