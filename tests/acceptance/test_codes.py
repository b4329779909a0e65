"""Every error code of the contract, asked for by the contract's own messages."""

import pytest

pytestmark = pytest.mark.machine

REFUSED = {
    "no name at all": "SITE_001",
    "no such site": "SITE_002",
    "a site too many": "SITE_004",
    "a former version": "SITE_005",
    "no such template": "TEMP_001",
    "a template for another WordPress": "TEMP_002",
    "no such plugin": "PLUG_001",
    "a blocklisted plugin": "PLUG_002",
    "a vulnerable plugin": "PLUG_003",
    "an unchecked tenant": "PROM_005",
    "a suspended tenant": "PROM_005",
}
FAILED = {
    "a plugin in conflict": ("FAILED", "PLUG_004"),
    "a plugin that does not start": ("FAILED", "WP_001"),
    "a plugin that never comes to an end": ("FAILED", "WP_002"),
}
"""What stands on the site, only the site can tell."""
NAMED = {
    "no name at all": "subdomain",
    "a site too many": "tenant-full",
    "a former version": "99",
    "no such template": "no-such-template",
    "a template for another WordPress": "99.0",
    "no such plugin": "no-such-plugin",
    "a blocklisted plugin": "coin-miner",
    "a vulnerable plugin": "DEMO-2026-0001",
    "a plugin in conflict": "notice-banner",
    "an unchecked tenant": "UNVALIDATED",
    "a suspended tenant": "SUSPENDED",
    "a plugin that does not start": "does not start, on purpose",
    "a plugin that never comes to an end": "install-plugins",
}
"""What the answer has to say, so that its reader knows what to change."""


@pytest.mark.parametrize(("asked", "code"), REFUSED.items())
def test_what_cannot_be_accepted_is_rejected_with_its_code(codes, asked, code):
    answer = codes.answers[asked]
    assert answer.end["detail-type"] == "SiteOperationRejected"
    assert answer.data["error"]["code"] == code


@pytest.mark.parametrize(("asked", "ends"), FAILED.items())
def test_what_goes_wrong_ends_with_its_code(codes, asked, ends):
    answer = codes.answers[asked]
    assert (answer.status, answer.data["error"]["code"]) == ends


@pytest.mark.parametrize(("asked", "what"), NAMED.items())
def test_the_answer_names_what_is_wrong_and_what_to_do(codes, asked, what):
    data = codes.answers[asked].data
    assert what in f"{data['error']} {data.get('fieldErrors')}"
    assert data["error"]["suggestion"]


def test_the_site_has_what_it_was_created_with_and_nothing_else(codes):
    """Not one of the plugins that were refused or that failed has left anything."""
    assert codes.created.status == "COMPLETED"
    assert 'data-version="1.0.0"' in codes.before.text
    assert codes.plugins == ["akismet", "notice-banner"]  # the first one is WordPress' own
    assert (codes.after.status, codes.after.text) == (200, codes.before.text)


def test_a_plugin_that_breaks_every_page_is_found_out_and_taken_back(breaking):
    answer = breaking.answers["a plugin that breaks every page"]
    assert (answer.status, answer.data["error"]["code"]) == ("ROLLED_BACK", "PROM_002")
    assert breaking.plugins == ["akismet", "notice-banner"]
    assert (breaking.after.status, breaking.after.text) == (200, breaking.before.text)


def test_fatal_errors_in_its_log_keep_a_site_from_being_promoted(breaking):
    """The plugin is gone and the site works; the log remembers."""
    refused = breaking.answers["its promotion"]
    assert (refused.status, refused.data["error"]["code"]) == ("FAILED", "PROM_002")
    assert "critical_log_lines" in refused.data["error"]["details"]["gates"]
    assert "streams tenant-full-wordpress-" in refused.data["error"]["message"]


def test_a_job_that_hangs_is_reported_with_what_can_be_done(troubles):
    data = troubles.stalled["detail"]["data"]
    assert data["error"]["code"] == "PROM_004"
    assert data["stalledSince"]
    assert troubles.told["MessageAttributes"]["outcome"]["Value"] == "stalled"
    assert troubles.told["MessageAttributes"]["severity"]["Value"] == "warning"


def test_a_retry_takes_a_stalled_operation_to_its_end(troubles):
    assert troubles.retried.status == "COMPLETED"
    assert "twentytwentytwo" in troubles.theme.text


def test_a_job_that_dies_at_every_attempt_fails_the_operation(troubles):
    assert len(troubles.killed) > 1
    error = troubles.failed.data["error"]
    assert (troubles.failed.status, error["code"]) == ("FAILED", "SYS_001")
    assert "tried" in error["message"]
    assert "twentytwentytwo" in troubles.after.text


def test_a_broken_source_is_not_promoted(troubles):
    error = troubles.refused.data["error"]
    assert (troubles.refused.status, error["code"]) == ("FAILED", "PROM_002")
