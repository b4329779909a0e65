"""Functions: environment, layer, source mappings, logs, jobs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.settings import (
    LETTERS_PREFIX,
    MAIL_PREFIX,
    PREFIX,
    LetterSettings,
    MailSettings,
    Settings,
)
from tests.template.stack import ACCOUNTS, CHECKOUT, REGION, Stack, overrides, raw_template

EVERY_ROLE = (
    "creation",
    "update",
    "deletion",
    "promotion",
    "wakeup",
    "sweeper",
    "notifier",
    "mailer",
)

MOST_BYTES_OF_VARIABLES = 4096
"""Of one function: an AWS limit."""
PROMOTE_NOTHING = {"handlers.mailer.handler", "handlers.dlq_replayer.handler"}


def test_the_functions_environment_is_exactly_the_settings(stack):
    fields = set(Settings.model_fields) - {"endpoint_url"}  # AWS_ENDPOINT_URL, never on AWS
    expected = {f"{PREFIX}{field.upper()}" for field in fields}
    of_source = {name for name in expected if name.startswith(f"{PREFIX}SOURCE_")}
    without_source = expected - of_source
    of_mail = {f"{MAIL_PREFIX}{field.upper()}" for field in MailSettings.model_fields}
    of_letters = {f"{LETTERS_PREFIX}{field.upper()}" for field in LetterSettings.model_fields}
    special = {
        "handlers.mailer.handler": without_source | of_mail,
        "handlers.dlq_replayer.handler": without_source | of_letters,
    }
    for function in stack.of_type("AWS::Lambda::Function").values():
        variables = function["Environment"]["Variables"]
        own = special.get(function["Handler"], expected)
        assert {name for name in variables if name.startswith(PREFIX)} == own
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
        assert settings.execution_role_arn == role_arn(stack, "SiteExecutionRole")
        assert settings.site_task_role_arn == role_arn(stack, "SiteTaskRole")
        backup = "" if env == "dev" else role_arn(stack, "BackupRole")
        assert settings.backup_role_arn == backup
        promotes = env != "dev" and function["Handler"] not in PROMOTE_NOTHING
        assert bool(settings.source_subnet_ids) == promotes


def role_arn(stack, logical):
    name = stack.of_type("AWS::IAM::Role")[logical]["RoleName"]
    return f"arn:aws:iam::{stack.account}:role/{name}"


def test_only_the_mailer_s_environment_makes_valid_mail_settings(stack):
    env = stack.parameters["Environment"]
    stored = {"stored-MailUnsubscribeUrl": "https://example.com/unsubscribe"}
    for name, function in stack.by_name("AWS::Lambda::Function").items():
        variables = function["Environment"]["Variables"]
        settings = MailSettings.from_environ({k: stored.get(v, v) for k, v in variables.items()})
        assert (settings is not None) == (name == f"{env}-bbws-async-processor-mailer")
        assert settings is None or settings.sender == "no-reply@kimmyai.io"


def test_only_the_replayer_s_environment_makes_valid_letter_settings(stack):
    env = stack.parameters["Environment"]
    for name, function in stack.by_name("AWS::Lambda::Function").items():
        settings = LetterSettings.from_environ(function["Environment"]["Variables"])
        if name != f"{env}-bbws-async-processor-dlq-replayer":
            assert settings is None
            continue
        assert settings is not None
        urls = {queue["QueueName"] for queue in stack.of_type("AWS::SQS::Queue").values()}
        own = ("undeliverable", "parked", "wakeup", "notifier", "mailer", "sweeper", "replayer")
        for queue in own:
            place, _, found = settings.queue_url(queue).rpartition("/")
            assert place == settings.queue_url_replayer.rpartition("/")[0]
            assert found == f"bbws-wp-site-{queue}-{env}"
            assert found in urls


def test_the_replayer_is_mapped_to_its_queue_and_has_time(sit):
    function = sit.by_name("AWS::Lambda::Function")["sit-bbws-async-processor-dlq-replayer"]
    assert function["Handler"] == "handlers.dlq_replayer.handler"
    assert function["Timeout"] == "900"
    assert function["Role"].endswith(":role/sit-bbws-async-processor-dlq-replayer")
    mapping = sit.of_type("AWS::Lambda::EventSourceMapping")["DlqReplayerMapping"]
    assert mapping["FunctionName"] == function["FunctionName"]
    assert mapping["EventSourceArn"] == sit.arn("sqs:bbws-wp-site-replayer-sit")
    assert mapping["BatchSize"] == 1
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}


def test_the_functions_environment_fits_into_four_kilobytes(stack):
    """The AWS limit; stored ids are counted as the longest that AWS gives out."""
    for function in stack.of_type("AWS::Lambda::Function").values():
        variables = {
            name: "x" * 120 if str(value).startswith("stored-") else value
            for name, value in function["Environment"]["Variables"].items()
        }
        assert size_bytes(variables) <= MOST_BYTES_OF_VARIABLES


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
    assert mapping["BatchSize"] == (10 if role in {"notifier", "mailer"} else 1)
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
        ("functions", ["handlers", "core", "events", "policy", "notifications", ".python-version"]),
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


def test_the_variables_fit_with_every_level_of_isolation(expanded):
    """Lambda takes 4 KB; the values of Parameter Store entries are as long as AWS makes them."""
    stack = Stack(expanded, {**overrides("prod"), "IsolationLevels": "1,2,3"})
    arn = f"arn:aws:elasticloadbalancing:af-south-1:{ACCOUNTS['prod']}"
    balancer = f"app/bbws-wp-internal-alb-prod-level3/{'0' * 16}"
    group = f"sg-{'0' * 17}"
    subnets = ",".join([f"subnet-{'0' * 17}"] * 3)
    level = {
        "vpc_id": f"vpc-{'0' * 17}",
        "subnet_ids": subnets,
        "security_group_ids": group,
        "job_security_group_ids": group,
        "listener_arn": f"{arn}:listener/{balancer}/{'0' * 16}",
        "database_endpoint": f"aurora-level3.cluster-{'0' * 12}.{REGION}.rds.amazonaws.com:3306",
        "database_admin_secret": "bbws/prod/level3/admin",
    }
    secret = (
        f"arn:aws:secretsmanager:af-south-1:{ACCOUNTS['prod']}:secret:bbws/prod/aurora/admin-abcdef"
    )
    stored = {
        "VpcId": level["vpc_id"],
        "SubnetIds": subnets,
        "SourceSubnetIds": subnets,
        "LoadBalancerArn": f"{arn}:loadbalancer/{balancer}",
        "ListenerArn": level["listener_arn"],
        "DatabaseEndpoint": level["database_endpoint"],
        "DatabaseAdminSecretArn": secret,
        "SourceExternalIdSecretArn": secret,
        "Level2Network": json.dumps({k: v for k, v in level.items() if "database" not in k}),
        "Level3Network": json.dumps(level),
    }
    for function in stack.of_type("AWS::Lambda::Function").values():
        text = json.dumps(function["Environment"]["Variables"])
        for name, value in stored.items():
            text = text.replace(f"stored-{name}", json.dumps(value)[1:-1])
        assert size_bytes(json.loads(text)) <= MOST_BYTES_OF_VARIABLES


def size_bytes(variables):
    """Lambda measures the map as JSON: with its quotes, and those within a value escaped."""
    return len(json.dumps(variables, separators=(",", ":")).encode())
