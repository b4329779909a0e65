"""What is protected in the target survives a promotion; what was not selected stays as it is."""

import pytest

from tests.migrator.shop import PROTECTED, fill_live, fill_source, transferred

CARRIED = [
    "wp_comments", "wp_order_items", "wp_stock", "wp_usermeta", "wp_users", "wp_wc_orders",
    "wp_wc_orders_log", "wp_wc_orders_meta",
]  # fmt: skip


@pytest.fixture
def shop(fleet):
    """The source's dump in the bucket, the target's live release in its schema."""
    fleet.own_schema("tenant_source")
    fill_source(fleet.database, "tenant_source")
    fleet.own_schema(fleet.names.release(1).schema)
    fill_live(fleet.database, fleet.names.release(1).schema)
    fleet.record(live=1)
    return transferred(fleet, "tenant_source")


def live(fleet) -> str:
    return fleet.names.release(1).schema


def new(fleet) -> str:
    return fleet.names.release(2).schema


def rows(fleet, schema: str, table: str) -> list[tuple]:
    return sorted(fleet.database.run(f"SELECT * FROM `{table}`", schema=schema), key=repr)


def carry(fleet, shop, **fields) -> dict:
    return fleet.done(
        "import", **(shop | {"carriedFrom": live(fleet), "carriedTables": PROTECTED} | fields)
    )


def test_protected_tables_come_from_the_live_release_and_the_rest_from_the_source(fleet, shop):
    facts = carry(fleet, shop)
    assert sorted(facts["carried"]) == CARRIED
    for table in CARRIED:
        assert rows(fleet, new(fleet), table) == rows(fleet, live(fleet), table), table
        assert facts["carried"][table] == facts["rows"][table]
    posts = fleet.database.run("SELECT post_content FROM wp_posts", schema=new(fleet))
    assert posts == [('<a href="https://shop.wpsit.test/x">new</a>',), ("second",)]


def test_the_target_s_administrators_survive(fleet, shop):
    """Nobody could log in: the target's administrators had been replaced."""
    carry(fleet, shop, carriedTables=["users", "usermeta"])
    logins = fleet.database.run("SELECT user_login FROM wp_users ORDER BY ID", schema=new(fleet))
    assert logins == [("owner",), ("customer",)]
    assert rows(fleet, new(fleet), "wp_usermeta") == rows(fleet, live(fleet), "wp_usermeta")
    assert rows(fleet, new(fleet), "wp_stock") == [("shirt", 1)]


def test_addresses_in_carried_rows_are_left_alone(fleet, shop):
    carry(fleet, shop)
    notes = fleet.database.run(
        "SELECT meta_value FROM wp_usermeta WHERE meta_key = 'note'", schema=new(fleet)
    )
    assert notes == [("see https://shop.wpdev.test/x",)]


def test_counters_go_on_where_the_live_release_s_stand(fleet, shop):
    carry(fleet, shop)
    fleet.database.run(
        "INSERT INTO wp_wc_orders (status, reference) VALUES ('new', 'n')", schema=new(fleet)
    )
    assert fleet.database.run("SELECT MAX(id) FROM wp_wc_orders", schema=new(fleet)) == [(1600,)]


def test_comments_are_counted_anew(fleet, shop):
    carry(fleet, shop)
    counts = fleet.database.run("SELECT comment_count FROM wp_posts ORDER BY ID", schema=new(fleet))
    assert counts == [(1,), (1,)]


def test_a_column_that_a_plugin_s_update_added_stays(fleet, shop):
    fleet.database.run("ALTER TABLE wp_wc_orders ADD note varchar(20) DEFAULT 'none'",
                       schema="tenant_source")  # fmt: skip
    carry(fleet, transferred(fleet, "tenant_source"))
    found = fleet.database.run(
        "SELECT id, reference, note FROM wp_wc_orders ORDER BY id", schema=new(fleet)
    )
    assert found == [(500, "a", "none"), (501, "b", "none"), (1502, "c", "none")]


@pytest.mark.parametrize(
    "change",
    ["DROP COLUMN reference", "MODIFY reference varchar(9)", "MODIFY id int, DROP PRIMARY KEY"],
)
def test_a_structure_that_would_lose_values_gives_way_to_the_live_one(fleet, shop, change):
    fleet.database.run(f"ALTER TABLE wp_wc_orders {change}", schema="tenant_source")
    carry(fleet, transferred(fleet, "tenant_source"))
    assert rows(fleet, new(fleet), "wp_wc_orders") == rows(fleet, live(fleet), "wp_wc_orders")


