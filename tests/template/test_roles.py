"""Who may do what: literal tables, compared with the template and with what the adapters call."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

import pytest

from tests.template.role_actions import ACTIONS, KEY, LOG, ON_EVERYTHING, OWN_QUEUE
from tests.template.stack import (
    ACCOUNTS,
    CHECKOUT,
    Stack,
    as_list,
    overrides,
    role_statements,
)


@pytest.mark.parametrize("role", ACTIONS)
def test_a_role_may_do_exactly_this(sit, role):
    granted = _granted(sit.of_type("AWS::IAM::Role")[role])
    assert granted == ACTIONS[role]


def test_mail_leaves_in_one_name_only(sit, expanded):
    given = {**overrides("sit"), "MailConfigurationSet": "bbws-sit"}
    identity = sit.arn("ses:identity/kimmyai.io")
    for stack, resources in (
        (sit, [identity]),
        (Stack(expanded, given), [identity, sit.arn("ses:configuration-set/bbws-sit")]),
    ):
        role = stack.of_type("AWS::IAM::Role")["MailerRole"]
        [send] = [s for s in role_statements(role) if s["Action"] == "ses:SendEmail"]
        assert send["Resource"] == resources
        assert send["Condition"] == {"StringEquals": {"ses:FromAddress": "no-reply@kimmyai.io"}}


def test_there_is_no_other_role(sit):
    assert set(sit.of_type("AWS::IAM::Role")) == set(ACTIONS)


def test_no_role_has_managed_policies_or_denied_or_negated_statements(sit):
    for role in sit.of_type("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role
        for statement in role_statements(role):
            assert statement["Effect"] == "Allow"
            assert not {"NotAction", "NotResource"} & set(statement)
            assert not any("*" in action for action in as_list(statement["Action"]))


def test_only_the_listed_actions_are_granted_on_everything(sit):
    for name, role in sit.of_type("AWS::IAM::Role").items():
        for statement in role_statements(role):
            if "*" in as_list(statement["Resource"]):
                assert set(as_list(statement["Action"])) <= set(ON_EVERYTHING), name


WILDCARDS = {
    "certificate/*": "ACM makes the id",
    "access-point/*": "EFS makes the id",
    "change/*": "Route53 makes the id",
    "distribution/*": "CloudFront makes the id; found by the site's host name",
    "recovery-point:*": "AWS Backup makes the id",
    "key/*": "the target's key policy names the key",
    "security-group/*": "EC2 makes the id; changed and removed by their tag only",
    "vpc/*": "of isolation levels; only to make a group in",
    "targetgroup/wp-*": "of releases only",
    "task-definition/*-wordpress-*": "of sites only",
}
"""Wildcards that stand before any name of this environment, each with its reason."""


def test_every_other_wildcard_stands_behind_a_name_of_this_environment(sit):
    for name, role in sit.of_type("AWS::IAM::Role").items():
        for statement in role_statements(role):
            for resource in as_list(statement["Resource"]):
                if resource == "*" or "*" not in resource:
                    continue
                rest = resource.split(":", 5)[5]
                named = re.match(r"[^*]*\b(sit|prod)\b[^*]*\*", rest)
                assert named or rest in WILDCARDS, (name, rest)


BOXES = ("operations-dlq", "undeliverable", "parked")


def test_a_consumer_reads_its_own_queue_and_no_other(sit):
    for mapping in sit.of_type("AWS::Lambda::EventSourceMapping").values():
        function = sit.by_name("AWS::Lambda::Function")[mapping["FunctionName"]]
        [role] = [
            r
            for r in sit.of_type("AWS::IAM::Role").values()
            if function["Role"].endswith(r["RoleName"])
        ]
        read = [
            resource
            for statement in role_statements(role)
            if "sqs:ReceiveMessage" in as_list(statement["Action"])
            for resource in as_list(statement["Resource"])
        ]
        replays = function["Handler"] == "handlers.dlq_replayer.handler"
        letters = [sit.arn(f"sqs:bbws-wp-site-{name}-sit") for name in BOXES] if replays else []
        assert read == [mapping["EventSourceArn"], *letters]


def test_site_secrets_are_read_by_containers_only(sit):
    pulls = {"PromotionRole", "WakeUpRole"}
    for name in ("CreationRole", "UpdateRole", "DeletionRole", "PromotionRole", "WakeUpRole"):
        read = [
            resource
            for statement in role_statements(sit.of_type("AWS::IAM::Role")[name])
            if "secretsmanager:GetSecretValue" in as_list(statement["Action"])
            for resource in as_list(statement["Resource"])
        ]
        assert read == (["stored-SourceExternalIdSecretArn"] if name in pulls else [])


def test_roles_are_passed_by_name_and_to_tasks_and_backups_only(sit):
    passed = {}
    for name, role in sit.of_type("AWS::IAM::Role").items():
        for statement in role_statements(role):
            if statement["Action"] == "iam:PassRole":
                service = statement["Condition"]["StringEquals"]["iam:PassedToService"]
                roles = {arn.rsplit("/", 1)[-1] for arn in as_list(statement["Resource"])}
                passed[name, service.partition(".")[0]] = roles
    own = {
        "bbws-wp-site-execution-sit",
        "bbws-wp-site-task-sit",
        "bbws-wp-job-execution-sit",
        "bbws-wp-migrator-sit",
    }
    assert passed == {
        ("CreationRole", "ecs-tasks"): own,
        ("UpdateRole", "ecs-tasks"): own,
        ("DeletionRole", "ecs-tasks"): own,
        ("PromotionRole", "ecs-tasks"): own,
        ("PromotionRole", "backup"): {"bbws-wp-backup-sit"},
        ("WakeUpRole", "ecs-tasks"): own,
        ("WakeUpRole", "backup"): {"bbws-wp-backup-sit"},
        ("PromotionSourceRole", "ecs-tasks"): {"bbws-wp-export-sit", "bbws-wp-job-execution-sit"},
    }


def test_the_source_role_trusts_the_target_s_promotion_with_the_external_id(sit):
    role = sit.of_type("AWS::IAM::Role")["PromotionSourceRole"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    target = f"arn:aws:iam::{ACCOUNTS['prod']}"
    assert trust == {
        "Effect": "Allow",
        "Principal": {"AWS": f"{target}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"sts:ExternalId": "stored-TargetExternalId"},
            "ArnEquals": {
                "aws:PrincipalArn": [
                    f"{target}:role/prod-bbws-async-processor-promotion",
                    f"{target}:role/prod-bbws-async-processor-wakeup",
                ]
            },
        },
    }


def test_the_writer_is_one_operation_s_and_only_an_export_becomes_it(sit):
    role = sit.of_type("AWS::IAM::Role")["ExportWriterRole"]
    assume, tag = role["AssumeRolePolicyDocument"]["Statement"]
    export = {"AWS": f"arn:aws:iam::{ACCOUNTS['sit']}:role/bbws-wp-export-sit"}
    assert assume["Principal"] == tag["Principal"] == export
    assert (assume["Action"], tag["Action"]) == ("sts:AssumeRole", "sts:TagSession")
    assert assume["Condition"] == {
        "StringEquals": {"sts:RoleSessionName": "${aws:RequestTag/operation}"},
        "StringLike": {"aws:RequestTag/operation": "-".join("?" * n for n in (8, 4, 4, 4, 12))},
    }
    assert tag["Condition"] == {"ForAllValues:StringEquals": {"aws:TagKeys": ["operation"]}}
    [write] = [s for s in role_statements(role) if s["Sid"] == "WriteTarget"]
    bucket, own = "arn:aws:s3:::bbws-transfer-prod", "${aws:PrincipalTag/operation}"
    assert write["Resource"] == [
        f"{bucket}/jobs/{own}/*/result.json",
        f"{bucket}/transfers/{own}/*",
    ]


def test_the_source_role_reaches_export_tasks_and_nothing_of_the_sites(sit):
    cluster = sit.arn("ecs:cluster/bbws-wp-export-sit")
    in_cluster = {"ArnEquals": {"ecs:cluster": cluster}}
    found = {
        statement["Sid"]: statement
        for statement in role_statements(sit.of_type("AWS::IAM::Role")["PromotionSourceRole"])
    }
    family = sit.arn("ecs:task-definition/bbws-wp-export-sit:*")
    assert found["RunExports"]["Resource"] == family
    assert found["RunExports"]["Condition"] == in_cluster
    assert found["FindExports"]["Condition"] == in_cluster
    assert found["Exports"]["Resource"] == sit.arn("ecs:task/bbws-wp-export-sit/*")
    assert found["SiteLogs"]["Resource"] == sit.arn("logs:log-group:/aws/ecs/bbws-sit/sites:*")


def test_a_certificate_may_stand_at_every_listener_at_which_a_rule_may(sit):
    """A site of level 2 or 3 has its rules, and its own domain, at that level's listener."""
    for role in ("UpdateRole", "DeletionRole"):
        granted = {s["Sid"]: s for s in role_statements(sit.of_type("AWS::IAM::Role")[role])}
        listeners = granted["CreateRules"]["Resource"]
        assert any("-level*" in listener for listener in listeners)
        assert granted["ListenerCertificates"]["Resource"] == listeners


