"""`sites list` and `sites show`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.site import ReleaseStatus
from events.formats import Environment
from events.vocabulary import OperationType, SiteStatus
from ops.errors import ExitCode
from tests.ops.records import COMPLETED, ID, RUNNING, SITE, URL, operation, release

TITLES = "SUBDOMAIN  NAME         CHANGED               AT WORK  IN LINE"
HOLDER = "00000000-0000-4000-8000-000000000001"


@pytest.fixture(autouse=True)
def _sit(monkeypatch):
    monkeypatch.setenv("SITEFLEET_ENV", "sit")


@pytest.fixture
def shop(cloud):
    cloud.sites.put(SITE, expected_version=None)
    cloud.sites.put_release(release(1, ReleaseStatus.SUPERSEDED))
    cloud.sites.put_release(release(2, ReleaseStatus.LIVE))
    cloud.store(COMPLETED)
    return cloud


def test_list(shop, sitefleet):
    other = replace(SITE, tenant_id="tenant-2", status=SiteStatus.PROVISIONING, live_release=None)
    shop.sites.put(other, expected_version=None)
    shared = "banana     Banana Shop  2026-11-21T08:02:05Z  -        -"
    assert sitefleet("sites", "list").out.splitlines() == [
        f"TENANT    SITE    STATUS        LIVE  {TITLES}",
        f"tenant-1  site-1  ACTIVE        r2    {shared}",
        f"tenant-2  site-1  PROVISIONING  -     {shared}",
    ]
    one = sitefleet("sites", "list", "--tenant-id", "tenant-2", "--json")
    assert [site["tenantId"] for site in one.json["sites"]] == ["tenant-2"]


def busy(shop):
    """A promotion is at work on the site, and a deletion waits for it."""
    running = replace(RUNNING, operation_id=HOLDER, fence=0)
    waiting = replace(RUNNING, operation_id=ID, operation_type=OperationType.SITE_DELETION)
    shop.store(running)
    shop.operations.acquire_lock(running, RUNNING.updated_at)
    shop.operations.enqueue_waiter(waiting, behind=HOLDER, since=RUNNING.updated_at)


def test_list_tells_what_is_at_work_on_a_site_and_how_many_wait(shop, sitefleet):
    shop.sites.put(replace(SITE, site_id="site-2"), expected_version=None)
    busy(shop)
    lines = sitefleet("sites", "list").out.splitlines()
    assert [line.split()[-2:] for line in lines[1:]] == [["SITE_PROMOTION", "1"], ["-", "-"]]
    first, second = sitefleet("sites", "list", "--json").json["sites"]
    assert first["runningOperation"]["operationId"] == HOLDER
    assert [waiter["operationId"] for waiter in first["waiting"]] == [ID]
    assert (second["runningOperation"], second["waiting"]) == (None, [])


def test_list_reads_the_lines_of_those_sites_only_for_which_somebody_waits(shop, monkeypatch):
    busy(shop)
    read, read_line = [], shop.operations.read_line

    def noted(pk, head_sk):
        read.append(pk)
        return read_line(pk, head_sk)

    monkeypatch.setattr(shop.operations, "read_line", noted)
    sites = [("tenant-1", f"site-{number}") for number in range(1, 151)]
    queues = shop.operations.queues_of(sites)
    assert list(queues) == sites
    assert len(read) == 1
    assert [site for site in sites if queues[site].holder] == [("tenant-1", "site-1")]


def test_an_empty_list_says_so(cloud, sitefleet):
    answer = sitefleet("sites", "list")
    assert (answer.code, answer.out, answer.err) == (0, "", "There are no sites.\n")


def test_show(shop, sitefleet):
    answer = sitefleet("sites", "show", "site-1")
    assert answer.err == ""
    assert answer.out.splitlines() == [
        "Banana Shop (site-1 of tenant-1) in sit",
        "  status     ACTIVE",
        f"  url        {URL}",
        "  subdomain  banana",
        "  version    4",
        "  wordpress  6.8",
        "  created    2026-11-21T08:00:00Z",
        "  changed    2026-11-21T08:02:05Z",
        "  running    no operation",
        "",
        "live release r2",
        "  schema           s_abc_r2",
        "  content          /tenant-1/abc/r2",
        "  access point     fsap-1",
        "  image            sha256:aa",
        "  task definition  arn:td",
        "  service          tenant-1-wordpress-abc-r2",
        "  target group     arn:tg",
        "",
        "RELEASE  STATUS      BUILT                 OPERATION",
        f"r1       SUPERSEDED  2026-11-21T08:00:00Z  {ID}",
        f"r2       LIVE        2026-11-21T08:00:00Z  {ID}",
    ]


def test_show_tells_which_operation_holds_the_site(shop, sitefleet):
    running = replace(RUNNING, operation_id=HOLDER, fence=0)
    shop.store(running)
    shop.operations.acquire_lock(running, RUNNING.updated_at)
    answer = sitefleet("sites", "show", "site-1", "--tenant-id=tenant-1")
    assert f"  running    SITE_PROMOTION {HOLDER}, IN_PROGRESS, at export_source" in (
        answer.out.splitlines()
    )
    document = sitefleet("sites", "show", "site-1", "--json").json
    assert document["runningOperation"]["operationId"] == HOLDER


def test_a_deletion_that_waits_behind_a_promotion_is_shown_as_such(shop, sitefleet):
    busy(shop)
    since = RUNNING.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    line = f"1.     SITE_DELETION  {ID}  {since}"
    for command in (("sites", "show", "site-1"), ("operations", "show", HOLDER, "--env=sit")):
        assert line in sitefleet(*command).out.splitlines()
    document = sitefleet("sites", "show", "site-1", "--json").json
    assert [w["operationId"] for w in document["waiting"]] == [ID]
    assert document["waiting"][0]["operationType"] == "SITE_DELETION"


def test_show_json(shop, sitefleet):
    document = sitefleet("sites", "show", "site-1", "--json").json
    assert list(document) == [
        "site",
        "url",
        "liveRelease",
        "releases",
        "runningOperation",
        "waiting",
    ]
    assert document["url"] == URL
    assert document["liveRelease"] == document["releases"][1]
    assert document["liveRelease"]["imageDigest"] == "sha256:aa"
    assert document["site"]["liveRelease"] == 2
    assert document["site"]["createdAt"] == "2026-11-21T08:00:00.000Z"
    assert document["runningOperation"] is None


def test_a_failed_site_tells_why_and_has_no_url(cloud, sitefleet):
    failed = replace(
        SITE, status=SiteStatus.FAILED, live_release=None, failure_reason="No\x1b[2J room."
    )
    cloud.sites.put(failed, expected_version=None)
    lines = sitefleet("sites", "show", "site-1").out.splitlines()
    assert lines[1:4] == [
        "  status     FAILED",
        "  reason     No [2J room.",
        "  url        nothing is live",
    ]


@pytest.mark.parametrize("arguments", [(), ("--tenant-id=tenant-1",)])
def test_an_unknown_site_is_not_found(cloud, sitefleet, arguments):
    answer = sitefleet("sites", "show", "site-9", *arguments)
    assert (answer.code, answer.out) == (ExitCode.NOT_FOUND, "")
    assert answer.err.endswith("See what there is: sitefleet sites list --env sit\n")


def test_two_tenants_may_have_a_site_of_one_id(shop, sitefleet):
    shop.sites.put(replace(SITE, tenant_id="tenant-2"), expected_version=None)
    answer = sitefleet("sites", "show", "site-1")
    assert (answer.code, answer.err) == (
        ExitCode.BAD_INPUT,
        "Several tenants have a site site-1: say --tenant-id (tenant-1, tenant-2).\n",
    )


@pytest.mark.parametrize("arguments", [("list",), ("show", "site-1")])
def test_another_environments_account_is_noticed(cloud, sitefleet, arguments):
    cloud.sites.put(replace(SITE, environment=Environment.DEV), expected_version=None)
    answer = sitefleet("sites", *arguments)
    assert (answer.code, answer.out) == (ExitCode.BAD_INPUT, "")
    assert "These credentials open the account of dev, not of sit." in answer.err


def test_what_a_creation_that_never_began_looks_like(cloud, sitefleet):
    cloud.store(operation())
    assert sitefleet("sites", "show", "site-1").code == ExitCode.NOT_FOUND
