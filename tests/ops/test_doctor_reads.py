"""`sitefleet doctor` in an account: what is missing there fails, and who hears of it is counted."""

from __future__ import annotations

import io
import zipfile

import boto3
import pytest
from botocore.exceptions import ClientError

from events.formats import Environment
from ops.deployed import alarm_names
from ops.doctor import monitoring, network, traffic
from ops.doctor.model import NotReadableError
from ops.errors import ExitCode
from tests.ops.conftest import REGION

ACCOUNT = "123456789012"  # moto's
ELB = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
PLACE = f"arn:aws:sns:{REGION}:{ACCOUNT}"
MAIL = "jane.doe@example.com"
SETTINGS = {
    "VPC_ID": "vpc-0123456789abcdef0",
    "SUBNET_IDS": "subnet-0123456789abcdef0",
    "CLUSTER": "bbws-cluster-sit",
    "MIGRATOR_FAMILY": "bbws-wp-migrator-sit",
    "LISTENER_ARN": f"{ELB}:listener/app/alb/50dc6c495c0c9188/f2f7dc8efc522ab2",
    "FILE_SYSTEM_ID": "fs-0123456789abcdef0",
    "DATABASE_CLUSTER": "bbws-aurora-sit",
    "DATABASE_ADMIN_SECRET": "bbws/sit/aurora/admin",
    "TOPIC_ARN": f"{PLACE}:bbws-wp-notifications-sit",
}
"""A stack whose platform is gone."""


@pytest.fixture
def stack(cloud):
    """The one function that tells what the stack was deployed with."""
    role = boto3.client("iam", region_name=REGION).create_role(
        RoleName="function", AssumeRolePolicyDocument="{}"
    )["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("handler.py", "")
    boto3.client("lambda", region_name=REGION).create_function(
        FunctionName="sit-bbws-async-processor-promotion",
        Runtime="python3.12",
        Role=role,
        Handler="handler.handler",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {f"SITEFLEET_{k}": value for k, value in SETTINGS.items()}},
    )
    return cloud


@pytest.fixture
def sns(stack):
    """Both topics; the fleet's own mailer hears the notifications."""
    client = boto3.client("sns", region_name=REGION)
    for name in ("notifications", "alarms"):
        client.create_topic(Name=f"bbws-wp-{name}-sit")
    subscribe(client, "notifications", "sqs", queue("bbws-wp-site-mailer-sit"))
    return client


def queue(name):
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def subscribe(client, topic, protocol, endpoint):
    client.subscribe(TopicArn=f"{PLACE}:bbws-wp-{topic}-sit", Protocol=protocol, Endpoint=endpoint)


GONE = {
    # check: what it says, and what is in the command that helps
    "8.1": ("sit-bbws-async-processor-dlq-replayer is not there", "sam deploy"),
    "8.2": ("bbws-wp-site-replayer-sit is not there", "sam deploy"),
    "1": (SETTINGS["SUBNET_IDS"], SETTINGS["SUBNET_IDS"]),
    "4": ("bbws-aurora-sit", "--db-cluster-identifier bbws-aurora-sit"),
    "6": ("bbws-aurora-sit", "copy-db-cluster-snapshot"),
    "7": ("bbws-aurora-sit", "--backup-retention-period"),
    "8": ("secret bbws/sit/aurora/admin", "restore-secret"),
    "13": (SETTINGS["FILE_SYSTEM_ID"], "describe-file-systems"),
    "14": (SETTINGS["FILE_SYSTEM_ID"], "create-mount-target"),
    "16": ("bbws-cluster-sit is not there", "create-cluster"),
    "17": ("cluster bbws-cluster-sit", "sites show"),
    "18": ("cluster bbws-cluster-sit", "update-service"),
    "19": ("bbws-wp-migrator-sit is not there", "sam deploy"),
    "20": (f"load balancer {ELB}:loadbalancer/app/alb/50dc6c495c0c9188", "describe-load"),
    "28": ("not there: bbws-wp-dead-letters-many-sit", "sam deploy"),
    "29": ("bbws-wp-alarms-sit is not there; bbws-wp-notifications-sit is", "sam deploy"),
}


@pytest.fixture
def doctor(sitefleet):
    """Return what came of each check, by its number."""

    def run():
        answer = sitefleet("doctor", "--env", "sit", "--json")
        assert answer.code == ExitCode.UNEXPECTED
        assert MAIL not in answer.out
        return {one["number"]: one for one in answer.json["checks"]}

    return run


