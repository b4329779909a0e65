"""Functions: environment, layer, source mappings, logs, jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.settings import PREFIX, Settings
from tests.template.stack import ACCOUNTS, CHECKOUT, Stack, overrides, raw_template

EVERY_ROLE = ("creation", "update", "deletion", "promotion", "wakeup", "sweeper", "notifier")


def test_the_functions_environment_is_exactly_the_settings(stack):
    fields = set(Settings.model_fields) - {"endpoint_url"}  # AWS_ENDPOINT_URL, never on AWS
    expected = {f"{PREFIX}{field.upper()}" for field in fields}
    for function in stack.of_type("AWS::Lambda::Function").values():
        variables = function["Environment"]["Variables"]
        assert {name for name in variables if name.startswith(PREFIX)} == expected
        others = {name: value for name, value in variables.items() if not name.startswith(PREFIX)}
        assert others == {
            "POWERTOOLS_METRICS_NAMESPACE": "BBWS/WPTechnical",
            "POWERTOOLS_SERVICE_NAME": "sitefleet",
        }


def test_the_functions_environment_makes_valid_settings(stack):
    env = stack.parameters["Environment"]
    for function in stack.of_type("AWS::Lambda::Function").values():
        settings = Settings.from_environ(function["Environment"]["Variables"])
        assert settings.environment == env
        assert settings.account_id == stack.account
        assert settings.operations_table == f"bbws-wp-operations-{env}"
        assert settings.topic_arn == stack.arn(f"sns:bbws-wp-notifications-{env}")
        assert settings.queue_url_dlq.endswith(f"/bbws-wp-site-operations-dlq-{env}")
        assert settings.migrator_family == f"bbws-wp-migrator-{env}"
        assert bool(settings.source_subnet_ids) == (env != "dev")


def test_the_functions_environment_fits_into_four_kilobytes(stack):
    """The AWS limit; stored ids are counted as the longest that AWS gives out."""
    for function in stack.of_type("AWS::Lambda::Function").values():
        size = 0
        for name, value in function["Environment"]["Variables"].items():
            size += len(name) + (120 if str(value).startswith("stored-") else len(value))
        assert size < 4096


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_a_function_is_mapped_to_its_queue(sit, role):
    function = sit.by_name("AWS::Lambda::Function")[f"sit-bbws-async-processor-{role}"]
    assert function["Handler"] == f"handlers.{role}.handler"
    assert function["Runtime"] == "python3.12"
    assert function["Architectures"] == ["arm64"]
    assert function["Role"] == f"arn:aws:iam::{sit.account}:role/sit-bbws-async-processor-{role}"
    assert function["LoggingConfig"] == {"LogGroup": f"/aws/lambda/sit-bbws-async-processor-{role}"}
    assert len(function["Layers"]) == 1
    [mapping] = [
        mapping
        for mapping in sit.of_type("AWS::Lambda::EventSourceMapping").values()
        if mapping["FunctionName"] == function["FunctionName"]
    ]
    assert mapping["EventSourceArn"] == sit.arn(f"sqs:bbws-wp-site-{role}-sit")
    assert mapping["BatchSize"] == (10 if role == "notifier" else 1)
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert isinstance(mapping["ScalingConfig"]["MaximumConcurrency"], int)


def test_every_log_group_expires(stack):
    days = stack.parameters["LogRetentionDays"]
    for group in stack.of_type("AWS::Logs::LogGroup").values():
        assert group["RetentionInDays"] == days


def test_code_and_dependencies_are_built_apart():
    template = raw_template()
    assert template["Globals"]["Function"]["CodeUri"] == "layer/functions"
    layer = template["Resources"]["DependenciesLayer"]
    assert layer["Properties"]["ContentUri"] == "layer/dependencies"
    for resource in template["Resources"].values():
        if resource["Type"].startswith("AWS::Serverless::"):
            assert resource["Metadata"] == {"BuildMethod": "makefile"}


@pytest.mark.parametrize(
    ("folder", "links"),
    [
        ("functions", ["handlers", "core", "events", "policy", ".python-version"]),
        ("dependencies", ["pyproject.toml", "uv.lock", ".python-version"]),
    ],
)
def test_the_build_folders_hold_a_makefile_and_links_to_the_sources(folder, links):
    """Links: `sam build` copies (and hashes) what they point at, never a stale copy."""
    home = CHECKOUT / "layer" / folder
    ignored = {".ruff_cache"}  # ruff takes the linked pyproject.toml for a project's
    assert {path.name for path in home.iterdir()} - ignored == {"Makefile", *links}
    for name in links:
        assert (home / name).readlink() == Path("../..") / name


def test_migrator_and_export_mount_the_file_system_and_know_what_they_need(sit):
    families = sit.by_name("AWS::ECS::TaskDefinition")
    shared = {
        "MIGRATOR_ENVIRONMENT": "sit",
        "MIGRATOR_SITES_TABLE": "sites",
        "MIGRATOR_MOUNT_PATH": "/mnt/efs",
        "MIGRATOR_DATABASE_CA": "/opt/sitefleet/ca-bundle.pem",
        "MIGRATOR_WORDPRESS_PATH": "/usr/src/wordpress",
        "MIGRATOR_SITE_ADDRESS": "",
        "MIGRATOR_LOAD_BALANCER_ARN": "stored-LoadBalancerArn",
    }
    admin = {
        "MIGRATOR_DATABASE_ADMIN_SECRET": "stored-DatabaseAdminSecretArn",
        "MIGRATOR_TEMPLATES_BUCKET": "bbws-templates-sit",
    }
    writer_role = f"arn:aws:iam::{ACCOUNTS['sit']}:role/bbws-wp-export-sit-writer"
    writer = {"MIGRATOR_WRITER_ROLE": writer_role}
    for family, extra, read_only in (
        ("bbws-wp-migrator-sit", admin, False),
        ("bbws-wp-export-sit", writer, True),
    ):
        definition = families[family]
        [container] = definition["ContainerDefinitions"]
        assert container["Name"] == "migrator"
        environment = {entry["Name"]: entry["Value"] for entry in container["Environment"]}
        assert environment == {**shared, **extra}
        assert container["MountPoints"] == [
            {"SourceVolume": "content", "ContainerPath": "/mnt/efs", "ReadOnly": read_only}
        ]
        [volume] = definition["Volumes"]
        assert volume["EFSVolumeConfiguration"]["TransitEncryption"] == "ENABLED"
        assert volume["EFSVolumeConfiguration"]["AuthorizationConfig"] == {"IAM": "ENABLED"}
        assert definition["TaskRoleArn"].endswith(f":role/{family}")
        assert definition["ExecutionRoleArn"].endswith(":role/bbws-wp-job-execution-sit")


def test_one_machine_drops_what_its_emulator_cannot_check(expanded):
    local = {**overrides("sit"), "OneMachine": "true", "PolicyName": "local-sit"}
    stack = Stack(expanded, local)
    assert "TemplatesBucketPolicy" not in stack.resources
    assert "OnlyTls" not in str(stack.resources)


def test_one_machine_is_refused_with_a_real_policy(expanded):
    rules = expanded["Rules"]
    [local] = rules["OneMachineOnlyWithALocalPolicy"]["Assertions"]
    assert local["Assert"] == {
        "Fn::Contains": [["local-dev", "local-sit", "local-prod"], {"Ref": "PolicyName"}]
    }
    [real] = rules["RealPolicyMatchesEnvironment"]["Assertions"]
    assert real["Assert"] == {"Fn::Equals": [{"Ref": "PolicyName"}, {"Ref": "Environment"}]}
