"""Each change to a real WordPress does what it says, shows on the page, and is taken back whole."""

import pytest

from tests.migrator.plugin_site import PluginSite, visit


@pytest.fixture
def site(fleet):
    return PluginSite(fleet)


def differences(before: dict, after: dict) -> dict:
    """Return what differs, options one by one."""
    changed = {name: after[name] for name in after if after[name] != before[name]}
    if "options" in changed:
        one, other = before["options"], after["options"]
        changed["options"] = {
            name: (one.get(name), other.get(name))
            for name in one.keys() | other.keys()
            if one.get(name) != other.get(name)
        }
    return changed


def test_an_installed_plugin_shows_on_the_page_and_is_gone_after_the_undo(site, scratch):
    before = site.state()
    facts = site.install("notice-banner-1.0.0")
    assert facts["plugins"] == {"notice-banner": "1.0.0"}
    assert {"active_plugins", "notice_banner_text"} <= set(facts["options"])
    assert "wp_notice_banner_clicks" in site.tables()
    with site.served(scratch / "served") as address:
        assert 'data-version="1.0.0">Welcome!</p>' in visit(address)
        site.take_back("install-plugins")
        assert "notice-banner" not in visit(address)
    assert differences(before, site.state()) == {}


def test_files_that_arrive_belong_to_wordpress_and_no_savepoint_is_left_behind(site):
    site.install("notice-banner-1.0.0")
    root = site.root / "plugins" / "notice-banner"
    assert {path.stat().st_uid for path in (root, *root.iterdir())} == {33}
    beside = site.root.with_name(".r1.savepoints")
    assert beside.stat().st_mode & 0o777 == 0o700
    site.take_back("install-plugins")
    assert not beside.exists()


def test_the_savepoint_of_another_change_of_the_operation_stays(site):
    site.install("notice-banner-1.0.0")
    site.change("update-plugins", plugins=[site.package("notice-banner-1.1.0")])
    beside = site.root.with_name(".r1.savepoints")
    site.take_back("update-plugins")
    assert len(list(beside.rglob("saved.json"))) == 1
    site.take_back("install-plugins")
    assert not beside.exists()


def test_an_update_brings_the_new_files_and_the_undo_the_old_ones(site, scratch):
    site.install("notice-banner-1.0.0", operation="first")
    before = site.state()
    site.change("update-plugins", plugins=[site.package("notice-banner-1.1.0")])
    with site.served(scratch / "served") as address:
        assert 'data-version="1.1.0"' in visit(address)
        site.take_back("update-plugins")
        assert 'data-version="1.0.0"' in visit(address)
    assert site.state() == before


def test_options_of_a_plugin_are_set_as_data_and_put_back(site, scratch):
    site.install("notice-banner-1.0.0", operation="first")
    before = site.state()
    options = {"notice_banner_text": 'Closed on "Monday"', "notice_banner_more": {"a": [1, True]}}
    facts = site.change("configure-plugins", options={"notice-banner": options})
    assert facts["options"] == ["notice_banner_more", "notice_banner_text"]
    assert site.option("notice_banner_more") == 'a:1:{s:1:"a";a:2:{i:0;i:1;i:1;b:1;}}'
    with site.served(scratch / "served") as address:
        assert "Closed on &quot;Monday&quot;" in visit(address)
    site.take_back("configure-plugins")
    assert site.state() == before


def test_a_plugin_is_disabled_enabled_and_uninstalled_and_each_is_taken_back(site):
    site.install("notice-banner-1.0.0", "old-gallery-1.2.0", operation="first")
    before = site.state()
    site.change("disable-plugins", slugs=["notice-banner"])
    assert "notice-banner" not in (site.option("active_plugins") or "")
    disabled = site.state()
    site.change("enable-plugins", slugs=["notice-banner"])
    assert "notice-banner" in (site.option("active_plugins") or "")
    site.take_back("enable-plugins")
    assert site.state() == disabled
    site.take_back("disable-plugins")
    assert site.state()["files"] == before["files"]
    facts = site.change("uninstall-plugins", "second", slugs=["notice-banner"])
    assert facts["plugins"] == {"notice-banner": "1.0.0"}
    assert not (site.root / "plugins" / "notice-banner").exists()
    assert site.option("notice_banner_text") == "Welcome!"
    site.take_back("uninstall-plugins", "second")
    after = site.state()
    assert after["files"] == before["files"]
    assert "notice-banner" in after["options"]["active_plugins"][0]


def test_a_theme_of_wordpress_is_switched_to_and_back(site, scratch):
    before = site.state()
    assert site.change("change-theme", theme="twentytwentytwo")["theme"] == "twentytwentytwo"
    assert site.option("stylesheet") == "twentytwentytwo"
    site.take_back("change-theme")
    assert differences(before, site.state()) == {}


def test_a_template_brings_theme_plugin_options_and_pages_and_takes_them_away_again(site, scratch):
    before = site.state()
    facts = site.change("apply-template", **site.template())
    assert facts["template"] == "shop-window"
    assert facts["theme"] == "shop-window"
    assert facts["plugins"] == {"notice-banner": "1.1.0"}
    assert facts["pages"] == ["welcome", "contact"]
    with site.served(scratch / "served") as address:
        front = visit(address)
        assert "We are glad that you have found us" in front
        assert "https://shop.wpdev.test/contact/" in front
        assert "Everything for the window" in front
        assert "notice-banner" in front
        assert "nine to five" in visit(address, "/contact/")
    site.take_back("apply-template")
    after = differences(before, site.state())
    after.get("options", {}).pop("theme_mods_shop-window", None)  # written by the visits
    assert after.pop("options", {}) == {}
    assert after == {}