def test_what_aws_says_is_not_there_fails(stack, doctor):
    found = doctor()
    for number, (said, fix) in GONE.items():
        one = found[number]
        assert one["verdict"] == "fail", one
        assert said in one["found"]
        assert fix in one["fix"]


def test_only_a_cache_may_be_missing(stack, doctor):
    """Sites are well without one; everything else that can be asked for has to be there."""
    found = doctor()
    unknown = {number for number, one in found.items() if one["verdict"] == "unknown"}
    assert {"10", "11", "12"} <= unknown
    assert unknown.isdisjoint(GONE)
    assert found["10"]["found"].startswith("there is no cache cluster bbws-redis-sit")


class TargetGroups:
    """A load balancer whose only group goes between two calls, or may not be looked at."""

    target_groups = ({"TargetGroupArn": "arn:1", "TargetGroupName": "wp-1"},)
    live_sites = ()

    def __init__(self, code):
        self.error = ClientError({"Error": {"Code": code}}, "DescribeTargetHealth")

    def client(self, _):
        return self

    def describe_target_health(self, **_):
        raise self.error


def test_a_target_group_that_just_went_is_not_there():
    found = traffic.read_health(TargetGroups("TargetGroupNotFound"))
    assert found["groups"] == {}
    with pytest.raises(NotReadableError, match="no permission for DescribeTargetHealth"):
        traffic.read_health(TargetGroups("AccessDenied"))


def test_a_tenants_group_without_its_tag_is_a_wrong_tag_and_no_lost_group(cloud):
    """EC2 finds no group by a tag that it lacks."""
    ec2 = boto3.client("ec2", region_name=REGION)
    [vpc] = ec2.describe_vpcs()["Vpcs"]
    made = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc["VpcId"])

    class Network:
        environment = Environment.SIT
        live_sites = ()

        def setting(self, _):
            return vpc["VpcId"]

        def pages(self, service, call, key, **arguments):
            return getattr(boto3.client(service, region_name=REGION), call)(**arguments)[key]

    def read():
        return network.read_tenant_groups(Network())["groups"]["g"]

    assert read() == {"id": made["GroupId"], "tenant": None}
    tag = [{"Key": "Tenant", "Value": "tenant-1"}]
    ec2.create_tags(Resources=[made["GroupId"]], Tags=tag)
    assert read() == {"id": made["GroupId"], "tenant": "tenant-1"}


# --- who hears the alarms -------------------------------------------------------------------


def test_an_alarm_topic_that_nobody_hears_fails(sns, doctor):
    """The mailer is the fleet itself, and the notifications need no subscriber."""
    one = doctor()["29"]
    assert one["verdict"] == "fail"
    assert one["found"] == "bbws-wp-alarms-sit: 0 confirmed, 0 pending"
    assert f"--topic-arn {PLACE}:bbws-wp-alarms-sit " in one["fix"]


def test_everybody_who_hears_is_counted_and_nobody_named(sns, doctor):
    subscribe(sns, "alarms", "email", MAIL)
    for number in range(101):  # SNS lists a hundred at once
        subscribe(sns, "notifications", "sqs", queue(f"others-{number}"))
    assert doctor()["29"]["found"] == (
        "bbws-wp-alarms-sit: 1 confirmed, 0 pending; "
        "bbws-wp-notifications-sit: 101 confirmed, 0 pending"
    )


def test_the_topics_are_those_that_the_alarms_tell(sns, doctor):
    sns.create_topic(Name="on-call")
    boto3.client("cloudwatch", region_name=REGION).put_metric_alarm(
        AlarmName="bbws-wp-dead-letters-sit",
        MetricName="DLQMessages",
        Namespace="BBWS/WPTechnical",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Statistic="Maximum",
        AlarmActions=[f"{PLACE}:on-call"],
    )
    found = doctor()
    assert found["29"]["found"] == "on-call: 0 confirmed, 0 pending"
    wanted = len(alarm_names(Environment.SIT, one_machine=False))
    assert f"{wanted - 1} of {wanted} not there" in found["28"]["found"]


class Subscriptions:
    """Answers with states that moto does not have."""

    environment = "sit"

    def __init__(self, *states):
        self.states = states

    def pages(self, *_, **__):
        return [{"SubscriptionArn": state, "Endpoint": MAIL} for state in self.states]


def test_who_never_confirmed_is_pending_and_who_left_is_not_counted():
    sources = Subscriptions(f"{PLACE}:t:1", "PendingConfirmation", "Deleted")
    assert monitoring._subscriptions(sources, f"{PLACE}:t") == {"confirmed": 1, "pending": 1}
