"""Which rights the fleet's own role has: IAM's policy simulator, asked about itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

from core.adapters.aws.errors import calling
from core.adapters.aws.session import AwsClients
from core.domain.errors import ConfigurationError
from core.ports.protection import Right
from core.settings import Settings

ALLOWED: Final = "allowed"
_SESSION: Final = re.compile(r"arn:([a-z-]+):sts::(\d{12}):assumed-role/([^/]+)/.+")
_USER: Final = re.compile(r"arn:[a-z-]+:iam::\d{12}:user/.+")


class IamPermissions:
    """SimulatePrincipalPolicy: service control policies and boundaries count, too."""

    def __init__(self, *, clients: AwsClients, places: Mapping[str, str] | None = None) -> None:
        self._clients = clients
        self._places = places or {}

    def missing(self, rights: Sequence[Right]) -> Sequence[Right]:
        """Ask once per resource; the simulator answers for each action."""
        by_resource: dict[str, list[Right]] = {}
        for right in rights:
            by_resource.setdefault(right.resource, []).append(right)
        allowed = {
            Right(action=action, resource=resource)
            for resource, wanted in by_resource.items()
            for action in self._allowed(self._own(resource), [right.action for right in wanted])
        }
        return [right for right in rights if right not in allowed]

    def _own(self, resource: str) -> str:
        """Put the fleet's own names into a resource that leaves them open."""
        _, partition, _, _, account, _ = self._principal.split(":", 5)
        own = {"partition": partition, "region": self._clients.region, "account": account}
        for name, value in {**own, **self._places}.items():
            resource = resource.replace(f"{{{name}}}", value)
        return resource

    def _allowed(self, resource: str, actions: Sequence[str]) -> Sequence[str]:
        with calling("IAM", f"the rights of {self._principal}"):
            pages = self._clients.iam.get_paginator("simulate_principal_policy").paginate(
                PolicySourceArn=self._principal,
                ActionNames=sorted(set(actions)),
                ResourceArns=[resource],
            )
            return [
                result["EvalActionName"]
                for page in pages
                for result in page["EvaluationResults"]
                if result["EvalDecision"] == ALLOWED
            ]

    @cached_property
    def _principal(self) -> str:
        with calling("STS", "the caller's identity"):
            arn = self._clients.sts.get_caller_identity()["Arn"]
        return role_of(arn)


def places_of(settings: Settings) -> Mapping[str, str]:
    """Return what rights may leave open: the environment's resources, by the names they have."""
    return {
        "cluster": settings.cluster,
        "deployments_table": settings.deployments_table,
        "file_system": settings.file_system_id,
        "hosted_zone": settings.hosted_zone_id,
        "listener": settings.listener_arn,
        "listener_rules": settings.listener_arn.replace(":listener/", ":listener-rule/"),
        "repository": settings.repository,
        "sites_table": settings.sites_table,
        "vault": settings.backup_vault,
        "vpc": settings.vpc_id,
    }


def role_of(caller: str) -> str:
    """Return the role behind a session, which is what policies are attached to.

    A session's ARN has no path; the fleet's roles have none either.
    """
    session = _SESSION.fullmatch(caller)
    if session is not None:
        return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}"
    if _USER.fullmatch(caller):
        return caller
    raise ConfigurationError(
        f"The rights of {caller} cannot be simulated: run the fleet with its own role."
    )
