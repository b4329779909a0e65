"""The comprehensive checks: every page of the sitemap, and a real browser without a network."""

from pathlib import Path

import pytest

from migrator.checks import sitemap_pages
from migrator.checks.browser import Browser
from migrator.checks.sitemap_pages import every_page_answers
from migrator.checks.visits import Address, Visitor
from migrator.errors import JobFailure
from tests.migrator.stub_site import PAGE, URL, Stub

INDEX = "<sitemapindex><sitemap><loc>https://shop.test/posts.xml</loc></sitemap></sitemapindex>"
PAGES = """<urlset><url><loc>https://shop.test/</loc></url><url><loc>
<![CDATA[https://shop.test/a?x=1&amp;y=2]]></loc></url><url><loc>https://else.test/</loc></url></urlset>"""


@pytest.fixture
def stub():
    with Stub() as site:
        yield site


def visitor(site):
    return Visitor(site_url=URL, address=Address.parse(site.address, public=False))


def pages(site):
    site.pages |= {"/wp-sitemap.xml": INDEX, "/posts.xml": PAGES}
    return every_page_answers(visitor(site), discouraged=False)


class TestSitemap:
    def test_every_page_is_visited_and_counted(self, stub):
        stub.pages["/a"] = PAGE
        check = pages(stub)
        assert (check.passed, check.evidence) == (
            True, "2 of 2 pages visited, 1 of other hosts left out",
        )  # fmt: skip

    def test_a_page_that_is_gone_empty_or_complains_fails(self, stub):
        assert pages(stub).evidence == "/a?x=1&y=2: status 404"
        stub.pages["/a"] = " "
        assert pages(stub).evidence == "/a?x=1&y=2: 1 bytes"
        stub.pages["/a"] = f"{PAGE}<b>Deprecated</b>: x in <b>/a/b.php</b> on line <b>1</b>"
        assert "Deprecated" in pages(stub).evidence

    def test_a_sitemap_that_is_gone_or_lists_nothing_fails(self, stub):
        stub.pages["/wp-sitemap.xml"] = "<urlset/>"
        check = every_page_answers(visitor(stub), discouraged=False)
        assert check.evidence == "/wp-sitemap.xml lists no page of this site"
        del stub.pages["/wp-sitemap.xml"]
        check = every_page_answers(visitor(stub), discouraged=False)
        assert check.evidence == "/wp-sitemap.xml: status 404"
        assert every_page_answers(visitor(stub), discouraged=True).passed

    def test_a_large_site_is_visited_up_to_a_bound_and_the_evidence_says_so(
        self, stub, monkeypatch
    ):
        monkeypatch.setattr(sitemap_pages, "MOST_PAGES", 1)
        assert "1 of 2 pages visited" in pages(stub).evidence

    def test_sitemaps_that_list_each_other_end(self, stub):
        stub.pages["/wp-sitemap.xml"] = INDEX.replace("posts", "wp-sitemap")
        assert not every_page_answers(visitor(stub), discouraged=False).passed


def shown(site, page: str | None = None):
    if page is not None:
        site.pages["/"] = f"<html><head><title>x</title></head><body>{page}</body></html>"
    return Browser(Path("/usr/bin/chromium")).shows(visitor(site))


TEXT = "<p>Hello</p>"
SHOWN_WRONG = {
    "an uncaught error": (f"{TEXT}<script src=/app.js></script>", "script: own at https://shop.test/app.js"),
    "an error that comes later": (f"{TEXT}<script>setTimeout(() => null.x, 10)</script>", "null"),
    "a rejected promise": (f"{TEXT}<script>Promise.reject(Error('late'))</script>", "late"),
    "a script that is no script": (f"{TEXT}<script>let x = ;</script>", "Unexpected token"),
    "a stylesheet gone": (f"{TEXT}<link rel=stylesheet href=/no.css>", "/no.css: status 404"),
    "a script's request refused": (f"{TEXT}<script>fetch('/no')</script>", "/no: status 404"),
    "no text to see": ("<p style='display:none'>Hello</p>", "the page shows no text"),
}  # fmt: skip


