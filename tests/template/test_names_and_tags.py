"""Names are those of the wire contract; tags are those of the platform."""

from __future__ import annotations

QUEUES = ("creation", "update", "deletion", "promotion", "operations-dlq")
OWN_QUEUES = (
    "wakeup",
    "notifier",
    "sweeper",
    "mailer",
    "undeliverable",
    "parked",
    "replayer",
)
ROLES = (
    "creation",
    "update",
    "deletion",
    "promotion",
    "wakeup",
    "sweeper",
    "notifier",
    "mailer",
    "dlq-replayer",
)

UNTAGGABLE = {
    "AWS::CloudWatch::Dashboard",
    "AWS::KMS::Alias",
    "AWS::Lambda::LayerVersion",
    "AWS::Logs::MetricFilter",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}
COMPONENTS = {
    "AWS::Backup::BackupVault": "backup",
    "AWS::CloudWatch::Alarm": "cloudwatch",
    "AWS::DynamoDB::Table": "dynamodb",
    "AWS::ECS::Cluster": "ecs",
    "AWS::ECS::TaskDefinition": "ecs",
    "AWS::Events::EventBus": "events",
    "AWS::Events::Rule": "events",
    "AWS::IAM::Role": "iam",
    "AWS::KMS::Key": "kms",
    "AWS::Lambda::EventSourceMapping": "lambda",
    "AWS::Lambda::Function": "lambda",
    "AWS::Logs::LogGroup": "logs",
    "AWS::S3::Bucket": "s3",
    "AWS::SNS::Topic": "sns",
    "AWS::SQS::Queue": "sqs",
}


def test_queues_carry_the_names_of_the_contract(stack):
    env = stack.parameters["Environment"]
    assert set(stack.by_name("AWS::SQS::Queue")) == {
        f"bbws-wp-site-{name}-{env}" for name in (*QUEUES, *OWN_QUEUES)
    }


def test_bus_topic_tables_and_buckets_carry_the_names_of_the_contract(stack):
    env = stack.parameters["Environment"]
    assert set(stack.by_name("AWS::Events::EventBus")) == {f"bbws-wp-site-events-{env}"}
    assert set(stack.by_name("AWS::SNS::Topic")) == {f"bbws-wp-{t}-{env}" for t in TOPICS}
    assert set(stack.by_name("AWS::DynamoDB::Table")) == {
        "sites",
        f"bbws-wp-operations-{env}",
        f"bbws-deployments-{env}",
    }
    assert set(stack.by_name("AWS::S3::Bucket")) == {f"bbws-{b}-{env}" for b in BUCKETS}


BUCKETS = ("transfer", "templates")
TOPICS = ("notifications", "alarms")


def test_functions_roles_and_logs_carry_the_names_of_the_contract(stack):
    env = stack.parameters["Environment"]
    names = {f"{env}-bbws-async-processor-{role}" for role in ROLES}
    assert set(stack.by_name("AWS::Lambda::Function")) == names
    assert names <= set(stack.by_name("AWS::IAM::Role"))
    assert {f"/aws/lambda/{name}" for name in names} <= set(stack.by_name("AWS::Logs::LogGroup"))


def test_a_source_has_export_family_and_role_and_prod_is_no_source(stack):
    env = stack.parameters["Environment"]
    families = set(stack.by_name("AWS::ECS::TaskDefinition"))
    roles = set(stack.by_name("AWS::IAM::Role"))
    source = {f"bbws-wp-promotion-source-{env}", f"bbws-wp-export-{env}"}
    if env == "prod":
        assert families == {"bbws-wp-migrator-prod"}
        assert not source & roles
    else:
        assert families == {f"bbws-wp-migrator-{env}", f"bbws-wp-export-{env}"}
        assert source <= roles


def test_everything_that_takes_tags_carries_the_platform_s(busy):
    for name, resource in busy.resources.items():
        kind = resource["Type"]
        if kind in UNTAGGABLE:
            continue
        tags = _tags(resource["Properties"])
        tags.pop("lambda:createdBy", None)  # SAM adds it to functions
        expected = {
            "Environment": "sit",
            "Project": "BBWS WP Containers",
            "Owner": "Tebogo",
            "CostCenter": "AWS",
            "ManagedBy": "CloudFormation",
            "Component": COMPONENTS[kind],
        }
        if kind == "AWS::DynamoDB::Table":
            expected["BackupPolicy"] = "hourly"
        assert tags == expected, name


def _tags(properties):
    if "BackupVaultTags" in properties:
        return dict(properties["BackupVaultTags"])
    return {tag["Key"]: tag["Value"] for tag in properties["Tags"]}
