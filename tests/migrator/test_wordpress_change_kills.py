"""A change cut off anywhere is taken back whole, and what customers wrote meanwhile stays."""

import subprocess

import pytest

from migrator import savepoints, taking_back, wordpress_changes
from tests.migrator.plugin_site import PluginSite
from tests.migrator.test_wordpress_changes import differences

BUSY = """
register_activation_hook(__FILE__, function () {
    global $wpdb;
    $wpdb->query("CREATE TABLE {$wpdb->prefix}busy (id int)");
    $wpdb->query("INSERT INTO {$wpdb->prefix}busy VALUES (1)");
    add_option('busy_option', ['a' => 1]);
    update_option('blogdescription', 'Busy');
    wp_schedule_event(time() + 3600, 'hourly', 'busy_hook');
    wp_insert_post(['post_title' => 'Busy', 'post_name' => 'busy', 'post_type' => 'page',
        'post_status' => 'publish', 'post_content' => 'busy']);
    %s
});
"""
"""Everything that an activation usually does."""


class Killed(BaseException):
    """The job was killed here."""


@pytest.fixture
def site(fleet):
    return PluginSite(fleet)


def without_customers(changed: dict) -> dict:
    """Leave out what customers wrote, and nothing else."""
    changed = {**changed}
    options = {n: v for n, v in changed.pop("options", {}).items() if n != "order_counter"}
    tables = changed.pop("tables", set()) - {"wp_wc_orders"}
    return changed | ({"options": options} if options else {}) | {"tables": tables}


def require_whole_again(site, before) -> None:
    site.require_customers_kept()
    left = without_customers(differences(before, site.state()))
    assert left.pop("tables") <= before["tables"]
    assert left == {}


def killing(monkeypatch, owner, name: str, *, after: int = 0):
    """Let a function raise Killed at its call number `after` + 1."""
    real, calls = getattr(owner, name), []

    def dying(*arguments, **named):
        calls.append(name)
        if len(calls) > after:
            raise Killed
        return real(*arguments, **named)

    monkeypatch.setattr(owner, name, dying)


POINTS = {
    "before the savepoint is whole": (savepoints.Savepoint, "_write", 0),
    "when nothing is in place yet": (wordpress_changes, "_place", 0),
    "between the files": (wordpress_changes, "copy", 1),
    "before WordPress is run": (wordpress_changes, "run_change_program", 0),
    "before it is written down": (savepoints.Savepoint, "finish", 0),
}


SAMPLE = "between the files"
"""What `make test` takes of them."""


def sampled(where: str) -> object:
    return pytest.param(where, marks=() if where == SAMPLE else pytest.mark.long)


def two_plugins(site) -> list[dict]:
    return [site.add_plugin("busy", BUSY % ""), site.package("notice-banner-1.1.0")]


@pytest.mark.parametrize("where", [*map(sampled, POINTS)])
def test_a_change_that_is_killed_is_taken_back_whole(site, monkeypatch, where):
    before, plugins = site.state(), two_plugins(site)
    with monkeypatch.context() as patch:
        owner, name, after = POINTS[where]
        killing(patch, owner, name, after=after)
        with pytest.raises(Killed):
            site.change("install-plugins", plugins=plugins)
    site.customers_write()
    if where == "before it is written down":
        # Nothing tells any more who has written to this table: it may hold a customer's rows.
        assert site.take_back("install-plugins")["keptTables"] == ["wp_busy"]
        site.sql("DROP TABLE wp_busy")
    else:
        site.take_back("install-plugins")
    require_whole_again(site, before)


@pytest.mark.parametrize("where", ["between the files", "before it is written down"])
def test_a_change_that_is_killed_is_done_by_the_next_attempt(site, monkeypatch, where):
    plugins = two_plugins(site)
    with monkeypatch.context() as patch:
        owner, name, after = POINTS[where]
        killing(patch, owner, name, after=after)
        with pytest.raises(Killed):
            site.change("install-plugins", plugins=plugins)
    site.customers_write()
    if where == "before it is written down":
        site.sql("DROP TABLE wp_busy")
    facts = site.change("install-plugins", plugins=plugins)
    assert facts["plugins"] == {"busy": "1.0.0", "notice-banner": "1.1.0"}
    assert site.option("blogdescription") == "Busy"
    assert site.sql("SELECT COUNT(*) FROM wp_posts WHERE post_name = 'busy'") == [(1,)]
    site.require_customers_kept()


