"""A small catalogue for one machine: plugins and a template of our own, one of each kind.

Sources are in local/catalogue_sources/; packages are built from them when the fleet starts.
docs/howto/fill-the-catalogue.md does the same for a real environment.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.adapters.aws.catalogue import item_of
from core.domain.catalogue import (
    IncludedPlugin,
    Package,
    Plugin,
    PluginVersion,
    Template,
    Vulnerability,
)

if TYPE_CHECKING:
    from local.cloud import Cloud

SOURCES: Final = Path(__file__).with_name("catalogue_sources")
_ZIP_DATE: Final = (2020, 1, 1, 0, 0, 0)


def put_catalogue(cloud: Cloud, *, table: str, bucket: str) -> None:
    """Put every package into the templates bucket, and every item into the sites table."""
    for source, package in packages().items():
        cloud.s3.put_object(Bucket=bucket, Key=package.key, Body=zipped(SOURCES / source))
    for entry in entries():
        cloud.dynamodb.put_item(TableName=table, Item=item_of(entry))


def entries() -> tuple[Plugin | Template, ...]:
    """Return the catalogue: allowed, blocklisted, vulnerable, in conflict, and three that fail."""
    return (
        _plugin("notice-banner", "1.0.0", "1.1.0"),
        _plugin("ribbon", "1.0.0", conflicts=("notice-banner",)),
        _plugin(
            "old-gallery",
            "1.0.0",
            "1.2.0",
            vulnerabilities=(Vulnerability(identifier="DEMO-2026-0001", fixed_in="1.2.0"),),
        ),
        _plugin("broken-page", "1.0.0"),
        _plugin("no-start", "1.0.0"),
        _plugin("slow-start", "1.0.0"),
        Plugin(slug="coin-miner", blocklisted="it makes visitors' computers work for others"),
        Template(
            template_id="shop-window",
            theme="shop-window",
            plugins=(IncludedPlugin(slug="notice-banner"),),
            package=packages()["templates/shop-window"],
            minimum_wordpress="6.0",
            minimum_php="8.0",
        ),
        Template(
            template_id="tomorrow",
            theme="shop-window",
            package=packages()["templates/shop-window"],
            minimum_wordpress="99.0",
        ),
    )


def packages() -> dict[str, Package]:
    """Return the package of each source folder: plugins/<slug>-<version>, templates/<id>."""
    folders = (*(SOURCES / "plugins").iterdir(), *(SOURCES / "templates").iterdir())
    return {
        source: Package(
            key=f"{source}.zip", sha256=hashlib.sha256(zipped(SOURCES / source)).hexdigest()
        )
        for source in sorted(str(folder.relative_to(SOURCES)) for folder in folders)
    }


def zipped(folder: Path) -> bytes:
    """Return a folder as a zip file, the same bytes for the same files.

    A plugin's lies in a folder of its own name, as everywhere in WordPress' world.
    """
    top = f"{folder.name.rpartition('-')[0]}/" if folder.parent.name == "plugins" else ""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{top}{path.relative_to(folder)}", _ZIP_DATE)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return content.getvalue()


# --- private -------------------------------------------------------------------------------


def _plugin(
    slug: str,
    *versions: str,
    vulnerabilities: tuple[Vulnerability, ...] = (),
    conflicts: tuple[str, ...] = (),
) -> Plugin:
    known = packages()
    return Plugin(
        slug=slug,
        versions=tuple(
            PluginVersion(version=version, package=known[f"plugins/{slug}-{version}"])
            for version in versions
        ),
        vulnerabilities=vulnerabilities,
        conflicts=conflicts,
    )
