"""Starts and stops the whole fleet on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from local import (
    build,
    catalogue,
    certificates,
    deploy,
    https_front,
    mariadb,
    parameters,
    php,
    registry,
)
from local.cloud import ACCOUNTS, SECRET_KEY, Cloud, EnvironmentName, clouds
from local.emulator import REGION, Emulator, find_program
from local.errors import LocalError
from local.layout import CHECKOUT, Layout
from local.mariadb import DatabaseServer
from local.network import LOOPBACK, answers, free_ports, wait_for
from local.people import PersonKey, make_people
from local.platform import Platform, make_platform, put_tenants
from local.processes import Command, Processes, ProcessRecord
from local.requirements import check_machine
from local.state import Machine, exclusive, load_description, save_description

if TYPE_CHECKING:
    from concurrent.futures import Future

DAEMON = "supervisor"
DAEMON_SECONDS = 20
_QUEUES = ("creation", "update", "deletion", "promotion")
type Say = Callable[[str], None]


class Runtime:
    """The runtime of one home."""

    def __init__(self, environ: Mapping[str, str], say: Say) -> None:
        self.layout = Layout.from_environ(environ)
        self.processes = Processes(self.layout.processes, self.layout.logs)
        self._environ = environ
        self._say = say

    def up(self) -> dict[str, Any]:
        """Start everything, or say what is running; return how to reach it."""
        with exclusive(self.layout):
            running = self.running()
            description = load_description(self.layout)
            if description is not None and self._complete(running):
                self._say(f"Already running: {_names(running)}.")
                return description
            if running:
                raise LocalError(
                    f"Only a part is running: {_names(running)}. "
                    "Run `sitefleet local down`, then `sitefleet local up`."
                )
            check_machine()
            try:
                return self._start()
            except BaseException:
                self._clear()
                raise

    def down(self) -> list[str]:
        """Stop exactly what was started; return the names of what was running."""
        with exclusive(self.layout):
            return self._clear()

    def running(self) -> list[ProcessRecord]:
        """Return the processes that are alive."""
        return [record for record in self.processes.all() if record.alive]

    def _start(self) -> dict[str, Any]:
        self.layout.make()
        emulator_port, proxy_port, https_port, *database_ports = free_ports(3 + len(ACCOUNTS))
        emulator = Emulator(
            program=find_program(),
            port=emulator_port,
            https_port=https_port,
            https_names=https_front.NAMES,
        )
        servers = {
            name: DatabaseServer(environment=name, port=port, password=mariadb.new_password())
            for name, port in zip(ACCOUNTS, database_ports, strict=True)
        }
        with ThreadPoolExecutor() as pool:
            self._say("Building the functions, starting the emulator and three databases.")
            built = pool.submit(build.ensure_build, self.layout)
            others = [
                pool.submit(php.prepare_core, self.layout),
                pool.submit(self._start_databases, servers),
            ]
            emulator.start(self.layout, self.processes)
            accounts = clouds(emulator.endpoint)
            platforms = self._make_platforms(pool, accounts, servers, proxy_port)
            self._deploy(accounts, platforms, built)
            for other in others:
                other.result()
        machine = Machine(
            endpoint=emulator.endpoint,
            proxy_port=proxy_port,
            https_port=https_port,
            platforms=platforms,
        )
        self._start_daemon(machine)
        description = _describe(machine, accounts)
        save_description(self.layout, description)
        self._say(f"Ready. The sites' proxy is {description['proxy']}.")
        return description

    def _start_databases(self, servers: Mapping[EnvironmentName, DatabaseServer]) -> None:
        certificates.make_authority(self.layout.certificates)
        https_front.make_front_certificate(self.layout)
        mariadb.ensure_template(self.layout)
        with ThreadPoolExecutor(max_workers=len(servers)) as pool:
            list(
                pool.map(lambda server: server.start(self.layout, self.processes), servers.values())
            )

    def _make_platforms(
        self,
        pool: ThreadPoolExecutor,
        accounts: Mapping[EnvironmentName, Cloud],
        servers: Mapping[EnvironmentName, DatabaseServer],
        proxy_port: int,
    ) -> dict[EnvironmentName, Platform]:
        self._say("Making the platform of the accounts dev, sit and prod.")

        def make(name: EnvironmentName) -> Platform:
            self.layout.file_system(name).mkdir(parents=True)
            registry.make_repository(accounts[name])
            return make_platform(accounts[name], servers[name], proxy_port=proxy_port)

        made = dict(zip(accounts, pool.map(make, accounts), strict=True))
        registry.push_images(accounts["dev"])
        return made

    def _deploy(
        self,
        accounts: Mapping[EnvironmentName, Cloud],
        platforms: Mapping[EnvironmentName, Platform],
        built: Future[build.Build],
    ) -> None:
        finished = built.result()
        self._say("Deploying the stack into three accounts.")
        deploy.deploy_everywhere(accounts, platforms, finished, str(self.layout.authority))
        for cloud in accounts.values():
            put_tenants(cloud, parameters.TENANTS_TABLE)
            catalogue.put_catalogue(
                cloud,
                table=parameters.SITES_TABLE,
                bucket=f"bbws-templates-{cloud.account.environment}",
            )

    def _start_daemon(self, machine: Machine) -> None:
        machine.save(self.layout)
        process, record = self.processes.start(
            Command(
                name=DAEMON,
                arguments=[sys.executable, "-m", "local.daemon"],
                environment={
                    **{key: value for key, value in self._environ.items() if _harmless(key)},
                    "SITEFLEET_HOME": str(self.layout.home.parent),
                    "TMPDIR": str(self.layout.temporary),
                    "PYTHONUNBUFFERED": "1",
                },
                directory=CHECKOUT,
            )
        )
        wait_for(
            lambda: process.poll() is not None or answers(machine.proxy_port),
            seconds=DAEMON_SECONDS,
        )
        if process.poll() is not None or not answers(machine.proxy_port):
            raise LocalError(f"The supervisor did not start. Its log is {record.log}.")

    def _complete(self, running: list[ProcessRecord]) -> bool:
        needed = {DAEMON, "emulator", *(f"mariadb-{name}" for name in ACCOUNTS)}
        return needed <= {record.name for record in running}

    def _clear(self) -> list[str]:
        """Stop the supervisor first: it ends its own children in order."""
        self.layout.state_file.unlink(missing_ok=True)
        records = self.processes.all()
        names = [record.name for record in records if record.alive]
        self.processes.stop(record for record in records if record.name == DAEMON)
        self.processes.stop(self.processes.all())
        self.layout.remove_data()
        return names


def _describe(machine: Machine, accounts: Mapping[EnvironmentName, Cloud]) -> dict[str, Any]:
    """Return what any AWS SDK needs to drive the fleet."""
    return {
        "endpoint": machine.endpoint,
        "region": REGION,
        "proxy": f"http://{LOOPBACK}:{machine.proxy_port}",
        "accounts": {name: _describe_account(cloud) for name, cloud in accounts.items()},
        "people": {
            name: {person: _describe_key(key) for person, key in make_people(cloud).items()}
            for name, cloud in accounts.items()
        },
    }


def _describe_account(cloud: Cloud) -> dict[str, Any]:
    environment = cloud.account.environment
    outputs = deploy.outputs(cloud)
    names = {kind: f"bbws-wp-site-{kind}-{environment}" for kind in _QUEUES}
    names["dlq"] = f"bbws-wp-site-operations-dlq-{environment}"
    return {
        "accountId": cloud.account.account_id,
        "accessKeyId": cloud.account.account_id,
        "secretAccessKey": SECRET_KEY,
        "queues": {
            kind: cloud.sqs.get_queue_url(QueueName=name)["QueueUrl"]
            for kind, name in names.items()
        },
        "topicArn": outputs["NotificationsTopicArn"],
        "busName": outputs["EventBus"],
    }


def _describe_key(key: PersonKey) -> dict[str, str]:
    return {
        "arn": key.arn,
        "accessKeyId": key.access_key_id,
        "secretAccessKey": key.secret_access_key,
    }


def _harmless(name: str) -> bool:
    """Keep the caller's own AWS settings away from the supervisor and its jobs."""
    return not name.startswith(("AWS_", "SITEFLEET_", "MIGRATOR_"))


def _names(records: list[ProcessRecord]) -> str:
    return ", ".join(record.name for record in records)