def test_a_page_of_the_customer_s_stays_as_it_is(site):
    site.sql(
        "INSERT INTO wp_posts (post_type, post_status, post_name, post_title, post_content, "
        "post_excerpt, to_ping, pinged, post_content_filtered) "
        "VALUES ('page', 'publish', 'contact', 'Mine', 'My own words', '', '', '', '')"
    )
    assert site.change("apply-template", **site.template())["pages"] == ["welcome"]
    contents = site.sql("SELECT post_content FROM wp_posts WHERE post_name = 'contact'")
    assert contents == [("My own words",)]


def test_a_change_that_was_done_answers_the_same_again_and_does_nothing_more(site):
    first = site.install("notice-banner-1.0.0")
    site.sql("UPDATE wp_options SET option_value = 'Mine' WHERE option_name = 'notice_banner_text'")
    assert site.install("notice-banner-1.0.0") == first
    assert site.option("notice_banner_text") == "Mine"


def test_an_undo_of_nothing_is_fine(site):
    before = site.state()
    assert site.take_back("install-plugins")["restored"] is False
    site.install("notice-banner-1.0.0")
    assert site.take_back("install-plugins")["restored"] is True
    assert site.take_back("install-plugins")["restored"] is False
    assert site.state() == before


# --- vetting on the site, and packages that are not what they should be -----------------------


def test_a_conflict_with_what_stands_on_the_site_is_refused_untouched(site):
    site.install("notice-banner-1.0.0", operation="first")
    before = site.state()
    error = site.refused("install-plugins", plugins=[site.package("ribbon-1.0.0")])
    assert error.code == "PLUG_004"
    assert "ribbon conflicts with notice-banner, which is on the site" in error.message
    assert site.state() == before


def test_an_installed_version_that_is_vulnerable_is_not_enabled(site):
    site.install("old-gallery-1.2.0", operation="first")
    site.change("disable-plugins", "second", slugs=["old-gallery"])
    file = site.root / "plugins/old-gallery/old-gallery.php"
    file.write_text(file.read_text().replace("Version: 1.2.0", "Version: 1.0.0"))
    error = site.refused("enable-plugins", slugs=["old-gallery"])
    assert (error.code, "DEMO-2026-0001" in error.message) == ("PLUG_003", True)


def test_the_job_itself_installs_nothing_that_the_catalogue_does_not_allow(site):
    package = site.add_plugin("sneaky", "", blocklisted="it was found to be bad")
    assert site.refused("install-plugins", plugins=[package]).code == "PLUG_002"
    assert site.refused("update-plugins", plugins=[site.package("ribbon-1.0.0")]).code == "PLUG_001"
    assert site.refused("enable-plugins", slugs=["absent"]).code == "PLUG_001"


def test_a_package_that_was_replaced_is_not_unpacked(site):
    package = site.package("notice-banner-1.0.0")
    site.fleet.clients["s3"].put_object(
        Bucket=site.bucket, Key=package["package"]["key"], Body=b"something else"
    )
    error = site.refused("install-plugins", plugins=[package])
    assert "somebody has replaced it" in error.message
    assert not (site.root / "plugins/notice-banner").exists()


def test_a_package_from_another_bucket_is_not_even_fetched(site):
    package = site.package("notice-banner-1.0.0")
    package["package"]["bucket"] = site.fleet.bucket
    assert (
        "is not in the templates bucket"
        in site.refused("install-plugins", plugins=[package]).message
    )


def test_a_package_of_another_version_than_vetted_is_refused(site):
    package = site.add_plugin("liar", "", version="2.0.0")
    package["version"] = "3.0.0"
    assert "says it is version 2.0.0" in site.refused("install-plugins", plugins=[package]).message


def test_a_plugin_that_cannot_be_activated_says_why_and_is_taken_back(site):
    before = site.state()
    package = site.add_plugin("fatal", "throw new RuntimeException('no database of mine');")
    error = site.refused("install-plugins", plugins=[package])
    assert (error.code, error.retryable) == ("WP_001", True)
    assert "no database of mine" in error.message
    site.take_back("install-plugins")
    assert site.state() == before


def test_a_plugin_that_waits_for_ever_is_stopped_and_taken_back(site):
    before = site.state()
    package = site.add_plugin("sleeper", "sleep(600);")
    site.fleet.wordpress_timeout_seconds = "3"
    error = site.refused("install-plugins", plugins=[package])
    assert (error.code, error.retryable) == ("WP_002", True)
    assert "not done with install-plugins on" in error.message
    assert "after 3 s and was stopped" in error.message
    site.take_back("install-plugins")
    assert site.state() == before


def test_a_plugin_that_would_destroy_a_table_of_the_site_is_stopped(site):
    before = site.state()
    drop = "$GLOBALS['wpdb']->query('DROP TABLE wp_posts')"
    source = f"register_activation_hook(__FILE__, fn() => {drop});"
    error = site.refused("install-plugins", plugins=[site.add_plugin("destroyer", source)])
    assert "wants to destroy the table wp_posts" in error.message
    site.take_back("install-plugins")
    assert site.state() == before


def test_a_plugin_s_program_has_neither_the_job_s_rights_nor_other_sites_files(site):
    """It runs as 33:33, without the job's environment, and sees no other site's folder."""
    other = site.root.parent.parent / "other-site"
    other.mkdir()
    (other / "secret.txt").write_text("of somebody else")
    source = (
        "register_activation_hook(__FILE__, function () {"
        f"update_option('seen', [posix_geteuid(), getenv('MIGRATOR_SITES_TABLE'), "
        f"@file_get_contents('{other}/secret.txt')]); }});"
    )
    site.install_package = site.change("install-plugins", plugins=[site.add_plugin("nosy", source)])
    assert site.option("seen") == "a:3:{i:0;i:33;i:1;b:0;i:2;b:0;}"
