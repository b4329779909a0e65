"""Each field note, made to happen on a real WordPress: its check catches it, and nothing else does.

Every test also runs with the check taken out of the list, and sees the broken site pass.
"""

import os
import shutil

import pytest

from migrator.checks.assets import assets_load, no_mixed_content
from migrator.checks.comparison import same_front_page, same_php
from migrator.checks.database import same_permalinks, same_plugins, same_posts, same_theme
from migrator.checks.files import owned_by_wordpress
from migrator.checks.hosts import foreign_host_nowhere
from migrator.checks.output import no_mojibake, no_php_message
from migrator.checks.pages import answers_200, page_not_empty, sitemap
from tests.field_notes.plugins import SOURCE
from tests.field_notes.shop import without

NAMES = {
    page_not_empty: "page not empty",
    answers_200: "front page, REST and login answer 200",
    sitemap: "sitemap answers 200",
    same_permalinks: "permalinks",
    assets_load: "assets of the front page load",
    no_mixed_content: "no http:// asset",
    foreign_host_nowhere: "source host nowhere",
    no_php_message: "no PHP message in the output",
    no_mojibake: "no mojibake",
    same_front_page: "front page as in the source",
    same_php: "PHP version as in the source",
    same_theme: "active theme",
    same_plugins: "active plugins",
    same_posts: "post counts by type and status",
    owned_by_wordpress: "files owned 33:33",
}


def caught(shop, *checks):
    """The broken release fails exactly these checks; without them it would have gone live."""
    failed = shop.failed()
    assert set(failed) == {NAMES[check] for check in checks}, failed
    with pytest.MonkeyPatch.context() as patch:
        without(patch, *checks)
        assert shop.verify()["passed"]
    return failed


def test_a_release_that_the_jobs_have_made_passes_every_check(shop):
    assert shop.failed() == {}


def test_empty_page(shop):
    shutil.rmtree(shop.content / "themes" / "twentytwentythree")
    failed = caught(shop, page_not_empty, answers_200, same_theme, same_front_page)
    assert "0 bytes" in failed["page not empty"]


def test_missing_mount(shop):
    for path in shop.content.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    caught(shop, page_not_empty, answers_200, same_theme, same_plugins, same_front_page)


def test_theme_and_plugin_files_404(shop):
    """PHP reads the files where they are; the web server has no mount."""
    link = shop.site / "wp-content"
    target = link.readlink()
    link.unlink()
    try:
        failed = caught(shop, assets_load)
    finally:
        link.symlink_to(target)
    assert "builder.css" in failed["assets of the front page load"]


def test_old_domain_in_the_seo_plugin_s_own_table(shop):
    shop.sql(f"UPDATE wp_seo_indexable SET permalink = '{SOURCE}/'")
    failed = caught(shop, foreign_host_nowhere)
    assert failed["source host nowhere"].startswith(f"canonical: {SOURCE}/")


def test_page_builder_addresses_left_in_escaped_json(shop):
    shop.sql("UPDATE wp_postmeta SET meta_value = REPLACE(meta_value, 'wpsit', 'wpdev')")
    caught(shop, foreign_host_nowhere)


def test_page_builder_addresses_replaced_without_their_lengths(shop):
    """What `sed` does to a dump: PHP cannot read the value any more, the gallery is gone."""
    shop.sql(
        "UPDATE wp_options SET option_value = REPLACE(option_value, 'wpsit', 'staging') "
        "WHERE option_name = 'builder_gallery'"
    )
    failed = caught(shop, same_front_page)
    assert "visible characters instead of" in failed["front page as in the source"]


def test_mojibake(shop):
    """UTF-8 bytes that a client with another character set has loaded as Latin-1."""
    shop.sql(
        "UPDATE wp_posts SET post_content = "
        "CONVERT(CAST(CONVERT(post_content USING utf8mb4) AS BINARY) USING latin1)"
    )
    failed = caught(shop, no_mojibake)
    assert "instead of 0" in failed["no mojibake"]


