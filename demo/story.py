"""The demo: a site is created by one message, filled, promoted by another, and looked at."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console
from rich.table import Table

from core.adapters.aws.operations import DynamoOperations
from core.adapters.system import RandomIds, SystemClock
from core.domain.names import site_key
from core.domain.operation import Operation
from demo.proof import Finding, Visitor, prove
from demo.site import RunningSite
from events import identity
from events.vocabulary import OperationStatus
from local.cloud import Cloud, clouds
from local.runtime import Runtime
from ops.watch import watch

TENANT, SITE, SUBDOMAIN = "tenant-1", "site-banana", "banana"
REPORT = Path("demo-report.json")
SECONDS_BETWEEN_LOOKS = 0.3


class Story:
    """Tells and does the demo."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._clock = SystemClock()
        self._runtime = Runtime(os.environ, self._say)
        self._run = RandomIds().new_id()[:8]
        self._timings: dict[str, float] = {}

    def tell(self, *, keep: bool) -> int:
        """Do everything; return the exit code."""
        started = self._clock.now()
        machine = self._runtime.up()
        self._timings["machine up"] = (self._clock.now() - started).total_seconds()
        try:
            findings = self._tell(machine)
            self._timings["everything"] = (self._clock.now() - started).total_seconds()
            self._conclude(machine, findings, keep=keep)
            return 0 if all(finding.held for finding in findings) else 1
        finally:
            if not keep:
                self._runtime.down()

    def _tell(self, machine: dict[str, Any]) -> list[Finding]:
        accounts = clouds(machine["endpoint"])
        dev, sit = accounts["dev"], accounts["sit"]
        self._title("1. SITE_CREATION_REQUEST goes to the dev queue")
        self._do(machine, dev, "creation", _creation(self._run))
        self._title("2. The site gets real content")
        key = site_key(TENANT, SITE)
        in_dev = RunningSite(cloud=dev, layout=self._runtime.layout, site_key=key)
        self._console.print(in_dev.run("content.php"))
        self._title("3. SITE_PROMOTION_REQUEST goes to the sit queue")
        self._do(machine, sit, "promotion", _promotion(self._run))
        self._title("4. The proof")
        in_sit = RunningSite(cloud=sit, layout=self._runtime.layout, site_key=key)
        source = Visitor(proxy=machine["proxy"], host=f"{SUBDOMAIN}.{dev.account.domain}")
        target = Visitor(proxy=machine["proxy"], host=f"{SUBDOMAIN}.{sit.account.domain}")
        return list(prove(source, target, in_dev.run("look.php"), in_sit.run("look.php")))

    def _do(self, machine: dict[str, Any], cloud: Cloud, queue: str, body: dict[str, Any]) -> None:
        environment = cloud.account.environment
        url = machine["accounts"][environment]["queues"][queue]
        cloud.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))
        self._console.print(f"[dim]{json.dumps(body)}[/dim]", soft_wrap=True)
        operation_id = identity.operation_id(
            environment, TENANT, body["messageType"], body["idempotencyKey"]
        )
        store = _store(cloud, machine["endpoint"])
        while store.get(operation_id) is None:
            pass
        ended = watch(store, operation_id, self._console, self._clock, SECONDS_BETWEEN_LOOKS)
        self._timings[queue] = (ended.updated_at - ended.created_at).total_seconds()
        _check(ended)

    def _conclude(self, machine: dict[str, Any], findings: list[Finding], *, keep: bool) -> None:
        table = Table("", "what", "evidence")
        for finding in findings:
            table.add_row("ok" if finding.held else "BROKEN", finding.what, finding.evidence)
        self._console.print(table)
        port = machine["proxy"].rpartition(":")[2]
        for label in ("wpdev", "wpsit"):
            self._console.print(f"  http://{SUBDOMAIN}.{label}.localhost:{port}/")
        for name, seconds in self._timings.items():
            self._console.print(f"  {name}: {seconds:.1f} s")
        report = {
            "findings": [asdict(finding) for finding in findings],
            "seconds": {name: round(seconds, 1) for name, seconds in self._timings.items()},
            "proxy": machine["proxy"],
        }
        REPORT.write_text(json.dumps(report, indent=2) + "\n")
        state = "It keeps running; `make clean` or `sitefleet local down` stops it."
        over = "Stopped again; `make demo KEEP=1` leaves it running."
        self._say(f"Report: {REPORT}. {state if keep else over}")

    def _title(self, text: str) -> None:
        self._console.rule(text, align="left")

    def _say(self, sentence: str) -> None:
        self._console.print(sentence)


def _creation(run: str) -> dict[str, Any]:
    payload = {
        "siteId": SITE,
        "tenantId": TENANT,
        "siteName": "Banana & Söhne",
        "subdomain": SUBDOMAIN,
        "environment": "dev",
        "configuration": {},
    }
    return _request("SITE_CREATION_REQUEST", f"demo-create-{run}", payload)


def _promotion(run: str) -> dict[str, Any]:
    payload = {
        "siteId": SITE,
        "tenantId": TENANT,
        "sourceEnvironment": "dev",
        "targetEnvironment": "sit",
    }
    return _request("SITE_PROMOTION_REQUEST", f"demo-promote-{run}", payload)


def _request(message_type: str, key: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageType": message_type,
        "correlationId": key,
        "idempotencyKey": key,
        "timestamp": SystemClock().now().isoformat(timespec="seconds").replace("+00:00", "Z"),
        "payload": payload,
    }


def _store(cloud: Cloud, endpoint: str) -> DynamoOperations:
    client = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name=cloud.dynamodb.meta.region_name,
        aws_access_key_id=cloud.account.account_id,
        aws_secret_access_key="local",  # noqa: S106  # the emulator takes any; the key is the account
    )
    table = f"bbws-wp-operations-{cloud.account.environment}"
    return DynamoOperations(client=client, table_name=table)


def _check(operation: Operation) -> None:
    if operation.status is not OperationStatus.COMPLETED:
        raise SystemExit(f"The operation ended as {operation.status}: {operation.failure}")
