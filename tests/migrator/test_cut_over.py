"""The cut-over: what changed is copied, the two are equal, then the pointer moves; bounded."""

from __future__ import annotations

from migrator import cut_over as module
from migrator.digests import chunk_sums, shapes, sum_up_to, total
from tests.migrator.cutting_over import (
    CHANGES,
    NEW,
    OLD,
    TABLES,
    content,
    cut_over,
    equal,
    fields,
    live,
    marks,
    new,
    pointer,
    shop,
)
from tests.migrator.test_cut_over_late_rows import later

__all__ = ["pointer", "shop"]


def test_whatever_changed_since_the_import_is_copied_again(shop):
    shop.database.run(*CHANGES, schema=live(shop))
    facts = cut_over(shop)
    assert equal(shop) == TABLES
    assert facts["pointerMoved"]
    assert facts["heldSeconds"] < 5
    assert facts["conflicts"] == []
    assert facts["late"] == {}


def test_what_is_copied_before_the_hold_is_not_copied_in_it(shop):
    shop.database.run(*CHANGES, schema=live(shop))
    assert set(cut_over(shop)["carried"]) == {"wp_wc_orders_log"}  # it has no key


def test_what_changes_in_the_last_moment_is_copied_during_the_hold(shop, monkeypatch):
    real = module.catch_up

    def and_then_change(*arguments):
        answer = real(*arguments)
        shop.database.run(*CHANGES, schema=live(shop))
        return answer

    monkeypatch.setattr(module, "catch_up", and_then_change)
    facts = cut_over(shop)
    assert equal(shop) == TABLES
    assert facts["carried"] == {
        "wp_comments": 1, "wp_stock": 2, "wp_usermeta": 1, "wp_wc_orders": 4,
        "wp_wc_orders_log": 4, "wp_wc_orders_meta": 3,
    }  # fmt: skip


def test_what_the_new_release_did_to_protected_rows_before_it_was_live_is_undone(shop):
    """A check that logs in leaves a session behind."""
    shop.database.run(
        "INSERT INTO wp_usermeta (user_id, meta_key) VALUES (1, 'session')",
        "UPDATE wp_users SET user_login = 'changed' WHERE ID = 1", schema=new(shop),
    )  # fmt: skip
    cut_over(shop)
    assert equal(shop) == TABLES


def test_a_value_no_digest_may_confuse_is_noticed(shop, monkeypatch):
    real = module.catch_up
    pairs = [("''", "NULL"), ("'1:a'", "'a'"), ("'a '", "'a'"), ("'A'", "'a'")]

    def and_then_change(*arguments):
        answer = real(*arguments)
        for number, (after, _) in enumerate(pairs, start=70):
            shop.database.run(
                f"UPDATE wp_usermeta SET meta_value = {after} WHERE umeta_id = {number}",
                schema=live(shop),
            )
        return answer

    for number, (_, before) in enumerate(pairs, start=70):
        shop.database.run(
            f"INSERT INTO wp_usermeta VALUES ({number}, 1, 'k', {before})", schema=live(shop)
        )
    monkeypatch.setattr(module, "catch_up", and_then_change)
    assert cut_over(shop)["carried"] == {"wp_usermeta": len(pairs)}
    assert equal(shop) == TABLES


def test_large_values_are_compared_too(shop, monkeypatch):
    shop.database.run(
        "INSERT INTO wp_usermeta VALUES (80, 1, 'large', REPEAT('x', 3000000))", schema=live(shop)
    )
    cut_over(shop)
    assert equal(shop) == TABLES


def test_the_marks_are_written_before_the_pointer_moves(shop, pointer):
    seen = []
    pointer.before_moving = lambda: seen.append(marks(shop))
    cut_over(shop)
    assert seen[0].cut_over is None
    assert seen[0].rows["wp_wc_orders"] == 3
    assert seen[0].high_keys["wp_wc_orders"] >= 2599
    assert seen[0].high_keys["wp_posts"] == 2
    assert "wp_wc_orders_meta" not in seen[0].high_keys
    assert set(seen[0].digests) == set(TABLES)
    after = marks(shop)
    assert after.cut_over is not None
    assert after.cut_over.pointer_moved


