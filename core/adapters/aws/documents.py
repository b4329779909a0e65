"""Texts that are kept for people, as objects of the transfer bucket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.session import AwsClients
from core.adapters.aws.transfer import MISSING

CONTENT_TYPES: Final = {"json": "application/json", "html": "text/html; charset=utf-8"}
PLAIN: Final = "text/plain; charset=utf-8"


class S3Documents:
    """Written only where it differs: a repeated put makes no new version of the object."""

    def __init__(self, *, clients: AwsClients, bucket: str) -> None:
        self._clients = clients
        self._bucket = bucket

    def put(self, key: str, text: str) -> None:
        if self.get(key) == text:
            return
        with calling("S3", f"s3://{self._bucket}/{key}"):
            self._clients.s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=text.encode(),
                ContentType=CONTENT_TYPES.get(key.rpartition(".")[2], PLAIN),
            )

    def get(self, key: str) -> str | None:
        with calling("S3", f"s3://{self._bucket}/{key}"):
            try:
                answer = self._clients.s3.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if code_of(error) in MISSING:
                    return None
                raise
            return answer["Body"].read().decode()

    def keys(self, prefix: str) -> Sequence[str]:
        with calling("S3", f"s3://{self._bucket}/{prefix}"):
            pages = self._clients.s3.get_paginator("list_objects_v2")
            found = pages.paginate(Bucket=self._bucket, Prefix=prefix)
            return sorted(item["Key"] for page in found for item in page.get("Contents", []))
