"""The fleet of one environment, wired as in a function: its environment, and its own role."""

import json

from core.bootstrap import Fleet, fleet


def fleet_in_role(make_client, endpoint, account_id, function, monkeypatch) -> Fleet:
    """Let the account take the function's role, and wire the fleet with nothing more than that."""
    found = make_client("lambda").get_function_configuration(FunctionName=function)
    iam, name = make_client("iam"), found["Role"].rpartition("/")[2]
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    trust["Statement"].append(
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
            "Action": "sts:AssumeRole",
        }
    )
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    session = make_client("sts").assume_role(RoleArn=found["Role"], RoleSessionName="tests")
    credentials = session["Credentials"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", credentials["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", credentials["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", credentials["SessionToken"])
    return fleet({**found["Environment"]["Variables"], "AWS_ENDPOINT_URL": endpoint})
