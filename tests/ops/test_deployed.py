"""The names that the commands look for without a template are those that the template makes."""

from __future__ import annotations

import pytest

from events.formats import Environment
from ops.deployed import FUNCTION_ROLES, alarm_names, deployed_settings, function_name
from ops.status.evidence import PREFIX, QUEUES
from tests.template.stack import REGION, Stack, expand, overrides

SIT = Environment.SIT
NOT_ALWAYS_LOOKED_AT = {"parked"}
"""What lies there was put aside by a person; `status` shows it where there is one."""


@pytest.fixture(scope="module")
def expanded():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", REGION)  # SAM asks for the partition
        return expand()


@pytest.fixture(scope="module")
def stack(expanded):
    return Stack(expanded, overrides("sit"))


def test_functions(stack):
    made = {name for name in stack.by_name("AWS::Lambda::Function") if "async-processor" in name}
    assert {function_name(SIT, role) for role in FUNCTION_ROLES} == made


def test_queues(stack):
    made = set(stack.by_name("AWS::SQS::Queue"))
    assert {f"{PREFIX}{name}-sit" for name in (*QUEUES, *NOT_ALWAYS_LOOKED_AT)} == made


def test_alarms(stack):
    assert set(alarm_names(SIT, one_machine=False)) == set(stack.by_name("AWS::CloudWatch::Alarm"))


def test_alarms_of_one_machine(expanded):
    machine = Stack(expanded, {**overrides("sit"), "OneMachine": "true"})
    assert set(alarm_names(SIT, one_machine=True)) == set(machine.by_name("AWS::CloudWatch::Alarm"))


def test_a_stack_tells_its_load_balancer_by_its_listener():
    """Its functions have 4 KB of variables; those of older stacks name both."""

    class Functions:
        def __init__(self, **variables):
            self.variables = variables

        def get_function_configuration(self, **_):
            return {"Environment": {"Variables": {"OTHER": "x", **self.variables}}}

    listener = "arn:aws:elasticloadbalancing:x:1:listener/app/alb/5/9"
    told = deployed_settings(Functions(SITEFLEET_LISTENER_ARN=listener), SIT)
    assert told == {
        "listener_arn": listener,
        "load_balancer_arn": "arn:aws:elasticloadbalancing:x:1:loadbalancer/app/alb/5",
    }
    assert deployed_settings(Functions(SITEFLEET_CLUSTER="c"), SIT) == {"cluster": "c"}
