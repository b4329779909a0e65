"""The checks that look into the database and at the files of a release."""

import os

import pytest

from core.domain.jobs import VerifyExpectation
from migrator.checks.files import owned_by_wordpress
from migrator.checks.subjects import Inside
from migrator.verification import look_inside
from tests.migrator.dumps import fill


@pytest.fixture
def site(fleet):
    """A schema with theme, plugins and permalinks, and the content that belongs to it."""
    schema = fleet.names.release(1).schema
    fleet.own_schema(schema)
    fill(fleet.database, schema, fleet.names.database_user)
    fleet.database.run(
        "INSERT INTO wp_options (option_name, option_value) VALUES ('stylesheet', 'twenty'), "
        "('active_plugins', 'a:1:{i:0;s:7:\"p/p.php\";}'), ('permalink_structure', '/%postname%/')",
        schema=schema,
    )
    root = fleet.content(1)
    for name, text in {
        "themes/twenty/style.css": "x",
        "plugins/p/p.php": "/* Version: 1.2 */",
    }.items():
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(f"<?php\n{text}")
    return schema


EXPECTED = VerifyExpectation(
    theme="twenty", plugins={"p/p.php": "1.2"}, permalinks="/%postname%/", posts={"post:publish": 3}
)
SET = "UPDATE wp_options SET option_value ="
CHANGED = {
    "active theme": f"{SET} 'backup' WHERE option_name = 'stylesheet'",
    "active plugins": f"{SET} 'a:0:{{}}' WHERE option_name = 'active_plugins'",
    "permalinks": f"{SET} '' WHERE option_name = 'permalink_structure'",
    "post counts by type and status": "UPDATE wp_posts SET post_status = 'draft' WHERE ID = 1",
}  # fmt: skip


def compare(fleet, schema, expected=EXPECTED) -> set[str]:
    databases = fleet.services().databases
    with databases.connect(fleet.site_credentials(), schema) as connection:
        release = Inside(
            connection=connection, schema=schema, content_root=fleet.content(1), expected=expected
        )
        checks = look_inside(release)
    return {check.name for check in checks if not check.passed} - {"files owned 33:33"}


@pytest.mark.parametrize(("name", "statement"), CHANGED.items(), ids=CHANGED)
def test_a_database_that_differs_from_the_source_fails_its_check(fleet, site, name, statement):
    assert compare(fleet, site) == set()
    fleet.database.run(statement, schema=site)
    assert compare(fleet, site) == {name}


NEEDED = {"themes/twenty/style.css": "active theme", "plugins/p/p.php": "active plugins"}


@pytest.mark.parametrize("expected", [EXPECTED, None])
@pytest.mark.parametrize(("file", "name"), NEEDED.items())
def test_files_of_the_active_theme_and_plugins_have_to_be_there(fleet, site, file, name, expected):
    (fleet.content(1) / file).unlink()
    assert compare(fleet, site, expected) == {name}


def test_what_wordpress_makes_by_itself_is_no_difference(fleet, site):
    fleet.database.run(
        "INSERT INTO wp_posts (ID, post_content, post_type, post_status) VALUES "
        "(7, '', 'wp_global_styles', 'publish'), (8, '', 'post', 'auto-draft')", schema=site,
    )  # fmt: skip
    assert compare(fleet, site) == set()


def owned(root):
    return owned_by_wordpress(Inside(connection=None, schema="", content_root=root))


def test_a_file_of_somebody_else_is_found(scratch):
    (scratch / "a").write_text("x")
    if os.geteuid() == 0:
        assert not owned(scratch).passed
        for path in (scratch, scratch / "a"):
            os.chown(path, 33, 33)
        assert owned(scratch).passed
        os.chown(scratch / "a", 0, 33)
    else:
        (scratch / "a").chmod(0o600)
        assert owned(scratch).passed
        return
    assert "a: 0:33" in owned(scratch).evidence
    assert not owned(scratch / "nowhere").passed
