"""The pointer on AWS: moved once, and believed only when the rule says so."""

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from migrator.errors import JobFailure
from migrator.pointer import RulePointer


@pytest.fixture
def elbv2(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "536580886816")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield boto3.client("elbv2", region_name="af-south-1")


@pytest.fixture
def groups(elbv2):
    """Two target groups, r1 and r2."""
    vpc = boto3.client("ec2", region_name="af-south-1").create_vpc(CidrBlock="10.0.0.0/16")
    return [
        elbv2.create_target_group(
            Name=name, Protocol="HTTP", Port=80, VpcId=vpc["Vpc"]["VpcId"], TargetType="ip"
        )["TargetGroups"][0]["TargetGroupArn"]
        for name in ("r1", "r2")
    ]


@pytest.fixture
def rule(elbv2, groups):
    """A site's rule that points at r1."""
    ec2 = boto3.client("ec2", region_name="af-south-1")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.0.0.0/16"]}])["Vpcs"][0]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc["VpcId"], CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"af-south-1{zone}"
        )["Subnet"]["SubnetId"]
        for n, zone in enumerate("ab")
    ]
    balancer = elbv2.create_load_balancer(Name="alb", Subnets=subnets)["LoadBalancers"][0]
    forward = [{"Type": "forward", "TargetGroupArn": groups[0]}]
    listener = elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80,
        DefaultActions=forward,
    )["Listeners"][0]  # fmt: skip
    return elbv2.create_rule(
        ListenerArn=listener["ListenerArn"], Priority=1, Actions=forward,
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": ["shop.test"]}}],
    )["Rules"][0]["RuleArn"]  # fmt: skip


def test_it_moves_to_another_target_group(elbv2, groups, rule):
    pointer = RulePointer(elbv2)
    assert pointer.target(rule) == groups[0]
    pointer.move(rule, groups[1])
    assert pointer.target(rule) == groups[1]


def test_a_lost_answer_is_no_failure_when_the_rule_has_moved(elbv2, groups, rule, monkeypatch):
    real = elbv2.modify_rule

    def lose_the_answer(**parameters):
        real(**parameters)
        raise ReadTimeoutError(endpoint_url="https://elb")

    monkeypatch.setattr(elbv2, "modify_rule", lose_the_answer)
    RulePointer(elbv2).move(rule, groups[1])
    assert RulePointer(elbv2).target(rule) == groups[1]


def test_a_rule_that_did_not_move_is_told(elbv2, groups, rule, monkeypatch):
    def time_out(**_parameters):
        raise ReadTimeoutError(endpoint_url="https://elb")

    monkeypatch.setattr(elbv2, "modify_rule", time_out)
    with pytest.raises(JobFailure, match="elasticloadbalancing:ModifyRule") as caught:
        RulePointer(elbv2).move(rule, groups[1])
    assert caught.value.retryable
    monkeypatch.setattr(elbv2, "describe_rules", time_out)
    with pytest.raises(JobFailure, match="ReadTimeoutError"):
        RulePointer(elbv2).move(rule, groups[1])


def test_a_rule_that_is_gone_is_told(elbv2, groups, rule):
    elbv2.delete_rule(RuleArn=rule)
    with pytest.raises(JobFailure, match="RuleNotFound"):
        RulePointer(elbv2).move(rule, groups[1])
