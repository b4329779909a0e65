"""The census of the source: counted, dry run of the rewrite, and every right tried first."""

import json

import boto3
import pytest

from tests.migrator.dumps import fill

DOMAINS = ["wpdev.test", "wpsit.test"]


KEY = "6Ld" + 37 * "X"
"""As reCAPTCHA gives them out."""


def site(fleet):
    schema = fleet.names.release(1).schema
    fleet.own_schema(schema)
    fill(fleet.database, schema, fleet.names.database_user)
    fleet.database.run(
        "INSERT INTO wp_options (option_name, option_value) VALUES "
        f"('wpcf7', 'a:1:{{s:40:\"{KEY}\";s:1:\"x\";}}'), ('blob', 'QQ{KEY}XXX'), "
        "('elementor_pro_recaptcha_site_key', 'abc'), ('hcaptcha_empty', ''), "
        "('_transient_recaptcha_check', 'yes')", schema=schema,
    )  # fmt: skip
    content = fleet.content(1)
    (content / "uploads").mkdir(parents=True)
    (content / "uploads" / "a.jpg").write_text("a")
    fleet.record(live=1)
    return schema


def by_name(facts) -> dict[str, dict]:
    return {check["name"]: check for check in facts["rights"]}


def test_replacements_are_counted_and_nothing_is_written(fleet):
    schema = site(fleet)
    before = fleet.database.run("CHECKSUM TABLE wp_posts, wp_options", schema=schema)
    facts = fleet.done("census", environment="dev", domains=DOMAINS)
    assert facts["replacements"] == {"wp_options": 3, "wp_posts": 1}
    assert facts["databaseSizeBytes"] > 10_000
    assert fleet.database.run("CHECKSUM TABLE wp_posts, wp_options", schema=schema) == before
    assert fleet.done("census", environment="dev")["replacements"] == {}


def test_keys_that_are_bound_to_a_domain_are_named_and_never_shown(fleet, capfd):
    """Forms were refused after a move: reCAPTCHA keys belong to the other domain."""
    site(fleet)
    facts = fleet.done("census", environment="dev")
    assert facts["domainBoundOptions"] == [
        "elementor_pro_recaptcha_site_key", "recaptcha_key", "wpcf7",
    ]  # fmt: skip
    assert "6LdXXX" not in json.dumps(facts)
    assert "6LdXXX" not in "".join(capfd.readouterr())


def test_every_right_of_an_export_is_tried_and_leaves_nothing_behind(fleet):
    site(fleet)
    facts = fleet.done("census", environment="dev", destination=fleet.at("transfers/x"))
    assert {name: check["passed"] for name, check in by_name(facts).items()} == {
        "secret readable": True, "database reachable": True, "database dumpable": True,
        "content readable": True, "transfer writable": True,
    }  # fmt: skip
    s3 = fleet.clients["s3"]
    assert "Contents" not in s3.list_objects_v2(Bucket=fleet.bucket, Prefix="transfers/")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=fleet.bucket)


def test_a_right_that_the_census_itself_lacks_is_named(fleet):
    schema = site(fleet)
    fleet.database.run(f"REVOKE SHOW VIEW ON `{schema}`.* FROM `{fleet.names.database_user}`@'%'")
    error = fleet.failed("census", environment="dev")
    assert error.code == "PROM_002"
    assert "database dumpable: The dump failed" in error.message
    assert "wp_latest" in error.message


def test_content_that_is_not_mounted_is_named(fleet):
    site(fleet)
    (fleet.content(1) / "uploads" / "a.jpg").unlink()
    (fleet.content(1) / "uploads").rmdir()
    fleet.content(1).rmdir()
    assert (
        "content readable: The content folder" in fleet.failed("census", environment="dev").message
    )


@pytest.fixture
def foreign_bucket(remote_fleet, endpoint):
    """A bucket of another account, without a policy that lets this one in."""
    session = boto3.Session("815856636111", "test", region_name="af-south-1")
    client = session.client("s3", endpoint_url=endpoint)
    name = f"foreign-{remote_fleet.bucket}"
    client.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "af-south-1"}
    )
    yield client, name
    client.close()


def test_a_transfer_bucket_that_lets_nobody_in_is_found_before_anything_is_exported(
    remote_fleet, foreign_bucket
):
    """A dump could not be written for the importing host: the bucket's policy lacked the role."""
    site(remote_fleet)
    client, bucket = foreign_bucket

    def census() -> dict:
        job = remote_fleet.describe(
            "census", environment="dev", destination={"bucket": bucket, "key": "transfers/x"}
        )
        remote_fleet.start("run", job).communicate(timeout=60)
        result = remote_fleet.result()
        assert result.error is None
        return by_name(dict(result.facts))["transfer writable"]

    refused = census()
    assert not refused["passed"]
    assert "AccessDenied" in refused["evidence"]
    assert "bucket's policy" in refused["evidence"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow", "Principal": "*",
                "Action": ["s3:PutObject", "s3:AbortMultipartUpload"],
                "Resource": f"arn:aws:s3:::{bucket}/transfers/*",
            }
        ],
    }  # fmt: skip
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert census()["passed"]
