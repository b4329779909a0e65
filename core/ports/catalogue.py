"""The platform's catalogue of templates and plugins: the fleet reads it and never writes."""

from __future__ import annotations

from typing import Protocol

from core.domain.catalogue import Package, Plugin, Template
from core.domain.job_models import ObjectLocation


class Catalogue(Protocol):
    """Templates and plugins by their ids, and where their packages are."""

    def plugin(self, slug: str) -> Plugin | None:
        """Return the plugin, whether sites may have it or not; None: nobody has vetted it."""
        ...

    def template(self, template_id: str) -> Template | None:
        """Return the template."""
        ...

    def location(self, package: Package) -> ObjectLocation:
        """Return where a package's zip file is."""
        ...
