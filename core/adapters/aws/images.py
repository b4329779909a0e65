"""The WordPress image in this account's registry (ECR), and its copy from the source's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.image_layers import LayerCopy
from core.adapters.aws.session import AwsClients, SourceAccount
from core.domain.errors import ConfigurationError, NotFoundError, SitefleetError

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr.type_defs import ImageIdentifierTypeDef, ImageTypeDef

MEDIA_TYPES: Final = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
ALREADY_THERE: Final = frozenset({"ImageAlreadyExistsException", "ImageTagAlreadyExistsException"})
NO_REPOSITORY: Final = "RepositoryNotFoundException"


class EcrImages:
    """Images are known by digest; the registry itself refuses a manifest whose digest differs."""

    def __init__(
        self,
        *,
        clients: AwsClients,
        repository: str,
        layers: LayerCopy,
        source: SourceAccount | None = None,
    ) -> None:
        self._clients = clients
        self._repository = repository
        self._layers = layers
        self._source = source

    def digest_of(self, tag: str) -> str:
        digest = self.find_digest(tag)
        if digest is None:
            raise NotFoundError(f"There is no image {self._repository}:{tag}.")
        return digest

    def find_digest(self, tag: str) -> str | None:
        found = self._find(self._clients.ecr, {"imageTag": tag})
        return found["imageId"]["imageDigest"] if found else None

    def present(self, digest: str) -> bool:
        return self._find(self._clients.ecr, {"imageDigest": digest}) is not None

    def copy_from_source(self, digest: str, tag: str, *, operation_id: str) -> None:
        """Copy what is missing, children of a multi-platform image first, and tag it last."""
        if self._source is None:
            raise ConfigurationError("This environment has no source account to copy from.")
        source = self._source.clients(operation_id).ecr
        self._layers.begin()
        self._copy(source, digest, tag)

    def tag(self, digest: str, tag: str) -> None:
        found = self._find(self._clients.ecr, {"imageDigest": digest})
        if found is None:
            raise NotFoundError(f"There is no image {self._repository}@{digest} to tag.")
        self._put(found, digest, tag)

    def untag(self, tag: str) -> None:
        """Remove a tag. ECR deletes an image with its last tag: live ones keep another."""
        with calling("ECR", f"image {self._repository}:{tag}"):
            self._clients.ecr.batch_delete_image(
                repositoryName=self._repository, imageIds=[{"imageTag": tag}]
            )

    # --- copying -----------------------------------------------------------------------------

    def _copy(self, source: ECRClient, digest: str, tag: str | None) -> None:
        found = self._find(source, {"imageDigest": digest})
        if found is None:
            raise NotFoundError(f"The source has no image {self._repository}@{digest}.")
        manifest = json.loads(found["imageManifest"])
        for child in manifest.get("manifests", []):
            self._copy(source, child["digest"], None)
        self._layers.copy(source, self._clients.ecr, self._repository, _blobs(manifest))
        self._put(found, digest, tag)

    def _find(self, ecr: ECRClient, image: ImageIdentifierTypeDef) -> ImageTypeDef | None:
        with calling("ECR", f"repository {self._repository}"):
            try:
                answer = ecr.batch_get_image(
                    repositoryName=self._repository,
                    imageIds=[image],
                    acceptedMediaTypes=list(MEDIA_TYPES),
                )
            except ClientError as error:
                if code_of(error) == NO_REPOSITORY:
                    raise NotFoundError(
                        f"There is no repository {self._repository} in this account."
                    ) from error
                raise
        return answer["images"][0] if answer["images"] else None

    def _put(self, image: ImageTypeDef, digest: str, tag: str | None) -> None:
        request: dict[str, Any] = {
            "repositoryName": self._repository,
            "imageManifest": image["imageManifest"],
            "imageDigest": digest,
        }
        if "imageManifestMediaType" in image:
            request["imageManifestMediaType"] = image["imageManifestMediaType"]
        if tag is not None:
            request["imageTag"] = tag
        with calling("ECR", f"image {self._repository}@{digest}"):
            try:
                stored = self._clients.ecr.put_image(**request)["image"]
            except ClientError as error:
                if code_of(error) in ALREADY_THERE:
                    return
                raise
        if stored["imageId"]["imageDigest"] != digest:
            raise SitefleetError(
                f"The registry stored {stored['imageId']['imageDigest']} instead of {digest}."
            )


def _blobs(manifest: dict[str, Any]) -> Sequence[str]:
    """Return the digests of what a manifest consists of: its configuration and its layers."""
    parts = [manifest["config"]] if "config" in manifest else []
    return [part["digest"] for part in [*parts, *manifest.get("layers", [])]]
