"""Calls that IAM has to refuse: each takes a function that gives a client by its service's name."""

from __future__ import annotations

from local.cloud import ACCOUNTS
from local.emulator import REGION

DEV, PROD = ACCOUNTS["dev"].account_id, ACCOUNTS["prod"].account_id
OPERATION = "550e8400-e29b-41d4-a716-446655440000"
WRITER_ROLE = f"arn:aws:iam::{DEV}:role/bbws-wp-export-dev-writer"

IN_THE_SOURCE = {
    "a site's secret": lambda c: c("secretsmanager").get_secret_value(
        SecretId="bbws/dev/aurora/admin"
    ),
    "a new secret": lambda c: c("secretsmanager").create_secret(
        Name="bbws/dev/tenant-1/site-1/db", SecretString="mine"
    ),
    "an object of the source": lambda c: c("s3").get_object(
        Bucket="bbws-transfer-dev", Key="jobs/1/plan/0/job.json"
    ),
    "a list of the source's bucket": lambda c: c("s3").list_objects_v2(Bucket="bbws-transfer-dev"),
    "an object in the source": lambda c: c("s3").put_object(
        Bucket="bbws-transfer-dev", Key="transfers/1/x", Body=b"x"
    ),
    "an object in the target": lambda c: c("s3").put_object(
        Bucket="bbws-transfer-sit", Key=f"transfers/{OPERATION}/x", Body=b"x"
    ),
    "the sites table": lambda c: c("dynamodb").get_item(
        TableName="sites", Key={"PK": {"S": "a"}, "SK": {"S": "b"}}
    ),
    "a site's record": lambda c: c("dynamodb").put_item(
        TableName="sites", Item={"PK": {"S": "a"}, "SK": {"S": "b"}}
    ),
    "the operations": lambda c: c("dynamodb").scan(TableName="bbws-wp-operations-dev"),
    "the databases": lambda c: c("rds").describe_db_clusters(),
    "a snapshot": lambda c: c("rds").create_db_cluster_snapshot(
        DBClusterIdentifier="bbws-aurora-dev", DBClusterSnapshotIdentifier="dev-1"
    ),
    "a task of the sites' cluster": lambda c: c("ecs").stop_task(
        cluster="bbws-cluster-dev", task="0" * 32
    ),
    "a service": lambda c: c("ecs").update_service(
        cluster="bbws-cluster-dev", service="tenant-1-wordpress-1-r1", desiredCount=0
    ),
    "a task definition": lambda c: c("ecs").register_task_definition(
        family="bbws-wp-export-dev",
        containerDefinitions=[{"name": "migrator", "image": "mine"}],
    ),
    "an image": lambda c: c("ecr").put_image(
        repositoryName="bbws-wordpress", imageManifest="{}", imageTag="dev-latest"
    ),
    "a queue": lambda c: c("sqs").send_message(
        QueueUrl=f"http://127.0.0.1/{DEV}/bbws-wp-site-deletion-dev", MessageBody="{}"
    ),
    "the bus": lambda c: c("events").put_events(
        Entries=[
            {
                "Source": "bbws.sites",
                "DetailType": "x",
                "Detail": "{}",
                "EventBusName": "bbws-wp-site-events-dev",
            }
        ]
    ),
    "the topic": lambda c: c("sns").publish(
        TopicArn=f"arn:aws:sns:{REGION}:{DEV}:bbws-wp-notifications-dev", Message="x"
    ),
    "a function": lambda c: c("lambda").invoke(
        FunctionName="dev-bbws-async-processor-deletion", Payload=b"{}"
    ),
    "a function's log": lambda c: c("logs").filter_log_events(
        logGroupName="/aws/lambda/dev-bbws-async-processor-creation"
    ),
    "the jobs' log": lambda c: c("logs").describe_log_streams(
        logGroupName="/aws/ecs/bbws-dev/migrator"
    ),
    "a line of the sites' log": lambda c: c("logs").put_log_events(
        logGroupName="/aws/ecs/bbws-dev/sites",
        logStreamName="x",
        logEvents=[{"timestamp": 0, "message": "x"}],
    ),
    "an access point": lambda c: c("efs").describe_access_points(),
    "the load balancer": lambda c: c("elbv2").describe_load_balancers(),
    "the names": lambda c: c("route53").list_hosted_zones(),
    "a user": lambda c: c("iam").create_user(UserName="mine"),
    "a role's trust": lambda c: c("iam").update_assume_role_policy(
        RoleName="bbws-wp-promotion-source-dev", PolicyDocument="{}"
    ),
    "a stack": lambda c: c("cloudformation").delete_stack(StackName="sitefleet-dev"),
    "another role": lambda c: c("sts").assume_role(
        RoleArn=WRITER_ROLE,
        RoleSessionName=OPERATION,
        Tags=[{"Key": "operation", "Value": OPERATION}],
    ),
}
"""What the target may not do in the source, in the name of its role there."""

