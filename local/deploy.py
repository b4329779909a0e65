"""Deploys the built stack into the three accounts, through CloudFormation, all at once."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from local.build import BUCKET_MARK
from local.emulator import REGION
from local.errors import LocalError
from local.network import wait_for
from local.parameters import ExternalId, template_parameters, wanted_values

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from local.build import Build
    from local.cloud import Cloud, EnvironmentName
    from local.platform import Platform

DEPLOY_SECONDS = 90
_GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
_FAILED_MARKS = ("FAILED", "ROLLBACK")
_SHOWN_REASONS = 8


def deploy_everywhere(
    clouds: Mapping[EnvironmentName, Cloud],
    platforms: Mapping[EnvironmentName, Platform],
    build: Build,
    certificate_authority: str,
) -> None:
    """Deploy concurrently; the first failure's sentence is raised."""
    external_ids = {
        environment: ExternalId(cloud)
        for environment, cloud in clouds.items()
        if cloud.account.source is not None
    }

    def deploy_one(environment: EnvironmentName) -> None:
        values = wanted_values(environment, platforms, external_ids, certificate_authority)
        deploy(clouds[environment], build, values)

    with ThreadPoolExecutor(max_workers=len(clouds)) as pool:
        list(pool.map(deploy_one, clouds))


def deploy(cloud: Cloud, build: Build, values: Mapping[str, str]) -> None:
    """Upload the artefacts and create the stack; wait until it is complete."""
    bucket = f"sitefleet-artefacts-{cloud.account.environment}"
    cloud.s3.create_bucket(
        Bucket=bucket,
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    for key, path in build.artefacts.items():
        cloud.s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
    template = build.template.replace(BUCKET_MARK, bucket)
    cloud.s3.put_object(Bucket=bucket, Key="template.json", Body=template.encode())
    url = f"{cloud.endpoint}/{bucket}/template.json"
    declared = cloud.cloudformation.get_template_summary(TemplateURL=url)["Parameters"]
    stack = stack_name(cloud)
    cloud.cloudformation.create_stack(
        StackName=stack,
        TemplateURL=url,
        Parameters=template_parameters(cloud, declared, values),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    wait_for(lambda: _ended(_describe(cloud)), seconds=DEPLOY_SECONDS, pause=0.1)
    if _describe(cloud)["StackStatus"] not in _GOOD:
        raise LocalError(f"The stack {stack} was not deployed: {_reasons(cloud)}")


def stack_name(cloud: Cloud) -> str:
    """Return the stack's name in an account."""
    return f"sitefleet-{cloud.account.environment}"


def outputs(cloud: Cloud) -> dict[str, str]:
    """Return the stack's outputs."""
    found = _describe(cloud).get("Outputs", [])
    return {output.get("OutputKey", ""): output.get("OutputValue", "") for output in found}


def _describe(cloud: Cloud) -> StackTypeDef:
    return cloud.cloudformation.describe_stacks(StackName=stack_name(cloud))["Stacks"][0]


def _ended(stack: StackTypeDef) -> bool:
    return not stack["StackStatus"].endswith("IN_PROGRESS")


def _reasons(cloud: Cloud) -> str:
    events = cloud.cloudformation.describe_stack_events(StackName=stack_name(cloud))["StackEvents"]
    found = [
        f"{event.get('LogicalResourceId')}: {event.get('ResourceStatusReason')}"
        for event in events
        if any(mark in event.get("ResourceStatus", "") for mark in _FAILED_MARKS)
        and event.get("ResourceStatusReason")
    ]
    return "; ".join(found[:_SHOWN_REASONS]) or _describe(cloud)["StackStatus"]
