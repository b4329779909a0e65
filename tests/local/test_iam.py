"""IAM on one machine: the stack's own roles, tried at what they may and at what they may not.

The emulator and the deployed stacks are real; nothing watches tasks here, so none runs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar
from unittest.mock import patch

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from local_calls import BY_PEOPLE, DEV, IN_THE_SOURCE, INTO_PROD, OPERATION, PROD, WRITER_ROLE
from local_fleet import SOURCE_ROLE, Fleet, of_person, session_client

from core.adapters.aws.caller_identity import StsCallerIdentity
from core.adapters.aws.errors import DENIED_CODES
from core.adapters.aws.session import AwsClients, SourceAccount
from core.adapters.aws.site_logs import CloudWatchSiteLogs
from core.adapters.system import SystemClock
from core.bootstrap import load_policy
from core.domain.errors import RefusedError, SitefleetError
from core.domain.names import SiteNames
from core.domain.people import person_of
from core.domain.proof import ProofBinding, ProofDecision, StsEndpoint, check_proof
from core.ports.jobs import Where
from core.ports.observation import LogReading
from events.formats import Environment
from local import registry
from local.emulator import REGION
from migrator.writing import writing_session
from ops.proof import signed_proof

pytestmark = pytest.mark.machine
SITES_LOG = "/aws/ecs/bbws-dev/sites"
OTHER = "550e8400-e29b-41d4-a716-446655440001"
BINDING = ProofBinding(
    operation_id=OPERATION,
    plan_hash=f"sha256:{'a' * 64}",
    decision=ProofDecision.APPROVE,
    role="TECH_LEAD",
    environment=Environment.PROD,
)


def refused(call: Callable[[], object]) -> str:
    """Run a call that IAM has to refuse; return the code of the refusal."""
    with pytest.raises(ClientError) as error:
        call()
    code = error.value.response["Error"]["Code"]
    assert code in DENIED_CODES, str(error.value)
    return code


def run_export(clients: AwsClients, **changes: object) -> dict:
    request = {
        "cluster": "bbws-wp-export-dev",
        "taskDefinition": "bbws-wp-export-dev",
        "launchType": "FARGATE",
        "startedBy": f"sitefleet/{OPERATION}/export_source/0",
        "propagateTags": "TASK_DEFINITION",
        **changes,
    }
    return clients.ecs.run_task(**request)


def test_an_image_goes_with_its_last_tag(fleet: Fleet):
    """As on AWS: sites share images, and a tag of one of them goes before the other's."""
    ecr, where = fleet.clouds["dev"].ecr, {"repositoryName": registry.REPOSITORY}
    tagged = [{"imageTag": "dev-latest"}]
    [image] = ecr.batch_get_image(**where, imageIds=tagged)["images"]
    manifest = {
        "imageManifest": image["imageManifest"],
        "imageDigest": image["imageId"]["imageDigest"],
    }
    for tag in ("first", "last"):
        ecr.put_image(**where, **manifest, imageTag=tag)

    def left(*gone: str) -> list[str]:
        ecr.batch_delete_image(**where, imageIds=[{"imageTag": tag} for tag in gone])
        found = ecr.describe_images(**where)["imageDetails"]
        return [
            t for i in found if i["imageDigest"] == manifest["imageDigest"] for t in i["imageTags"]
        ]

    assert left("first") == ["dev-latest", "last"]
    assert left("dev-latest", "last") == []
    ecr.put_image(**where, **manifest, imageTag="dev-latest")


class TestTheWayIntoTheSource:
    def test_the_session_is_named_after_the_operation(self, fleet: Fleet):
        arn = fleet.source().sts.get_caller_identity()["Arn"]
        assert arn == f"arn:aws:sts::{DEV}:assumed-role/bbws-wp-promotion-source-dev/{OPERATION}"

    @pytest.mark.parametrize("given", [{}, {"ExternalId": "wrong"}])
    def test_not_without_the_external_id(self, fleet: Fleet, given):
        sts = fleet.function("sit", "promotion").sts
        refused(lambda: sts.assume_role(RoleArn=SOURCE_ROLE, RoleSessionName=OPERATION, **given))

    @pytest.mark.parametrize("function", ["creation", "update", "sweeper", "notifier"])
    def test_not_by_another_function_of_the_target(self, fleet: Fleet, function):
        sts, known = fleet.function("sit", function).sts, fleet.external_id()
        refused(
            lambda: sts.assume_role(
                RoleArn=SOURCE_ROLE, RoleSessionName=OPERATION, ExternalId=known
            )
        )

    @pytest.mark.parametrize("environment", ["sit", "prod"])
    def test_not_by_an_administrator_of_the_target_or_of_another_account(
        self, fleet: Fleet, environment
    ):
        sts, known = fleet.clouds[environment].sts, fleet.external_id()
        refused(
            lambda: sts.assume_role(
                RoleArn=SOURCE_ROLE, RoleSessionName=OPERATION, ExternalId=known
            )
        )

    def test_a_wrong_secret_is_told_as_a_missing_right(self, fleet: Fleet):
        source = SourceAccount(
            home=fleet.function("sit", "promotion"),
            role_arn=SOURCE_ROLE,
            external_id_secret="bbws/sit/aurora/admin",
            clock=SystemClock(),
        )
        with pytest.raises(SitefleetError, match="may not do"):
            source.clients(OPERATION)


