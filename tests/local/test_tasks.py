"""ECS tasks that the fleet started become processes; nobody else's do."""

import json
import os
import signal

import pytest
from local_probes import eventually, ticking

from local.processes import start_ticks
from local.tasks import Surroundings, TaskWatcher

pytestmark = pytest.mark.machine
STAND_IN = "tests.local.local_stand_in"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": "536580886816"}},
            }
        ],
    }
)


@pytest.fixture(scope="module")
def cluster(pieces):
    name = pieces.platforms["dev"].cluster
    cloud = pieces.clouds["dev"]
    balancer = {pieces.platforms["dev"].load_balancer_dns: 4711}
    around = Surroundings(layout=pieces.layout, load_balancers=balancer, module=STAND_IN)
    secret = cloud.secretsmanager.create_secret(Name="token", SecretString='{"key": "value"}')
    cloud.iam.create_role(RoleName="bbws-wp-migrator-dev", AssumeRolePolicyDocument=TRUST)
    cloud.ecs.register_task_definition(
        family="bbws-wp-migrator-dev",
        taskRoleArn="arn:aws:iam::536580886816:role/bbws-wp-migrator-dev",
        containerDefinitions=[
            {
                "name": "migrator",
                "image": "migrator",
                "command": ["--help"],
                "environment": [
                    {"name": "MIGRATOR_ENVIRONMENT", "value": "dev"},
                    {"name": "MIGRATOR_MOUNT_PATH", "value": "/mnt/efs"},
                ],
                "secrets": [
                    {"name": "WHOLE", "valueFrom": secret["ARN"]},
                    {"name": "ONE_KEY", "valueFrom": f"{secret['ARN']}:key::"},
                ],
            }
        ],
    )
    with ticking(TaskWatcher(cloud, name, pieces.processes, around)):
        yield Cluster(cloud.ecs, name)


class Cluster:
    def __init__(self, ecs, name):
        self.ecs = ecs
        self.name = name

    def run(self, *command, started_by="sitefleet/operation-1/import/0"):
        return self.ecs.run_task(
            cluster=self.name,
            taskDefinition="bbws-wp-migrator-dev",
            startedBy=started_by,
            overrides={
                "containerOverrides": [
                    {
                        "name": "migrator",
                        "command": [str(part) for part in command],
                        "environment": [{"name": "EXTRA", "value": "1"}],
                    }
                ]
            },
        )["tasks"][0]["taskArn"]

    def status(self, arn):
        return self.ecs.describe_tasks(cluster=self.name, tasks=[arn])["tasks"][0]

    def stopped(self, arn):
        return self.status(arn)["lastStatus"] == "STOPPED"


def job_of(pieces, arn):
    end = arn.rpartition("/")[2][:8]
    return next((r for r in pieces.processes.all() if r.name.endswith(end) and r.alive), None)


def test_a_job_sees_command_environment_secrets_role_and_the_load_balancer(
    cluster, pieces, tmp_path
):
    out = tmp_path / "facts.json"
    arn = cluster.run("run", out, pieces.platforms["dev"].load_balancer_dns)
    eventually(lambda: cluster.stopped(arn))
    facts = json.loads(out.read_text())
    environment = facts["environment"]
    assert facts["arguments"][:2] == ["run", str(out)]
    assert environment["EXTRA"] == "1"
    assert environment["MIGRATOR_ENVIRONMENT"] == "dev"
    assert environment["MIGRATOR_MOUNT_PATH"] == str(pieces.layout.file_system("dev"))
    assert environment["MIGRATOR_SITE_ADDRESS"] == "127.0.0.1:4711"
    assert environment["MIGRATOR_DATABASE_CA"] == str(pieces.layout.authority)
    assert (environment["WHOLE"], environment["ONE_KEY"]) == ('{"key": "value"}', "value")
    assert ":assumed-role/bbws-wp-migrator-dev/" in facts["caller"]
    assert facts["address"] == ["127.0.0.1", 4711]
    assert cluster.status(arn)["stoppedReason"].endswith("exited with code 0")


