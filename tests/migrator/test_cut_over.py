"""The cut-over: what changed is copied, the two are equal, then the pointer moves; bounded."""

import threading
import time

import pytest

from core.domain.job_facts import Marks
from migrator import cut_over as module
from migrator.databases import rows as run_sql
from migrator.digests import chunk_sums, shapes, sum_up_to, total
from migrator.errors import JobFailure, Stopped
from migrator.services import Services
from tests.migrator.shop import PROTECTED, fill_live, fill_source, transferred

OLD, NEW, RULE = "arn:tg/r1", "arn:tg/r2", "arn:rule"
TABLES = [
    "wp_comments", "wp_order_items", "wp_stock", "wp_usermeta", "wp_users", "wp_wc_orders",
    "wp_wc_orders_log", "wp_wc_orders_meta",
]  # fmt: skip


class Pointer:
    """A site's pointer; what happens when it moves can be set."""

    def __init__(self) -> None:
        self.at = OLD
        self.before_moving = lambda: None
        self.after_moving = lambda: None

    def target(self, _rule: str) -> str:
        return self.at

    def move(self, _rule: str, target_group_arn: str) -> None:
        self.before_moving()
        self.at = target_group_arn
        self.after_moving()


@pytest.fixture
def pointer(monkeypatch):
    pointer = Pointer()
    monkeypatch.setattr(Services, "pointer", pointer, raising=False)
    return pointer


@pytest.fixture
def shop(fleet, pointer):
    """A promotion just before its cut-over: r1 is live, r2 is imported."""
    fleet.own_schema("tenant_source")
    fill_source(fleet.database, "tenant_source")
    fleet.own_schema(fleet.names.release(1).schema)
    fill_live(fleet.database, fleet.names.release(1).schema)
    fleet.record(live=1)
    job = transferred(fleet, "tenant_source")
    fleet.done("import", **job, carriedFrom=live(fleet), carriedTables=PROTECTED)
    return fleet


def live(fleet) -> str:
    return fleet.names.release(1).schema


def new(fleet) -> str:
    return fleet.names.release(2).schema


def fields(fleet, **changes):
    return {
        "database": fleet.job_database(2), "liveSchema": live(fleet),
        "protectedTables": PROTECTED, "holdSeconds": 10, "drainSeconds": 0, "ruleArn": RULE,
        "targetGroupArn": NEW, "marks": fleet.at("releases/r2/marks.json"),
    } | changes  # fmt: skip


def cut_over(fleet, **changes):
    return fleet.done("cut-over", **fields(fleet, **changes))


def content(fleet, schema: str, table: str) -> list[tuple]:
    return sorted(fleet.database.run(f"SELECT * FROM `{table}`", schema=schema), key=repr)


def equal(fleet) -> list[str]:
    """Return the protected tables that hold the same in both releases."""
    return [t for t in TABLES if content(fleet, live(fleet), t) == content(fleet, new(fleet), t)]


def marks(fleet) -> Marks:
    body = fleet.clients["s3"].get_object(Bucket=fleet.bucket, Key="releases/r2/marks.json")["Body"]
    return Marks.model_validate_json(body.read())


CHANGES = [
    "INSERT INTO wp_wc_orders (status, reference) VALUES ('new', 'n1'), ('new', 'n2')",
    "UPDATE wp_wc_orders SET status = 'shipped' WHERE id = 500",
    "DELETE FROM wp_wc_orders WHERE id = 501",
    "UPDATE wp_stock SET pieces = 39 WHERE sku = 'shirt'",
    "UPDATE wp_stock SET sku = 'Cup' WHERE sku = 'cup'",
    "INSERT INTO wp_wc_orders_meta VALUES (1600, 'k', X'00'), (1601, 'k', NULL)",
    "UPDATE wp_wc_orders_meta SET meta_value = NULL WHERE order_id = 500",
    "INSERT INTO wp_wc_orders_log VALUES ('same', NULL), ('one more', NOW(3))",
    "DELETE FROM wp_wc_orders_log WHERE line IS NULL",
    "UPDATE wp_comments SET comment_content = '' WHERE comment_ID = 1",
    "UPDATE wp_usermeta SET meta_key = NULL WHERE user_id = 3",
]


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


