"""The values of the stack's parameters on one machine.

A parameter that the template reads from Parameter Store gets an entry there and the entry's name;
any other gets the value itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

from local.cloud import ACCOUNTS
from local.errors import LocalError
from local.registry import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_cloudformation.type_defs import ParameterDeclarationTypeDef, ParameterTypeDef

    from local.cloud import Cloud, EnvironmentName
    from local.platform import Platform

TENANTS_TABLE = "tenants"
SITES_TABLE = "sites"
"""As the stack names it."""
SWEEP_SCHEDULE = "rate(1 minute)"
LISTENER_RULES = "5000"
"""The emulator's load balancer takes any number: crowds of sites are tried on it."""
_STORE = "/sitefleet/local"
_STORED = "AWS::SSM::Parameter::Value"
_NOTHING = "none"
"""Parameter Store refuses empty values; these entries are named but not read."""
TIMINGS = {
    "FunctionTimeoutSeconds": "15",
    "LeaseSeconds": "20",
    "VisibilitySeconds": "90",
    "MaximumConcurrency": "5",
    "ReplayerTimeoutSeconds": "60",
    "ReplayerVisibilitySeconds": "360",
}


def wanted_values(
    environment: EnvironmentName,
    platforms: Mapping[EnvironmentName, Platform],
    external_ids: Mapping[EnvironmentName, ExternalId],
    certificate_authority: str,
) -> dict[str, str]:
    """Return the value of every parameter that the one-machine runtime has an opinion on."""
    return {
        **_of_one_machine(environment),
        **_of_platform(platforms[environment]),
        "MigratorDatabaseCa": certificate_authority,
        **_as_target(environment, platforms, external_ids),
        **_as_source(environment, external_ids),
    }


def _of_one_machine(environment: EnvironmentName) -> dict[str, str]:
    return {
        "Environment": environment,
        "SiteDomain": ACCOUNTS[environment].domain,
        "PolicyName": f"local-{environment}",
        "OneMachine": "true",
        "CreateTenantsTable": "true",
        "TenantsTable": TENANTS_TABLE,
        "Architecture": "x86_64",
        "SweepSchedule": SWEEP_SCHEDULE,
        "ListenerRuleQuota": LISTENER_RULES,
        **TIMINGS,
    }


def _of_platform(own: Platform) -> dict[str, str]:
    return {
        "ClusterName": own.cluster,
        "RepositoryName": REPOSITORY,
        "LoadBalancerName": own.load_balancer_name,
        "VpcId": own.vpc_id,
        "SubnetIds": ",".join(own.subnet_ids),
        "SecurityGroupIds": own.security_group_id,
        "JobSecurityGroupIds": own.job_security_group_id,
        "Level2Network": "",
        "Level3Network": "",
        "LoadBalancerArn": own.load_balancer_arn,
        "ListenerArn": own.listener_arn,
        "HostedZoneId": own.hosted_zone_id,
        "FileSystemId": own.file_system_id,
        "DatabaseEndpoint": own.database_endpoint,
        "DatabaseAdminSecretArn": own.database_secret_arn,
        "DatabaseClusterIdentifier": own.database_cluster,
        "MigratorImage": own.migrator_image,
        "MailIdentity": own.mail_identity,
        "MailSender": f"no-reply@{own.mail_identity}",
        "MailInternalAddresses": f"operations@{own.mail_identity}",
        "MailPostalAddress": "1 Example Street, Cape Town",
        "MailUnsubscribeUrl": f"https://{own.mail_identity}/unsubscribe",
    }


def template_parameters(
    cloud: Cloud, declared: Sequence[ParameterDeclarationTypeDef], values: Mapping[str, str]
) -> list[ParameterTypeDef]:
    """Return the declared parameters' values; store those that are read from Parameter Store."""
    given: list[ParameterTypeDef] = []
    missing = []
    for parameter in declared:
        name = parameter.get("ParameterKey", "")
        if name not in values:
            if parameter.get("DefaultValue") is None:
                missing.append(name)
            continue
        value = values[name]
        if parameter.get("ParameterType", "").startswith(_STORED):
            entry = f"{_STORE}/{name}"
            cloud.ssm.put_parameter(
                Name=entry, Value=value or _NOTHING, Type="String", Overwrite=True
            )
            value = entry
        given.append({"ParameterKey": name, "ParameterValue": value})
    if missing:
        raise LocalError(
            f"template.yaml asks for {', '.join(missing)}, which the one-machine runtime does not "
            "know. Add them to local/parameters.py."
        )
    return given


class ExternalId:
    """What a promotion's target presents to its source: one value, kept in both accounts."""

    def __init__(self, target: Cloud) -> None:
        self.value = secrets.token_hex(16)
        account = target.account
        self.secret_arn = target.secretsmanager.create_secret(
            Name=f"bbws/{account.environment}/promotion/external-id", SecretString=self.value
        )["ARN"]


def _as_target(
    environment: EnvironmentName,
    platforms: Mapping[EnvironmentName, Platform],
    external_ids: Mapping[EnvironmentName, ExternalId],
) -> dict[str, str]:
    """Return what a promotion pulls from; empty in dev."""
    source = ACCOUNTS[environment].source
    if source is None:
        empty = ("SourceAccountId", "SourceRoleArn", "SourceCluster", "SourceExportFamily")
        unread = ("SourceExternalIdSecretArn", "SourceSubnetIds", "SourceSecurityGroupIds")
        return dict.fromkeys((*empty, *unread), "")
    account_id = ACCOUNTS[source].account_id
    platform = platforms[source]
    return {
        "SourceAccountId": account_id,
        "SourceRoleArn": f"arn:aws:iam::{account_id}:role/bbws-wp-promotion-source-{source}",
        "SourceCluster": platform.export_cluster,
        "SourceExportFamily": f"bbws-wp-export-{source}",
        "SourceExternalIdSecretArn": external_ids[environment].secret_arn,
        "SourceSubnetIds": ",".join(platform.subnet_ids),
        "SourceSecurityGroupIds": platform.job_security_group_id,
    }


def _as_source(
    environment: EnvironmentName, external_ids: Mapping[EnvironmentName, ExternalId]
) -> dict[str, str]:
    """Return who may pull; empty in prod."""
    for target in ACCOUNTS.values():
        if target.source == environment:
            return {
                "TargetAccountId": target.account_id,
                "TargetEnvironment": target.environment,
                "TargetTransferBucket": f"bbws-transfer-{target.environment}",
                "TargetExternalId": external_ids[target.environment].value,
            }
    return dict.fromkeys(
        ("TargetAccountId", "TargetEnvironment", "TargetTransferBucket", "TargetExternalId"), ""
    )
