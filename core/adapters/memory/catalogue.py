"""Twin of the platform's catalogue."""

from __future__ import annotations

from core.adapters.memory.world import World
from core.domain.catalogue import Package, Plugin, Template
from core.domain.job_models import ObjectLocation


class MemoryCatalogue:
    """Answers from the world's plugins and templates."""

    def __init__(self, world: World) -> None:
        self.world = world

    def plugin(self, slug: str) -> Plugin | None:
        return self.world.plugins.get(slug)

    def template(self, template_id: str) -> Template | None:
        return self.world.templates.get(template_id)

    def location(self, package: Package) -> ObjectLocation:
        return ObjectLocation(bucket=self.world.templates_bucket, key=package.key)
