"""What the platform has before the fleet is deployed: network, cluster, load balancer, DNS, files.

Every function makes the resources of one account and returns what the stack's parameters need.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local.cloud import Cloud
from local.emulator import REGION
from local.mariadb import ADMINISTRATOR, DatabaseServer
from local.network import LOOPBACK

TENANTS = ("tenant-1", "tenant-2", "tenant-3")
MAIL_DOMAIN = "mail.example"
_ZONES = ("a", "b")
_MIGRATOR = f"bbws-wp-migrator@sha256:{'0' * 64}"
"""Only a name: local/tasks.py runs the checkout's own migrator."""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """The names and ids of one account's platform."""

    vpc_id: str
    subnet_ids: tuple[str, ...]
    security_group_id: str
    job_security_group_id: str
    cluster: str
    export_cluster: str
    """Made by the stack: where the next environment's exports run."""
    load_balancer_name: str
    load_balancer_arn: str
    load_balancer_dns: str
    listener_arn: str
    hosted_zone_id: str
    file_system_id: str
    database_secret_arn: str
    database_endpoint: str
    database_cluster: str
    """A record of the emulator, for snapshots; the data is in the MariaDB server."""
    mail_identity: str
    """Domain that the emulator's SES takes mail from; the mail stays in its inbox."""
    migrator_image: str


def make_platform(cloud: Cloud, database: DatabaseServer, *, proxy_port: int) -> Platform:
    """Make everything in one account."""
    environment = cloud.account.environment
    vpc_id, subnet_ids = _make_network(cloud)
    sites = _make_security_group(cloud, vpc_id, "wordpress")
    cluster = f"bbws-cluster-{environment}"
    cloud.ecs.create_cluster(clusterName=cluster)
    balancer = cloud.elbv2.create_load_balancer(
        Name=f"bbws-wp-internal-alb-{environment}",
        Subnets=list(subnet_ids),
        SecurityGroups=[_make_security_group(cloud, vpc_id, "internal-alb")],
        Scheme="internal",
        Type="application",
    )["LoadBalancers"][0]
    return Platform(
        vpc_id=vpc_id,
        subnet_ids=subnet_ids,
        security_group_id=sites,
        job_security_group_id=_make_security_group(cloud, vpc_id, "jobs"),
        cluster=cluster,
        export_cluster=f"bbws-wp-export-{environment}",
        load_balancer_name=balancer["LoadBalancerName"],
        load_balancer_arn=balancer["LoadBalancerArn"],
        load_balancer_dns=balancer["DNSName"],
        listener_arn=_make_listener(cloud, balancer["LoadBalancerArn"], proxy_port),
        hosted_zone_id=_make_zone(cloud),
        file_system_id=_make_file_system(cloud, subnet_ids),
        database_secret_arn=_make_database_secret(cloud, database),
        database_endpoint=database.endpoint,
        database_cluster=_make_database_cluster(cloud),
        mail_identity=_make_mail_identity(cloud),
        migrator_image=f"{cloud.account.account_id}.dkr.ecr.{REGION}.amazonaws.com/{_MIGRATOR}",
    )


def put_tenants(cloud: Cloud, table: str) -> None:
    """Write the demo tenants in the format of the platform's own tenants table."""
    for tenant in TENANTS:
        cloud.dynamodb.put_item(
            TableName=table,
            Item={
                "PK": {"S": f"TENANT#{tenant}"},
                "SK": {"S": "METADATA"},
                "tenantId": {"S": tenant},
                "email": {"S": f"owner@{tenant}.example"},
                "organizationName": {"S": tenant.replace("-", " ").capitalize()},
                "status": {"S": "REGISTERED"},
                "tier": {"S": "basic"},
                "active": {"BOOL": True},
            },
        )


def _make_network(cloud: Cloud) -> tuple[str, tuple[str, ...]]:
    vpc_id: str = cloud.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet_ids = tuple(
        str(
            cloud.ec2.create_subnet(
                VpcId=vpc_id,
                CidrBlock=f"10.0.{number}.0/24",
                AvailabilityZone=f"{REGION}{zone}",
            )["Subnet"]["SubnetId"]
        )
        for number, zone in enumerate(_ZONES, start=1)
    )
    cloud.ec2.create_nat_gateway(SubnetId=subnet_ids[0], ConnectivityType="private")
    return vpc_id, subnet_ids


def _make_security_group(cloud: Cloud, vpc_id: str, name: str) -> str:
    group = cloud.ec2.create_security_group(
        GroupName=f"bbws-{name}-{cloud.account.environment}",
        Description=f"sitefleet {name}",
        VpcId=vpc_id,
    )
    return str(group["GroupId"])


def _make_listener(cloud: Cloud, load_balancer_arn: str, proxy_port: int) -> str:
    """Make the listener on the front proxy's port: where the load balancer really answers."""
    return cloud.elbv2.create_listener(
        LoadBalancerArn=load_balancer_arn,
        Protocol="HTTP",
        Port=proxy_port,
        DefaultActions=[
            {
                "Type": "fixed-response",
                "FixedResponseConfig": {
                    "StatusCode": "404",
                    "ContentType": "text/plain",
                    "MessageBody": "No site has this name.",
                },
            }
        ],
    )["Listeners"][0]["ListenerArn"]


def _make_zone(cloud: Cloud) -> str:
    zone = cloud.route53.create_hosted_zone(
        Name=cloud.account.domain, CallerReference=f"sitefleet-{cloud.account.environment}"
    )["HostedZone"]["Id"]
    return zone.rpartition("/")[2]


def _make_file_system(cloud: Cloud, subnet_ids: Sequence[str]) -> str:
    name = f"bbws-efs-{cloud.account.environment}"
    file_system_id = cloud.efs.create_file_system(
        CreationToken=name, Encrypted=True, Tags=[{"Key": "Name", "Value": name}]
    )["FileSystemId"]
    for subnet_id in subnet_ids:
        cloud.efs.create_mount_target(FileSystemId=file_system_id, SubnetId=subnet_id)
    return file_system_id


def _make_mail_identity(cloud: Cloud) -> str:
    cloud.sesv2.create_email_identity(EmailIdentity=MAIL_DOMAIN)
    return MAIL_DOMAIN


def _make_database_secret(cloud: Cloud, database: DatabaseServer) -> str:
    name = f"bbws/{cloud.account.environment}/aurora/admin"
    content: Mapping[str, str | int] = {
        "host": LOOPBACK,
        "port": database.port,
        "username": ADMINISTRATOR,
        "password": database.password,
    }
    return cloud.secretsmanager.create_secret(Name=name, SecretString=json.dumps(content))["ARN"]


def _make_database_cluster(cloud: Cloud) -> str:
    identifier = f"bbws-aurora-{cloud.account.environment}"
    cloud.rds.create_db_cluster(
        DBClusterIdentifier=identifier,
        Engine="aurora-mysql",
        MasterUsername=ADMINISTRATOR,
        ManageMasterUserPassword=True,
        StorageEncrypted=True,
    )
    for number, zone in enumerate(_ZONES, start=1):
        cloud.rds.create_db_instance(
            DBInstanceIdentifier=f"{identifier}-{number}",
            DBClusterIdentifier=identifier,
            DBInstanceClass="db.r6g.large",
            Engine="aurora-mysql",
            AvailabilityZone=f"{REGION}{zone}",
        )
    return identifier