class TestMail:
    @staticmethod
    def send(clients: AwsClients, sender: str) -> None:
        letter = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}
        clients.sesv2.send_email(
            FromEmailAddress=sender,
            Destination={"ToAddresses": ["jane@customer.example"]},
            Content={"Simple": letter},
        )

    def test_the_mailer_writes_in_its_own_name(self, fleet: Fleet):
        self.send(fleet.function("prod", "mailer"), "no-reply@mail.example")

    @pytest.mark.parametrize("sender", ["ceo@mail.example", "no-reply@other.example"])
    def test_and_in_nobody_else_s(self, fleet: Fleet, sender):
        refused(lambda: self.send(fleet.function("prod", "mailer"), sender))

    def test_no_other_function_writes_mail(self, fleet: Fleet):
        refused(lambda: self.send(fleet.function("prod", "notifier"), "no-reply@mail.example"))


class TestWhatTheTargetMayDoInTheSource:
    def test_it_runs_finds_describes_and_stops_exports(self, fleet: Fleet):
        source = fleet.source()
        [task] = run_export(source)["tasks"]
        found = source.ecs.list_tasks(
            cluster="bbws-wp-export-dev", startedBy=f"sitefleet/{OPERATION}/export_source/0"
        )
        assert task["taskArn"] in found["taskArns"]
        described = source.ecs.describe_tasks(cluster="bbws-wp-export-dev", tasks=[task["taskArn"]])
        assert described["tasks"]
        source.ecs.stop_task(cluster="bbws-wp-export-dev", task=task["taskArn"], reason="test")

    def test_it_reads_the_image_and_the_metrics(self, fleet: Fleet):
        source = fleet.source()
        image = source.ecr.batch_get_image(
            repositoryName="bbws-wordpress", imageIds=[{"imageTag": "dev-latest"}]
        )
        assert image["images"]
        now = SystemClock().now()
        fleet_metrics = session_client(source, "cloudwatch").get_metric_data(
            MetricDataQueries=[
                {
                    "Id": "errors",
                    "MetricStat": {
                        "Metric": {"Namespace": "AWS/Lambda", "MetricName": "Errors"},
                        "Period": 60,
                        "Stat": "Sum",
                    },
                }
            ],
            StartTime=now,
            EndTime=now,
        )
        assert "MetricDataResults" in fleet_metrics

    def test_it_reads_the_log_of_one_release(self, fleet: Fleet):
        names = SiteNames(environment=Environment.DEV, tenant_id="tenant-1", site_id="site-1")
        now, mine, other = SystemClock().now(), names.release(1), names.release(10)
        logs = fleet.clouds["dev"].logs
        for release, text in ((mine, "quiet"), (other, "PHP Fatal error"), (mine, "CRITICAL: x")):
            name = f"{release.service}/wordpress/{text[:3]}"
            logs.create_log_stream(logGroupName=SITES_LOG, logStreamName=name)
            line = {"timestamp": int(now.timestamp() * 1000), "message": text}
            logs.put_log_events(logGroupName=SITES_LOG, logStreamName=name, logEvents=[line])
        minute = timedelta(minutes=1)
        way_in = fleet.way_in()
        found = CloudWatchSiteLogs(clients=way_in.clients(OPERATION), source=way_in).read(
            Where.SOURCE,
            mine,
            start=now - minute,
            end=now + minute,
            period_seconds=60,
            operation_id=OPERATION,
        )
        assert found == LogReading(critical_lines=1, heartbeats=1)

    @pytest.mark.parametrize(
        "changes",
        [
            {"taskDefinition": "bbws-wp-migrator-dev"},
            {"cluster": "bbws-cluster-dev"},
            {"overrides": {"taskRoleArn": f"arn:aws:iam::{DEV}:role/bbws-wp-migrator-dev"}},
            {
                "overrides": {
                    "executionRoleArn": f"arn:aws:iam::{DEV}:role/bbws-wp-site-execution-dev"
                }
            },
        ],
        ids=["another family", "the sites' cluster", "another role", "another execution role"],
    )
    def test_it_runs_nothing_else(self, fleet: Fleet, changes):
        source = fleet.source()
        refused(lambda: run_export(source, **changes))

    @pytest.mark.parametrize("what", IN_THE_SOURCE)
    def test_it_reaches_nothing_else(self, fleet: Fleet, what):
        source = fleet.source()
        refused(lambda: IN_THE_SOURCE[what](lambda name: session_client(source, name)))


