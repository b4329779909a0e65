"""What is asked at the wrong time, or for what is not allowed, is refused; nobody is harmed."""

import pytest

pytestmark = pytest.mark.machine


def key_of(world, run):
    """The short key in the names of what a site owns, the same in every environment."""
    release = world.inventory["dev"].site(run.request["payload"]["siteId"])[1]
    return release["schema"].split("_")[1]


@pytest.mark.parametrize("path", ["dev to prod", "sit to dev", "prod to sit", "prod to dev"])
def test_a_path_that_is_not_offered_is_rejected(refusals, path):
    event = refusals.paths[path]
    error = event["detail"]["data"]["error"]
    assert event["detail-type"] == "SiteOperationRejected"
    assert error["code"] == "SITE_006"
    assert error["message"]


def test_a_taken_subdomain_fails_the_creation(refusals):
    assert refusals.same_subdomain.status == "FAILED"
    error = refusals.same_subdomain.data["error"]
    assert error["code"] == "SITE_003"
    assert "first-come" in error["message"]


def test_the_first_site_keeps_its_subdomain(world, refusals):
    page = world.browser.get(refusals.site.url)
    assert page.status == 200
    assert "The first-come shop" in page.text
    site = refusals.site.request["payload"]["siteId"]
    owner = [i for i in world.inventory["dev"].items("sites") if i["PK"] == "SUBDOMAIN#first-come"]
    assert [item["siteId"] for item in owner] == [site]


def test_nothing_is_left_of_the_site_that_came_second(world, refusals):
    dev, site = world.inventory["dev"], refusals.same_subdomain.request["payload"]["siteId"]
    assert [name for name in dev.secrets() if site in name] == []
    assert all(item.get("status") in {"FAILED", "DISCARDED"} for item in dev.site(site))
    told = world.notifications["dev"].wait_for(site, "SITE_CREATION_FAILED")
    assert told["body"]["payload"]["error"]["code"] == "SITE_003"
    assert told["MessageAttributes"]["outcome"]["Value"] == "failed"


def test_a_second_promotion_of_the_same_site_is_refused_at_once(refusals):
    assert refusals.second.end["detail-type"] == "SiteOperationRejected"
    error = refusals.second.data["error"]
    assert error["code"] == "PROM_001"
    assert refusals.cancelled.operation_id in error["message"]


def test_a_cancelled_promotion_ends_cancelled(world, refusals):
    assert refusals.cancelled.end["detail-type"] == "SiteOperationCancelled"
    assert refusals.cancelled.status == "CANCELLED"
    site = refusals.site.request["payload"]["siteId"]
    told = world.notifications["sit"].wait_for(site, "SITE_PROMOTION_CANCELLED")
    assert told["MessageAttributes"]["outcome"]["Value"] == "cancelled"


def test_a_cancelled_promotion_leaves_the_target_as_it_was(world, refusals):
    """No schema, directory, access point, service, rule, name, secret or site record."""
    site, sit = refusals.site.request["payload"]["siteId"], world.inventory["sit"]
    key = key_of(world, refusals.site)
    for kind, found in sit.releases().items():
        assert [release for release in found if release[0] == key] == [], kind
    assert "first-come.wpsit.kimmyai.io" not in sit.hosts()
    assert "first-come.wpsit.kimmyai.io" not in sit.names()
    assert [name for name in sit.secrets() if site in name] == []
    assert [i for i in sit.site(site) if i.get("status") != "DISCARDED"] == []
    assert world.browser.get("https://first-come.wpsit.kimmyai.io").status == 404


def test_a_cancelled_promotion_leaves_no_database_user(world, refusals):
    """It was cancelled after the import, which had made one."""
    steps = world.events["sit"].where(
        "SiteStepCompleted", operationId=refusals.cancelled.operation_id, step="import_database"
    )
    assert {step["detail"]["metadata"]["phase"] for step in steps} == {"forward", "undo"}
    key = key_of(world, refusals.site)
    assert f"u_{key}" in world.inventory["dev"].users()
    assert f"u_{key}" not in world.inventory["sit"].users()


def test_a_cancelled_promotion_leaves_the_source_as_it_was(world, refusals):
    assert world.browser.get(refusals.site.url).status == 200
    transfers = (
        world.accounts["sit"]
        .client("s3")
        .list_objects_v2(
            Bucket="bbws-transfer-sit", Prefix=f"transfers/{refusals.cancelled.operation_id}"
        )
    )
    assert transfers["KeyCount"] == 0


def test_a_cancel_of_what_has_ended_is_rejected(world, refusals):
    world.cancel("sit", refusals.cancelled.operation_id)
    answer = world.events["sit"].wait_for(
        "SiteOperationRejected", operationId=refusals.cancelled.operation_id
    )
    assert answer["detail"]["data"]["error"]["code"] == "SITE_005"
