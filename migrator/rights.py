"""Rights tried before they are needed: each is used once, leaves nothing behind, and is a check.

What is missing is told by the sentence that the failing call itself would have ended with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pymysql
from botocore.exceptions import BotoCoreError, ClientError

from core.adapters.aws.retries import waiting_for
from core.domain.job_models import Check
from migrator.errors import JobFailure
from migrator.explanations import explain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_s3 import S3Client

    from core.domain.job_models import ObjectLocation
    from migrator.services import Services

_OUTSIDE = (JobFailure, pymysql.MySQLError, ClientError, BotoCoreError, OSError)
_PROBE = "rights-probe"
_REFUSED = frozenset({"AccessDenied", "AllAccessDisabled", "403"})


def tried(name: str, attempt: Callable[[], str], *, patience_seconds: int = 20) -> Check:
    """Make an attempt that returns what it proved; an outside refusal becomes a failed check.

    What passes by itself (a database that restarts, a throttled call) is waited for: it is no
    right that lacks.
    """
    try:
        evidence = waiting_for(_passes, patience_seconds)(attempt)
        return Check(name=name, passed=True, evidence=evidence)
    except _OUTSIDE as error:
        return Check(name=name, passed=False, evidence=explain(error).message)


def _passes(error: BaseException) -> bool:
    return isinstance(error, _OUTSIDE) and explain(error).retryable


def missing(checks: Iterable[Check]) -> str:
    """Return the sentence about what is missing; empty when nothing is."""
    return " ".join(f"{check.name}: {check.evidence}" for check in checks if not check.passed)


def can_write(s3: S3Client, prefix: ObjectLocation) -> str:
    """Begin an upload below a prefix, send a part, and abort it: no object ever exists.

    These are the calls (and the use of the bucket's key) that a dump is written with; a role that
    writes needs no right to delete.
    """
    key = f"{prefix.key.rstrip('/')}/{_PROBE}"
    upload = s3.create_multipart_upload(Bucket=prefix.bucket, Key=key)["UploadId"]
    try:
        s3.upload_part(Bucket=prefix.bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"probe")
    finally:
        s3.abort_multipart_upload(Bucket=prefix.bucket, Key=key, UploadId=upload)
    return f"s3://{prefix.bucket}/{prefix.key} may be written to."


def can_read(services: Services, prefix: ObjectLocation) -> str:
    """Ask for an object that is not there: "not there" is an answer only a reader gets."""
    key = f"{prefix.key.rstrip('/')}/{_PROBE}"
    try:
        services.s3.head_object(Bucket=prefix.bucket, Key=key)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _REFUSED:
            raise JobFailure(
                f"s3://{prefix.bucket}/{prefix.key} may not be read ({code}). The bucket's policy "
                "or the task's role lacks s3:GetObject or s3:ListBucket there."
            ) from None
        if code not in {"404", "NoSuchKey"}:
            raise
    return f"s3://{prefix.bucket}/{prefix.key} may be read."
