"""Twin of the container registry."""

from __future__ import annotations

from core.adapters.memory.world import World
from core.domain.errors import ConfigurationError, NotFoundError


class MemoryImages:
    """Manifests by digest and tags; a copy takes the manifest from the source's world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def digest_of(self, tag: str) -> str:
        try:
            return self.world.image_tags[tag]
        except KeyError:
            raise NotFoundError(f"There is no image with the tag {tag}.") from None

    def find_digest(self, tag: str) -> str | None:
        return self.world.image_tags.get(tag)

    def present(self, digest: str) -> bool:
        return digest in self.world.images

    def copy_from_source(self, digest: str, tag: str, *, operation_id: str) -> None:
        if self.world.source is None:
            raise ConfigurationError(f"{self.world.environment} has no source environment.")
        self.world.source.role_sessions.append(operation_id)
        if digest not in self.world.source.images:
            raise NotFoundError(f"The source has no image {digest}.")
        self.world.images[digest] = self.world.source.images[digest]
        self.world.image_tags[tag] = digest

    def tag(self, digest: str, tag: str) -> None:
        if not self.present(digest):
            raise NotFoundError(f"There is no image {digest} to tag.")
        self.world.image_tags[tag] = digest

    def untag(self, tag: str) -> None:
        digest = self.world.image_tags.pop(tag, None)
        if digest is not None and digest not in self.world.image_tags.values():
            del self.world.images[digest]
