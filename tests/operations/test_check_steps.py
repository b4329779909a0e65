"""The steps that check: what they ask of the job, and what its answer means."""

from types import SimpleNamespace

import pytest

from core.bootstrap import load_policy
from core.domain.census import Census, ContentSummary, PageSummary
from core.domain.job_facts import JobResult, VerifyFacts
from core.domain.job_models import Check, ObjectLocation
from core.domain.names import JobReference
from core.engine.outcome import Done, Failed, Wait
from core.operations.steps.checks import check_before, check_source
from core.ports.jobs import Where
from events.payloads import SitePromotionPayload

PAGE = PageSummary(title="Shop", links=["/"], text_length=10)
CENSUS = Census(
    tenant_id="tenant-1", site_id="site-a", environment="sit", site_name="Shop", subdomain="shop",
    site_url="https://shop.wpsit.kimmyai.io", release=4, site_version=9, image_digest="sha256:1",
    wordpress_version="6.5", php_version="8.2.1", theme="t", plugins={"p/p.php": "1"},
    permalinks="/%postname%/", posts={"post:publish": 3},
    content=ContentSummary(files=1, size_bytes=1), front_page=PAGE,
)  # fmt: skip


class Jobs:
    """A fleet's jobs and transfer bucket: what was asked for, and the answer to it."""

    def __init__(self, *checks: Check) -> None:
        self.facts = VerifyFacts(passed=all(c.passed for c in checks), checks=list(checks))
        self.started = []
        self.description = None

    def find(self, _where, _reference):
        return None

    def start(self, where, _reference, _location, **_of):
        self.started.append(where)

    def location(self, key):
        return ObjectLocation(bucket="transfer", key=key)

    def put_description(self, _reference, description):
        self.description = description

    def result(self, reference):
        if self.description is None or not self.facts.checks:
            return None
        return JobResult(
            operation_id=reference.operation_id, step=reference.step, attempt=0, kind="verify",
            started_at="", completed_at="", facts=self.facts.model_dump(mode="json"),
        )  # fmt: skip


def context(step: str, jobs: Jobs, *, live: int | None = 1, **payload):
    facts = {
        "plan": {"census": CENSUS.model_dump(mode="json", by_alias=True)},
        "start_release": {"addresses": ["10.0.0.1:80"]},
        "reserve_release": {"release": 2, "live_release": live},
    }
    if step == "check_source":
        del facts["reserve_release"], facts["start_release"]
    operation = SimpleNamespace(
        operation_id="op", step=step, attempt=0, tenant_id="tenant-1", site_id="site-a",
        correlation_id="c",
    )  # fmt: skip
    body = {
        "tenantId": "tenant-1", "siteId": "site-a", "sourceEnvironment": "sit",
        "targetEnvironment": "prod", "changeTicket": "CHG-1",
    }  # fmt: skip
    return SimpleNamespace(
        operation=operation, facts=facts, policy=load_policy("prod"), poll_seconds=5,
        job=JobReference(operation_id="op", step=step, attempt=0),
        request=SimpleNamespace(payload=SitePromotionPayload.model_validate(body | payload)),
        ports=SimpleNamespace(jobs=jobs, transfer=jobs),
    )  # fmt: skip


def run(step, name: str, jobs: Jobs, **fields):
    """Run a step until its job has answered."""
    at = context(name, jobs, **fields)
    assert isinstance(step(at), Wait)
    return step(at)


GOOD = Check(name="page not empty", passed=True, evidence="fine")
BAD = Check(name="no mojibake", passed=False, evidence="/: 3 times")


def test_the_source_is_checked_in_its_own_account_before_anything_is_reserved():
    jobs = Jobs(GOOD)
    outcome = run(check_source, "check_source", jobs)
    assert outcome == Done(facts={"passed": True, "checks": 1, "names": ["page not empty"]})
    assert jobs.started == [Where.SOURCE]
    asked = jobs.description
    assert (asked.kind, asked.environment, asked.release) == ("verify-source", "sit", 4)
    assert asked.addresses == []


def test_a_source_that_fails_a_check_fails_the_gate_and_says_that_nothing_was_changed():
    outcome = run(check_source, "check_source", Jobs(GOOD, BAD))
    assert isinstance(outcome, Failed)
    assert outcome.code == "PROM_002"
    assert "source in sit fails 1 of its 2 checks; nothing was changed" in outcome.why
    assert "no mojibake: /: 3 times" in outcome.why
    assert outcome.details == {"failed": ["no mojibake"]}


def test_a_source_that_works_is_still_waited_for():
    assert isinstance(run(check_source, "check_source", Jobs()), Wait)


def expected(**fields):
    jobs = Jobs(GOOD)
    assert isinstance(run(check_before, "check_before", jobs, **fields), Done)
    return jobs.description


def test_a_release_is_compared_with_everything_that_has_travelled():
    asked = expected()
    assert asked.comprehensive is True
    assert asked.addresses == ["10.0.0.1:80"]
    assert asked.expected.model_dump() == {
        "theme": "t", "plugins": {"p/p.php": "1"}, "permalinks": "/%postname%/",
        "posts": {"post:publish": 3}, "foreign_hosts": ["shop.wpsit.kimmyai.io"],
        "front_page": PAGE.model_dump(), "php_version": "8.2.1",
    }  # fmt: skip


OWN = {
    "posts": ({"protect": {"tables": ["posts"]}}, {"posts", "front_page"}),
    "posts by their whole name": ({"protect": {"tables": ["wp_posts"]}}, {"posts", "front_page"}),
    "options": (
        {"protect": {"tables": ["options"]}},
        {"theme", "plugins", "permalinks", "front_page"},
    ),
    "the theme": ({"protect": {"options": ["stylesheet"]}}, {"theme", "front_page"}),
    "permalinks": ({"protect": {"options": ["permalink_structure"]}}, {"permalinks"}),
    "files of a plugin": ({"protect": {"folders": ["plugins/forms"]}}, {"plugins", "front_page"}),
    "uploads": ({"protect": {"folders": ["uploads/2026"]}}, set()),
    "a part": (
        {"selection": {"database": ["wp_posts"], "content": "all"}},
        {"theme", "plugins", "permalinks", "posts", "front_page"},
    ),
}


@pytest.mark.parametrize(("payload", "own"), OWN.values(), ids=OWN)
def test_what_the_target_keeps_of_its_own_is_not_compared(payload, own):
    comparison = expected(**payload).expected
    compared = ("theme", "plugins", "permalinks", "posts", "front_page")
    assert {name for name in compared if getattr(comparison, name) is None} == own
    assert comparison.foreign_hosts == ["shop.wpsit.kimmyai.io"]


def test_a_title_of_the_target_s_own_is_not_compared():
    page = expected(protect={"options": ["blogname"]}).expected.front_page
    assert page == PAGE.model_copy(update={"title": ""})


def test_nothing_is_kept_where_nothing_was_live():
    assert expected(live=None, protect={"tables": ["posts"]}).expected.posts == {"post:publish": 3}
