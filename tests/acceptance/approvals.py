"""People decide about a promotion to prod, with proofs that a foreign client signs by itself.

The signature is botocore's own, over the five headers that the contract names; who signs is an
IAM user of the one machine, and its STS says whose signature it is.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.acceptance.fleet_client import Account, envelope, eventually, promotion
from tests.acceptance.world import World, site_id

BODY = "Action=GetCallerIdentity&Version=2011-06-15"
OTHER_OPERATION = "550e8400-e29b-41d4-a716-446655440001"
TABLE = "bbws-wp-operations-prod"
REQUESTER = "tech-lead"


@dataclass(frozen=True)
class Person:
    """Somebody with an access key in the account of prod."""

    account: Account
    key: Mapping[str, str]

    def proof(self, headers: Mapping[str, str], *, endpoint: str) -> dict[str, str]:
        """Sign a POST of sts:GetCallerIdentity with further headers, without sending it."""
        content_type = "application/x-www-form-urlencoded; charset=utf-8"
        given = {**headers, "content-type": content_type, "host": urlsplit(endpoint).netloc}
        request = AWSRequest("POST", endpoint, data=BODY, headers=given)
        credentials = Credentials(self.key["accessKeyId"], self.key["secretAccessKey"])
        SigV4Auth(credentials, "sts", self.account.region).add_auth(request)
        return dict(request.headers.items())

    def send(self, message: Mapping[str, Any]) -> None:
        """Drop a message on prod's promotion queue, with one's own credentials."""
        sqs = boto3.client(
            "sqs",
            endpoint_url=self.account.endpoint,
            region_name=self.account.region,
            aws_access_key_id=self.key["accessKeyId"],
            aws_secret_access_key=self.key["secretAccessKey"],
        )
        url = self.account.queue_url("promotion")
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(message))
        sqs.close()


@dataclass
class Decisions:
    """What was sent about one promotion, and what the fleet answered."""

    operation_id: str
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was tried -> the event that answers it."""
    kept: list[dict[str, Any]] = field(default_factory=list)
    """The decisions that are stored, before the promotion was rejected."""
    replayed: list[dict[str, Any]] = field(default_factory=list)
    """The same, after the accepted message had come a second time."""
    end: dict[str, Any] = field(default_factory=dict)
    signatures: list[str] = field(default_factory=list)


@dataclass
class Desk:
    """Where decisions about one operation are written."""

    account: Account
    operation_id: str
    plan_hash: str
    signatures: list[str] = field(default_factory=list)

    def message(
        self, person: Person, *, role: str = "OPERATIONS_LEAD", **how: Any
    ) -> dict[str, Any]:
        """Return a decision; `signed` changes what is signed, `changed` what was signed."""
        approves = how.get("approves", True)
        headers = {
            "x-sitefleet-operation": self.operation_id,
            "x-sitefleet-plan": self.plan_hash,
            "x-sitefleet-decision": "approve" if approves else "reject",
            "x-sitefleet-role": role,
            "x-sitefleet-environment": "prod",
            **how.get("signed", {}),
        }
        endpoint = how.get("endpoint", f"{self.account.endpoint}/")
        proof = person.proof(headers, endpoint=endpoint) | how.get("changed", {})
        self.signatures.append(proof["Authorization"].rpartition("Signature=")[2])
        payload = {
            "operationId": self.operation_id,
            "role": role,
            "planHash": self.plan_hash,
            "comment": how.get("comment", "I have read the plan."),
            "proof": {"headers": proof},
        }
        return envelope("OPERATION_APPROVAL" if approves else "OPERATION_REJECTION", payload)


def approvals(world: World, done: Callable[[str], Any]) -> Decisions:
    """Ask for a promotion to prod as the tech lead; try what must not count; then say no."""
    prod, events = world.accounts["prod"], world.events["prod"]
    people = {name: Person(prod, key) for name, key in world.machine["people"]["prod"].items()}
    asked = promotion(
        site_id(done("worker_kills").created), sourceEnvironment="sit", targetEnvironment="prod"
    )
    asked["payload"]["changeTicket"] = "CHG0012345"
    people["tech-lead"].send({**asked, "requestedBy": REQUESTER})
    mine = {"correlationId": asked["correlationId"]}
    waiting = events.wait_for("SiteOperationAwaitingApproval", seconds=170, **mine)["detail"]
    desk = Desk(prod, waiting["metadata"]["operationId"], waiting["data"]["planHash"])
    told = Decisions(desk.operation_id, signatures=desk.signatures)
    tried = {name: (sender, message) for name, sender, message in _tried(desk, people)}
    for sender, message in tried.values():
        sender.send(message)
    for name, (_, message) in tried.items():
        about = {"correlationId": message["correlationId"]}
        told.answers[name] = events.wait_for("SiteOperationRejected", **about)["detail"]
    good = desk.message(people["operations-lead"])
    people["operations-lead"].send(good)
    told.kept = eventually(lambda: _decisions(world, desk), "a decision is stored", seconds=60)
    people["operations-lead"].send(good)

    def answered_twice() -> bool:
        return len(events.where("SiteOperationStatus", operationId=desk.operation_id)) > 1

    eventually(answered_twice, "the repeated approval is answered", seconds=60)
    told.replayed = _decisions(world, desk)
    no = desk.message(people["operations-lead"], approves=False, comment="Not before the sale.")
    people["operations-lead"].send(no)
    told.end = events.wait_for("SiteOperationRejected", seconds=60, **mine)["detail"]
    return told


def _tried(desk: Desk, people: Mapping[str, Person]) -> list[tuple[str, Person, dict[str, Any]]]:
    """Return what must not count: name, sender, message."""
    leader, cto, asker = people["operations-lead"], people["cto"], people["tech-lead"]
    forged_key = Person(leader.account, {**leader.key, "secretAccessKey": secrets.token_hex(20)})
    elsewhere = {"endpoint": "https://sts.amazonaws.com/"}
    other = {"x-sitefleet-operation": OTHER_OPERATION}
    mine = {"x-sitefleet-operation": desk.operation_id}
    return [
        ("self-approval", asker, desk.message(asker, role="TECH_LEAD")),
        ("tampered header", leader, desk.message(leader, signed=other, changed=mine)),
        ("claimed role", cto, desk.message(cto)),
        ("another's key id", cto, desk.message(forged_key)),
        ("another operation", leader, desk.message(leader, signed=other)),
        ("global STS", leader, desk.message(leader, **elsewhere)),
    ]


def _decisions(world: World, desk: Desk) -> list[dict[str, Any]]:
    items = world.inventory["prod"].items(TABLE)
    return [
        item
        for item in items
        if desk.operation_id in item["PK"] and item["SK"].startswith("DECISION#")
    ]
