"""Twin of the transfer bucket."""

from __future__ import annotations

from core.adapters.memory.world import World
from core.domain.errors import SitefleetError
from core.domain.job_facts import JobResult
from core.domain.job_models import ObjectLocation
from core.domain.jobs import JobDescription, job_adapter
from core.domain.names import JobReference


class MemoryTransfer:
    """Objects by key, as bytes: what is written is what would stand in the bucket."""

    def __init__(self, world: World) -> None:
        self.world = world

    def location(self, key: str) -> ObjectLocation:
        return ObjectLocation(bucket=self.world.transfer_bucket, key=key)

    def put_description(self, reference: JobReference, description: JobDescription) -> None:
        content = job_adapter.dump_json(description, by_alias=True)
        self.world.objects[reference.description_key] = content

    def result(self, reference: JobReference) -> JobResult | None:
        content = self.world.objects.get(reference.result_key)
        return None if content is None else JobResult.model_validate_json(content)

    def exists(self, key: str) -> bool:
        return key in self.world.objects

    def delete_prefix(self, prefix: str) -> int:
        if not prefix:
            raise SitefleetError("An empty prefix would delete the whole transfer bucket.")
        keys = [key for key in self.world.objects if key.startswith(prefix)]
        for key in keys:
            del self.world.objects[key]
        return len(keys)
