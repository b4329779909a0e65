"""Every link leads somewhere, every page can be reached."""

from __future__ import annotations

from pages import PAGES, ROOT, Page, pages

GENERATED = {"docs/reference/messages.md", "docs/reference/error-codes.md"}


def test_links_resolve(page):
    broken = []
    for link in page.links:
        if link.startswith("https://"):
            continue
        target, _, anchor = link.partition("#")
        path = (page.path.parent / target).resolve() if target else page.path
        if not path.exists():
            broken.append(f"{link}: no such file")
        elif anchor and anchor not in Page(path=path, text=path.read_text()).anchors:
            broken.append(f"{link}: no such heading")
    assert broken == []


def test_links_stay_in_the_project(page):
    outside = [
        link
        for link in page.links
        if not link.startswith("https://")
        and not (page.path.parent / link.partition("#")[0]).resolve().is_relative_to(ROOT)
    ]
    assert outside == []


def test_every_page_is_reached_from_the_readme():
    by_path = {page.path: page for page in pages()}
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or path not in by_path:
            continue
        reached.add(path)
        page = by_path[path]
        waiting += [(path.parent / link.partition("#")[0]).resolve() for link in page.links]
    assert sorted(set(PAGES) - reached) == []
