"""The environment's transfer bucket on S3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.session import AwsClients
from core.domain.errors import SitefleetError, TransientError
from core.domain.job_facts import JobResult
from core.domain.job_models import ObjectLocation
from core.domain.jobs import JobDescription, job_adapter
from core.domain.names import JobReference

MISSING: Final = frozenset({"NoSuchKey", "404", "NotFound"})
"""HeadObject has no body to carry a code: it says 404. Without s3:ListBucket both would say 403."""


class S3TransferStore:
    """Job descriptions and results, and what operations leave behind."""

    def __init__(self, *, clients: AwsClients, bucket: str) -> None:
        self._clients = clients
        self._bucket = bucket

    def location(self, key: str) -> ObjectLocation:
        return ObjectLocation(bucket=self._bucket, key=key)

    def put_description(self, reference: JobReference, description: JobDescription) -> None:
        key = reference.description_key
        with calling("S3", f"s3://{self._bucket}/{key}"):
            self._clients.s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=job_adapter.dump_json(description, by_alias=True),
                ContentType="application/json",
            )

    def result(self, reference: JobReference) -> JobResult | None:
        key = reference.result_key
        with calling("S3", f"s3://{self._bucket}/{key}"):
            try:
                answer = self._clients.s3.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if code_of(error) in MISSING:
                    return None
                raise
            return JobResult.model_validate_json(answer["Body"].read())

    def exists(self, key: str) -> bool:
        with calling("S3", f"s3://{self._bucket}/{key}"):
            try:
                self._clients.s3.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if code_of(error) in MISSING:
                    return False
                raise
        return True

    def delete_prefix(self, prefix: str) -> int:
        """Delete page by page; a page is at most 1,000 keys, as many as DeleteObjects takes."""
        if not prefix:
            raise SitefleetError("An empty prefix would delete the whole transfer bucket.")
        deleted = 0
        pages = self._clients.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        with calling("S3", f"s3://{self._bucket}/{prefix}"):
            for page in pages:
                keys = [found["Key"] for found in page.get("Contents", [])]
                self._delete(keys)
                deleted += len(keys)
        return deleted

    def _delete(self, keys: Sequence[str]) -> None:
        if not keys:
            return
        answer = self._clients.s3.delete_objects(
            Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
        errors = answer.get("Errors", [])
        if errors:
            codes = sorted({error.get("Code", "Unknown") for error in errors})
            raise TransientError(
                f"{len(errors)} objects in {self._bucket} were not deleted: {', '.join(codes)}."
            )