def test_http_assets_on_an_https_page(shop):
    """TLS ends before the container, and its configuration does not look at X-Forwarded-Proto."""
    shop.configure("HTTP_X_FORWARDED_PROTO", "HTTP_NOTHING")
    failed = caught(shop, no_mixed_content, answers_200, sitemap)
    assert "http://shop.wpsit.test/wp-content/plugins" in failed["no http:// asset"]


def test_files_owned_by_root(shop, monkeypatch):
    if os.geteuid() == 0:
        os.chown(shop.content / "uploads" / "logo.png", 0, 0)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 0)  # whose files these are not
    caught(shop, owned_by_wordpress)


def test_wrong_theme_active(shop):
    shop.sql(
        "UPDATE wp_options SET option_value = 'twentytwentytwo' "
        "WHERE option_name IN ('template', 'stylesheet')"
    )
    failed = caught(shop, same_theme, same_front_page)
    assert "'twentytwentytwo', the source's 'twentytwentythree'" in failed["active theme"]


def test_php_deprecation_lines_in_the_page(shop):
    shop.plugin("function with_default_first($first = 1, $second) {}")
    shop.configure("$table_prefix", "define('WP_DEBUG', true);\n$table_prefix")
    failed = caught(shop, no_php_message, same_front_page)
    assert "Optional parameter $first" in failed["no PHP message in the output"]


def test_another_php_than_the_source_s(shop):
    shop.plugin("header('X-Powered-By: PHP/7.4.33');")
    caught(shop, same_php)


def test_template_left_in_draft(shop):
    shop.sql("UPDATE wp_posts SET post_status = 'draft' WHERE post_type = 'builder_template'")
    failed = caught(shop, same_posts, same_front_page)
    assert "builder_template:draft: 1 instead of 0" in failed["post counts by type and status"]


def test_stale_page_from_a_cache_in_the_content(shop):
    """A page cache that travelled with its folder answers with the source's page."""
    assert not (shop.content / "cache").exists()
    shutil.copytree(shop.fleet.content(1) / "cache", shop.content / "cache")
    shop.give(shop.content / "cache")
    shop.configure(
        "define('DISABLE_WP_CRON'", "define('WP_CACHE', true);\ndefine('DISABLE_WP_CRON'"
    )
    caught(shop, foreign_host_nowhere, same_front_page)


class TestOtherDefects:
    """What the list of checks names and no field note tells."""

    def test_sitemap_switched_off(self, shop):
        shop.plugin("add_filter('wp_sitemaps_enabled', '__return_false');")
        caught(shop, sitemap)

    def test_rest_closed(self, shop):
        shop.plugin(
            "add_filter('rest_authentication_errors', fn() => new WP_Error('no', 'no', "
            "['status' => 401]));"
        )
        failed = caught(shop, answers_200)
        assert "/wp-json/: status 401" in failed["front page, REST and login answer 200"]

    def test_login_page_moved(self, shop):
        shop.plugin("add_action('login_init', function () { status_header(404); exit('no'); });")
        caught(shop, answers_200)

    def test_plain_permalinks(self, shop):
        shop.sql(
            "UPDATE wp_options SET option_value = '' "
            "WHERE option_name IN ('permalink_structure', 'rewrite_rules')"
        )
        caught(shop, same_permalinks, same_front_page)

    def test_plugin_not_active(self, shop):
        shop.sql(
            "UPDATE wp_options SET option_value = REPLACE(REPLACE(option_value, 'a:3', 'a:2'), "
            "'i:1;s:15:\"forms/forms.php\";', '') WHERE option_name = 'active_plugins'"
        )
        caught(shop, same_plugins)

    def test_fatal_error(self, shop):
        shop.plugin("add_action('wp_footer', 'function_that_nobody_has_written');")
        caught(shop, no_php_message, same_front_page)

    def test_source_host_in_a_header(self, shop):
        shop.plugin(f"add_action('send_headers', fn() => header('Link: <{SOURCE}/>', false));")
        caught(shop, foreign_host_nowhere)

    def test_another_front_page(self, shop):
        shop.sql(
            "UPDATE wp_options SET option_value = 'page' WHERE option_name = 'show_on_front'",
            "UPDATE wp_options SET option_value = '51' WHERE option_name = 'page_on_front'",
        )
        caught(shop, same_front_page)
