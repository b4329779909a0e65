"""Services of releases on ECS (Fargate): made, looked at, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.session import AwsClients
from core.adapters.aws.task_definitions import CONTAINER, PORT, TaskDefinitions, TaskSettings
from core.adapters.site_networks import SiteNetworks
from core.domain.errors import NotFoundError, TransientError
from core.domain.names import ReleaseNames
from core.ports.platform import ReleaseService, ServiceState

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import DeploymentTypeDef, ServiceTypeDef

HEALTH_GRACE_SECONDS: Final = 60
"""WordPress needs some seconds before its first answer; a first health check must not kill it."""
MISSING: Final = frozenset({"ServiceNotFoundException", "ServiceNotActiveException"})


class EcsContainers:
    """One service per release; ECS' circuit breaker ends a deployment that cannot succeed.

    ECS' own rollback stays off: it would put the revision before back, and the service would look
    steady with containers that nobody asked for. A failed deployment stays FAILED for all to see.
    """

    def __init__(
        self,
        *,
        clients: AwsClients,
        cluster: str,
        networks: SiteNetworks,
        task: TaskSettings,
    ) -> None:
        self._clients = clients
        self._cluster = cluster
        self._networks = networks
        self._task_definitions = TaskDefinitions(clients=clients, settings=task)

    def ensure_task_definition(self, service: ReleaseService) -> str:
        return self._task_definitions.ensure(service)

    def find_task_definition(self, names: ReleaseNames) -> str | None:
        return self._task_definitions.find(names)

    def ensure_service(self, service: ReleaseService, task_definition_arn: str) -> None:
        """Make it, or bring an existing one to this task definition and number of containers."""
        name = service.names.service
        found = self._find(name)
        if found is None:
            self._create(service, task_definition_arn)
        elif found["status"] == "DRAINING":
            raise TransientError(f"Service {name} is still being removed.", retry_after_seconds=15)
        elif (found["taskDefinition"], found["desiredCount"]) != (
            task_definition_arn,
            service.desired_count,
        ):
            self._update(name, task_definition_arn, service.desired_count)

    def ensure_running(self, names: ReleaseNames, desired_count: int) -> None:
        found = self._find(names.service)
        if found is None or found["status"] != "ACTIVE":
            raise NotFoundError(f"There is no service {names.service} to start again.")
        if found["desiredCount"] != desired_count:
            self._scale(names.service, desired_count)

    def roll_out(self, names: ReleaseNames, task_definition_arn: str, desired_count: int) -> None:
        found = self._find(names.service)
        if found is None or found["status"] != "ACTIVE":
            raise NotFoundError(f"There is no service {names.service} to change.")
        wanted = (task_definition_arn, desired_count)
        if (found["taskDefinition"], found["desiredCount"]) != wanted:
            self._update(names.service, *wanted)

    def scale_down(self, names: ReleaseNames) -> None:
        found = self._find(names.service)
        if found is not None and found["status"] == "ACTIVE" and found["desiredCount"] > 0:
            self._scale(names.service, 0)

    def state(self, names: ReleaseNames, target_group_arn: str) -> ServiceState:
        found = self._find(names.service)
        if found is None or found["status"] != "ACTIVE":
            reason = f"There is no service {names.service}."
            return ServiceState(exists=False, steady=False, failed=False, reason=reason)
        failure = _failure(found)
        if failure is not None:
            return ServiceState(
                exists=True,
                steady=False,
                failed=True,
                reason=failure,
                arn=found["serviceArn"],
                desired_count=found["desiredCount"],
                running_count=found["runningCount"],
            )
        addresses = self._healthy(target_group_arn)
        steady = _is_steady(found) and len(addresses) >= found["desiredCount"]
        return ServiceState(
            exists=True,
            steady=steady,
            failed=False,
            reason=_progress(found, len(addresses)),
            addresses=addresses,
            arn=found["serviceArn"],
            desired_count=found["desiredCount"],
            running_count=found["runningCount"],
        )

    def delete_service(self, names: ReleaseNames) -> None:
        """`force` scales to 0 and deletes in one call."""
        with calling("ECS", f"service {names.service}"):
            try:
                self._clients.ecs.delete_service(
                    cluster=self._cluster, service=names.service, force=True
                )
            except ClientError as error:
                if code_of(error) not in MISSING:
                    raise

    def delete_task_definition(self, arn: str) -> None:
        self._task_definitions.delete(arn)

    def delete_task_definitions(self, names: ReleaseNames) -> None:
        for arn in self._task_definitions.all_of(names):
            self._task_definitions.delete(arn)

    # --- calls -----------------------------------------------------------------------------

    def _find(self, name: str) -> ServiceTypeDef | None:
        """ECS shows a deleted service as INACTIVE for some time: that is none."""
        with calling("ECS", f"service {name}"):
            answer = self._clients.ecs.describe_services(cluster=self._cluster, services=[name])
        found = answer["services"][0] if answer["services"] else None
        return None if found is None or found["status"] == "INACTIVE" else found

    def _scale(self, name: str, desired_count: int) -> None:
        with calling("ECS", f"service {name}"):
            self._clients.ecs.update_service(
                cluster=self._cluster, service=name, desiredCount=desired_count
            )

    def _update(self, name: str, task_definition_arn: str, desired_count: int) -> None:
        with calling("ECS", f"service {name}"):
            self._clients.ecs.update_service(
                cluster=self._cluster,
                service=name,
                taskDefinition=task_definition_arn,
                desiredCount=desired_count,
            )

    def _create(self, service: ReleaseService, task_definition_arn: str) -> None:
        request = self._request(service, task_definition_arn)
        with calling("ECS", f"service {service.names.service}"):
            self._clients.ecs.create_service(**request)

    def _request(self, service: ReleaseService, task_definition_arn: str) -> dict[str, Any]:
        site = service.names.site
        network = self._networks.of(site.tenant_id, site.site_id)
        own = (service.tenant_group_id,) if service.tenant_group_id else ()
        return {
            "cluster": self._cluster,
            "serviceName": service.names.service,
            "taskDefinition": task_definition_arn,
            "desiredCount": service.desired_count,
            "launchType": "FARGATE",
            "deploymentConfiguration": {
                "deploymentCircuitBreaker": {"enable": True, "rollback": False},
                "minimumHealthyPercent": 100,
                "maximumPercent": 200,
            },
            "loadBalancers": [
                {
                    "targetGroupArn": service.target_group_arn,
                    "containerName": CONTAINER,
                    "containerPort": PORT,
                }
            ],
            "healthCheckGracePeriodSeconds": HEALTH_GRACE_SECONDS,
            "networkConfiguration": {
                "awsvpcConfiguration": {
                    "subnets": list(network.subnet_ids),
                    "securityGroups": [*network.security_group_ids, *own],
                    "assignPublicIp": "DISABLED",
                }
            },
            "enableECSManagedTags": True,
            "propagateTags": "SERVICE",
            "tags": [{"key": key, "value": value} for key, value in service.tags.items()],
        }

    def _healthy(self, target_group_arn: str) -> tuple[str, ...]:
        with calling("ELB", f"targets of {target_group_arn}"):
            answer = self._clients.elbv2.describe_target_health(TargetGroupArn=target_group_arn)
        return tuple(
            f"{found['Target']['Id']}:{found['Target'].get('Port', PORT)}"
            for found in answer["TargetHealthDescriptions"]
            if found["TargetHealth"]["State"] == "healthy"
        )


# --- reading a service -------------------------------------------------------------------------


def _failure(service: ServiceTypeDef) -> str | None:
    """Why a deployment failed: the breaker has tripped, and nothing moves by itself any more."""
    for deployment in service.get("deployments", []):
        if deployment.get("rolloutState") == "FAILED":
            return deployment.get("rolloutStateReason") or "The deployment failed."
    return None


def _is_steady(service: ServiceTypeDef) -> bool:
    deployments = service.get("deployments", [])
    running = service["runningCount"] == service["desiredCount"] > 0
    return running and len(deployments) <= 1 and all(_is_complete(d) for d in deployments)


def _is_complete(deployment: DeploymentTypeDef) -> bool:
    return deployment.get("rolloutState", "COMPLETED") == "COMPLETED"


def _progress(service: ServiceTypeDef, healthy: int) -> str:
    counts = f"{service['runningCount']} of {service['desiredCount']} containers are running"
    latest = service.get("events", [])[:1]
    said = f"; {latest[0].get('message', '')}" if latest else ""
    return f"{counts}, {healthy} targets are healthy{said}"
