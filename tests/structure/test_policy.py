"""The policy files: complete, consistent with each other, and refused when they contradict."""

from __future__ import annotations

import pytest

from core.bootstrap import POLICY_FOLDER, WORKFLOWS, load_policy
from core.domain.errors import ConfigurationError
from core.settings import Settings
from events.formats import Environment

POLICIES = sorted(path.stem for path in POLICY_FOLDER.glob("*.toml"))
ACCOUNTS = {"dev": "536580886816", "sit": "815856636111", "prod": "093646564004"}
DOMAINS = {"dev": "wpdev.kimmyai.io", "sit": "wpsit.kimmyai.io", "prod": "wp.kimmyai.io"}


def test_there_is_one_per_environment_and_one_more_for_one_machine():
    assert POLICIES == ["dev", "local-dev", "local-prod", "local-sit", "prod", "sit"]


@pytest.mark.parametrize("name", POLICIES)
def test_accounts_domains_and_paths_are_the_settled_ones(name):
    policy = load_policy(name)
    assert policy.environment == name.removeprefix("local-")
    assert {e.value: p.account_id for e, p in policy.environments.items()} == ACCOUNTS
    assert {e.value: p.domain for e, p in policy.environments.items()} == DOMAINS
    assert policy.promotion_sources == {
        Environment.SIT: Environment.DEV,
        Environment.PROD: Environment.SIT,
    }


@pytest.mark.parametrize("name", POLICIES)
def test_every_step_that_policy_names_exists(name):
    known = {step.name for workflow in WORKFLOWS.values() for step in workflow.steps}
    assert set(load_policy(name).steps) <= known


@pytest.mark.parametrize("name", POLICIES)
def test_a_step_is_looked_at_many_times_before_its_deadline(name):
    policy = load_policy(name)
    for step in (policy.default_step, *policy.steps.values()):
        assert step.deadline_seconds >= 10 * step.poll_seconds


def test_releases_are_kept_as_settled():
    assert [load_policy(name).kept_releases for name in ("dev", "sit", "prod")] == [1, 1, 3]


def test_only_one_machine_admits_tenants_that_nobody_knows():
    admitting = [name for name in POLICIES if load_policy(name).admit_unknown_tenants]
    assert admitting == ["local-dev", "local-prod", "local-sit"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('account_id = "815856636111"', 'account_id = "536580886816"'), "share one AWS account"),
        (('environment = "dev"', 'environment = "test"'), "environment"),
        (("kept_releases", "kept_relases"), "kept_relases"),
        (("poll_seconds = 15", "poll_seconds = 0"), "poll_seconds"),
        (("[tags]", "[tags"), "line"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused_with_the_place(tmp_path, change, told):
    text = (POLICY_FOLDER / "dev.toml").read_text()
    (tmp_path / "dev.toml").write_text(text.replace(*change))
    with pytest.raises(ConfigurationError, match=told):
        load_policy("dev", tmp_path)


def test_an_unknown_policy_says_which_there_are():
    with pytest.raises(ConfigurationError, match="local-sit, prod, sit"):
        load_policy("nowhere")


def test_settings_name_every_variable_that_is_missing():
    with pytest.raises(ConfigurationError, match="SITEFLEET_OPERATIONS_TABLE"):
        Settings.from_environ({"SITEFLEET_ENVIRONMENT": "dev"})
