"""Asks AWS whose signature a proof carries: the region's own STS endpoint, and nothing else.

The request is fixed: POST, one URL, one body, the headers that a proof may have. What comes back
is an ARN or a refusal. AWS repeats headers in the message of a refusal, so only its code is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from http import HTTPStatus
from typing import Final

import urllib3

from core.adapters.aws.errors import TRANSIENT_CODES
from core.domain.errors import RefusedError, TransientError
from core.domain.proof import ALLOWED_HEADERS, BODY, StsEndpoint
from events.vocabulary import ErrorCode

CONNECT_TIMEOUT_SECONDS: Final = 3
READ_TIMEOUT_SECONDS: Final = 7
_MOST_ANSWER_BYTES: Final = 65_536
_EXPIRED_CODES: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_BUSY_CODES: Final = TRANSIENT_CODES - _EXPIRED_CODES
_BUSY_STATUSES: Final = frozenset({408, 425, 429})

# The answer is a handful of elements without attributes; a pattern knows no entities to expand.
_ANSWER: Final = re.compile(r"\s*(?:<\?xml[^<>]*\?>\s*)?<GetCallerIdentityResponse[\s>]")
_ARN_ELEMENT: Final = re.compile(r"<Arn>([^<>]{1,2048})</Arn>")
_ARN: Final = re.compile(r"arn:[a-z-]+:(?:iam|sts)::\d{12}:[\x21-\x7e]+", re.ASCII)
_CODE_ELEMENT: Final = re.compile(r"<Code>([A-Za-z.]{1,64})</Code>")


class StsCallerIdentity:
    """Shows proofs to one STS endpoint."""

    def __init__(self, endpoint: StsEndpoint) -> None:
        self.endpoint = endpoint
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=READ_TIMEOUT_SECONDS)
        self._pool = urllib3.PoolManager(retries=False, timeout=timeout)

    def ask(self, headers: Mapping[str, str]) -> str:
        status, text = self._post(headers)
        if status == HTTPStatus.OK:
            return _arn(text)
        found = _CODE_ELEMENT.search(text)
        code = found[1] if found else str(status)
        client_error = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        if not client_error or status in _BUSY_STATUSES or code in _BUSY_CODES:
            raise TransientError(f"STS did not say whose proof this is this time: {code}.")
        raise RefusedError(ErrorCode.PROM_003, _why(code))

    def _post(self, headers: Mapping[str, str]) -> tuple[int, str]:
        """Send it once; a redirect is an answer like any other, and never followed."""
        try:
            answer = self._pool.request(
                "POST",
                self.endpoint.url,
                headers=self._sent(headers),
                body=BODY.encode(),
                redirect=False,
                preload_content=False,
            )
            try:
                content = answer.read(_MOST_ANSWER_BYTES, decode_content=False)
            finally:
                answer.close()
        except urllib3.exceptions.HTTPError as error:
            raise TransientError(
                f"STS did not answer whose proof this is ({type(error).__name__})."
            ) from error
        return answer.status, content.decode("utf-8", "replace")

    def _sent(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return what a proof may have and nothing else; the host is ours whatever it says."""
        lowered = {name.lower(): value for name, value in headers.items()}
        allowed = {name: value for name, value in lowered.items() if name in ALLOWED_HEADERS}
        return {
            **allowed,
            "host": self.endpoint.host,
            "content-length": str(len(BODY)),
            "accept-encoding": "identity",
            "user-agent": "sitefleet",
        }


def _arn(text: str) -> str:
    elements = _ARN_ELEMENT.findall(text) if _ANSWER.match(text) else []
    arns = {unescape(element) for element in elements}
    arn = arns.pop() if len(arns) == 1 else ""
    if not _ARN.fullmatch(arn):
        raise TransientError("What answered for STS does not speak as STS does.")
    return arn


def _why(code: str) -> str:
    if code in _EXPIRED_CODES:
        what = "the credentials that signed it, or the signature itself, have expired. Sign in"
    elif code == "SignatureDoesNotMatch":
        what = "something in it was changed after it was signed. Sign it"
    else:
        what = "the credentials that signed it are not valid. Sign in"
    return f"AWS refused the proof of who decides ({code}): {what} again and send a new proof."
