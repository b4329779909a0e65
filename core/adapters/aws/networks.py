"""Security groups of tenants on EC2: one per tenant and network, found by name.

Containers carry the platform's groups (to be let in by database and file system) and their
tenant's. Only the tenant's group has rules that let somebody in: the load balancer and the jobs, on
the site's port. So no container reaches one of another tenant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.session import AwsClients
from core.adapters.aws.task_definitions import PORT
from core.adapters.site_networks import SiteNetwork, SiteNetworks
from core.domain.errors import NotFoundError, TransientError
from core.domain.names import tenant_group
from core.ports.networks import TenantGroup
from events.formats import Environment

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import (
        IpPermissionTypeDef,
        SecurityGroupTypeDef,
        TagSpecificationTypeDef,
        TagTypeDef,
    )

MISSING: Final = "InvalidGroup.NotFound"
TAKEN: Final = "InvalidGroup.Duplicate"
ALREADY_ALLOWED: Final = "InvalidPermission.Duplicate"
IN_USE: Final = frozenset({"DependencyViolation", "InvalidGroup.InUse"})
VISIBLE_SECONDS: Final = 5
"""After about so long EC2 shows everywhere what it has made."""


class Ec2TenantNetworks:
    """EC2 refuses a second group of a name in a VPC: whoever comes second finds the first."""

    def __init__(
        self, *, clients: AwsClients, networks: SiteNetworks, environment: Environment
    ) -> None:
        self._clients = clients
        self._networks = networks
        self._environment = environment

    def offered_levels(self) -> frozenset[int]:
        return self._networks.offered()

    def ensure_group(self, tenant_id: str, level: int, tags: Mapping[str, str]) -> str:
        """Rules that are missing (a worker died between two calls) are added."""
        network = self._networks.at(level)
        found = self._find(tenant_id, network) or self._create(tenant_id, network, tags)
        allowed = {
            pair.get("GroupId")
            for permission in found.get("IpPermissions", [])
            if permission.get("FromPort") == permission.get("ToPort") == PORT
            for pair in permission.get("UserIdGroupPairs", [])
        }
        for group_id in self._let_in(network):
            if group_id not in allowed:
                self._allow(found["GroupId"], group_id)
        return found["GroupId"]

    def delete_group(self, tenant_id: str, level: int) -> bool:
        found = self._find(tenant_id, self._networks.at(level))
        if found is None:
            return True
        with calling("EC2", f"security group of tenant {tenant_id}"):
            try:
                self._clients.ec2.delete_security_group(GroupId=found["GroupId"])
            except ClientError as error:
                if code_of(error) in IN_USE:
                    return False
                if code_of(error) != MISSING:
                    raise
        return True

    def groups(self, tenant_id: str) -> Sequence[TenantGroup]:
        found = [(network, self._find(tenant_id, network)) for network in self._networks.all()]
        return [
            TenantGroup(group_id=group["GroupId"], level=network.level)
            for network, group in found
            if group is not None
        ]

    # --- calls -----------------------------------------------------------------------------

    def _find(self, tenant_id: str, network: SiteNetwork) -> SecurityGroupTypeDef | None:
        with calling("EC2", f"security group of tenant {tenant_id}"):
            answer = self._clients.ec2.describe_security_groups(
                Filters=[
                    {"Name": "vpc-id", "Values": [network.vpc_id]},
                    {"Name": "group-name", "Values": [tenant_group(self._environment, tenant_id)]},
                ]
            )
        return next(iter(answer["SecurityGroups"]), None)

    def _create(
        self, tenant_id: str, network: SiteNetwork, tags: Mapping[str, str]
    ) -> SecurityGroupTypeDef:
        """Return it by the answer's id: a filter may find it only moments later.

        Raises TransientError where another worker has made it, and it is not visible yet.
        """
        name = tenant_group(self._environment, tenant_id)
        pairs: list[TagTypeDef] = [
            {"Key": key, "Value": value} for key, value in {"Name": name, **tags}.items()
        ]
        tagged: TagSpecificationTypeDef = {"ResourceType": "security-group", "Tags": pairs}
        with calling("EC2", f"security group of tenant {tenant_id}"):
            try:
                answer = self._clients.ec2.create_security_group(
                    GroupName=name,
                    Description=f"WordPress containers of {tenant_id}, level {network.level}",
                    VpcId=network.vpc_id,
                    TagSpecifications=[tagged],
                )
            except ClientError as error:
                if code_of(error) != TAKEN:
                    raise
                made = self._find(tenant_id, network)
                if made is None:
                    raise _not_visible(name) from error
                return made
        return {"GroupId": answer["GroupId"]}

    def _allow(self, group_id: str, from_group_id: str) -> None:
        """A group that was made a moment ago may not be known everywhere: TransientError."""
        permission: IpPermissionTypeDef = {
            "IpProtocol": "tcp",
            "FromPort": PORT,
            "ToPort": PORT,
            "UserIdGroupPairs": [{"GroupId": from_group_id}],
        }
        with calling("EC2", f"security group {group_id}"):
            try:
                self._clients.ec2.authorize_security_group_ingress(
                    GroupId=group_id, IpPermissions=[permission]
                )
            except ClientError as error:
                if code_of(error) == MISSING:
                    raise _not_visible(group_id) from error
                if code_of(error) != ALREADY_ALLOWED:
                    raise

    def _let_in(self, network: SiteNetwork) -> Sequence[str]:
        with calling("ELB", f"load balancer {network.load_balancer_arn}"):
            balancers = self._clients.elbv2.describe_load_balancers(
                LoadBalancerArns=[network.load_balancer_arn]
            )["LoadBalancers"]
        if not balancers:
            raise NotFoundError(f"There is no load balancer {network.load_balancer_arn}.")
        own = balancers[0].get("SecurityGroups", [])
        return list(dict.fromkeys([*own, *network.job_security_group_ids]))


def _not_visible(group: str) -> TransientError:
    return TransientError(
        f"The security group {group} is there and not visible everywhere yet.",
        retry_after_seconds=VISIBLE_SECONDS,
    )
