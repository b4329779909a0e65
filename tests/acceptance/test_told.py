"""What people are told beside events: the platform's metrics, and mail about creations."""

import json

import pytest

from tests.acceptance.conftest import local
from tests.acceptance.fleet_client import eventually
from tests.acceptance.log_lines import log_lines

pytestmark = pytest.mark.machine
NAMESPACE = "BBWS/WPTechnical"
OF_DEV = {
    "SiteCreated",
    "SiteCreationDuration",
    "SiteCreationFailed",
    "SiteDeleted",
    "PluginInstalled",
    "PluginSecurityBlocked",
    "WordPressAPILatency",
    "DLQMessages",
}


def values(account, metric: str) -> list[tuple[float, dict]]:
    """Return each value of a metric with its line: what CloudWatch takes out of a log."""
    return [
        (value, line)
        for log in log_lines(account)
        for line in log.json
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", [])
        if directive["Namespace"] == NAMESPACE
        and directive["Dimensions"] == [["Environment"]]
        and metric in {entry["Name"] for entry in directive["Metrics"]}
        for value in line[metric]
    ]


@pytest.fixture(scope="module")
def dev(world, everything_done):
    return world.accounts["dev"]


@pytest.mark.parametrize("metric", sorted(OF_DEV))
def test_the_platforms_metrics_are_written(dev, metric):
    found = eventually(lambda: values(dev, metric), f"the metric {metric}", seconds=90)
    assert all(line["Environment"] == "dev" for _, line in found)


def test_a_creation_is_counted_once(dev, story):
    counted = [v for v, line in values(dev, "SiteCreated") if line["siteId"] == story.site_id]
    assert counted == [1]


def test_the_duration_of_a_creation_is_what_its_event_says(dev, story):
    [took] = [v for v, li in values(dev, "SiteCreationDuration") if li["siteId"] == story.site_id]
    assert took == pytest.approx(story.created.data["durationSeconds"], abs=1)


def test_mail_about_a_creation_is_sent_without_a_secret(home, world, story):
    """In dev it goes to the platform's own people."""

    def arrived():
        inbox = json.loads(local(home, "mail", "--json").stdout)
        return [mail for mail in inbox if story.created.url in mail["text"]]

    mails = eventually(arrived, "a mail about the creation", seconds=60)
    assert {mail["environment"] for mail in mails} == {"dev"}
    passwords = [
        json.loads(text)["password"]
        for name, text in world.inventory["dev"].secrets().items()
        if story.site_id in name and "password" in text
    ]
    assert passwords
    assert any(story.site_id in mail["text"] for mail in mails)
    for mail in mails:
        assert not any(password in mail["text"] for password in passwords)
