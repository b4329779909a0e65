"""Makes what a creation makes: schema, secrets, access point, content, task definition, service."""

import json
import shutil
from dataclasses import dataclass

import pymysql

from local.definitions import slug
from local.mariadb import ADMINISTRATOR

SALT_NAMES = [
    f"{prefix}_{suffix}"
    for prefix in ("AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE")
    for suffix in ("KEY", "SALT")
]
INSTALLER = """<?php
define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = parse_url(getenv('SITE_URL'), PHP_URL_HOST);
$_SERVER['HTTPS'] = 'on';
define('WP_SITEURL', getenv('SITE_URL'));
require getenv('CORE') . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install(getenv('SITE_TITLE'), 'site-admin', 'a@example.org', true, '', 'password');
update_option('permalink_structure', '/%postname%/');
switch_theme('twentytwentythree');
flush_rewrite_rules();
"""


@dataclass(frozen=True, kw_only=True)
class Release:
    service: str
    schema: str
    task_definition: str
    target_group: str
    host: str


class SiteMaker:
    """Makes releases in the dev account."""

    def __init__(self, pieces, run_php, scratch):
        self.pieces = pieces
        self.cloud = pieces.clouds["dev"]
        self.platform = pieces.platforms["dev"]
        self.run_php = run_php
        self.scratch = scratch

    def release(self, name, number, *, title):
        """Make a release up to its target group; the service is started by `start`."""
        schema = f"s_{name}_r{number}"
        host = f"{name}.wpdev.kimmyai.io"
        self._make_schema(schema)
        database, salts = self._secrets(slug([name, str(number)]))
        content = self._content(f"/tenant-1/{name}/r{number}")
        self._install(schema, database, salts, content=content[1], host=host, title=title)
        group = self.cloud.elbv2.create_target_group(
            Name=f"wp-{name}-r{number}",
            Protocol="HTTP",
            Port=80,
            VpcId=self.platform.vpc_id,
            TargetType="ip",
            HealthCheckPath="/wp-login.php",
        )["TargetGroups"][0]["TargetGroupArn"]
        definition = self._task_definition(
            name, schema, host=host, database=database, salts=salts, access_point=content[0]
        )
        return Release(
            service=f"tenant-1-wordpress-{name}-r{number}",
            schema=schema,
            task_definition=definition,
            target_group=group,
            host=host,
        )

    def start(self, release, desired=1):
        self.cloud.ecs.create_service(
            cluster=self.platform.cluster,
            serviceName=release.service,
            taskDefinition=release.task_definition,
            desiredCount=desired,
            launchType="FARGATE",
            loadBalancers=[
                {
                    "targetGroupArn": release.target_group,
                    "containerName": "wordpress",
                    "containerPort": 80,
                }
            ],
        )

    def healthy(self, release):
        found = self.cloud.elbv2.describe_target_health(TargetGroupArn=release.target_group)
        return [entry["Target"]["Port"] for entry in found["TargetHealthDescriptions"]]

    def publish(self, release, priority):
        """Make rule and DNS record; return the rule's ARN."""
        balancer = self.cloud.elbv2.describe_load_balancers(
            LoadBalancerArns=[self.platform.load_balancer_arn]
        )["LoadBalancers"][0]
        self.cloud.route53.change_resource_record_sets(
            HostedZoneId=self.platform.hosted_zone_id,
            ChangeBatch={
                "Changes": [
                    {
                        "Action": "UPSERT",
                        "ResourceRecordSet": {
                            "Name": release.host,
                            "Type": "A",
                            "AliasTarget": {
                                "HostedZoneId": balancer["CanonicalHostedZoneId"],
                                "DNSName": balancer["DNSName"],
                                "EvaluateTargetHealth": True,
                            },
                        },
                    }
                ]
            },
        )
        return self.cloud.elbv2.create_rule(
            ListenerArn=self.platform.listener_arn,
            Priority=priority,
            Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": [release.host]}}],
            Actions=[{"Type": "forward", "TargetGroupArn": release.target_group}],
        )["Rules"][0]["RuleArn"]

    def point(self, rule, release):
        self.cloud.elbv2.modify_rule(
            RuleArn=rule, Actions=[{"Type": "forward", "TargetGroupArn": release.target_group}]
        )

    def _make_schema(self, schema):
        with (
            pymysql.connect(
                host="127.0.0.1",
                port=self.pieces.database.port,
                user=ADMINISTRATOR,
                password=self.pieces.database.password,
                ssl_ca=str(self.pieces.layout.authority),
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"CREATE DATABASE {schema} CHARACTER SET utf8mb4")

    def _secrets(self, name):
        database = {
            "host": "127.0.0.1",
            "port": self.pieces.database.port,
            "username": ADMINISTRATOR,
            "password": self.pieces.database.password,
        }
        salts = {salt: f"{salt}-of-the-test" for salt in SALT_NAMES}
        make = self.cloud.secretsmanager.create_secret
        return (
            make(Name=f"bbws/dev/{name}/db", SecretString=json.dumps(database))["ARN"],
            make(Name=f"bbws/dev/{name}/salts", SecretString=json.dumps(salts))["ARN"],
        )

    def _content(self, root):
        point = self.cloud.efs.create_access_point(
            ClientToken=root,
            FileSystemId=self.platform.file_system_id,
            PosixUser={"Uid": 33, "Gid": 33},
            RootDirectory={
                "Path": root,
                "CreationInfo": {"OwnerUid": 33, "OwnerGid": 33, "Permissions": "755"},
            },
        )
        directory = self.pieces.layout.file_system("dev") / root.lstrip("/")
        shutil.copytree(self.pieces.layout.wordpress / "wp-content", directory)
        return point["AccessPointId"], directory

    def _install(self, schema, database, salts, *, content, host, title):
        script = self.scratch / "install.php"
        script.write_text(INSTALLER)
        read = self.cloud.secretsmanager.get_secret_value
        self.run_php(
            self.pieces.layout,
            script,
            {
                "CORE": str(self.pieces.layout.served_core),
                "SITE_URL": f"https://{host}",
                "SITE_TITLE": title,
                "WORDPRESS_DB_SCHEMA": schema,
                "WORDPRESS_DB_SECRET": read(SecretId=database)["SecretString"],
                "WORDPRESS_SALTS_SECRET": read(SecretId=salts)["SecretString"],
                "WORDPRESS_CONTENT_DIR": str(content),
            },
        )

    def _task_definition(self, name, schema, *, host, database, salts, access_point):
        return self.cloud.ecs.register_task_definition(
            family=f"tenant-1-wordpress-{name}",
            networkMode="awsvpc",
            containerDefinitions=[
                {
                    "name": "wordpress",
                    "image": "bbws-wordpress@sha256:0",
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {
                            "awslogs-group": "/aws/ecs/bbws-dev/sites",
                            "awslogs-stream-prefix": f"tenant-1-wordpress-{name}",
                        },
                    },
                    "environment": [
                        {"name": "WORDPRESS_SITE_URL", "value": f"https://{host}"},
                        {"name": "WORDPRESS_DB_SCHEMA", "value": schema},
                        {"name": "WORDPRESS_CACHE_PREFIX", "value": f"{schema}:"},
                    ],
                    "secrets": [
                        {"name": "WORDPRESS_DB_SECRET", "valueFrom": database},
                        {"name": "WORDPRESS_SALTS_SECRET", "valueFrom": salts},
                    ],
                    "mountPoints": [
                        {"sourceVolume": "content", "containerPath": "/var/www/html/wp-content"}
                    ],
                }
            ],
            volumes=[
                {
                    "name": "content",
                    "efsVolumeConfiguration": {
                        "fileSystemId": self.platform.file_system_id,
                        "transitEncryption": "ENABLED",
                        "authorizationConfig": {"accessPointId": access_point, "iam": "ENABLED"},
                    },
                }
            ],
        )["taskDefinition"]["taskDefinitionArn"]
