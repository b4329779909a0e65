"""Each check fails on a site that is broken in exactly that way, and no other check with it."""

import ssl

import pytest

from migrator.checks.visits import Address
from migrator.errors import JobFailure
from migrator.verification import rest_facts, verify_site
from tests.migrator.stub_site import FOREIGN, PAGE, URL, Stub


@pytest.fixture
def stub():
    with Stub() as site:
        yield site


def test_a_good_site_passes_and_is_visited_as_the_load_balancer_does(stub):
    assert stub.failed() == {}
    assert {item["Host"] for item in stub.asked} == {"shop.test"}
    assert {item["X-Forwarded-Proto"] for item in stub.asked} == {"https"}


EMPTY, ANSWERS, MAP = (
    "page not empty",
    "front page, REST and login answer 200",
    "sitemap answers 200",
)
ASSETS, MIXED, HOST = "assets of the front page load", "no http:// asset", "source host nowhere"
PHP, MOJIBAKE = "no PHP message in the output", "no mojibake"
WARNING = "<b>Warning</b>:  Undefined variable $x in <b>/var/www/x.php</b> on line <b>3</b><br />"
DEPRECATED = (
    "PHP Deprecated:  Optional parameter $a before $b in /var/www/wp-content/p.php on line 9"
)


def body(text: str) -> str:
    return PAGE.replace("<p>", f"<p>{text}")