def test_the_digests_of_the_marks_are_those_a_later_census_computes(shop):
    shop.database.run(*CHANGES, schema=live(shop))
    cut_over(shop)
    connection = shop.database.root()
    for name, shape in shapes(connection, new(shop), TABLES).items():
        assert marks(shop).digests[name] == str(sum_up_to(connection, new(shop), shape, None)), name
    connection.close()


def test_triggers_do_not_fire_for_copied_rows_and_are_back_afterwards(shop, pointer):
    shop.database.run(
        "CREATE TRIGGER wp_logged AFTER INSERT ON wp_wc_orders FOR EACH ROW "
        "INSERT INTO wp_wc_orders_log VALUES (NEW.reference, NULL)", schema=new(shop),
    )  # fmt: skip
    shop.database.run(*CHANGES, schema=live(shop))
    cut_over(shop)
    assert equal(shop) == TABLES
    shop.database.run(
        "INSERT INTO wp_wc_orders (status, reference) VALUES ('x', 'fired')", schema=new(shop)
    )
    assert ("fired", None) in content(shop, new(shop), "wp_wc_orders_log")


def test_a_column_that_only_the_new_release_has_keeps_its_default(shop, pointer):
    shop.database.run(
        "ALTER TABLE wp_wc_orders ADD note varchar(9) DEFAULT 'none'", schema=new(shop)
    )
    shop.database.run(*CHANGES, schema=live(shop))
    pointer.after_moving = later(lambda: shop.database.run(
        "UPDATE wp_wc_orders SET status = 'late' WHERE id = 500",
        "INSERT INTO wp_wc_orders (status, reference) VALUES ('late', 'l')", schema=live(shop),
    ))  # fmt: skip
    facts = cut_over(shop, drainSeconds=1)
    assert facts["late"] == {"wp_wc_orders": 2}
    found = shop.database.run(
        "SELECT id, status, note FROM wp_wc_orders WHERE status = 'late' ORDER BY id",
        schema=new(shop),
    )
    assert found == [(500, "late", "none"), (1602, "late", "none")]
    connection = shop.database.root()
    shape = shapes(connection, new(shop), ["wp_wc_orders"])["wp_wc_orders"]
    assert marks(shop).digests["wp_wc_orders"] == str(sum_up_to(connection, new(shop), shape, None))
    connection.close()


def test_a_protected_table_made_since_the_import_is_brought_along(shop):
    shop.database.run(
        "CREATE TABLE wp_wc_orders_notes (id int PRIMARY KEY, note text)",
        "INSERT INTO wp_wc_orders_notes VALUES (1, 'x')", schema=live(shop),
    )  # fmt: skip
    cut_over(shop)
    assert content(shop, new(shop), "wp_wc_orders_notes") == [(1, "x")]


def test_a_structure_that_changed_since_the_import_is_refused(shop, pointer):
    shop.database.run("ALTER TABLE wp_stock ADD place varchar(9)", schema=live(shop))
    error = shop.failed("cut-over", **fields(shop))
    assert "columns that the new one lacks: wp_stock" in error.message
    assert pointer.at == OLD


def test_a_table_without_protection_is_left_alone(shop):
    shop.database.run("UPDATE wp_posts SET post_content = 'changed'", schema=live(shop))
    cut_over(shop)
    assert ("changed",) not in shop.database.run(
        "SELECT post_content FROM wp_posts", schema=new(shop)
    )


def test_the_first_promotion_writes_marks_and_leaves_the_rule_to_the_caller(shop, pointer):
    facts = cut_over(shop, liveSchema=None, protectedTables=[], ruleArn=None)
    assert (facts["pointerMoved"], facts["heldSeconds"]) == (False, 0)
    assert pointer.at == OLD
    assert marks(shop).rows["wp_posts"] == 2


def test_without_protected_tables_only_the_pointer_moves(shop, pointer):
    facts = cut_over(shop, protectedTables=[])
    assert facts["pointerMoved"]
    assert pointer.at == NEW
    assert marks(shop).digests == {}