def test_inline_policies_fit_into_a_role(sit):
    """IAM takes 10,240 characters per role, white space not counted; adopted names are longer."""
    for name, role in sit.of_type("AWS::IAM::Role").items():
        text = "".join(
            json.dumps(p["PolicyDocument"], separators=(",", ":")) for p in role["Policies"]
        )
        assert len(text) < 9_700, name


# --- what the adapters call ------------------------------------------------------------------

SERVICES = {
    "acm": "acm",
    "backup": "backup",
    "cloudfront": "cloudfront",
    "cloudwatch": "cloudwatch",
    "iam": "iam",
    "rds": "rds",
    "ec2": "ec2",
    "ecr": "ecr",
    "ecs": "ecs",
    "efs": "elasticfilesystem",
    "elbv2": "elasticloadbalancing",
    "events": "events",
    "logs": "logs",
    "route53": "route53",
    "s3": "s3",
    "secretsmanager": "secretsmanager",
    "sesv2": "ses",
    "sns": "sns",
    "sqs": "sqs",
    "sts": "sts",
}
OTHER_NAMES = {
    "rds:CreateDbClusterSnapshot": "rds:CreateDBClusterSnapshot",
    "rds:CreateDbSnapshot": "rds:CreateDBSnapshot",
    "rds:DescribeDbClusterSnapshots": "rds:DescribeDBClusterSnapshots",
    "rds:DescribeDbSnapshots": "rds:DescribeDBSnapshots",
    "s3:HeadObject": "s3:GetObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
}
NEEDS_NO_PERMISSION = {"sts:GetCallerIdentity"}
WITHOUT_A_CALL = {
    # Granted for what a call does beside itself: tags, keys, roles, the event source, the log.
    "acm:AddTagsToCertificate",
    "backup:TagResource",
    "ec2:CreateTags",
    "ecs:TagResource",
    "elasticfilesystem:TagResource",
    "elasticloadbalancing:AddTags",
    "iam:PassRole",
    "rds:AddTagsToResource",
    "secretsmanager:TagResource",
    *OWN_QUEUE,
    *LOG,
    *KEY,
}
FUNCTION_ROLES = [name for name in ACTIONS if ACTIONS[name] >= OWN_QUEUE]