def test_triggers_of_the_live_release_come_along_and_do_not_fire_on_the_way(fleet, shop):
    fleet.database.run(
        "CREATE TRIGGER wp_logged AFTER INSERT ON wp_wc_orders FOR EACH ROW "
        "INSERT INTO wp_wc_orders_log VALUES (NEW.reference, NULL)",
        schema=live(fleet),
    )
    carry(fleet, shop)
    assert rows(fleet, new(fleet), "wp_wc_orders_log") == rows(
        fleet, live(fleet), "wp_wc_orders_log"
    )
    fleet.database.run(
        "INSERT INTO wp_wc_orders (status, reference) VALUES ('new', 'fired')", schema=new(fleet)
    )
    assert ("fired", None) in rows(fleet, new(fleet), "wp_wc_orders_log")


def test_a_protected_table_that_the_target_does_not_have_yet_comes_from_the_source(fleet, shop):
    fleet.database.run("DROP TABLE wp_stock", schema=live(fleet))
    facts = carry(fleet, shop)
    assert "wp_stock" not in facts["carried"]
    assert rows(fleet, new(fleet), "wp_stock") == [("shirt", 1)]


def test_a_protected_table_that_the_source_does_not_have_is_carried(fleet, shop):
    fleet.database.run("DROP TABLE wp_order_items", schema="tenant_source")
    facts = carry(fleet, transferred(fleet, "tenant_source"))
    assert facts["carried"]["wp_order_items"] == 2


def test_what_was_not_selected_stays_as_the_live_release_has_it(fleet, shop):
    fleet.database.run(
        "CREATE VIEW wp_open AS SELECT id FROM wp_wc_orders WHERE status = 'open'",
        "CREATE PROCEDURE wp_count() SELECT COUNT(*) FROM wp_wc_orders", schema=live(fleet),
    )  # fmt: skip
    facts = carry(
        fleet, transferred(fleet, "tenant_source", ["wp_posts"]), carryMissing=True,
        carriedTables=["users"],
    )  # fmt: skip
    assert "wp_posts" not in facts["carried"]
    assert set(facts["rows"]) == {*CARRIED, "wp_posts", "wp_options"}
    for table in (*CARRIED, "wp_options"):
        assert rows(fleet, new(fleet), table) == rows(fleet, live(fleet), table), table
    assert fleet.database.run("SELECT COUNT(*) FROM wp_posts", schema=new(fleet)) == [(2,)]
    assert fleet.database.run("SELECT * FROM wp_open", schema=new(fleet)) == [(1502,)]
    fleet.database.run("CALL wp_count()", schema=new(fleet))


def test_a_schema_of_another_site_is_never_carried(fleet, shop):
    fleet.database.run("CREATE DATABASE other_tenant")
    error = fleet.failed("import", **shop, carriedFrom="other_tenant", carriedTables=["users"])
    assert "no schema of site" in error.message


def test_tables_with_another_prefix_are_refused(fleet, shop):
    tables = fleet.database.run("SHOW TABLES", schema=live(fleet))
    fleet.database.run(
        *[f"RENAME TABLE `{t}` TO `{t.replace('wp_', 'x7_')}`" for (t,) in tables],
        schema=live(fleet),
    )
    error = fleet.failed("import", **shop, carriedFrom=live(fleet), carriedTables=["users"])
    assert "x7_" in error.message
    assert new(fleet) not in fleet.database.schemas()


def test_rows_that_did_not_arrive_fail_the_job_and_leave_no_schema(fleet, shop, monkeypatch):
    monkeypatch.setattr("migrator.carrying.raise_counter", lambda connection, schema, table, _n: (
        connection.cursor().execute(f"DELETE FROM `{schema}`.`{table}` LIMIT 1")
    ))  # fmt: skip
    error = fleet.failed("import", **shop, carriedFrom=live(fleet), carriedTables=["users"])
    assert "wp_users: 1 instead of 2" in error.message
    assert error.retryable
    assert new(fleet) not in fleet.database.schemas()


def test_environment_local_options_are_kept_beside_carried_tables(fleet, shop):
    carry(fleet, shop, keepOptionsFrom=live(fleet), keptOptions=["recaptcha_key"])
    found = dict(
        fleet.database.run("SELECT option_name, option_value FROM wp_options", schema=new(fleet))
    )
    assert found["recaptcha_key"] == "key-of-the-target"
    assert found["blogname"] == "New shop"
