"""Tables, buckets, topic and key: what protects the data."""

from __future__ import annotations

import pytest

from core.adapters.aws.operations_table import INDEXES
from tests.template.stack import ACCOUNTS, Stack, as_list, overrides, statements

WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}


def test_tables_are_on_demand_recoverable_streamed_and_encrypted(stack):
    prod = stack.parameters["Environment"] == "prod"
    for name, table in stack.of_type("AWS::DynamoDB::Table").items():
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
        assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
        assert table["DeletionProtectionEnabled"] is prod
        keys = [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]]
        if name == "DeploymentsTable":
            assert keys == [("deployment_id", "HASH")]
        else:
            assert keys == [("PK", "HASH"), ("SK", "RANGE")], name


def test_the_operations_table_has_the_indexes_that_are_asked(sit):
    table = sit.by_name("AWS::DynamoDB::Table")["bbws-wp-operations-sit"]
    indexes = {
        index["IndexName"]: (
            *(key["AttributeName"] for key in index["KeySchema"]),
            index["Projection"]["ProjectionType"],
        )
        for index in table["GlobalSecondaryIndexes"]
    }
    assert indexes == {name: (*keys, "KEYS_ONLY") for name, *keys in INDEXES}


def test_data_outlives_the_stack(expanded):
    kept = {
        "AWS::DynamoDB::Table",
        "AWS::S3::Bucket",
        "AWS::KMS::Key",
        "AWS::Backup::BackupVault",
    }
    for name, resource in expanded["Resources"].items():
        if resource["Type"] in kept:
            assert resource["DeletionPolicy"] == "Retain", name
            assert resource["UpdateReplacePolicy"] == "Retain", name


def test_the_platform_s_tenants_table_is_made_on_one_machine_only(expanded, stack):
    assert "OneMachineTenantsTable" not in stack.resources
    local = {**overrides("dev"), "CreateTenantsTable": "true"}
    assert "OneMachineTenantsTable" in Stack(expanded, local).resources


def test_buckets_are_private_encrypted_and_owned(sit):
    buckets = sit.by_name("AWS::S3::Bucket")
    for bucket in buckets.values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert bucket["OwnershipControls"] == {
            "Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]
        }
    assert _encryption(buckets["bbws-templates-sit"]) == {"SSEAlgorithm": "AES256"}
    assert _encryption(buckets["bbws-transfer-sit"]) == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": sit.arn("kms:key/FleetKey"),
    }


def test_transfers_and_jobs_expire_and_results_are_announced(sit):
    bucket = sit.by_name("AWS::S3::Bucket")["bbws-transfer-sit"]
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    expiries = {rule.get("Prefix"): rule.get("ExpirationInDays") for rule in rules.values()}
    assert expiries == {
        "transfers/": "14",
        "jobs/": "14",
        "backups/": "14",
        "oversized/": 30,
        None: None,
    }
    assert rules["abandoned-uploads"]["AbortIncompleteMultipartUpload"]
    assert bucket["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }


def test_templates_keep_their_versions_for_ninety_days(sit):
    bucket = sit.by_name("AWS::S3::Bucket")["bbws-templates-sit"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    [rule] = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}


def test_every_bucket_refuses_plain_http(stack):
    policies = stack.of_type("AWS::S3::BucketPolicy").values()
    assert {policy["Bucket"] for policy in policies} == set(stack.by_name("AWS::S3::Bucket"))
    for policy in policies:
        [deny] = [s for s in statements(policy["PolicyDocument"]) if s["Effect"] == "Deny"]
        arn = f"arn:aws:s3:::{policy['Bucket']}"
        assert (deny["Principal"], deny["Action"]) == ("*", "s3:*")
        assert deny["Resource"] == [arn, f"{arn}/*"]
        assert deny["Condition"] == WITHOUT_TLS


def test_only_the_source_s_export_may_write_and_only_its_prefixes(sit):
    policy = sit.of_type("AWS::S3::BucketPolicy")["TransferBucketPolicy"]["PolicyDocument"]
    allowed = {s["Sid"]: s for s in statements(policy) if s["Effect"] == "Allow"}
    bucket = "arn:aws:s3:::bbws-transfer-sit"
    for statement in allowed.values():
        assert statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNTS['dev']}:root"}
    grants = {
        (
            statement["Condition"]["ArnEquals"]["aws:PrincipalArn"].rpartition("/")[2],
            action,
            resource.removeprefix(bucket),
        )
        for statement in allowed.values()
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }
    reader, writer = "bbws-wp-export-dev", "bbws-wp-export-dev-writer"
    results = "/jobs/${aws:PrincipalTag/operation}/*/result.json"
    transfers = "/transfers/${aws:PrincipalTag/operation}/*"
    assert grants == {
        (reader, "s3:GetObject", "/jobs/*/job.json"),
        (reader, "s3:GetObject", "/manifests/*"),
        (writer, "s3:PutObject", results),
        (writer, "s3:PutObject", transfers),
        (writer, "s3:AbortMultipartUpload", results),
        (writer, "s3:AbortMultipartUpload", transfers),
    }


