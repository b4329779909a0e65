"""From the ARN that AWS names, and from what a request says, to a person of the policy."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.domain.approval_policy import ApprovalPolicy
from core.domain.errors import RefusedError
from core.domain.people import identify, person_of, requester_of
from core.domain.principals import parse_principal
from events.vocabulary import ErrorCode

ACCOUNT = "093646564004"
USER = f"arn:aws:iam::{ACCOUNT}:user/ops/jane"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/break-glass/bbws-cto"
FIXED = f"arn:aws:sts::{ACCOUNT}:assumed-role/bbws-approver/lerato"
SESSIONS = f"arn:aws:sts::{ACCOUNT}:assumed-role"
SSO = f"{SESSIONS}/AWSReservedSSO_TechLead_0123456789abcdef/thabo@example.com"
SSO_ANY = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_OpsLead/sipho@example.com"


def policy(**people):
    return ApprovalPolicy.model_validate(
        {
            "people": {
                key: {"principals": principals, "roles": ["TECH_LEAD"]}
                for key, principals in people.items()
            }
        }
    )


PEOPLE = policy(jane=[USER], cto=[ROLE], lerato=[FIXED], thabo=[SSO], sipho=[SSO_ANY])


@pytest.mark.parametrize(
    ("arn", "person"),
    [
        (USER, "jane"),
        (f"arn:aws:iam::{ACCOUNT}:user/jane", None),  # another user: the path is part of the name
        ("arn:aws:iam::111111111111:user/ops/jane", None),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/bbws-cto/monday", "cto"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/bbws-cto/tuesday", "cto"),
        ("arn:aws:sts::111111111111:assumed-role/bbws-cto/monday", None),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/bbws-cto-2/monday", None),
        (f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/bbws-cto/monday", None),
        (FIXED, "lerato"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/bbws-approver/thabo", None),
        (SSO, "thabo"),
        (SSO.replace("thabo", "jane"), None),
        # Listed with its suffix: a permission set made anew is another role.
        (SSO.replace("0123456789abcdef", "fedcba9876543210"), None),
        # Listed without: whatever the suffix is.
        (SSO_ANY.replace("OpsLead/", "OpsLead_0123456789abcdef/"), "sipho"),
        (SSO_ANY.replace("OpsLead/", "OpsLead_fedcba9876543210/"), "sipho"),
        (SSO_ANY.replace("OpsLead/", "OpsLead_Deputy_fedcba9876543210/"), None),
        (SSO_ANY.replace("OpsLead/", "OpsLead_fedc/"), None),
        (f"arn:aws:iam::{ACCOUNT}:root", None),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/jane", None),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/bbws-cto", None),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/bbws-cto/a/b", None),
        ("", None),
    ],
)
def test_an_arn_names_the_person_whom_policy_lists(arn, person):
    assert person_of(PEOPLE, arn) == person


def test_the_suffix_of_a_role_that_is_no_permission_set_is_part_of_its_name():
    listed = policy(one=[f"arn:aws:iam::{ACCOUNT}:role/deploy"])
    caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy_0123456789abcdef/x"
    assert person_of(listed, caller) is None


def test_a_stranger_is_refused_without_being_named():
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/somebody/eve@example.com"
    with pytest.raises(RefusedError) as refused:
        identify(PEOPLE, arn)
    assert refused.value.code is ErrorCode.PROM_003
    assert "eve@example.com" not in refused.value.message
    assert "a session of role somebody of account 093646564004" in refused.value.message
    assert "jane, cto, lerato, thabo, sipho" in refused.value.message


@pytest.mark.parametrize(
    ("arn", "shown"),
    [
        (USER, "an IAM user of account 093646564004"),
        (FIXED, "a session of role bbws-approver of account 093646564004"),
    ],
)
def test_no_name_of_a_person_is_shown(arn, shown):
    assert parse_principal(arn).shown == shown


@pytest.mark.parametrize(
    ("requested_by", "person"),
    [
        ("jane", "jane"),
        ("JANE.DOE@example.com", "jane"),
        (USER, "jane"),
        (USER.upper(), "jane"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/bbws-cto/whoever", "cto"),
        ("someone.else@example.com", None),
        (None, None),
    ],
)
def test_requested_by_means_a_person_by_key_name_or_principal(requested_by, person):
    rules = ApprovalPolicy.model_validate(
        {
            "people": {
                "jane": {
                    "principals": [USER],
                    "names": ["jane.doe@example.com"],
                    "roles": ["TECH_LEAD"],
                },
                "cto": {"principals": [ROLE], "roles": ["CTO"]},
            }
        }
    )
    assert requester_of(rules, requested_by) == person


@pytest.mark.parametrize(
    "principal",
    [
        f"arn:aws:iam::{ACCOUNT}:root",
        f"arn:aws:sts::{ACCOUNT}:federated-user/jane",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/bbws-approver",
        "arn:aws:iam::123:user/jane",
        "jane",
        "*",
    ],
)
def test_a_principal_that_can_be_nobody_is_refused_when_the_policy_is_loaded(principal):
    with pytest.raises(ValidationError, match="cannot be a person"):
        policy(jane=[principal])


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (USER, USER),
        (ROLE, ROLE),
        (f"arn:aws:iam::{ACCOUNT}:role/bbws-approver", FIXED),
        (FIXED, f"arn:aws:iam::{ACCOUNT}:role/any/path/bbws-approver"),
        (SSO, SSO.replace("_0123456789abcdef", "")),
        (SSO.replace("_0123456789abcdef", ""), SSO),
        (f"arn:aws:iam::{ACCOUNT}:role/AWSReservedSSO_TechLead", SSO),
    ],
)
def test_one_caller_who_could_be_two_people_is_refused(one, two):
    with pytest.raises(ValidationError, match="one caller could be two people"):
        policy(first=[one], second=[two])


def test_two_sessions_of_one_role_are_two_people():
    both = policy(lerato=[FIXED], thabo=[FIXED.replace("lerato", "thabo")])
    assert person_of(both, FIXED) == "lerato"


def test_a_name_that_two_people_share_is_refused():
    people = {
        "jane": {"principals": [USER], "names": ["lead"], "roles": ["TECH_LEAD"]},
        "cto": {"principals": [ROLE], "names": ["LEAD"], "roles": ["CTO"]},
    }
    with pytest.raises(ValidationError, match="stands for jane and for cto"):
        ApprovalPolicy.model_validate({"people": people})
