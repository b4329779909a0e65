"""Does everything the front page needs load, and over https only."""

from __future__ import annotations

from core.domain.job_models import Check
from migrator.checks.subjects import Outside
from migrator.checks.verdicts import verdict

_MOST = 400


def assets_load(site: Outside) -> Check:
    """Every stylesheet, script and image on the site's own host."""
    visitor = site.visitor
    wanted = dict.fromkeys(visitor.local_path(item) for item in site.content.must_load)
    paths = [path for path in wanted if path is not None][:_MOST]
    problems = []
    for path in paths:
        page = visitor.probe(path)
        if page.problem:
            problems.append(page.problem)
        elif not page.body:
            problems.append(f"{path}: 0 bytes")
    return verdict("assets of the front page load", problems, f"{len(paths)} loaded")


def no_mixed_content(site: Outside) -> Check:
    """An http:// asset is blocked by browsers on an https page: the styling is gone."""
    assets = site.content.assets
    problems = [item for item in assets if item.lower().startswith("http://")]
    if not site.visitor.site_url.startswith("https://"):
        problems = []
    return verdict("no http:// asset", list(dict.fromkeys(problems)), f"{len(assets)} references")