def test_numbers_of_late_rows_are_left_free(shop, pointer):
    """Given an order at each release in the same moment, neither takes the other's number."""

    def order_at_both():
        for schema, reference in ((live(shop), "late"), (new(shop), "new")):
            shop.database.run(
                f"INSERT INTO wp_wc_orders (status, reference) VALUES ('new', '{reference}')",
                schema=schema,
            )

    release = later(order_at_both)
    pointer.after_moving = release
    facts = cut_over(shop, drainSeconds=1)
    assert facts["late"] == {"wp_wc_orders": 1}
    found = dict(shop.database.run("SELECT reference, id FROM wp_wc_orders", schema=new(shop)))
    assert found["late"] == 1600
    assert found["new"] >= 2600


def later(action, seconds: float = 0.3):
    """Return a function that has the action done a little later: after the hold."""

    def start():
        threading.Timer(seconds, action).start()

    return start


def test_late_updates_and_deletions_are_carried_too(shop, pointer):
    shop.database.run("INSERT INTO wp_wc_orders_log VALUES ('a', NULL), ('a', NULL)",
                      schema=live(shop))  # fmt: skip
    pointer.after_moving = later(lambda: shop.database.run(
        "UPDATE wp_stock SET pieces = 1 WHERE sku = 'cup'",
        "DELETE FROM wp_comments WHERE comment_ID = 2",
        "DELETE FROM wp_wc_orders_log WHERE line = 'a' LIMIT 1",
        "INSERT INTO wp_wc_orders_log VALUES ('same', NULL), ('late', NULL)", schema=live(shop),
    ))  # fmt: skip
    facts = cut_over(shop, drainSeconds=1)
    assert equal(shop) == TABLES
    assert facts["late"] == {"wp_stock": 1, "wp_comments": 1, "wp_wc_orders_log": 3}
    assert facts["conflicts"] == []
    connection = shop.database.root()
    for name, shape in shapes(connection, new(shop), TABLES).items():
        assert marks(shop).digests[name] == str(sum_up_to(connection, new(shop), shape, None)), name
    connection.close()


def test_a_row_that_both_releases_changed_is_a_conflict_and_the_new_one_stands(shop, pointer):
    def change_both():
        for schema, pieces in ((live(shop), 11), (new(shop), 10)):
            shop.database.run(
                f"UPDATE wp_stock SET pieces = {pieces} WHERE sku = 'cup'",
                f"UPDATE wp_users SET user_login = 'name {pieces}' WHERE ID = 3",
                schema=schema,
            )

    pointer.after_moving = later(change_both)
    facts = cut_over(shop, drainSeconds=1)
    assert facts["conflicts"][1:] == ["wp_users:3"]
    assert facts["conflicts"][0].startswith("wp_stock:#")
    assert "cup" not in str(facts)
    assert facts["late"] == {}
    assert ("cup", 10) in content(shop, new(shop), "wp_stock")


def test_new_rows_of_the_new_release_stay_when_late_ones_come(shop, pointer):
    pointer.after_moving = later(lambda: (
        shop.database.run("INSERT INTO wp_comments (comment_post_ID, comment_content) "
                          "VALUES (1, 'new')", schema=new(shop)),
        shop.database.run("INSERT INTO wp_comments (comment_post_ID, comment_content) "
                          "VALUES (1, 'late')", schema=live(shop)),
    ))  # fmt: skip
    cut_over(shop, drainSeconds=1)
    texts = {row[2] for row in content(shop, new(shop), "wp_comments")}
    assert {"new", "late"} <= texts
    counts = shop.database.run("SELECT comment_count FROM wp_posts WHERE ID = 1", schema=new(shop))
    assert counts == [(3,)]


def test_writers_wait_and_readers_do_not(shop, pointer):
    waited, read = [], []

    def write():
        begun = time.monotonic()
        shop.database.run("UPDATE wp_stock SET pieces = pieces - 1", schema=live(shop))
        waited.append(time.monotonic() - begun)

    def look():
        writer = threading.Thread(target=write)
        writer.start()
        time.sleep(0.4)
        begun = time.monotonic()
        shop.database.run("SELECT * FROM wp_stock", schema=live(shop))
        read.append(time.monotonic() - begun)
        assert not waited

    pointer.before_moving = look
    facts = cut_over(shop, drainSeconds=0.5)
    assert waited[0] >= 0.4
    assert read[0] < 0.3
    assert 0.4 <= facts["heldSeconds"] < 5
    assert facts["late"] == {"wp_stock": 2}
    assert equal(shop) == TABLES


