"""Rows that are written to the former release after the cut-over are carried, or reported."""

from __future__ import annotations

import threading

from migrator.digests import shapes, sum_up_to
from tests.migrator.cutting_over import (
    TABLES,
    content,
    cut_over,
    equal,
    live,
    marks,
    new,
    pointer,
    shop,
)

__all__ = ["pointer", "shop"]


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