class TestWhatAnExportWrites:
    def put(self, s3, key: str):
        return s3.put_object(Bucket="bbws-transfer-sit", Key=key, Body=b"x")

    def writer(self, fleet: Fleet):
        """The migrator's own way to become the writer, from the export task's credentials."""
        given = fleet.clouds["dev"].sts.assume_role(
            RoleArn=f"arn:aws:iam::{DEV}:role/bbws-wp-export-dev", RoleSessionName="task"
        )["Credentials"]
        task = {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }
        with patch.dict(os.environ, task):
            s3 = writing_session(WRITER_ROLE, OPERATION).client("s3")
            s3.put_object(Bucket="bbws-transfer-sit", Key=f"transfers/{OPERATION}/a", Body=b"x")
        return s3

    def test_the_task_itself_writes_nothing(self, fleet: Fleet):
        s3 = fleet.role("dev", "bbws-wp-export-dev").s3
        for key in (
            f"transfers/{OPERATION}/database.sql.zst",
            f"jobs/{OPERATION}/export_source/0/result.json",
        ):
            refused(lambda key=key: self.put(s3, key))

    def test_its_writer_reaches_its_operations_prefixes(self, fleet: Fleet):
        s3 = self.writer(fleet)
        self.put(s3, f"transfers/{OPERATION}/deep/pack-0.tar.zst")
        self.put(s3, f"jobs/{OPERATION}/export_source/0/result.json")
        upload = s3.create_multipart_upload(
            Bucket="bbws-transfer-sit", Key=f"transfers/{OPERATION}/big"
        )
        s3.abort_multipart_upload(
            Bucket="bbws-transfer-sit",
            Key=f"transfers/{OPERATION}/big",
            UploadId=upload["UploadId"],
        )

    @pytest.mark.parametrize(
        "key",
        [
            f"transfers/{OTHER}/database.sql.zst",
            f"transfers/{OPERATION}",
            f"transfers/{OPERATION}x/a",
            f"jobs/{OTHER}/export_source/0/result.json",
            f"jobs/{OPERATION}/export_source/0/job.json",
            "manifests/tenant-1/abc/r1.json",
            "releases/tenant-1/abc/r1/marks.json",
            f"evidence/{OPERATION}.json",
            "oversized/a",
        ],
    )
    def test_and_no_other(self, fleet: Fleet, key):
        s3 = self.writer(fleet)
        refused(lambda: self.put(s3, key))

    def test_it_neither_reads_nor_deletes(self, fleet: Fleet):
        s3, key = self.writer(fleet), f"transfers/{OPERATION}/a"
        refused(lambda: s3.get_object(Bucket="bbws-transfer-sit", Key=key))
        refused(lambda: s3.delete_object(Bucket="bbws-transfer-sit", Key=key))
        refused(lambda: s3.list_objects_v2(Bucket="bbws-transfer-sit"))
        refused(lambda: s3.put_object(Bucket="bbws-transfer-prod", Key=key, Body=b"x"))

    @pytest.mark.parametrize(
        "request_",
        [
            {"RoleSessionName": OPERATION},
            {"RoleSessionName": OTHER, "Tags": [{"Key": "operation", "Value": OPERATION}]},
            {"RoleSessionName": "xx", "Tags": [{"Key": "operation", "Value": "*"}]},
            {"RoleSessionName": "xx", "Tags": [{"Key": "operation", "Value": "xx"}]},
            {
                "RoleSessionName": OPERATION,
                "Tags": [
                    {"Key": "operation", "Value": OPERATION},
                    {"Key": "other", "Value": "xx"},
                ],
            },
        ],
        ids=["no tag", "another name", "every operation", "no operation", "one tag more"],
    )
    def test_a_writer_is_always_one_operations(self, fleet: Fleet, request_):
        sts = fleet.role("dev", "bbws-wp-export-dev").sts
        refused(lambda: sts.assume_role(RoleArn=WRITER_ROLE, **request_))

    @pytest.mark.parametrize("role", ["bbws-wp-migrator-dev", "bbws-wp-site-task-dev"])
    def test_nobody_else_becomes_a_writer(self, fleet: Fleet, role):
        sts = fleet.role("dev", role).sts
        tags = [{"Key": "operation", "Value": OPERATION}]
        refused(lambda: sts.assume_role(RoleArn=WRITER_ROLE, RoleSessionName=OPERATION, Tags=tags))


