"""`sites suspend`, `sites activate`, `sites update`: one request on the update queue."""

from __future__ import annotations

import json

import pytest

from ops.errors import ExitCode
from tests.ops.records import SITE


@pytest.fixture(autouse=True)
def _sit(monkeypatch):
    monkeypatch.setenv("SITEFLEET_ENV", "sit")


@pytest.fixture
def sent(cloud, sitefleet):
    """Run `sites ...`; return the payload that it has put on the update queue."""
    cloud.sites.put(SITE, expected_version=None)

    def run(*arguments):
        answer = sitefleet("sites", *arguments)
        assert answer.code == 0, answer.err
        assert answer.err == "Sent SITE_UPDATE_REQUEST to the update queue of sit.\n"
        [message] = cloud.messages("site-update")
        assert message["Attributes"]["MessageGroupId"] == "tenant-1"
        body = json.loads(message["Body"])
        assert body["messageType"] == "SITE_UPDATE_REQUEST"
        assert len(answer.out.split()) == 1
        return body["payload"]

    return run


def said(changes):
    """Return the changes without what is empty."""
    plugins = {name: value for name, value in changes["plugins"].items() if value}
    return {**changes, "plugins": plugins}


@pytest.mark.parametrize(("command", "status"), [("suspend", "SUSPENDED"), ("activate", "ACTIVE")])
def test_suspend_and_activate(sent, command, status):
    payload = sent(command, "site-1", "--expected-version", "4")
    assert payload == {
        "siteId": "site-1",
        "tenantId": "tenant-1",
        "changes": {"status": status},
        "expectedVersion": 4,
    }


def test_every_flag_is_one_field_of_the_contract(sent):
    payload = sent(
        *("update", "site-1", "--tenant-id=tenant-1", "--override-reason=The shop is closed."),
        *("--php-version=8.3", "--desired-count=3", "--memory-mib=2048", "--theme=astra"),
        *("--install-plugin=akismet=5.3", "--install-plugin=jetpack", "--disable-plugin=hello"),
    )
    assert payload["override"] == {"reason": "The shop is closed."}
    assert said(payload["changes"]) == {
        "configuration": {"phpVersion": "8.3"},
        "plugins": {
            "install": [{"slug": "akismet", "version": "5.3"}, {"slug": "jetpack"}],
            "disable": ["hello"],
        },
        "theme": "astra",
        "scale": {"desiredCount": 3, "memoryMib": 2048},
    }


def test_a_file_says_what_no_flag_can(sent, tmp_path):
    path = tmp_path / "changes.json"
    changes = {"plugins": {"configure": {"jetpack": {"stats": True}}}}
    path.write_text(json.dumps(changes))
    assert said(sent("update", "site-1", "--changes", str(path))["changes"]) == changes


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "an update needs at least one change"),
        (("--php-version=new",), "php"),
        (("--desired-count=99",), "desiredCount"),
    ],
    ids=["nothing", "no version", "too many"],
)
def test_what_is_wrong_is_said_and_nothing_is_sent(cloud, sitefleet, arguments, said):
    cloud.sites.put(SITE, expected_version=None)
    answer = sitefleet("sites", "update", "site-1", *arguments)
    assert answer.code == ExitCode.BAD_INPUT
    assert said.lower() in answer.err.lower()
    assert cloud.messages("site-update") == []


def test_a_site_that_is_not_there(cloud, sitefleet):
    answer = sitefleet("sites", "suspend", "site-9")
    assert answer.code == ExitCode.NOT_FOUND
    assert "There is no site site-9 in sit" in answer.err


def test_flags_and_a_file_are_two_ways(cloud, sitefleet, tmp_path):
    cloud.sites.put(SITE, expected_version=None)
    path = tmp_path / "changes.json"
    path.write_text("{}")
    answer = sitefleet("sites", "update", "site-1", "--theme=astra", "--changes", str(path))
    assert (answer.code, cloud.messages("site-update")) == (ExitCode.BAD_INPUT, [])