def test_nobody_outside_may_write_to_dev(expanded):
    dev = Stack(expanded, overrides("dev"))
    policy = dev.of_type("AWS::S3::BucketPolicy")["TransferBucketPolicy"]["PolicyDocument"]
    assert [s["Effect"] for s in statements(policy)] == ["Deny"]
    key = dev.of_type("AWS::KMS::Key")["FleetKey"]["KeyPolicy"]
    assert [statement["Principal"] for statement in statements(key)] == [
        {"AWS": f"arn:aws:iam::{ACCOUNTS['dev']}:root"},
        {"Service": "cloudwatch.amazonaws.com"},
    ]


def test_the_key_rotates_and_lets_the_source_in_through_s3_only(sit):
    key = sit.of_type("AWS::KMS::Key")["FleetKey"]
    assert key["EnableKeyRotation"] is True
    _, _, source = statements(key["KeyPolicy"])
    assert source["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert source["Condition"] == {
        "ArnEquals": {
            "aws:PrincipalArn": [
                f"arn:aws:iam::{ACCOUNTS['dev']}:role/bbws-wp-export-dev",
                f"arn:aws:iam::{ACCOUNTS['dev']}:role/bbws-wp-export-dev-writer",
            ]
        },
        "StringEquals": {"kms:ViaService": "s3.af-south-1.amazonaws.com"},
    }


def test_the_topic_is_encrypted_and_open_to_the_named_accounts(sit, busy):
    topic = busy.of_type("AWS::SNS::Topic")["NotificationsTopic"]
    assert topic["KmsMasterKeyId"] == "FleetKey"
    by_sid = {s["Sid"]: s for s in _topic_statements(busy)}
    assert by_sid["Subscribers"]["Principal"] == {"AWS": ["111122223333", "444455556666"]}
    assert by_sid["Subscribers"]["Action"] == ["sns:Subscribe", "sns:GetTopicAttributes"]
    assert by_sid["OnlyTls"]["Condition"] == WITHOUT_TLS
    assert "Subscribers" not in {s["Sid"] for s in _topic_statements(sit)}


@pytest.mark.parametrize(
    ("parameter", "logical"),
    [
        ("ExistingOperationsTable", "OperationsTable"),
        ("ExistingSitesTable", "SitesTable"),
        ("ExistingDeploymentsTable", "DeploymentsTable"),
        ("ExistingBackupVault", "BackupVault"),
        ("ExistingTransferBucket", "TransferBucket"),
        ("ExistingTemplatesBucket", "TemplatesBucket"),
        ("ExistingNotificationsTopic", "NotificationsTopic"),
        ("ExistingDeadLetterQueue", "DeadLetterQueue"),
        ("ExistingUpdateQueue", "UpdateQueue"),
        ("ExistingDeletionQueue", "DeletionQueue"),
        ("ExistingPromotionQueue", "PromotionQueue"),
    ],
)
def test_what_the_platform_has_is_adopted_with_nothing_of_it_changed(expanded, parameter, logical):
    adopted = Stack(expanded, {**overrides("sit"), parameter: "theirs"})
    assert logical not in adopted.resources
    assert f"{logical}Policy" not in adopted.resources
    variables = adopted.of_type("AWS::Lambda::Function")["CreationFunction"]["Environment"]
    assert any(
        str(value).endswith(("theirs", ":theirs", "/theirs"))
        for value in variables["Variables"].values()
    )


def _encryption(bucket):
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    return rule["ServerSideEncryptionByDefault"]


def _topic_statements(stack):
    policy = stack.of_type("AWS::SNS::TopicPolicy")["NotificationsTopicPolicy"]
    return list(statements(policy["PolicyDocument"]))


def test_only_an_environment_that_is_promoted_to_backs_anything_up(expanded):
    for env in ACCOUNTS:
        stack = Stack(expanded, overrides(env))
        variables = stack.of_type("AWS::Lambda::Function")["PromotionFunction"]["Environment"][
            "Variables"
        ]
        vaults = set(stack.by_name("AWS::Backup::BackupVault"))
        if env == "dev":
            assert (vaults, variables["SITEFLEET_BACKUP_VAULT"]) == (set(), "")
            assert "BackupRole" not in stack.resources
        else:
            assert vaults == {variables["SITEFLEET_BACKUP_VAULT"]}
            assert "BackupRole" in stack.resources


def test_only_aws_backup_of_this_account_takes_the_backup_role(sit):
    [trust] = sit.of_type("AWS::IAM::Role")["BackupRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "backup.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNTS["sit"]}}
