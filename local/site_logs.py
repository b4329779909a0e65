"""Plays the log driver of ECS: what a container prints becomes lines in CloudWatch Logs."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from core.adapters.system import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_ecs.type_defs import ContainerDefinitionOutputTypeDef
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

    from local.cloud import Cloud

_MOST_LINES = 1000
"""Of one call; CloudWatch Logs takes 10,000 within a megabyte."""
_LONGEST_LINE = 800
logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class _Followed:
    """One container's output, and how far it has been sent."""

    path: Path
    group: str
    stream: str
    made: bool = False
    position: int = 0


class SiteLogs:
    """Sends what the containers of one account print, under the names of their task definitions."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._followed: list[_Followed] = []
        self._lock = threading.Lock()

    def follow(
        self, container: ContainerDefinitionOutputTypeDef, *, task: str, output: Path
    ) -> None:
        """Send a container's output from now on, if its task definition names a log group."""
        options = container.get("logConfiguration", {}).get("options", {})
        if "awslogs-group" not in options:
            return
        prefix = options.get("awslogs-stream-prefix", "")
        start = output.stat().st_size if output.exists() else 0
        followed = _Followed(
            path=output,
            group=options["awslogs-group"],
            stream=f"{prefix}/{container.get('name', '')}/{task}",
            position=start,
        )
        with self._lock:
            self._followed.append(followed)

    def tick(self) -> None:
        """Send every container's new lines."""
        with self._lock:
            followed = list(self._followed)
        for one in followed:
            try:
                self._send(one)
            except (BotoCoreError, ClientError, OSError):
                # The gates call a log that they cannot read "inconclusive"; it is sent again.
                logger.warning("The log %s was not sent", one.stream)

    def close(self) -> None:
        """Send what was printed last."""
        self.tick()

    def _send(self, one: _Followed) -> None:
        for lines, end in _new_lines(one.path, one.position):
            if lines:
                self._make(one)
                self._cloud.logs.put_log_events(
                    logGroupName=one.group, logStreamName=one.stream, logEvents=lines
                )
            one.position = end

    def _make(self, one: _Followed) -> None:
        if one.made:
            return
        try:
            self._cloud.logs.create_log_stream(logGroupName=one.group, logStreamName=one.stream)
        except self._cloud.logs.exceptions.ResourceAlreadyExistsException:
            logger.debug("The log %s is there", one.stream)
        one.made = True


def _new_lines(path: Path, start: int) -> Iterator[tuple[list[InputLogEventTypeDef], int]]:
    """Yield batches of whole lines that are not empty, and where each batch ends in the file."""
    if not path.exists() or path.stat().st_size <= start:
        return  # a container that could not be started has no output
    with path.open("rb") as output:
        output.seek(start)
        text = output.read()
    whole = text[: text.rfind(b"\n") + 1]
    lines, end = whole.splitlines(keepends=True), start
    now = int(SystemClock().now().timestamp() * 1000)
    for first in range(0, len(lines), _MOST_LINES):
        batch = lines[first : first + _MOST_LINES]
        end += sum(map(len, batch))
        texts = [line.decode(errors="replace").strip()[:_LONGEST_LINE] for line in batch]
        yield [{"timestamp": now, "message": text} for text in texts if text], end