def test_wordpress_that_dies_in_the_middle_of_an_activation_leaves_nothing(site):
    before = site.state()
    package = site.add_plugin("busy", BUSY % "posix_kill(getmypid(), SIGKILL);")
    assert "exit code -9" in site.refused("install-plugins", plugins=[package]).message
    assert site.option("blogdescription") == "Busy"
    site.customers_write()
    assert site.take_back("install-plugins")["keptTables"] == []
    require_whole_again(site, before)


def test_an_undo_that_is_killed_is_finished_by_the_next(site, monkeypatch):
    before = site.state()
    site.change("install-plugins", plugins=two_plugins(site))
    site.customers_write()
    for name in ("_option", "_tables", "_pages"):
        with monkeypatch.context() as patch:
            killing(patch, taking_back.TakingBack, name, after=1 if name == "_option" else 0)
            with pytest.raises(Killed):
                site.take_back("install-plugins")
    site.take_back("install-plugins")
    require_whole_again(site, before)


# --- what others write to the very same things -------------------------------------------------


def test_what_others_wrote_to_the_same_options_and_tables_stays(site):
    site.change("install-plugins", plugins=two_plugins(site))
    site.sql(
        # An administrator activates a plugin, a visitor's request schedules an event.
        "UPDATE wp_options SET option_value = CONCAT('a:3:{', "
        "SUBSTRING(option_value, 6, LENGTH(option_value) - 6), "
        "'i:2;s:19:\"akismet/akismet.php\";}') "
        "WHERE option_name = 'active_plugins'",
        "INSERT INTO wp_notice_banner_clicks (clicked_at) VALUES (NOW())",
        "UPDATE wp_options SET option_value = 'Written by the owner' "
        "WHERE option_name = 'blogdescription'",
        "INSERT INTO wp_comments (comment_post_ID, comment_author, comment_content) "
        "SELECT ID, 'Max', 'Nice page' FROM wp_posts WHERE post_name = 'busy'",
        "UPDATE wp_posts SET comment_count = 1 WHERE post_name = 'busy'",
    )
    site.customers_write()
    facts = site.take_back("install-plugins")
    assert site.option("active_plugins") == 'a:1:{i:0;s:19:"akismet/akismet.php";}'
    assert site.option("blogdescription") == "Written by the owner"
    assert facts["keptOptions"] == ["blogdescription"]
    assert facts["keptTables"] == ["wp_notice_banner_clicks"]
    assert facts["keptPages"] == ["busy"]
    assert "busy_hook" not in (site.option("cron") or "")
    assert "wp_version_check" in (site.option("cron") or "")
    assert "wp_busy" not in site.tables()
    site.require_customers_kept()


def test_an_order_s_event_in_the_same_option_survives(site):
    """cron holds everybody's events: the plugin's goes, the order's stays."""
    site.change("install-plugins", plugins=two_plugins(site))
    script = (
        "$c = unserialize(stream_get_contents(STDIN)); "
        "$c[2000000000]['order_paid']['k'] = ['schedule' => false, 'args' => [4711]]; "
        "echo serialize($c);"
    )
    cron = site.option("cron") or ""
    changed = subprocess.run(
        ["php", "-n", "-r", script], input=cron.encode(), capture_output=True, check=True
    ).stdout.decode()
    connection = site.fleet.database.root(site.schema)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE wp_options SET option_value = %s WHERE option_name = 'cron'", (changed,)
        )
    connection.close()
    assert site.take_back("install-plugins")["keptOptions"] == []
    assert "order_paid" in (site.option("cron") or "")
    assert "busy_hook" not in (site.option("cron") or "")
