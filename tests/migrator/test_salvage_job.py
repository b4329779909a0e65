"""Rows written to a release that is taken back are exported and counted, and nothing else is."""

import json
import time

import pytest
import zstandard

from core.domain.job_facts import Marks
from migrator.services import Services
from tests.migrator.shop import PROTECTED, fill_live, fill_source, transferred

KEY = "salvage/op/rows.jsonl.zst"


class Pointer:
    at = "arn:tg/r1"

    def target(self, _rule: str) -> str:
        return self.at

    def move(self, _rule: str, target_group_arn: str) -> None:
        self.at = target_group_arn


@pytest.fixture
def failed(fleet, monkeypatch):
    """A release that was cut over; returns its schema."""
    monkeypatch.setattr(Services, "pointer", Pointer(), raising=False)
    live, new = fleet.names.release(1).schema, fleet.names.release(2).schema
    fleet.own_schema("tenant_source")
    fill_source(fleet.database, "tenant_source")
    fleet.own_schema(live)
    fill_live(fleet.database, live)
    fleet.record(live=1)
    job = transferred(fleet, "tenant_source")
    fleet.done("import", **job, carriedFrom=live, carriedTables=PROTECTED)
    fleet.database.run("UPDATE wp_stock SET pieces = 3", schema=live)
    fleet.done(
        "cut-over", database=fleet.job_database(2), liveSchema=live, protectedTables=PROTECTED,
        holdSeconds=10, drainSeconds=0, ruleArn="arn:rule", targetGroupArn="arn:tg/r2",
        marks=fleet.at("releases/r2/marks.json"),
    )  # fmt: skip
    return new


def salvage(fleet, **fields):
    return fleet.done(
        "salvage",
        **{
            "database": fleet.job_database(2), "marks": fleet.at("releases/r2/marks.json"),
            "drainSeconds": 0, "destination": fleet.at(KEY),
        } | fields,
    )  # fmt: skip


def lines(fleet) -> list[dict]:
    body = fleet.clients["s3"].get_object(Bucket=fleet.bucket, Key=KEY)["Body"].read()
    text = zstandard.ZstdDecompressor().decompressobj().decompress(body)
    return [json.loads(line) for line in text.splitlines()]


def objects(fleet) -> list[str]:
    listed = fleet.clients["s3"].list_objects_v2(Bucket=fleet.bucket, Prefix="salvage/")
    return [item["Key"] for item in listed.get("Contents", [])]


EMPTY = {"rows": {}, "changedTables": [], "objectKey": None, "sha256": None}


def test_nothing_new_writes_nothing(fleet, failed):
    assert salvage(fleet) == EMPTY
    assert objects(fleet) == []


def test_rows_above_the_marks_are_exported_with_every_value(fleet, failed):
    fleet.database.run(
        "INSERT INTO wp_wc_orders (status, reference, total) VALUES ('new', 'Zoë 🦆', 12.5)",
        "INSERT INTO wp_posts (post_content) VALUES ('written since')",
        "INSERT INTO wp_users (user_login) VALUES ('late customer')", schema=failed,
    )  # fmt: skip
    facts = salvage(fleet)
    assert facts["rows"] == {"wp_posts": 1, "wp_users": 1, "wp_wc_orders": 1}
    assert facts["changedTables"] == []
    assert facts["objectKey"] == KEY
    assert len(facts["sha256"]) == 64
    found = {line["table"]: line for line in lines(fleet)}
    order = found["wp_wc_orders"]
    assert order["why"] == "new"
    assert order["row"].pop("id") >= 2600
    assert order["row"] == {"status": "new", "reference": "Zoë 🦆", "total": "12.50000000"}
    assert found["wp_users"]["row"]["user_registered"] == "0000-00-00 00:00:00"


def test_a_protected_table_whose_older_rows_changed_is_exported_whole(fleet, failed):
    fleet.database.run(
        "UPDATE wp_wc_orders SET status = 'refunded' WHERE id = 500",
        "DELETE FROM wp_comments WHERE comment_ID = 1",
        "UPDATE wp_posts SET post_content = 'not protected'", schema=failed,
    )  # fmt: skip
    facts = salvage(fleet)
    assert facts["rows"] == {"wp_comments": 2, "wp_wc_orders": 3}
    assert facts["changedTables"] == ["wp_comments", "wp_wc_orders"]
    assert {line["why"] for line in lines(fleet)} == {"whole table"}