OLD_CANONICAL = PAGE.replace('l" href="https://shop.test/', f'l" href="https://{FOREIGN}/')
HTTP_STYLE = PAGE.replace("https://shop.test/style", "http://shop.test/style")
BROKEN = {
    "0 bytes": ("/", "", {EMPTY, ANSWERS}),
    "only a shell": ("/", "<html><head><title>x</title></head><body>" + " " * 90, {EMPTY}),
    "stylesheet gone": ("/style.css", None, {ASSETS}),
    "script gone": ("/app.js", None, {ASSETS}),
    "image in srcset gone": ("/b.jpg", None, {ASSETS}),
    "stylesheet with 0 bytes": ("/style.css", "", {ASSETS}),
    "REST gone": ("/wp-json/", None, {ANSWERS}),
    "login gone": ("/wp-login.php", None, {ANSWERS}),
    "sitemap gone": ("/wp-sitemap.xml", None, {MAP}),
    "http stylesheet": ("/", HTTP_STYLE, {MIXED}),
    "http image of others": ("/", body('<img src="http://cdn.test/x.png">'), {MIXED}),
    "http background": ("/", PAGE.replace('url("/ok.png")', "url(http://cdn.test/x)"), {MIXED}),
    "old host in a link": ("/", body(f'<a href="https://{FOREIGN}/x">x</a>'), {HOST}),
    "old host escaped": ("/", body(f'<i data-x="https:\\/\\/{FOREIGN}\\/x">'), {HOST}),
    "old host encoded": ("/", body(f"<i data-x='?u=https%3A%2F%2F{FOREIGN}%2F'>"), {HOST}),
    "old host in upper case": ("/", body(f"{FOREIGN.upper()} "), {HOST}),
    "old canonical": ("/", OLD_CANONICAL, {HOST}),
    "old host in REST": ("/wp-json/", f'{{"url":"https:\\/\\/{FOREIGN}"}}', {HOST}),
    "old host in posts": ("/wp-json/wp/v2/posts", f'[{{"content":"{FOREIGN}"}}]', {HOST}),
    "old host in the sitemap": ("/wp-sitemap.xml", f"<loc>https://{FOREIGN}/</loc>", {HOST}),
    "PHP warning": ("/", body(WARNING), {PHP}),
    "PHP deprecation": ("/wp-login.php", DEPRECATED, {PHP}),
    "PHP fatal": ("/", body("<b>Fatal error</b>: Uncaught Error: x in /a/b.php:7"), {PHP}),
    "critical error": ("/", body("There has been a critical error on this website."), {PHP}),
    "mojibake quotes": ("/", body("It\u2019s".encode().decode("cp1252")), {MOJIBAKE}),
    "mojibake accents": ("/", body("café".encode().decode("cp1252")), {MOJIBAKE}),
    "mojibake emoji": ("/", body("\u00f0\u0178\u00a6\u2020"), {MOJIBAKE}),
    "no UTF-8": ("/", body("caf\udce9").encode("utf-8", "surrogateescape"), {MOJIBAKE}),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text", "names"), BROKEN.values(), ids=BROKEN)
def test_each_defect_fails_its_check_and_no_other(stub, path, text, names):
    if text is None:
        del stub.pages[path]
    else:
        stub.pages[path] = text
    expected = {"expected": None} if names == {MOJIBAKE} else {}
    assert set(stub.failed(**expected)) == names


HARMLESS = {
    "a longer name": body(f"my{FOREIGN} {FOREIGN}.example x-{FOREIGN}"),
    "words": body("Warning: wet floor. Notice: closed on line 3. Deprecated: no."),
    "letters": body("São Paulo, ÃO, Â, â€ alone? CAFÉ"),
    "a linked page on http": body('<a href="http://shop.test/">x</a>'),
}


@pytest.mark.parametrize("page", HARMLESS.values(), ids=HARMLESS)
def test_what_only_looks_like_a_defect_passes(stub, page):
    stub.pages["/"] = page
    assert stub.failed() == stub.failed(expected=None) == {}


def test_a_header_with_the_old_host_is_found(stub):
    stub.headers["/"] = {"Link": f'<https://{FOREIGN}/wp-json/>; rel="https://api.w.org/"'}
    assert list(stub.failed()) == [HOST]


def test_a_redirect_to_the_old_host_is_no_answer(stub):
    stub.status["/"], stub.headers["/"] = 301, {"Location": f"https://{FOREIGN}/"}
    failed = stub.failed()
    assert f"status 301 to https://{FOREIGN}/" in failed[ANSWERS]
    assert HOST in failed


def test_a_sitemap_may_have_moved_on_the_site_or_be_unwanted(stub):
    del stub.pages["/wp-sitemap.xml"]
    assert set(stub.failed(discouraged=True)) == set()
    stub.pages |= {"/wp-sitemap.xml": "", "/sitemap_index.xml": "<urlset/>"}
    stub.status["/wp-sitemap.xml"] = 301
    stub.headers["/wp-sitemap.xml"] = {"Location": "https://shop.test/sitemap_index.xml"}
    assert set(stub.failed()) == set()


def test_every_address_is_checked(stub):
    with Stub() as other:
        other.pages["/"] = ""
        failed = stub.failed(addresses=[stub.address, other.address])
    assert f"(at {other.address})" in failed[EMPTY]
    with pytest.raises(JobFailure, match="no target is healthy"):
        verify_site(URL, [], public=False)


def test_nobody_at_the_address_fails_every_visit(monkeypatch):
    monkeypatch.setattr("migrator.checks.visits._PAUSE_SECONDS", 0)
    checks = verify_site(URL, ["127.0.0.1:9"], public=False)
    assert (
        "no answer (ConnectionRefusedError" in next(c for c in checks if c.name == ANSWERS).evidence
    )


@pytest.mark.parametrize(("trust", "expected"), [("ca", True), ("other", False)])
@pytest.mark.parametrize("host", ["shop.test", "else.test"])
def test_the_certificate_is_checked_for_the_site_s_name(database, trust, expected, host):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(database.folder / "srv.pem", database.folder / "srv.key")
    context = ssl.create_default_context(cafile=str(database.folder / f"{trust}.pem"))
    with Stub(server) as site:
        checks = verify_site(
            f"https://{host}", [f"https://{site.address}"], public=True, context=context
        )
    verdict = next(c for c in checks if c.name == "certificate valid for this host")
    assert verdict.passed is (expected and host == "shop.test")


def test_tls_is_spoken_on_the_public_way_only():
    assert Address.parse("lb.test:443", public=True).tls
    assert Address.parse("https://lb.test", public=True) == Address(
        host="lb.test", port=443, tls=True
    )
    assert not Address.parse("lb.test:80", public=True).tls
    assert not Address.parse("10.0.0.1:443", public=False).tls


def test_the_rest_interface_is_timed_and_requests_without_an_answer_are_counted(stub):
    told = rest_facts(URL, [stub.address], public=False)
    assert (told["wordpress_requests"], told["wordpress_timeouts"]) == (1, 0)
    assert told["wordpress_api_ms"] > 0
    nobody = "127.0.0.1:9"
    told = rest_facts(URL, [stub.address, nobody], public=False)
    assert (told["wordpress_requests"], told["wordpress_timeouts"]) == (2, 1)
    assert told["wordpress_api_ms"] > 0
    stub.status["/wp-json/"] = 500  # an answer, though none that counts as a time
    told = rest_facts(URL, [stub.address], public=False)
    assert (told["wordpress_requests"], told["wordpress_timeouts"]) == (1, 0)
    assert told["wordpress_api_ms"] is None