def test_a_hold_that_takes_too_long_lets_go_and_moves_nothing(shop, pointer, monkeypatch):
    monkeypatch.setattr("migrator.cut_over.put_back", lambda *_arguments: time.sleep(1.6))
    error = shop.failed("cut-over", **fields(shop, holdSeconds=1))
    assert error.retryable
    assert "longer than 1 s" in error.message
    assert pointer.at == OLD
    begun = time.monotonic()
    shop.database.run("UPDATE wp_stock SET pieces = 0", schema=live(shop))
    assert time.monotonic() - begun < 1
    monkeypatch.undo()


def test_the_server_itself_lets_writers_go_when_the_job_hangs(shop, pointer, monkeypatch):
    """Given a job that hangs with its locks held, writers wait as long as a hold may take."""
    waited = []

    def hang(*_arguments):
        writer = threading.Thread(target=lambda: (
            shop.database.run("UPDATE wp_stock SET pieces = 0", schema=live(shop)),
            waited.append(time.monotonic() - begun),
        ))  # fmt: skip
        begun = time.monotonic()
        writer.start()
        writer.join(10)
        return {}

    monkeypatch.setattr("migrator.cut_over.put_back", hang)
    assert "longer than 2 s" in shop.failed("cut-over", **fields(shop, holdSeconds=2)).message
    assert 1 < waited[0] < 3.5


def test_a_statement_that_takes_too_long_ends_the_hold(shop, pointer, monkeypatch):
    def slow(services, job, counted, protected, outcome=None):
        raise AssertionError("must not get here")

    monkeypatch.setattr("migrator.cut_over.keep_marks", slow)
    monkeypatch.setattr(
        "migrator.cut_over.matching_tables",
        lambda connection, *_rest: run_sql(connection, "SELECT SLEEP(20)"),
    )
    begun = time.monotonic()
    assert "longer than 1 s" in shop.failed("cut-over", **fields(shop, holdSeconds=1)).message
    assert time.monotonic() - begun < 8


def test_a_transaction_that_never_ends_fails_the_job_and_lets_everybody_go(
    shop, pointer, monkeypatch
):
    monkeypatch.setattr("migrator.hold._TRIES", 2)
    busy = shop.database.root(live(shop))
    busy.begin()
    busy.cursor().execute("UPDATE wp_stock SET pieces = 7 WHERE sku = 'cup'")
    error = shop.failed("cut-over", **fields(shop))
    assert error.retryable
    assert "wp_stock could not be held" in error.message
    busy.cursor().execute("UPDATE wp_users SET user_login = 'still working' WHERE ID = 1")
    busy.commit()
    busy.close()
    assert pointer.at == OLD
    cut_over(shop)
    assert equal(shop) == TABLES


def test_nobody_is_left_waiting_when_the_pointer_cannot_be_moved(shop, pointer):
    def refuse():
        raise JobFailure("The rule is gone.", retryable=True)

    pointer.before_moving = refuse
    assert "The rule is gone." in shop.failed("cut-over", **fields(shop)).message
    begun = time.monotonic()
    shop.database.run(*CHANGES, schema=live(shop))
    assert time.monotonic() - begun < 2
    pointer.before_moving = lambda: None
    cut_over(shop)
    assert equal(shop) == TABLES


def test_a_stop_in_the_hold_lets_everybody_go(shop, pointer):
    def stop():
        raise Stopped

    pointer.before_moving = stop
    assert "asked to stop" in shop.failed("cut-over", **fields(shop)).message
    begun = time.monotonic()
    shop.database.run(*CHANGES, schema=live(shop))
    assert time.monotonic() - begun < 2
    assert pointer.at == OLD


def test_without_the_right_to_flush_tables_are_locked_the_other_way(shop, pointer):
    shop.database.run("REVOKE RELOAD ON *.* FROM adm@'%'")
    try:
        shop.database.run(*CHANGES, schema=live(shop))
        cut_over(shop)
    finally:
        shop.database.run("GRANT RELOAD ON *.* TO adm@'%'")
    assert equal(shop) == TABLES


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