def test_a_failing_job_stops_its_task_with_the_exit_code(cluster, tmp_path):
    arn = cluster.run("fail", tmp_path / "out")
    eventually(lambda: cluster.stopped(arn))
    assert cluster.status(arn)["stoppedReason"].endswith("exited with code 3")


def test_a_killed_job_stops_its_task(cluster, pieces, tmp_path):
    arn = cluster.run("sleep", tmp_path / "out")
    eventually((tmp_path / "out").exists)
    os.kill(job_of(pieces, arn).pid, signal.SIGKILL)
    eventually(lambda: cluster.stopped(arn))
    assert cluster.status(arn)["stoppedReason"].endswith("exited with code -9")


def test_a_stopped_task_ends_its_process(cluster, pieces, tmp_path):
    arn = cluster.run("sleep", tmp_path / "out")
    eventually((tmp_path / "out").exists)
    cluster.ecs.stop_task(cluster=cluster.name, task=arn, reason="a retry")
    eventually(lambda: job_of(pieces, arn) is None, seconds=5)


def test_what_has_stopped_is_listed_as_that_only(cluster, tmp_path):
    """The emulator is spared going through all that ever ran (local/emulator_upkeep.py)."""
    gone = cluster.run("run", tmp_path / "gone", started_by="sitefleet/operation-9/import/0")
    eventually(lambda: cluster.stopped(gone))
    lives = cluster.run("sleep", tmp_path / "lives", started_by="sitefleet/operation-9/import/1")
    asked = {"cluster": cluster.name, "family": "bbws-wp-migrator-dev"}
    running = cluster.ecs.list_tasks(**asked)["taskArns"]
    stopped = cluster.ecs.list_tasks(**asked, desiredStatus="STOPPED")["taskArns"]
    assert lives in running
    assert gone not in running
    assert gone in stopped
    assert lives not in stopped
    nobody = cluster.ecs.list_tasks(**{**asked, "family": "another"})["taskArns"]
    assert nobody == []
    cluster.ecs.stop_task(cluster=cluster.name, task=lives)


@pytest.mark.parametrize("end", ["killed", "stopped"])
def test_a_jobs_programs_end_with_it(cluster, pieces, tmp_path, end):
    """On Fargate they share its container; here an orphan would go on beside the next attempt."""
    arn = cluster.run("program", tmp_path / "out")
    eventually(lambda: (tmp_path / "out").exists() and (tmp_path / "out").read_text())
    program = int((tmp_path / "out").read_text())
    assert start_ticks(program) is not None
    if end == "killed":
        os.kill(job_of(pieces, arn).pid, signal.SIGKILL)
    else:
        cluster.ecs.stop_task(cluster=cluster.name, task=arn, reason="a retry")
    eventually(lambda: start_ticks(program) is None)
    eventually(lambda: cluster.stopped(arn))


def test_tasks_of_others_are_left_alone(cluster, pieces, tmp_path):
    foreign = cluster.run("run", tmp_path / "foreign", started_by="somebody")
    own = cluster.run("run", tmp_path / "own")
    eventually(lambda: cluster.stopped(own))
    assert not (tmp_path / "foreign").exists()
    assert not cluster.stopped(foreign)
    cluster.ecs.stop_task(cluster=cluster.name, task=foreign)


def test_a_task_whose_definition_cannot_be_read_stops_with_the_reason(cluster):
    cluster.ecs.register_task_definition(
        family="broken",
        containerDefinitions=[
            {
                "name": "migrator",
                "image": "migrator",
                "secrets": [{"name": "GONE", "valueFrom": "no-such-secret"}],
            }
        ],
    )
    arn = cluster.ecs.run_task(
        cluster=cluster.name, taskDefinition="broken", startedBy="sitefleet/operation-2/import/0"
    )["tasks"][0]["taskArn"]
    eventually(lambda: cluster.stopped(arn))
    assert "CannotStartContainerError" in cluster.status(arn)["stoppedReason"]