def test_what_the_adapters_call_is_what_the_functions_may(sit, with_instance):
    """Both ways: a call that no function may make, and a permission that nobody uses.

    The calls of `core/adapters/aws/image_layers.py` go to both registries, so they are looked up
    in the functions' and the source role's tables together.
    """
    roles = sit.of_type("AWS::IAM::Role")
    source = _granted(roles["PromotionSourceRole"])
    instance = _granted(with_instance.of_type("AWS::IAM::Role")["PromotionRole"])
    granted = set().union(*(_granted(roles[name]) for name in FUNCTION_ROLES), source, instance)
    granted -= WITHOUT_A_CALL | {a for a in granted if a.startswith("dynamodb:")}
    called = {OTHER_NAMES.get(action, action) for action in _called()}
    assert called - NEEDS_NO_PERMISSION - WITHOUT_A_CALL == granted


def test_the_one_database_is_snapshotted_under_names_of_this_environment(sit, with_instance):
    for stack, kind, database, snapshots in (
        (sit, "Cluster", "cluster:bbws-aurora-sit", "cluster-snapshot:sit-*"),
        (with_instance, "Instance", "db:bbws-mysql-sit", "snapshot:sit-*"),
    ):
        for name in ("PromotionRole", "WakeUpRole"):
            role = stack.of_type("AWS::IAM::Role")[name]
            [found] = [s for s in role_statements(role) if s["Sid"].endswith("Snapshots")]
            assert found["Sid"] == f"{kind}Snapshots"
            assert found["Resource"] == [
                stack.arn(f"rds:{database}"),
                stack.arn(f"rds:{snapshots}"),
            ]


@pytest.fixture(scope="module")
def with_instance(expanded):
    """An environment whose database is a single instance."""
    given = overrides("sit")
    del given["DatabaseClusterIdentifier"]
    return Stack(expanded, {**given, "DatabaseInstanceIdentifier": "bbws-mysql-sit"})


def _granted(role):
    return {
        action for statement in role_statements(role) for action in as_list(statement["Action"])
    }


def _called() -> Iterator[str]:
    for path in sorted((CHECKOUT / "core/adapters/aws").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr=method, value=client),
                    args=[*arguments],
                ):
                    service = _service_of(client, path.stem)
                    if method == "get_paginator" and service:
                        method = ast.literal_eval(arguments[0])
                    if service:
                        yield f"{service}:{''.join(part.title() for part in method.split('_'))}"


def _service_of(client: ast.expr, module: str) -> str | None:
    match client:
        case ast.Attribute(attr=name) if name in SERVICES:
            return SERVICES[name]
        case ast.Name(id=name) if name in SERVICES:
            return SERVICES[name]
        case ast.Name(id="source" | "target") if module == "image_layers":
            return "ecr"
    return None
