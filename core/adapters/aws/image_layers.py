"""Copying the layers of an image between two registries, without a docker daemon.

A layer is read from the source's download URL and written in parts; ECR checks its digest when the
upload is completed. A layer that is already there is skipped, so a copy that runs out of time goes
on with the next layer when the step is run again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

import urllib3

from core.adapters.aws.errors import calling
from core.domain.errors import SitefleetError, TransientError, UnfinishedError
from core.ports.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

PART_BYTES: Final = 10 * 1024 * 1024
"""ECR takes parts of up to 20 MB and at least 5 MB, but for the last."""
COPY_SECONDS: Final = 40
"""What a step's 60 s leave for copying."""


class Download(Protocol):
    """Reads a URL in pieces of about PART_BYTES."""

    def __call__(self, url: str) -> Iterator[bytes]: ...


def https_download(url: str) -> Iterator[bytes]:
    """Read the pre-signed URL of a layer; only over https."""
    if urlsplit(url).scheme != "https":
        raise SitefleetError("The registry gave a download address that is not https.")
    timeout = urllib3.Timeout(connect=3, read=10)
    with _translated(), urllib3.PoolManager(retries=False, timeout=timeout) as pool:
        answer = pool.request("GET", url, preload_content=False, redirect=False)
        try:
            if answer.status != HTTPStatus.OK:
                raise TransientError(f"A layer's download answered {answer.status}.")
            yield from answer.stream(PART_BYTES)
        finally:
            answer.release_conn()


class LayerCopy:
    """Copies the layers of one image within the time that one step has."""

    def __init__(self, *, clock: Clock, download: Download = https_download) -> None:
        self._clock = clock
        self._download = download
        self._deadline: datetime | None = None

    def begin(self) -> None:
        """Start the time that a copy may take."""
        self._deadline = self._clock.now() + timedelta(seconds=COPY_SECONDS)

    def copy(
        self, source: ECRClient, target: ECRClient, repository: str, digests: Sequence[str]
    ) -> None:
        """Copy each layer that the target has not; TransientError when the time is up."""
        for digest in _missing(target, repository, digests):
            with calling("ECR", f"layer {digest} of the source"):
                url = source.get_download_url_for_layer(
                    repositoryName=repository, layerDigest=digest
                )["downloadUrl"]
            self._upload(target, repository, digest, self._download(url))

    def _upload(
        self, target: ECRClient, repository: str, digest: str, content: Iterator[bytes]
    ) -> None:
        checksum = hashlib.sha256()
        with calling("ECR", f"layer {digest} of {repository}"):
            upload_id = target.initiate_layer_upload(repositoryName=repository)["uploadId"]
            first = 0
            for part in _parts(content):
                self._check_time(digest)
                checksum.update(part)
                target.upload_layer_part(
                    repositoryName=repository,
                    uploadId=upload_id,
                    partFirstByte=first,
                    partLastByte=first + len(part) - 1,
                    layerPartBlob=part,
                )
                first += len(part)
            if f"sha256:{checksum.hexdigest()}" != digest:
                raise TransientError(f"Layer {digest} arrived damaged; it is copied again.")
            target.complete_layer_upload(
                repositoryName=repository, uploadId=upload_id, layerDigests=[digest]
            )

    def _check_time(self, digest: str) -> None:
        if self._deadline is not None and self._clock.now() >= self._deadline:
            raise UnfinishedError(
                f"The copy of the image goes on with layer {digest} next time.",
                retry_after_seconds=1,
            )


def _missing(target: ECRClient, repository: str, digests: Sequence[str]) -> Sequence[str]:
    wanted = list(dict.fromkeys(digests))
    if not wanted:
        return []
    with calling("ECR", f"layers of {repository}"):
        answer = target.batch_check_layer_availability(
            repositoryName=repository, layerDigests=wanted
        )
    there = {
        layer.get("layerDigest")
        for layer in answer["layers"]
        if layer.get("layerAvailability") == "AVAILABLE"
    }
    return [digest for digest in wanted if digest not in there]


def _parts(content: Iterator[bytes]) -> Iterator[bytes]:
    """Gather small reads into parts of at least PART_BYTES, but for the last."""
    buffer = bytearray()
    for piece in content:
        buffer += piece
        if len(buffer) >= PART_BYTES:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except urllib3.exceptions.HTTPError as error:
        raise TransientError(f"A layer's download broke ({type(error).__name__}).") from error
