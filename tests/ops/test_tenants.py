"""`sitefleet tenants`: the first site, the last one, and what is there in between."""

from __future__ import annotations

from dataclasses import replace

import boto3
import pytest

from core.domain.site import ReleaseStatus
from core.domain.tenancy import HOLDS_A_PLACE
from events.formats import Environment
from events.vocabulary import SiteStatus
from tests.ops.conftest import KEYS, REGION
from tests.ops.records import SITE, release

TENANT = "tenant-1"
ONBOARD = (
    "tenants",
    "onboard",
    f"--tenant-id={TENANT}",
    "--site-id=site-new",
    "--site-name=Banana",
    "--subdomain=banana",
    "--env=sit",
)
OFFBOARD = ("tenants", "offboard", f"--tenant-id={TENANT}", "--reason=contract ended", "--env=sit")


@pytest.fixture
def tenant(cloud):
    """Write the tenant's record in the platform's table."""
    client = boto3.client("dynamodb", region_name=REGION)
    client.create_table(
        TableName="tenants",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=KEYS,
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")
        ],
    )

    def put(**more: str) -> None:
        item = {"PK": f"TENANT#{TENANT}", "SK": "METADATA", "status": "REGISTERED", **more}
        client.put_item(TableName="tenants", Item={k: {"S": v} for k, v in item.items()})

    put()
    return put


@pytest.fixture
def sites(cloud, tenant):
    """Two standing sites, one that has gone, and one of another tenant."""
    for site_id, status in (
        ("site-1", SiteStatus.ACTIVE),
        ("site-2", SiteStatus.SUSPENDED),
        ("site-3", SiteStatus.DELETED),
    ):
        site = replace(SITE, tenant_id=TENANT, site_id=site_id, status=status)
        cloud.sites.put(site, expected_version=None)
        if status in HOLDS_A_PLACE:
            cloud.sites.claim_place(TENANT, site_id, 10)
    cloud.sites.put(replace(SITE, tenant_id="tenant-10", site_id="site-1"), expected_version=None)


class TestOnboard:
    def test_it_sends_the_request_for_the_first_site(self, cloud, tenant, sitefleet):
        answer = sitefleet(*ONBOARD)
        assert answer.code == 0, answer.err
        [body] = cloud.bodies("site-creation")
        assert body["messageType"] == "SITE_CREATION_REQUEST"
        assert body["payload"]["environment"] == "sit"
        assert body["payload"]["siteId"] == "site-new"
        assert "  sites      0 of 10" in answer.err
        assert len(answer.out.split()) == 1

    def test_a_dry_run_only_looks(self, cloud, tenant, sitefleet):
        answer = sitefleet(*ONBOARD, "--dry-run")
        assert (answer.code, answer.out) == (0, "")
        assert "Nothing was sent" in answer.err
        assert cloud.bodies("site-creation") == []

    @pytest.mark.parametrize(
        ("more", "sentence"),
        [
            ({"status": "SUSPENDED"}, "is SUSPENDED: SITE_CREATION is not possible"),
            ({"tier": "gold"}, "tier is 'gold'"),
        ],
    )
    def test_a_tenant_that_may_not_is_told_why(self, cloud, tenant, sitefleet, more, sentence):
        tenant(**more)
        answer = sitefleet(*ONBOARD)
        assert answer.code == 2
        assert sentence in answer.err
        assert cloud.bodies("site-creation") == []

    def test_one_that_is_on_board_is_told_so(self, cloud, sites, sitefleet):
        answer = sitefleet(*ONBOARD)
        assert "has sites already (site-1, site-2)" in answer.err
        assert cloud.bodies("site-creation") == []

    def test_an_unknown_tenant_is_not_found(self, cloud, tenant, sitefleet):
        answer = sitefleet("tenants", "show", "--tenant-id=tenant-9", "--env=sit")
        assert "no tenant tenant-9 in the tenants table of sit" in answer.err


class TestOffboard:
    def test_it_deletes_the_tenant_s_sites_and_no_other_s(self, cloud, sites, sitefleet):
        answer = sitefleet(*OFFBOARD, "--yes")
        assert answer.code == 0, answer.err
        bodies = cloud.bodies("site-deletion")
        assert {(b["payload"]["tenantId"], b["payload"]["siteId"]) for b in bodies} == {
            (TENANT, "site-1"),
            (TENANT, "site-2"),
        }
        assert len(answer.out.split()) == 2

    def test_it_asks_first(self, cloud, sites, sitefleet):
        assert sitefleet(*OFFBOARD, stdin="n\n").code == 2
        assert sitefleet(*OFFBOARD, "--dry-run").code == 0
        assert cloud.bodies("site-deletion") == []

    def test_with_no_site_left_it_tells_what_remains(self, cloud, tenant, sitefleet):
        gone = replace(SITE, tenant_id=TENANT, site_id="site-1", status=SiteStatus.DELETED)
        cloud.sites.put(gone, expected_version=None)
        assert "Nothing is left" in sitefleet(*OFFBOARD).err
        left = release(1, ReleaseStatus.LIVE)
        cloud.sites.put_release(left)
        cloud.sites.claim_place(TENANT, "site-1", 1)
        boto3.client("secretsmanager", region_name=REGION).create_secret(
            Name=f"bbws/sit/{TENANT}/site-1/db", SecretString="x"
        )
        ec2 = boto3.client("ec2", region_name=REGION)
        group = ec2.create_security_group(
            GroupName=f"bbws-wp-sit-tenant-{TENANT}",
            Description="left",
            VpcId=ec2.describe_vpcs()["Vpcs"][0]["VpcId"],
        )["GroupId"]
        answer = sitefleet(*OFFBOARD, "--json")
        assert answer.code == 1
        assert answer.json["left"] == {
            "place": ["site-1"],
            "schema": [left.schema],
            "service": [],
            "target group": [],
            "access point": [],
            "secret": [f"bbws/sit/{TENANT}/site-1/db"],
            "security group": [group],
        }
        assert "this is left" in answer.err


def test_show_tells_status_places_and_what_is_there(cloud, sites, sitefleet):
    document = sitefleet("tenants", "show", f"--tenant-id={TENANT}", "--env=sit", "--json").json
    assert (document["status"], document["tier"]) == ("REGISTERED", "basic")
    assert (document["sitesUsed"], document["sitesAllowed"]) == (2, 10)
    assert [site["siteId"] for site in document["sites"]] == ["site-1", "site-2", "site-3"]
    shown = sitefleet("tenants", "show", f"--tenant-id={TENANT}", "--env=sit").out
    assert "sites      2 of 10" in shown
    assert Environment.SIT not in shown.split()[0]