class TestBrowser:
    def test_a_good_page_is_shown_with_everything_that_it_loads(self, stub):
        check = shown(stub)
        assert check.passed, check.evidence
        assert "5 requests answered" in check.evidence
        assert {item["Host"] for item in stub.asked} == {"shop.test"}
        assert {item["X-Forwarded-Proto"] for item in stub.asked} == {"https"}

    @pytest.mark.parametrize(("page", "evidence"), SHOWN_WRONG.values(), ids=SHOWN_WRONG)
    def test_what_a_visitor_would_notice_fails(self, stub, page, evidence):
        stub.pages["/app.js"] = 'throw new Error("own")'
        check = shown(stub, page)
        assert not check.passed
        assert evidence in check.evidence

    def test_nothing_that_could_write_and_no_other_host_is_reached(self, stub):
        with Stub() as other:
            away = f"http://{other.address}"
            check = shown(
                stub,
                f"""{TEXT}<script>
                fetch('/wp-admin/admin-ajax.php', {{method: 'POST', body: 'x'}});
                navigator.sendBeacon('/beacon', 'x');
                fetch('{away}/x', {{mode: 'no-cors'}}).catch(() => 0);
                new WebSocket('ws://{other.address}/x');
                new WebSocket('wss://shop.test/x');
                </script><img src="https://cdn.test/x.png">""",
            )
            assert other.asked == []
        assert check.passed, check.evidence
        assert "kept out: 127.0.0.1, cdn.test" in check.evidence
        assert "2 requests that could write were refused" in check.evidence
        assert stub.methods == {"GET"}

    def test_a_redirect_on_the_site_is_followed_and_one_away_is_kept_out(self, stub):
        stub.status["/old.css"], stub.headers["/old.css"] = 301, {"Location": "/style.css"}
        stub.status["/away.js"] = 302
        stub.headers["/away.js"] = {"Location": "https://else.test/x.js"}
        check = shown(
            stub, f"{TEXT}<link rel=stylesheet href=/old.css><script src=/away.js></script>"
        )
        assert check.passed, check.evidence
        assert "kept out: else.test" in check.evidence

    def test_errors_are_not_judged_where_a_script_of_others_was_kept_out(self, stub):
        page = f"{TEXT}<script src=https://cdn.test/q.js></script><script>q.x</script>"
        check = shown(stub, page)
        assert check.passed
        assert "1 script errors not judged" in check.evidence

    def test_a_site_that_does_not_answer_fails(self, stub, monkeypatch):
        monkeypatch.setattr("migrator.checks.visits._PAUSE_SECONDS", 0)
        gone = Visitor(site_url=URL, address=Address.parse("127.0.0.1:9", public=False))
        check = Browser(Path("/usr/bin/chromium")).shows(gone)
        assert not check.passed
        assert "no answer" in check.evidence

    def test_a_front_page_that_leads_elsewhere_fails(self, stub):
        stub.status["/"], stub.headers["/"] = 302, {"Location": "https://else.test/"}
        assert "cannot be loaded" in shown(stub).evidence

    def test_a_missing_browser_is_a_failure_of_the_job_and_not_of_the_site(self, stub, tmp_path):
        with pytest.raises(JobFailure, match="MIGRATOR_CHROMIUM_PATH") as missing:
            Browser(tmp_path / "none").shows(visitor(stub))
        assert not missing.value.retryable
        broken = tmp_path / "broken"
        broken.write_text("#!/bin/sh\nexit 1\n")
        broken.chmod(0o755)
        with pytest.raises(JobFailure, match="did not do its work") as refused:
            Browser(broken).shows(visitor(stub))
        assert refused.value.retryable
