"""The people of the one machine: IAM users with access keys, who ask for promotions and approve.

On AWS they come from the organisation's own identity provider. Here each account has the people
that its policy (policy/local-*.toml) lists by ARN, and a developer who may ask but not approve.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from local.cloud import Cloud, EnvironmentName
from local.emulator import REGION

DEVELOPER = "developer"
PEOPLE: Mapping[EnvironmentName, tuple[str, ...]] = {
    "dev": (DEVELOPER,),
    "sit": (DEVELOPER, "dev-lead"),
    "prod": (DEVELOPER, "tech-lead", "operations-lead", "cto"),
}
_QUEUES = ("creation", "update", "deletion", "promotion")


@dataclass(frozen=True, kw_only=True)
class PersonKey:
    """What a person signs with."""

    arn: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


def make_people(cloud: Cloud) -> dict[str, PersonKey]:
    """Make an account's people; return their keys by name."""
    return {name: _make_person(cloud, name) for name in PEOPLE[cloud.account.environment]}


def rights(cloud: Cloud) -> dict[str, object]:
    """Return what people may do: send requests, and read what became of them.

    Not more: the fleet does the work, and the proof of who somebody is needs no right at all.
    """
    environment, account = cloud.account.environment, cloud.account.account_id

    def arn(service: str, resource: str) -> str:
        return f"arn:aws:{service}:{REGION}:{account}:{resource}"

    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["sqs:SendMessage", "sqs:GetQueueUrl"],
                "Resource": [arn("sqs", f"bbws-wp-site-{q}-{environment}") for q in _QUEUES],
            },
            {
                "Effect": "Allow",
                "Action": ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"],
                "Resource": [
                    arn("dynamodb", f"table/{table}{part}")
                    for table in (f"bbws-wp-operations-{environment}", "sites")
                    for part in ("", "/index/*")
                ],
            },
            {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::bbws-transfer-{environment}/evidence/*",
            },
        ],
    }


def _make_person(cloud: Cloud, name: str) -> PersonKey:
    user = cloud.iam.create_user(UserName=name)["User"]
    cloud.iam.put_user_policy(
        UserName=name, PolicyName="ask-and-look", PolicyDocument=json.dumps(rights(cloud))
    )
    key = cloud.iam.create_access_key(UserName=name)["AccessKey"]
    return PersonKey(
        arn=user["Arn"],
        access_key_id=key["AccessKeyId"],
        secret_access_key=key["SecretAccessKey"],
    )
