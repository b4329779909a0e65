"""What goes wrong on the runbooks' machine: through the doors by which it goes wrong for real."""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import time
import tomllib
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from botocore import xform_name
from howto_machine import CREATE, LONGEST_SECONDS, Answer, Machine
from pages import ROOT

from core.adapters.aws.operations import DynamoOperations
from core.adapters.aws.sites import DynamoSites
from core.adapters.system import SystemClock
from core.domain.names import site_key
from core.domain.operation import Operation
from core.domain.policy import Policy
from core.domain.site import Site
from events.formats import Environment
from events.vocabulary import SiteStatus
from local.cloud import Cloud, clouds
from local.layout import Layout
from local.processes import Command, Processes
from tests.acceptance.processes import Processes as Seen

FUNCTIONS = ("creation", "update", "deletion", "promotion", "wakeup", "sweeper")
SITE, TENANT = "site-banana", "tenant-1"


@dataclass(kw_only=True)
class Stage:
    """A running machine, and hands to break and to mend it with."""

    machine: Machine
    clouds: Mapping[str, Cloud] = field(init=False)
    seen: Seen = field(init=False)
    layout: Layout = field(init=False)
    _stopped: dict[str, Command] = field(default_factory=dict)
    _children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Look at the machine that is up."""
        self.clouds = dict(clouds(self.machine.endpoint))
        self.seen = Seen(self.machine.home)
        self.layout = Layout.from_environ({"SITEFLEET_HOME": str(self.machine.home)})

    # --- asking ------------------------------------------------------------------------------

    def ask(self, command: str, stdin: str = "") -> str:
        """Send what some upstream service or person asks for; return its operationId."""
        answer = self.machine.type(f"sitefleet {command}", stdin=stdin)
        assert answer.code == 0, answer
        return answer.out.strip()

    def operation(self, operation_id: str, environment: str) -> Operation | None:
        """Return an operation as it is stored."""
        store = DynamoOperations(
            client=self.clouds[environment].dynamodb,
            table_name=f"bbws-wp-operations-{environment}",
        )
        return store.get(operation_id)

    def until_it_stands(self, operation_id: str, environment: str, *statuses: str) -> None:
        """Wait until an operation has one of these statuses."""

        def stands() -> bool:
            found = self.operation(operation_id, environment)
            return found is not None and found.status in statuses

        self.until(stands, f"{operation_id} to be {statuses}", pause_seconds=0.1)

    def until(self, holds: Callable[[], object], what: str, pause_seconds: float = 0.5) -> None:
        """Wait; raises AssertionError when it takes too long."""
        deadline = time.monotonic() + LONGEST_SECONDS / 3
        while not holds():
            assert time.monotonic() < deadline, f"This has not come about: {what}"
            time.sleep(pause_seconds)

    def letters(self, environment: str = "dev") -> int:
        """Return how many messages lie in the dead-letter queue, seen or not."""
        sqs = self.clouds[environment].sqs
        url = sqs.get_queue_url(QueueName=f"bbws-wp-site-operations-dlq-{environment}")["QueueUrl"]
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return sum(int(told[name]) for name in names)

    def is_taken(self, environment: str = "dev") -> bool:
        """Whether no message waits for a consumer."""
        sqs = self.clouds[environment].sqs
        urls = self.machine.described["accounts"][environment]["queues"]
        waiting = 0
        for queue in ("creation", "update", "deletion", "promotion"):
            told = sqs.get_queue_attributes(QueueUrl=urls[queue], AttributeNames=["All"])
            waiting += int(told["Attributes"]["ApproximateNumberOfMessages"])
        return waiting == 0

    def rings(self, alarm: str) -> bool:
        """Whether an alarm of the stack is in ALARM."""
        cloudwatch = self.clouds[alarm.rpartition("-")[2]].cloudwatch
        [found] = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
        return found["StateValue"] == "ALARM"

    def drop(self, queue: str, body: str, environment: str = "dev") -> None:
        """Drop a message on a queue, as an upstream service does."""
        sqs = self.clouds[environment].sqs
        url = sqs.get_queue_url(QueueName=f"bbws-wp-site-{queue}-{environment}")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=body)

    def set_tenant(self, status: str, environment: str = "dev") -> None:
        """Write the tenant's status, as the platform's API does."""
        self.clouds[environment].dynamodb.update_item(
            TableName="tenants",
            Key={"PK": {"S": f"TENANT#{TENANT}"}, "SK": {"S": "METADATA"}},
            UpdateExpression="SET #status = :status",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":status": {"S": status}},
        )

    def write_record(self, name: str, environment: str = "dev") -> None:
        """Write a site's record before its request comes, as the platform's API does."""
        now = SystemClock().now()
        site = Site(
            tenant_id=TENANT,
            site_id=f"site-{name}",
            site_name=name.title(),
            subdomain=name,
            environment=Environment(environment),
            status=SiteStatus.PROVISIONING,
            created_at=now,
            updated_at=now,
        )
        DynamoSites(self.clouds[environment].dynamodb, "sites").put(site, expected_version=None)

    def write_file(self, name: str, text: str) -> None:
        """Write a file where the operator types."""
        (self.machine.directory / name).write_text(text)

    def answers(self, environment: str = "dev", *, name: str = "banana") -> bool:
        """Whether a site's REST interface answers a visitor with 200."""
        domain = self.clouds[environment].account.domain
        request = urllib.request.Request(
            f"{self.proxy}/wp-json/", headers={"Host": f"{name}.{domain}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    @property
    def proxy(self) -> str:
        return str(self.machine.described["proxy"])

    @staticmethod
    def clock_days_ago(days: int) -> datetime:
        return SystemClock().now() - timedelta(days=days)

    @staticmethod
    def creation(name: str) -> str:
        """Return the request for another site."""
        payload = {**CREATE["payload"], "siteId": f"site-{name}", "subdomain": name}
        return json.dumps({**CREATE, "correlationId": f"create-{name}", "payload": payload})

    # --- breaking and mending ----------------------------------------------------------------

    def deploy_policy(
        self, environment: str, *edits: tuple[str, str], functions: tuple[str, ...] = FUNCTIONS
    ) -> None:
        """Deploy functions with the checkout's policy, edited; none: as it stands there."""
        name = f"policy/local-{environment}.toml"
        text = (ROOT / name).read_text()
        for old, new in edits:
            assert old in text, old
            text = text.replace(old, new, 1)
        Policy.model_validate(tomllib.loads(text))
        client: Any = self.clouds[environment]._make("lambda")
        for function in functions:
            deployed = f"{environment}-bbws-async-processor-{function}"
            location = client.get_function(FunctionName=deployed)["Code"]["Location"]
            with urllib.request.urlopen(location) as answer:
                code = _with_file(answer.read(), name, text)
            client.update_function_code(FunctionName=deployed, ZipFile=code)

    def stop_database(self, environment: str) -> None:
        """Stop a database server, as a failover or a person does."""
        name = f"mariadb-{environment}"
        [record] = [record for record in self._processes.all() if record.name == name]
        proc = Path(f"/proc/{record.pid}")
        variables = (proc / "environ").read_bytes().decode().split("\0")
        self._stopped[environment] = Command(
            name=name,
            arguments=(proc / "cmdline").read_bytes().decode().rstrip("\0").split("\0"),
            environment=dict(v.split("=", 1) for v in variables if "=" in v),
            directory=self.layout.database(environment),
        )
        self._processes.stop([record])

    def start_database(self, environment: str) -> None:
        """Start it again, with everything that was in it; nothing happens when it runs."""
        if environment in self._stopped:
            child, _ = self._processes.start(self._stopped.pop(environment))
            self._children.append(child)
            socket = self.layout.database(environment) / "s"
            self.until(socket.exists, "the database to listen", pause_seconds=0.1)

    def reap(self) -> None:
        """Wait for what was started here, once the machine is down."""
        for child in self._children:
            child.wait(timeout=30)

    @contextmanager
    def without_rights(self, role: str, policy: str, environment: str = "dev"):
        """Take one policy from a function's role for a while."""
        iam = self.clouds[environment].iam
        name = f"{environment}-bbws-async-processor-{role}"
        kept = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
        try:
            yield
        finally:
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(kept))

    def scale(self, environment: str, count: int) -> None:
        """Set the site's number of containers by hand, beside the fleet."""
        ecs = self.clouds[environment].ecs
        cluster = f"bbws-cluster-{environment}"
        for arn in ecs.list_services(cluster=cluster)["serviceArns"]:
            if site_key(TENANT, SITE) in arn:
                ecs.update_service(cluster=cluster, service=arn, desiredCount=count)

    @property
    def _processes(self) -> Processes:
        local = self.machine.home / "local"
        return Processes(local / "processes", local / "logs")

    # --- the AWS CLI -------------------------------------------------------------------------

    def aws(self, command: str) -> Answer:
        """Do what a line for the AWS CLI says, and print what it would.

        Where the machine has nothing behind AWS's record, the process that plays it is meant.
        """
        _, service, operation, *flags = shlex.split(command)
        values = dict(zip(flags[::2], flags[1::2], strict=True))
        if (service, operation) == ("rds", "start-db-cluster"):
            self.start_database(values["--db-cluster-identifier"].rpartition("-")[2])
            return Answer(code=0, out="", err="")
        named = [name for name in self.clouds if re.search(rf"\b{name}\b", command)]
        environment = named[0] if named else "dev"
        client: Any = self.clouds[environment]._make(service)
        shape = client.meta.service_model.operation_model(
            "".join(word.capitalize() for word in operation.split("-"))
        ).input_shape
        known = {f"--{xform_name(member, '-')}": member for member in shape.members}
        answer = getattr(client, operation.replace("-", "_"))(
            **{known[flag]: _value(value) for flag, value in values.items()}
        )
        answer.pop("ResponseMetadata", None)
        return Answer(code=0, out=json.dumps(answer, default=str), err="")


def _value(text: str) -> Any:
    """Return a flag's value: JSON where it is a structure, else the text."""
    return json.loads(text) if text.startswith(("{", "[")) else text


def _with_file(package: bytes, name: str, text: str) -> bytes:
    """Return a function's package with one file of it replaced."""
    changed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(package)) as source,
        zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.infolist():
            is_it = entry.filename == name
            target.writestr(entry, text if is_it else source.read(entry))
    return changed.getvalue()
