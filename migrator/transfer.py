"""Streaming to and from a transfer prefix: S3 in the fleet, a folder for operators and benchmarks.

Memory stays flat: an upload holds at most three parts, a download one block. Every object gets
its sha256 while it passes; a reader that was told what to expect raises at the end if it differs,
and its user throws away what it made of the bytes.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from migrator.errors import JobFailure

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

BLOCK_BYTES = 1 << 20
_PARTS_IN_FLIGHT = 2
_READ_ATTEMPTS = 5
_SMALLEST_PART_BYTES = 5 << 20
_PARTS_BEFORE_GROWTH = 2000


class ByteSink(Protocol):
    """Takes bytes in order."""

    def write(self, data: bytes) -> int:
        """Take the next bytes; return how many."""
        ...


@dataclass(kw_only=True)
class Digest:
    """Size and sha256 of what has passed."""

    size_bytes: int = 0
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        self.size_bytes += len(data)
        self._hash.update(data)

    @property
    def sha256(self) -> str:
        """Hexadecimal, of everything so far."""
        return self._hash.hexdigest()


class Folder(Protocol):
    """A prefix that objects are written under and read from, by their name below it."""

    def writer(self, name: str) -> AbstractContextManager[DigestingSink]:
        """Write one object; it exists only when the block has ended without an error."""
        ...

    def blocks(self, name: str, sha256: str | None = None) -> Iterator[bytes]:
        """Yield an object's bytes; raises JobFailure at the end when the sha256 differs."""
        ...


class DigestingSink:
    """Passes bytes on to an upload or a file and keeps their digest."""

    def __init__(self, sink: ByteSink) -> None:
        self._sink = sink
        self.digest = Digest()

    def write(self, data: bytes) -> int:
        """Take the next bytes."""
        self.digest.update(data)
        self._sink.write(data)
        return len(data)


# --- S3 ------------------------------------------------------------------------------------


class S3Folder:
    """A prefix of a bucket."""

    def __init__(self, client: S3Client, bucket: str, prefix: str) -> None:
        self._client, self._bucket = client, bucket
        self._prefix = prefix.rstrip("/")

    def key(self, name: str) -> str:
        """Return the whole key of an object of this folder."""
        return f"{self._prefix}/{name}" if self._prefix else name

    @contextmanager
    def writer(self, name: str) -> Iterator[DigestingSink]:
        """Upload one object in parts; on any error (a stop included) the upload is aborted."""
        upload = _Upload(self._client, self._bucket, self.key(name))
        try:
            yield DigestingSink(upload)
            upload.complete()
        except BaseException:
            upload.abort()
            raise

    def blocks(self, name: str, sha256: str | None = None) -> Iterator[bytes]:
        """Stream one object; a broken connection goes on where it broke."""
        return _checked(
            _s3_blocks(self._client, self._bucket, self.key(name)),
            sha256,
            f"s3://{self._bucket}/{self.key(name)}",
        )


class _Upload:
    """A multipart upload whose parts are sent two at a time, behind the writer."""

    def __init__(self, client: S3Client, bucket: str, key: str) -> None:
        self._client, self._bucket, self._key = client, bucket, key
        self._buffer = bytearray()
        self._sent: list[CompletedPartTypeDef] = []
        self._pending: deque[Future[CompletedPartTypeDef]] = deque()
        self._number = 0
        self._pool = ThreadPoolExecutor(_PARTS_IN_FLIGHT, thread_name_prefix="upload")
        self._id = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]

    def write(self, data: bytes) -> int:
        self._buffer += data
        while len(self._buffer) >= (size := self._part_bytes()):
            part = bytes(memoryview(self._buffer)[:size])
            del self._buffer[:size]
            self._send(part)
        return len(data)

    def complete(self) -> None:
        if self._buffer or not self._number:
            self._send(bytes(self._buffer))
        while self._pending:
            self._sent.append(self._pending.popleft().result())
        self._pool.shutdown()
        self._client.complete_multipart_upload(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._id,
            MultipartUpload={"Parts": self._sent},
        )

    def abort(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        try:
            self._client.abort_multipart_upload(
                Bucket=self._bucket, Key=self._key, UploadId=self._id
            )
        except (ClientError, BotoCoreError):
            return  # the bucket's lifecycle rule for unfinished uploads removes it

    def _part_bytes(self) -> int:
        """5 MiB (the least that S3 takes), then 10, then 20: 10,000 parts hold 150 GB."""
        return _SMALLEST_PART_BYTES << min(self._number // _PARTS_BEFORE_GROWTH, 2)

    def _send(self, part: bytes) -> None:
        if len(self._pending) >= _PARTS_IN_FLIGHT:
            self._sent.append(self._pending.popleft().result())
        self._number += 1
        self._pending.append(self._pool.submit(self._put, self._number, part))

    def _put(self, number: int, part: bytes) -> CompletedPartTypeDef:
        answer = self._client.upload_part(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._id,
            PartNumber=number,
            Body=part,
        )
        return {"PartNumber": number, "ETag": answer["ETag"]}


def _s3_blocks(client: S3Client, bucket: str, key: str) -> Iterator[bytes]:
    answer = client.get_object(Bucket=bucket, Key=key)
    size, etag = answer["ContentLength"], answer["ETag"]
    body: StreamingBody = answer["Body"]
    at = failures = 0
    while at < size:
        try:
            block = body.read(BLOCK_BYTES)
        except (BotoCoreError, OSError):
            block = b""
        if block:
            at += len(block)
            failures = 0
            yield block
            continue
        failures += 1
        if failures >= _READ_ATTEMPTS:
            raise JobFailure(
                f"s3://{bucket}/{key} broke off after {at} of {size} bytes, {failures} times.",
                retryable=True,
            )
        body.close()
        body = client.get_object(Bucket=bucket, Key=key, Range=f"bytes={at}-", IfMatch=etag)["Body"]
    body.close()


# --- a folder on this machine --------------------------------------------------------------


class LocalFolder:
    """A folder; objects are files written beside and renamed when they are whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def writer(self, name: str) -> Iterator[DigestingSink]:
        """Write one file."""
        target = self._path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        with partial.open("wb") as file:
            yield DigestingSink(file)
        partial.replace(target)

    def blocks(self, name: str, sha256: str | None = None) -> Iterator[bytes]:
        """Stream one file."""
        path = self._path / name
        return _checked(file_blocks(path), sha256, str(path))


def file_blocks(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes."""
    with path.open("rb") as file:
        yield from stream_blocks(file)


def stream_blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield what is left of a stream."""
    while block := stream.read(BLOCK_BYTES):
        yield block


def _checked(blocks: Iterator[bytes], sha256: str | None, where: str) -> Iterator[bytes]:
    digest = Digest()
    for block in blocks:
        digest.update(block)
        yield block
    if sha256 is not None and digest.sha256 != sha256:
        raise JobFailure(
            f"{where} is not what was exported: its sha256 is {digest.sha256}, expected {sha256}. "
            "What was made of it is thrown away; export again."
        )
