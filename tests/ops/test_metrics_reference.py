"""The page of metrics is what the code says, and fits the platform's alarms."""

from __future__ import annotations

from ops import metrics_reference


def test_the_page_is_up_to_date():
    assert metrics_reference.PAGE.read_text() == metrics_reference.page()


def test_every_metric_that_the_platform_watches_is_written():
    """The runbook's table, and what the alarms of the settled policy name."""
    watched = (
        "SiteCreated",
        "SiteCreationFailed",
        "SiteCreationDuration",
        "WordPressAPILatency",
        "DLQMessages",
        "SiteDeleted",
        "TemplateApplied",
        "PluginInstalled",
        "PluginSecurityBlocked",
    )
    page = metrics_reference.page()
    assert [name for name in watched if f"| `{name}` |" not in page] == []
