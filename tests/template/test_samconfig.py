"""samconfig.toml: SAM ignores what it does not know, so this file says what is right."""

from __future__ import annotations

import pytest

from core.bootstrap import load_policy
from tests.template.stack import ACCOUNTS, raw_template, samconfig

DOMAINS = {"dev": "wpdev.kimmyai.io", "sit": "wpsit.kimmyai.io", "prod": "wp.kimmyai.io"}
SOURCES = {"sit": "dev", "prod": "sit"}
TARGETS = {"dev": "sit", "sit": "prod"}
DEPLOY_KEYS = {
    "stack_name",
    "region",
    "s3_prefix",
    "resolve_s3",
    "capabilities",
    "confirm_changeset",
    "fail_on_empty_changeset",
    "parameter_overrides",
}
LEVELS = {"Level2Network", "Level3Network"}
UNREAD = {
    "dev": {"SourceExternalIdSecretArn", "SourceSubnetIds", "SourceSecurityGroupIds", *LEVELS},
    "sit": LEVELS,
    "prod": {"TargetExternalId", *LEVELS},
}
"""Parameters that a condition keeps from being read; they name an entry that exists."""


@pytest.fixture(scope="module")
def config():
    return samconfig()


@pytest.fixture(scope="module")
def declared():
    return raw_template()["Parameters"]


def test_there_is_one_section_per_environment(config):
    assert set(config) == {"version", "default", *ACCOUNTS}
    assert config["default"] == {
        "build": {"parameters": {"parallel": True, "cached": False}},
        "validate": {"parameters": {"lint": True}},
    }


@pytest.mark.parametrize("env", ACCOUNTS)
def test_a_section_has_no_misspelt_key(config, env):
    assert set(config[env]) == {"deploy"}
    assert set(config[env]["deploy"]) == {"parameters"}
    assert set(config[env]["deploy"]["parameters"]) == DEPLOY_KEYS


@pytest.mark.parametrize("env", ACCOUNTS)
def test_backups_of_deleted_sites_are_kept_as_long_as_the_policy_says(config, env):
    given = config[env]["deploy"]["parameters"]["parameter_overrides"]
    days = load_policy(env).deletion.backup_retention_days
    assert f"SiteBackupRetentionDays={days}" in given


@pytest.mark.parametrize("env", ACCOUNTS)
def test_a_section_deploys_its_own_stack_in_the_region(config, env):
    given = config[env]["deploy"]["parameters"]
    assert given["stack_name"] == given["s3_prefix"] == f"sitefleet-{env}"
    assert given["region"] == "af-south-1"
    assert given["capabilities"] == "CAPABILITY_NAMED_IAM"
    assert given["confirm_changeset"] is (env != "dev")


@pytest.mark.parametrize("env", ACCOUNTS)
def test_every_parameter_is_known_given_once_and_complete(config, declared, env):
    entries = config[env]["deploy"]["parameters"]["parameter_overrides"]
    names = [entry.split("=", 1)[0] for entry in entries]
    assert len(names) == len(set(names))
    assert set(names) <= set(declared)
    required = {name for name, definition in declared.items() if "Default" not in definition}
    assert required <= set(names)
    assert all(entry.split("=", 1)[1] for entry in entries), "SAM refuses an empty value"


@pytest.mark.parametrize("env", ACCOUNTS)
def test_every_value_is_allowed(given, declared, env):
    for name, value in given(env).items():
        allowed = declared[name].get("AllowedValues")
        assert allowed is None or value in {str(one) for one in allowed}, name


@pytest.mark.parametrize("env", ACCOUNTS)
def test_values_are_those_of_the_environment(given, env):
    values = given(env)
    assert values["Environment"] == values["PolicyName"] == env
    assert values["SiteDomain"] == DOMAINS[env]
    assert values["ClusterName"] == f"bbws-cluster-{env}"
    assert values["RepositoryName"] == "bbws-wordpress"
    assert values["LoadBalancerName"] == f"bbws-wp-internal-alb-{env}"
    assert "OneMachine" not in values
    assert "CreateTenantsTable" not in values


@pytest.mark.parametrize("env", ACCOUNTS)
def test_an_environment_pulls_from_the_one_before_it(given, env):
    values = given(env)
    source = SOURCES.get(env)
    assert values.get("SourceAccountId") == (ACCOUNTS[source] if source else None)
    if source:
        role = f"arn:aws:iam::{ACCOUNTS[source]}:role/bbws-wp-promotion-source-{source}"
        assert values["SourceRoleArn"] == role
        assert values["SourceCluster"] == f"bbws-wp-export-{source}"
        assert values["SourceExportFamily"] == f"bbws-wp-export-{source}"


@pytest.mark.parametrize("env", ACCOUNTS)
def test_an_environment_lets_the_one_after_it_pull(given, env):
    values = given(env)
    target = TARGETS.get(env)
    assert values.get("TargetAccountId") == (ACCOUNTS[target] if target else None)
    assert values.get("TargetEnvironment") == target
    assert values.get("TargetTransferBucket") == (f"bbws-transfer-{target}" if target else None)


@pytest.mark.parametrize("env", ACCOUNTS)
def test_what_only_the_platform_knows_is_named_in_the_environment_s_own_store(given, declared, env):
    stored = {
        name
        for name, definition in declared.items()
        if definition["Type"].startswith("AWS::SSM::Parameter::Value")
    }
    values = given(env)
    entries = [values[name] for name in stored - UNREAD[env]]
    assert len(entries) == len(set(entries))
    for name in stored:
        assert values[name].startswith(f"/bbws/{env}/"), name
    for name in UNREAD[env]:
        assert values[name] in entries


@pytest.mark.parametrize("env", ACCOUNTS)
def test_the_database_that_is_backed_up_is_the_one_that_the_gates_look_at(given, env):
    """The stack grants rights on it, the policy asks for its metrics: one database, two places."""
    rules = load_policy(env).promotion
    if rules is None:
        return
    values, gates = given(env), rules.gates
    assert gates.database_cluster == values.get("DatabaseClusterIdentifier", "")
    assert gates.database_instance == values.get("DatabaseInstanceIdentifier", "")


@pytest.fixture
def given(config):
    def of(env):
        entries = config[env]["deploy"]["parameters"]["parameter_overrides"]
        return dict(entry.split("=", 1) for entry in entries)

    return of
