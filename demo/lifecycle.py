"""The site of dev goes on living: it gets a plugin, is deleted, and comes back from its backup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from demo.customer import OK, Visitor
from demo.proof import Finding
from demo.requests import SITE, TENANT, request
from demo.work import Work

BANNER = "Closed on Monday"
OF_THE_MOMENT = re.compile(r'nonce["\']?\s*[:=]\s*["\'][0-9a-f]{10}')
"""What two answers of an untouched WordPress differ in."""
LOOKED_AT = ("/", "/about-us/", "/ripe-today/")


def with_a_plugin(work: Work, run: str, visitor: Visitor) -> Iterator[Finding]:
    """Install and configure a plugin of the catalogue; look at the page."""
    before = visitor.get("/")[1]
    plugins = {
        "install": [{"slug": "notice-banner", "version": "1.1.0"}],
        "configure": {"notice-banner": {"notice_banner_text": BANNER}},
    }
    work.do("dev", "update", _request("UPDATE", run, changes={"plugins": plugins}))
    status, page = visitor.get("/")
    yield Finding(
        what="the plugin that was installed and configured is to be seen on the page",
        held=status == OK and BANNER in page and BANNER not in before,
        evidence=BANNER,
    )


def deleted_and_restored(work: Work, run: str, visitor: Visitor) -> Iterator[Finding]:
    """Delete the site, see that it is gone, restore it, and compare its pages."""
    before = {path: _body(visitor, path) for path in LOOKED_AT}
    deleted = work.do("dev", "deletion", _request("DELETION", run, reason="The demo ends."))
    gone, _ = visitor.get("/")
    yield Finding(
        what="the deleted site answers no more", held=gone != OK, evidence=f"status {gone}"
    )
    backup_id = str(deleted.summary["backupId"])
    work.do("dev", "creation", _request("RESTORE", run, backupId=backup_id))
    after = {path: _body(visitor, path) for path in LOOKED_AT}
    different = [path for path in LOOKED_AT if after[path] != before[path]]
    yield Finding(
        what="the restored site's pages are what they were before it was deleted",
        held=not different and all(text for text in before.values()),
        evidence=f"different: {', '.join(different)}" if different else f"{len(after)} pages",
    )


def _request(kind: str, run: str, **payload: Any) -> dict[str, Any]:
    about = {"siteId": SITE, "tenantId": TENANT, **payload}
    return request(f"SITE_{kind}_REQUEST", f"demo-{kind.lower()}-{run}", about)


def _body(visitor: Visitor, path: str) -> str:
    """Return a page without its headers; empty when it does not answer."""
    status, text = visitor.get(path)
    return OF_THE_MOMENT.sub("", text.partition("\n\n")[2]) if status == OK else ""