def test_nothing_of_the_job_s_own_stays_behind(shop):
    before = shop.database.run("SHOW TABLES", schema=new(shop))
    cut_over(shop)
    assert shop.database.run("SHOW TABLES", schema=new(shop)) == before


def test_a_second_run_answers_what_the_first_did(shop, pointer):
    shop.database.run(*CHANGES, schema=live(shop))
    first = cut_over(shop)
    shop.database.run("UPDATE wp_stock SET pieces = 0", schema=new(shop))
    assert cut_over(shop) == first
    assert set(content(shop, new(shop), "wp_stock")) == {("shirt", 0), ("Cup", 0)}


def test_a_pointer_that_somebody_else_moved_is_refused(shop, pointer):
    pointer.at = NEW
    error = shop.failed("cut-over", **fields(shop))
    assert "not by this job" in error.message


def test_a_foreign_schema_is_never_locked(shop):
    shop.database.run("CREATE DATABASE other_tenant")
    error = shop.failed("cut-over", **fields(shop, liveSchema="other_tenant"))
    assert "no schema of site" in error.message


def test_an_attempt_that_was_taken_over_writes_nothing_more(shop, pointer, monkeypatch):
    real = module.equalise

    def and_be_taken_over(*arguments):
        answer = real(*arguments)
        shop.database.run("UPDATE sitefleet_cut_over SET fence = fence + 1", schema=new(shop))
        return answer

    monkeypatch.setattr(module, "equalise", and_be_taken_over)
    assert "has taken over" in shop.failed("cut-over", **fields(shop)).message
    assert pointer.at == OLD


def test_no_value_of_a_customer_is_in_facts_logs_or_marks(shop, pointer, capfd):
    shop.database.run("INSERT INTO wp_stock VALUES ('zoe@customer.test', 1)", schema=live(shop))

    def change_both():
        for schema, pieces in ((live(shop), 11), (new(shop), 10)):
            shop.database.run(
                f"UPDATE wp_stock SET pieces = {pieces} WHERE sku LIKE 'zoe%'", schema=schema
            )

    pointer.after_moving = later(change_both)
    facts = cut_over(shop, drainSeconds=1)
    assert len(facts["conflicts"]) == 1
    text = str(facts) + marks(shop).model_dump_json() + "".join(capfd.readouterr())
    assert "zoe@" not in text


def test_a_large_table_is_read_in_slices_that_miss_nothing(shop, pointer, monkeypatch):
    monkeypatch.setattr("migrator.digests._SLICED_ROWS", 1000)
    many = (
        "INSERT INTO wp_usermeta (umeta_id, user_id, meta_key) "
        "SELECT 5 + 7 * seq, 1, seq FROM seq_1_to_3000"
    )
    real = module.catch_up

    def and_then_change(*arguments):
        answer = real(*arguments)
        shop.database.run(
            "UPDATE wp_usermeta SET meta_value = 'x' WHERE umeta_id % 1000 IN (0, 1, 999)",
            "INSERT INTO wp_usermeta (umeta_id, user_id) VALUES (90000, 1), (3, 1)",
            schema=live(shop),
        )
        return answer

    for schema in (live(shop), new(shop)):
        shop.database.run(many, schema=schema)
    monkeypatch.setattr(module, "catch_up", and_then_change)
    cut_over(shop)
    assert equal(shop) == TABLES


def test_negative_and_missing_numbers_are_digested_too(shop):
    connection = shop.database.root()
    shop.database.run("CREATE TABLE wp_odd (id int PRIMARY KEY)", schema=live(shop))
    shop.database.run("INSERT INTO wp_odd VALUES (-1500), (-1), (0), (999), (1000), (70000)",
                      schema=live(shop))  # fmt: skip
    shape = shapes(connection, live(shop), ["wp_odd"])["wp_odd"]
    sums = chunk_sums(connection, live(shop), shape)
    assert {chunk: each.rows for chunk, each in sums.items()} == {-1: 1, 0: 3, 1: 1, 70: 1}
    for chunk in sums:
        assert chunk_sums(connection, live(shop), shape, [chunk]) == {chunk: sums[chunk]}
    assert total(sums) == sum_up_to(connection, live(shop), shape, None)
    connection.close()
