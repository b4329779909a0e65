"""The hold of the cut-over: bounded, and whoever waits in it is let go, whatever happens."""

from __future__ import annotations

import threading
import time

from migrator.databases import rows as run_sql
from migrator.errors import JobFailure, Stopped
from tests.migrator.cutting_over import (
    CHANGES,
    OLD,
    TABLES,
    cut_over,
    equal,
    fields,
    live,
    pointer,
    shop,
)

__all__ = ["pointer", "shop"]


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