INTO_PROD = {
    "a message": lambda c: c("sqs").send_message(
        QueueUrl=f"http://127.0.0.1/{PROD}/bbws-wp-site-promotion-prod", MessageBody="{}"
    ),
    "an object": lambda c: c("s3").put_object(
        Bucket="bbws-transfer-prod", Key="jobs/1/plan/0/job.json", Body=b"x"
    ),
    "a template": lambda c: c("s3").put_object(Bucket="bbws-templates-prod", Key="x", Body=b"x"),
    "a site": lambda c: c("dynamodb").put_item(
        TableName=f"arn:aws:dynamodb:{REGION}:{PROD}:table/sites",
        Item={"PK": {"S": "a"}, "SK": {"S": "b"}},
    ),
    "an event": lambda c: c("events").put_events(
        Entries=[
            {
                "Source": "bbws.sites",
                "DetailType": "x",
                "Detail": "{}",
                "EventBusName": (
                    f"arn:aws:events:{REGION}:{PROD}:event-bus/bbws-wp-site-events-prod"
                ),
            }
        ]
    ),
    "an announcement": lambda c: c("sns").publish(
        TopicArn=f"arn:aws:sns:{REGION}:{PROD}:bbws-wp-notifications-prod", Message="x"
    ),
    "a secret": lambda c: c("secretsmanager").put_secret_value(
        SecretId=f"arn:aws:secretsmanager:{REGION}:{PROD}:secret:bbws/prod/aurora/admin",
        SecretString="x",
    ),
    "a task": lambda c: c("ecs").run_task(
        cluster=f"arn:aws:ecs:{REGION}:{PROD}:cluster/bbws-cluster-prod",
        taskDefinition=f"arn:aws:ecs:{REGION}:{PROD}:task-definition/bbws-wp-migrator-prod:1",
    ),
    "a function's run": lambda c: c("lambda").invoke(
        FunctionName=f"arn:aws:lambda:{REGION}:{PROD}:function:prod-bbws-async-processor-promotion",
        Payload=b"{}",
    ),
    "a role": lambda c: c("sts").assume_role(
        RoleArn=f"arn:aws:iam::{PROD}:role/prod-bbws-async-processor-promotion",
        RoleSessionName="xx",
    ),
}
"""What nobody of dev or sit may do."""

BY_PEOPLE = {
    "change a record": lambda c: c("dynamodb").put_item(
        TableName="sites", Item={"PK": {"S": "a"}, "SK": {"S": "b"}}
    ),
    "forge a decision": lambda c: c("dynamodb").put_item(
        TableName="bbws-wp-operations-prod", Item={"PK": {"S": "a"}, "SK": {"S": "b"}}
    ),
    "read a secret": lambda c: c("secretsmanager").get_secret_value(
        SecretId="bbws/prod/aurora/admin"
    ),
    "run a task": lambda c: c("ecs").run_task(
        cluster="bbws-cluster-prod", taskDefinition="bbws-wp-migrator-prod"
    ),
    "take a message": lambda c: c("sqs").receive_message(
        QueueUrl=f"http://127.0.0.1/{PROD}/bbws-wp-site-promotion-prod"
    ),
    "publish an event": lambda c: c("events").put_events(
        Entries=[
            {
                "Source": "bbws.sites",
                "DetailType": "x",
                "Detail": "{}",
                "EventBusName": "bbws-wp-site-events-prod",
            }
        ]
    ),
    "become the fleet": lambda c: c("sts").assume_role(
        RoleArn=f"arn:aws:iam::{PROD}:role/prod-bbws-async-processor-promotion",
        RoleSessionName="xx",
    ),
    "make a key for somebody else": lambda c: c("iam").create_access_key(UserName="cto"),
}
"""What people may not do, not even in their own environment."""
