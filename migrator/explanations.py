"""Errors explained: a sentence, a code, and whether to try again; never a value of the site's."""

from __future__ import annotations

import errno

import pymysql
from botocore.exceptions import BotoCoreError, ClientError

from core.domain.errors import SitefleetError, TransientError
from core.domain.job_facts import JobError
from events.vocabulary import ErrorCode
from migrator.errors import PASSING_SQL_ERRORS, JobFailure

_SENTENCE_CHARACTERS = 900
_LASTING = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
"""What a file system goes on refusing until somebody gives the right."""
_TRANSIENT_AWS = frozenset(
    {"SlowDown", "InternalError", "ServiceUnavailable", "ThrottlingException", "RequestTimeout"}
)


def explain(error: Exception) -> JobError:
    """Return the sentence, the code and whether to try again; never a value of the site's data."""
    if isinstance(error, JobFailure):
        return job_error(error.message, retryable=error.retryable, code=error.code)
    if isinstance(error, SitefleetError):
        return job_error(str(error), retryable=isinstance(error, TransientError), code=error.code)
    message, retryable = _outside(error)
    return job_error(message, retryable=retryable)


def job_error(message: str, *, retryable: bool, code: ErrorCode = ErrorCode.SYS_001) -> JobError:
    """Return a sentence as a job's error, cut to what a record holds."""
    return JobError(code=code, message=message[:_SENTENCE_CHARACTERS], retryable=retryable)


def _outside(error: Exception) -> tuple[str, bool]:
    """Explain an error of a library: what answered, and with which number or code."""
    name = type(error).__name__
    match error:
        case pymysql.MySQLError():
            number = error.args[0] if error.args else "?"
            passing = number in PASSING_SQL_ERRORS
            return f"The database answered with error {number} ({name}).", passing
        case ClientError():
            code = error.response["Error"]["Code"]
            return (
                f"AWS refused {error.operation_name} ({code}). Check that the object exists and "
                "that the task's role and the bucket's policy allow it."
            ), code in _TRANSIENT_AWS
        case BotoCoreError():
            return f"AWS did not answer ({name}). Run the job again.", True
        case OSError():
            where = error.filename or "no file"
            lasting = error.errno in _LASTING
            return (
                f"The system refused a file or connection: {error.strerror} ({where}).",
                not lasting,
            )
    return (
        f"The job broke unexpectedly ({name}): a defect of the migrator. Its log holds the place."
    ), False