def test_tables_without_a_number_to_tell_new_rows_by_are_exported_whole(fleet, failed):
    fleet.database.run(
        "INSERT INTO wp_wc_orders_log VALUES ('since', '2026-11-21 08:00:00.250'), (NULL, NULL)",
        "INSERT INTO wp_wc_orders_meta VALUES (9, 'k', X'00ff41')", schema=failed,
    )  # fmt: skip
    facts = salvage(fleet)
    assert facts["rows"] == {"wp_wc_orders_log": 5, "wp_wc_orders_meta": 3}
    assert sorted(facts["changedTables"]) == ["wp_wc_orders_log", "wp_wc_orders_meta"]
    rows = [line["row"] for line in lines(fleet)]
    assert {"line": "since", "at": "2026-11-21 08:00:00.250000"} in rows
    assert {"order_id": 9, "meta_key": "k", "meta_value": {"base64": "AP9B"}} in rows


def test_a_table_made_since_the_cut_over_is_exported(fleet, failed):
    fleet.database.run(
        "CREATE TABLE wp_new (id int PRIMARY KEY, t time(3), f float)",
        "INSERT INTO wp_new VALUES (1, '-27:00:01.5', 0.5)", schema=failed,
    )  # fmt: skip
    assert salvage(fleet)["rows"] == {"wp_new": 1}
    assert lines(fleet)[0]["row"] == {"id": 1, "t": "-27:00:01.500000", "f": 0.5}


def test_a_release_that_was_never_cut_over_has_nothing_to_salvage(fleet, failed):
    assert salvage(fleet, marks=fleet.at("releases/r9/marks.json")) == EMPTY


def test_requests_still_under_way_are_waited_for(fleet, failed):
    begun = time.monotonic()
    salvage(fleet, drainSeconds=0.5)
    assert time.monotonic() - begun > 0.5


def test_a_cut_over_that_broke_off_leaves_nothing_of_its_own_in_the_export(fleet, failed):
    fleet.database.run("CREATE TABLE sitefleet_base_0 (id int)",
                       "INSERT INTO sitefleet_base_0 VALUES (1)", schema=failed)  # fmt: skip
    assert salvage(fleet) == EMPTY


def test_a_second_run_exports_the_same(fleet, failed):
    fleet.database.run("INSERT INTO wp_users (user_login) VALUES ('x')", schema=failed)
    assert salvage(fleet) == salvage(fleet)


def test_a_foreign_schema_is_not_exported(fleet, failed):
    fleet.database.run("CREATE DATABASE other_tenant")
    error = fleet.failed(
        "salvage", marks=fleet.at("x"), drainSeconds=0, destination=fleet.at(KEY),
        database={"secretId": fleet.names.database_secret, "schemaName": "other_tenant"},
    )  # fmt: skip
    assert "no schema of site" in error.message


def test_marks_that_are_none_are_refused(fleet, failed):
    fleet.clients["s3"].put_object(Bucket=fleet.bucket, Key="x", Body=b"{}")
    error = fleet.failed(
        "salvage", marks=fleet.at("x"), drainSeconds=0, destination=fleet.at(KEY),
        database=fleet.job_database(2),
    )  # fmt: skip
    assert "holds no marks" in error.message


def test_no_row_is_in_facts_or_logs(fleet, failed, capfd):
    fleet.database.run("INSERT INTO wp_users (user_login) VALUES ('private-name')", schema=failed)
    facts = salvage(fleet)
    assert "private-name" not in str(facts) + "".join(capfd.readouterr())


def test_the_next_promotion_is_told_what_is_new(fleet, failed):
    fleet.record(live=2)
    fleet.database.run("INSERT INTO wp_users (user_login) VALUES ('x'), ('y')",
                       "UPDATE wp_stock SET pieces = 0", schema=failed)  # fmt: skip
    facts = fleet.done(
        "target-census", database=fleet.job_database(2), protectedTables=PROTECTED,
        marks=fleet.at("releases/r2/marks.json"),
    )  # fmt: skip
    assert facts["newRows"] == {"wp_users": 2}
    assert facts["changedTables"] == ["wp_stock"]
    assert Marks.model_validate_json(
        fleet.clients["s3"]
        .get_object(Bucket=fleet.bucket, Key="releases/r2/marks.json")["Body"]
        .read()
    ).cut_over
