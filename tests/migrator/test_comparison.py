"""What the source shows and what the release shows: compared, with a stated tolerance."""

import pytest

from core.domain.jobs import VerifyExpectation
from migrator.checks.page_summary import front_page
from migrator.checks.visits import Address, Visitor
from tests.migrator.stub_site import FOREIGN, PAGE, URL, Stub

PAGE_CHECK, PHP_CHECK = "front page as in the source", "PHP version as in the source"
MOJIBAKE = "no mojibake"
LINKS = """<a href="/about/">a</a> <a href="https://shop.test/caf%C3%A9?b=2&a=1">b</a>
<a href="/about#team">c</a> <a href="/wp-login.php?redirect_to=x">d</a> <a href="/author/z/">e</a>
<a href="/post/#comment-7">f</a> <a href="mailto:a@shop.test">g</a> <a href="//cdn.test/x">h</a>
<a href="/cart/?_wpnonce=12">i</a> <a href="/?author=2">j</a>"""


@pytest.fixture
def stub():
    with Stub() as site:
        site.pages["/"] = PAGE.replace("<p>", f"{LINKS}<p>" + "word " * 200)
        yield site


def summary(site):
    visitor = Visitor(site_url=URL, address=Address.parse(site.address, public=False))
    return front_page(visitor)


def failed(site, source, **fields):
    expected = VerifyExpectation(foreign_hosts=[FOREIGN], front_page=source, **fields)
    return site.failed(expected=expected)


def test_a_page_is_reduced_to_what_two_environments_have_in_common(stub):
    seen = summary(stub)
    assert seen.title == "Shop"
    assert seen.links == ["/about", "/café?a=1&b=2", "/cart"]
    assert seen.text_length == 800 + len("Zoë\u2019scafé—“open”") + len("abcdefghij") + len("link")
    assert (seen.mojibake, seen.php_messages, seen.php_version) == (0, 0, "")


def test_a_page_that_does_not_answer_has_no_summary(stub):
    stub.status["/"] = 500
    assert summary(stub) is None


CHANGES = {
    "the same": ("", "", set()),
    "4 % longer": ("<p>", "<p>" + "x" * 32, set()),
    "6 % longer": ("<p>", "<p>" + "x" * 50, {PAGE_CHECK}),
    "half the text": ("word " * 100, "", {PAGE_CHECK}),
    "another title": ("<title>Shop", "<title>Coming soon", {PAGE_CHECK}),
    "a link lost": ('<a href="/about/">a</a>', "", set()),
    "both links lost": ("/about", "#", {PAGE_CHECK}),
    "a link more": ("<p>", '<p><a href="/new">n</a>', {PAGE_CHECK}),
    "another comment": ("#comment-7", "#comment-8", set()),
    "another slash": ('"/about/"', '"/about"', set()),
    "another author": ("/author/z/", "/author/y/", set()),
}


@pytest.mark.parametrize(("old", "new", "names"), CHANGES.values(), ids=CHANGES)
def test_a_front_page_has_to_be_the_source_s(stub, old, new, names):
    source = summary(stub)
    stub.pages["/"] = str(stub.pages["/"]).replace(old, new) if old else stub.pages["/"]
    assert set(failed(stub, source)) == names


def test_a_short_page_may_differ_by_a_word(stub):
    stub.pages["/"] = PAGE
    source = summary(stub)
    stub.pages["/"] = PAGE.replace("link", "link to the shop")
    assert failed(stub, source) == {}


def test_a_title_that_is_the_target_s_own_is_not_compared(stub):
    source = summary(stub).model_copy(update={"title": ""})
    stub.pages["/"] = str(stub.pages["/"]).replace("<title>Shop", "<title>Test shop")
    assert failed(stub, source) == {}


def test_mojibake_that_the_source_has_is_no_defect_of_the_move(stub):
    broken = "It\u2019s".encode().decode("cp1252")
    stub.pages["/"] = str(stub.pages["/"]).replace("<p>", f"<p>{broken}")
    source = summary(stub)
    assert source.mojibake == 1
    assert failed(stub, source) == {}
    stub.pages["/"] = str(stub.pages["/"]).replace("<p>", f"<p>{broken}", 1)
    assert "2 instead of 1" in failed(stub, source)[MOJIBAKE]
    assert stub.failed(expected=VerifyExpectation()) == {}


VERSIONS = [
    ("8.2.29", "8.2.29", set()),
    ("8.2.29", "8.2.1", set()),
    ("8.2.29", "7.4.33", {PHP_CHECK}),
    ("", "7.4.33", set()),
    ("8.2.29", "", set()),
]


@pytest.mark.parametrize(("here", "there", "names"), VERSIONS)
def test_another_branch_of_php_than_the_source_s_fails_where_both_servers_tell(
    stub, here, there, names
):
    stub.headers["/"] = {"X-Powered-By": f"PHP/{here}"} if here else {}
    source = summary(stub).model_copy(update={"php_version": there})
    assert set(failed(stub, source, php_version="7.4.33")) == names
