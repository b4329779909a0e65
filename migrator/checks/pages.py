"""Do the pages answer (front page, REST, login, sitemap), and is the front page not empty."""

from __future__ import annotations

from core.domain.job_models import Check
from migrator.checks.subjects import Outside
from migrator.checks.verdicts import verdict

FRONT, REST, LOGIN, SITEMAP = "/", "/wp-json/", "/wp-login.php", "/wp-sitemap.xml"
REST_CONTENT = (
    "/wp-json/wp/v2/pages?per_page=20&_fields=id,link,title,content,excerpt,yoast_head_json",
    "/wp-json/wp/v2/posts?per_page=20&_fields=id,link,title,content,excerpt,yoast_head_json",
)
"""Without `guid`: it is an identity and keeps the address it was made with."""
SMALLEST_PAGE_BYTES = 64


def page_not_empty(site: Outside) -> Check:
    """A 200 with nothing in it: the file system or the theme is not there."""
    page, content = site.visitor.get(FRONT), site.content
    problems = []
    if len(page.body.strip()) < SMALLEST_PAGE_BYTES:
        problems.append(f"the front page has {len(page.body)} bytes")
    elif not content.visible_characters:
        problems.append(f"the front page has {len(page.body)} bytes and no visible text")
    return verdict(
        "page not empty",
        problems,
        f"{len(page.body)} bytes, {content.visible_characters} visible characters",
    )


def answers_200(site: Outside) -> Check:
    """The three doors of a WordPress."""
    pages = [site.visitor.get(path) for path in (FRONT, REST, LOGIN)]
    problems = [page.problem for page in pages if page.problem]
    problems += [f"{page.path}: 0 bytes" for page in pages if not page.problem and not page.body]
    return verdict("front page, REST and login answer 200", problems, "/, /wp-json/, /wp-login.php")


def sitemap(site: Outside) -> Check:
    """The sitemap, wherever an SEO plugin has moved it; a site hidden from search has none."""
    name = "sitemap answers 200"
    if site.discouraged:
        return verdict(name, [], "not offered: the site asks search engines to stay away")
    page = site.visitor.follow(SITEMAP)
    problems = [page.problem] if page.problem else []
    if not problems and b"<" not in page.body:
        problems.append(f"{page.path}: no XML in {len(page.body)} bytes")
    return verdict(name, problems, f"{page.path}, {len(page.body)} bytes")
