"""Running one of the migrator's PHP scripts: a request goes in as JSON, a report comes back.

WordPress and its plugins are other people's programs. They may print before the report, fail, or
never come to an end: PHP's own limit counts CPU time only, so the clock on the wall is kept here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from events.vocabulary import ErrorCode
from migrator.errors import JobFailure
from migrator.processes import drained, running

_ANSWER_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class PhpAnswer:
    """How a script ended."""

    code: int
    """Its exit code."""
    output: bytes
    """The beginning of what it printed: the first `most_bytes`."""
    complaint: str
    """The last error it printed, cleaned."""

    @property
    def last_line(self) -> Any:
        """What the last line says as JSON; None where it is no JSON."""
        try:
            return json.loads(self.output.strip().rsplit(b"\n", 1)[-1])
        except ValueError:
            return None


def ask_php(
    arguments: Sequence[str],
    request: Any,
    *,
    what: str,
    within_seconds: float,
    secrets: Sequence[str] = (),
    user: int | None = None,
    most_bytes: int = _ANSWER_BYTES,
) -> PhpAnswer:
    """Run a script with a request on its standard input.

    `what` says in the error what was not done. Raises JobFailure (WP_002, to be tried again) when
    the script is still at work after `within_seconds`; it is stopped then.
    """
    with running(arguments, secrets=secrets, feed=True, user=user) as php:
        reader, output = drained(php.stdout, most_bytes)
        try:
            php.stdin.write(json.dumps(request).encode())
            php.stdin.close()
        except BrokenPipeError:
            pass  # php has ended before it read; its exit code tells
        try:
            code = php.finish(within_seconds)
        except TimeoutError:
            raise JobFailure(
                f"WordPress was not done with {what} after {within_seconds:g} s and was stopped. "
                "Look for what it waits for: a plugin, a locked table, the network.",
                code=ErrorCode.WP_002,
                retryable=True,
            ) from None
        reader.join()
        return PhpAnswer(code=code, output=bytes(output), complaint=php.complaint())


def failed(answer: PhpAnswer, what: str) -> JobFailure:
    """Return the error (WP_001, to be tried again) of a script that ended without its work done.

    It carries WordPress' own last words.
    """
    how = f"exit code {answer.code}" if answer.code else "it ended without its report"
    return JobFailure(
        f"WordPress could not do {what} ({how}): {answer.complaint}",
        code=ErrorCode.WP_001,
        retryable=True,
    )


def php_arguments(script: str, settings: Mapping[str, str]) -> list[str]:
    """Return the command line of a script under settings of its own."""
    given = (part for name, value in settings.items() for part in ("-d", f"{name}={value}"))
    return ["php", *given, script]
