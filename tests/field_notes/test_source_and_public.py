"""The source, looked at where it is; the public way and its certificate; prod's closer look."""

import pytest

from migrator.checks.certificate import certificate_valid
from tests.field_notes.shop import without
from tests.field_notes.tls import certificate, tls_front

CERTIFICATE = "certificate valid for this host"
SITEMAP, BROWSER = "every page of the sitemap answers 200", "a browser shows the front page"


def check_source(shop, **fields):
    facts = shop.fleet.done("verify-source", **({"environment": "dev", "release": 1} | fields))
    return facts["passed"], {c["name"]: c["evidence"] for c in facts["checks"] if not c["passed"]}


@pytest.fixture
def source_plugin(shop):
    """The source, with code of a test's own for as long as the test runs."""
    path = shop.fleet.content(1) / "mu-plugins" / "broken.php"

    def plugin(code: str) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"<?php\n{code}\n")
        shop.give(path.parent)

    yield plugin
    path.unlink(missing_ok=True)


class TestSource:
    def test_a_source_that_works_is_found_at_the_environment_s_load_balancer(self, shop):
        assert check_source(shop) == (True, {})
        assert check_source(shop, addresses=[shop.fleet.site_address]) == (True, {})

    def test_a_source_that_complains_is_not_moved(self, shop, source_plugin):
        source_plugin("echo '<b>Deprecated</b>: x in <b>/a/b.php</b> on line <b>3</b>';")
        passed, failed = check_source(shop)
        assert not passed
        assert set(failed) == {"no PHP message in the output"}

    def test_a_source_that_nobody_reaches_is_not_moved(self, shop, monkeypatch):
        monkeypatch.setattr("migrator.checks.visits._PAUSE_SECONDS", 0)
        _, failed = check_source(shop, addresses=["127.0.0.1:9"])
        assert "no answer" in failed["front page, REST and login answer 200"]

    def test_broken_characters_of_the_source_s_own_are_its_own_affair_and_the_measure(
        self, shop, source_plugin
    ):
        broken = "add_action('wp_footer', function () { echo 'It\u00e2\u20ac\u2122s'; });"
        source_plugin(broken)
        shop.plugin(broken)
        assert check_source(shop) == (True, {})
        assert set(shop.failed()) == {"no mojibake"}
        census = shop.fleet.done("census", environment="dev")
        assert census["frontPage"]["mojibake"] == 1
        shop.census = shop.census | {"frontPage": census["frontPage"]}
        assert shop.failed() == {}

    def test_another_release_than_the_planned_one_is_refused(self, shop):
        error = shop.fleet.failed("verify-source", environment="dev", release=7)
        assert error.code == "PROM_002"
        assert "Plan the promotion again" in error.message

    def test_a_task_in_the_wrong_account_looks_at_nothing(self, shop):
        error = shop.fleet.failed("verify-source", environment="sit", release=1)
        assert "wrong account" in error.message


@pytest.mark.parametrize(("name", "valid"), [("shop.wpsit.test", True), ("else.test", False)])
def test_certificate_of_another_host(shop, monkeypatch, tmp_path, name, valid):
    monkeypatch.setenv("SSL_CERT_FILE", str(shop.fleet.database.ca))
    context = certificate(shop.fleet.database.folder, tmp_path, name)
    monkeypatch.setattr("migrator.checks.visits._PAUSE_SECONDS", 0)
    with tls_front(context, shop.address) as address:
        failed = shop.failed(through="public", addresses=[address])
        if valid:
            assert failed == {}
            return
        assert "Hostname mismatch" in failed[CERTIFICATE]
        without(monkeypatch, certificate_valid)
        assert CERTIFICATE not in shop.failed(through="public", addresses=[address])


class TestComprehensive:
    def test_a_good_release_passes_and_the_evidence_counts(self, shop):
        checks = {c["name"]: c for c in shop.verify(comprehensive=True)["checks"]}
        assert all(check["passed"] for check in checks.values())
        assert "pages visited" in checks[SITEMAP]["evidence"]
        assert "requests answered" in checks[BROWSER]["evidence"]

    def test_a_page_deep_in_the_site_that_is_empty(self, shop):
        shop.plugin("add_action('template_redirect', function () { if (is_page('terms')) exit; });")
        assert shop.failed() == {}
        assert shop.failed(comprehensive=True) == {SITEMAP: "/terms/: 0 bytes"}

    def test_a_script_that_fails_in_the_browser(self, shop):
        shop.plugin(
            "add_action('wp_footer', function () { echo '<script>gallery.start()</script>'; });"
        )
        assert shop.failed() == {}
        failed = shop.failed(comprehensive=True)
        assert set(failed) == {BROWSER}
        assert "gallery is not defined" in failed[BROWSER]

    def test_a_page_that_is_covered_by_its_own_script(self, shop):
        shop.plugin(
            "add_action('wp_footer', function () {"
            " echo '<script>document.body.style.display = \"none\"</script>'; });"
        )
        assert shop.failed(comprehensive=True) == {BROWSER: "the page shows no text"}