class TestNothingInProdIsWrittenFromOutside:
    OUTSIDERS: ClassVar = {
        "sit's promotion": ("sit", "sit-bbws-async-processor-promotion"),
        "sit's migrator": ("sit", "bbws-wp-migrator-sit"),
        "sit's export": ("sit", "bbws-wp-export-sit"),
        "dev's promotion": ("dev", "dev-bbws-async-processor-promotion"),
        "dev's migrator": ("dev", "bbws-wp-migrator-dev"),
    }

    @pytest.mark.parametrize("who", OUTSIDERS)
    @pytest.mark.parametrize("what", INTO_PROD)
    def test_it_is_refused(self, fleet: Fleet, who, what):
        clients = fleet.role(*self.OUTSIDERS[who])
        refused(lambda: INTO_PROD[what](lambda name: session_client(clients, name)))

    def test_sit_people_do_not_reach_prods_queues(self, fleet: Fleet):
        for person in fleet.people["sit"].values():
            refused(lambda p=person: INTO_PROD["a message"](of_person(fleet, p)))


class TestPeople:
    def test_each_is_the_user_that_policy_lists(self, fleet: Fleet):
        for name in ("tech-lead", "operations-lead", "cto", "developer"):
            arn = of_person(fleet, fleet.people["prod"][name])("sts").get_caller_identity()["Arn"]
            assert arn == f"arn:aws:iam::{PROD}:user/{name}"

    def test_a_proof_leads_to_the_person_who_signed_it(self, fleet: Fleet):
        approval = load_policy("local-prod").promotion_rules.approval
        endpoint = StsEndpoint.of_one_machine(REGION, fleet.endpoint)
        for name in ("tech-lead", "operations-lead", "cto"):
            key, now = fleet.people["prod"][name], SystemClock().now()
            credentials = Credentials(key.access_key_id, key.secret_access_key)
            proof = signed_proof(credentials, REGION, fleet.endpoint, BINDING, now)
            check_proof(proof, binding=BINDING, endpoint=endpoint, now=now)
            assert person_of(approval, StsCallerIdentity(endpoint).ask(proof)) == name

    def test_an_administrators_key_is_no_person(self, fleet: Fleet):
        endpoint = StsEndpoint.of_one_machine(REGION, fleet.endpoint)
        now = SystemClock().now()
        proof = signed_proof(Credentials(PROD, "local"), REGION, fleet.endpoint, BINDING, now)
        with pytest.raises(RefusedError, match="access key of an IAM user or a role session"):
            check_proof(proof, binding=BINDING, endpoint=endpoint, now=now)

    def test_they_ask_and_look(self, fleet: Fleet):
        for environment, people in fleet.people.items():
            for person in people.values():
                client = of_person(fleet, person)
                queue = client("sqs").get_queue_url(QueueName=f"bbws-wp-site-update-{environment}")
                assert queue["QueueUrl"]
                client("dynamodb").query(
                    TableName="sites",
                    KeyConditionExpression="PK = :p",
                    ExpressionAttributeValues={":p": {"S": "TENANT#tenant-1"}},
                )

    def test_they_send_a_request(self, fleet: Fleet):
        client = of_person(fleet, fleet.people["dev"]["developer"])
        url = client("sqs").get_queue_url(QueueName="bbws-wp-site-update-dev")["QueueUrl"]
        assert client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"a": 1}))

    @pytest.mark.parametrize("what", BY_PEOPLE)
    def test_they_do_not(self, fleet: Fleet, what):
        client = of_person(fleet, fleet.people["prod"]["tech-lead"])
        refused(lambda: BY_PEOPLE[what](client))
