"""Permissions: IAM itself says which rights the fleet's own role lacks."""

from __future__ import annotations

import json

import pytest
from botocore.stub import Stubber

from core.adapters.aws.permissions import IamPermissions, role_of
from core.adapters.aws.session import AwsClients
from core.adapters.memory.permissions import MemoryPermissions
from core.domain.errors import ConfigurationError
from core.ports.protection import Permissions, Right
from tests.contract.backends import REGION, Aws, Backend, Memory

ROLE = "prod-bbws-async-processor-promotion"
RULE = "arn:aws:elasticloadbalancing:af-south-1:093646564004:listener-rule/app/alb/1/2/3"
SNAPSHOT = "arn:aws:rds:af-south-1:093646564004:cluster-snapshot:prod-1"
MODIFY = Right(action="elasticloadbalancing:ModifyRule", resource=RULE)
DELETE = Right(action="elasticloadbalancing:DeleteRule", resource=RULE)
SNAP = Right(action="rds:CreateDBClusterSnapshot", resource=SNAPSHOT)


def in_role(aws: Aws) -> AwsClients:
    """Clients of a session of the role, as a function has them."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "elasticloadbalancing:ModifyRule",
                "Resource": "arn:aws:elasticloadbalancing:*:*:listener-rule/app/alb/*",
            },
            {"Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": "*"},
        ],
    }
    iam = aws.clients.iam
    arn = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=ROLE, PolicyName="own", PolicyDocument=json.dumps(policy))
    answer = aws.clients.sts.assume_role(RoleArn=arn, RoleSessionName="function")
    return AwsClients(region=REGION, credentials=answer["Credentials"])


@pytest.fixture(params=["memory", "emulator"])
def permissions(request: pytest.FixtureRequest) -> Permissions:
    """moto has no policy simulator."""
    backend: Backend = (
        Memory() if request.param == "memory" else request.getfixturevalue("emulator")
    )
    if isinstance(backend, Memory):
        backend.world.denied_actions |= {DELETE.action, SNAP.action}
        return MemoryPermissions(backend.world)
    return IamPermissions(clients=in_role(backend))


def test_nothing_is_missing_of_nothing(permissions: Permissions):
    assert list(permissions.missing([])) == []


def test_what_is_denied_is_named_in_the_order_it_was_asked_for(permissions: Permissions):
    assert list(permissions.missing([SNAP, MODIFY, DELETE])) == [SNAP, DELETE]


def test_what_is_granted_is_not_missing(permissions: Permissions):
    assert list(permissions.missing([MODIFY])) == []


def test_names_that_a_right_leaves_open_are_the_environment_s(emulator: Aws):
    places = {"listener_rules": RULE.rpartition("/")[0]}
    permissions = IamPermissions(clients=in_role(emulator), places=places)
    may = Right(action=MODIFY.action, resource="{listener_rules}/9")
    elsewhere = Right(action=MODIFY.action, resource="{listener}/9")
    assert list(permissions.missing([may, elsewhere])) == [elsewhere]


class TestWhoIsAsked:
    def test_a_session_is_its_role(self):
        session = f"arn:aws:sts::093646564004:assumed-role/{ROLE}/some-function"
        assert role_of(session) == f"arn:aws:iam::093646564004:role/{ROLE}"

    def test_a_user_is_asked_about_as_such(self):
        user = "arn:aws:iam::093646564004:user/ops/thabo"
        assert role_of(user) == user

    @pytest.mark.parametrize(
        "caller", ["arn:aws:iam::093646564004:root", "arn:aws:sts::093646564004:federated-user/x"]
    )
    def test_nobody_else_can_be_asked_about(self, caller: str):
        with pytest.raises(ConfigurationError, match="cannot be simulated"):
            role_of(caller)


# --- answers that no local tool gives ----------------------------------------------------------


def evaluated(action: str, decision: str) -> dict:
    return {"EvalActionName": action, "EvalDecision": decision}


def test_all_pages_count_and_an_explicit_deny_is_missing(moto: Aws):
    principal = f"arn:aws:iam::093646564004:role/{ROLE}"
    asked = {
        "PolicySourceArn": principal,
        "ActionNames": [DELETE.action, MODIFY.action],
        "ResourceArns": [RULE],
    }
    caller = {"Arn": f"arn:aws:sts::093646564004:assumed-role/{ROLE}/function"}
    with Stubber(moto.clients.sts) as sts, Stubber(moto.clients.iam) as iam:
        sts.add_response("get_caller_identity", caller, {})
        iam.add_response(
            "simulate_principal_policy",
            {
                "EvaluationResults": [evaluated(DELETE.action, "explicitDeny")],
                "IsTruncated": True,
                "Marker": "next",
            },
            asked,
        )
        iam.add_response(
            "simulate_principal_policy",
            {"EvaluationResults": [evaluated(MODIFY.action, "allowed")], "IsTruncated": False},
            {**asked, "Marker": "next"},
        )
        permissions = IamPermissions(clients=moto.clients)
        assert list(permissions.missing([MODIFY, DELETE])) == [DELETE]
        iam.assert_no_pending_responses()


def test_an_action_that_iam_says_nothing_about_is_missing(moto: Aws):
    caller = {"Arn": f"arn:aws:sts::093646564004:assumed-role/{ROLE}/function"}
    with Stubber(moto.clients.sts) as sts, Stubber(moto.clients.iam) as iam:
        sts.add_response("get_caller_identity", caller, {})
        iam.add_response("simulate_principal_policy", {"EvaluationResults": []})
        assert list(IamPermissions(clients=moto.clients).missing([MODIFY])) == [MODIFY]


def test_a_right_on_something_of_the_fleet_s_own_names_no_account(moto: Aws):
    """The placeholders are filled in for IAM; what is missing is named as it was asked for."""
    caller = {"Arn": f"arn:aws:sts::093646564004:assumed-role/{ROLE}/function"}
    table = "arn:{partition}:dynamodb:{region}:{account}:table/bbws-deployments-prod"
    right = Right(action="dynamodb:PutItem", resource=table)
    with Stubber(moto.clients.sts) as sts, Stubber(moto.clients.iam) as iam:
        sts.add_response("get_caller_identity", caller, {})
        iam.add_response(
            "simulate_principal_policy",
            {"EvaluationResults": [evaluated(right.action, "implicitDeny")]},
            {
                "PolicySourceArn": f"arn:aws:iam::093646564004:role/{ROLE}",
                "ActionNames": [right.action],
                "ResourceArns": [
                    "arn:aws:dynamodb:af-south-1:093646564004:table/bbws-deployments-prod"
                ],
            },
        )
        assert list(IamPermissions(clients=moto.clients).missing([right, right])) == [right, right]
