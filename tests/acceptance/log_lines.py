"""The functions' logs, read from CloudWatch Logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.acceptance.fleet_client import Account

PLATFORM = (
    "START RequestId:",
    "END RequestId:",
    "REPORT RequestId:",
    "Worker process died",
    "Task timed out after",
    "[Errno 32] Broken pipe",  # the emulator's, when it writes to a worker that was killed
)
"""Lines that Lambda itself writes, also about a function that was killed."""


@dataclass(frozen=True)
class FunctionLog:
    """What one function has written."""

    function: str
    lines: list[str]

    @property
    def own(self) -> list[str]:
        """Lines of the function itself."""
        return [line for line in self.lines if not line.startswith(PLATFORM)]

    @property
    def json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.own if line.startswith("{")]


def log_lines(account: Account, prefix: str = "/aws/lambda/") -> list[FunctionLog]:
    """Return the log of each function of an account, or of each group below a prefix."""
    return list(_read(account.client("logs"), prefix))


def _read(logs: Any, prefix: str) -> Iterator[FunctionLog]:
    groups = logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]
    for group in groups:
        name = group["logGroupName"]
        lines, token = [], {}
        while True:
            answer = logs.filter_log_events(logGroupName=name, **token)
            for event in answer["events"]:
                lines += event["message"].splitlines()
            if not answer.get("nextToken"):
                break
            token = {"nextToken": answer["nextToken"]}
        yield FunctionLog(name.rpartition("/")[2], lines)
