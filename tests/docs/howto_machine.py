"""The one machine on which the commands of the how-to pages run, typed by a shell."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pages import ROOT, Page

CREATE = {
    "messageType": "SITE_CREATION_REQUEST",
    "correlationId": "howto",
    "timestamp": "2026-11-21T08:00:00Z",
    "payload": {
        "siteId": "site-banana",
        "tenantId": "tenant-1",
        "siteName": "Banana",
        "subdomain": "banana",
        "environment": "dev",
        "configuration": {},
    },
}
DELETION = (
    "sitefleet sites delete site-banana --tenant-id tenant-1 --env prod --yes "
    "--reason 'The contract has ended.'"
)
TO_PROD = (
    "sitefleet promotions start --tenant-id tenant-1 --site-id site-banana "
    "--source sit --target prod --change-ticket CHG0000001"
)
PROFILES = ("tech-lead", "operations-lead", "cto")
LONGEST_SECONDS = 600
_ENDED = {"COMPLETED", "FAILED", "ROLLED_BACK", "CANCELLED", "REJECTED", "ROLLBACK_FAILED"}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit code {self.code}\n{self.out}\n{self.err}"


@dataclass(kw_only=True)
class Machine:
    """A running machine, a directory to type in, and the profiles of its people."""

    home: Path
    directory: Path
    endpoint: str = ""
    described: dict[str, Any] = field(default_factory=dict)
    """What `up` printed."""
    variables: dict[str, str] = field(default_factory=dict)

    def up(self) -> None:
        """Start it, and write the people's keys as profiles, as they would have them on AWS."""
        started = self._local("up", "--json")
        assert started.returncode == 0, started.stderr
        self.described = json.loads(started.stdout)
        self.endpoint = self.described["endpoint"]
        for name in PROFILES:
            self.add_profile("prod", name)

    def add_profile(self, environment: str, name: str) -> None:
        """Write a person's keys where the AWS SDKs look for them."""
        person = self.described["people"][environment][name]
        with (self.directory / "credentials").open("a") as credentials:
            credentials.write(
                f"[{name}]\naws_access_key_id = {person['accessKeyId']}\n"
                f"aws_secret_access_key = {person['secretAccessKey']}\n"
            )

    def down(self) -> None:
        """Stop it."""
        self._local("down")

    def type(self, command: str, stdin: str = "y\n", **variables: str) -> Answer:
        """Run a line in a shell; a profile's calls go to the emulator instead of AWS."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SITEFLEET_"))}
        environ |= {
            "PATH": f"{ROOT / '.venv/bin'}:{environ['PATH']}",
            "SITEFLEET_HOME": str(self.home),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.directory / "credentials"),
            "AWS_CONFIG_FILE": str(self.directory / "config"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "COLUMNS": "200",
        }
        if "--profile" in command:
            environ["AWS_ENDPOINT_URL"] = self.endpoint
        finished = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            input=stdin,
            env=environ | variables,
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
        return Answer(code=finished.returncode, out=finished.stdout, err=finished.stderr)

    def make_site(self) -> None:
        """Create the site that the pages talk about."""
        created = self.type("sitefleet send - --watch", stdin=json.dumps(CREATE))
        assert created.code == 0, created

    def start(self) -> str:
        """Ask for another promotion to prod; return its operationId."""
        return self.type(TO_PROD).out.strip()

    def ask_for_deletion(self) -> str:
        """Ask for the deletion of the site in prod; return its operationId."""
        return self.type(DELETION).out.strip()

    def wait_for(self, operation_id: str, *statuses: str) -> None:
        """Wait until an operation stands like this; raises AssertionError when it cannot."""
        until = time.monotonic() + LONGEST_SECONDS
        while True:
            shown = self.type(f"sitefleet operations show {operation_id} --json")
            status = json.loads(shown.out)["status"] if shown.code == 0 else "not there"
            if status in statuses:
                return
            assert status not in _ENDED, shown
            assert time.monotonic() < until, shown
            time.sleep(0.5)

    def _local(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "local", *arguments],
            cwd=ROOT,
            env={**os.environ, "SITEFLEET_HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
        )


@contextmanager
def running(directory: Path, *, with_site: bool = True) -> Iterator[Machine]:
    """Have a machine, with the pages' site; it shares the checkout's cache of the build.

    SITEFLEET_ACCEPTANCE_HOME names a home to use, and to keep, instead.
    """
    given = os.environ.get("SITEFLEET_ACCEPTANCE_HOME")
    home = Path(given).resolve() if given else directory / "home"
    if not given:
        cache = ROOT / ".sitefleet" / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        home.mkdir()
        (home / "cache").symlink_to(cache)
    machine = Machine(home=home, directory=directory)
    try:
        machine.up()
        if with_site:
            machine.make_site()
        yield machine
    finally:
        if not given:
            machine.down()


def page_commands(name: str) -> list[str]:
    """Return the commands of a how-to page, in its order."""
    path = ROOT / f"docs/howto/{name}.md"
    page = Page(path=path, text=path.read_text())
    return [c for b in page.blocks if b.language == "sh" for c in commands_of(b.text)]


def commands_of(text: str) -> list[str]:
    """Return the commands of a shell block, one each, continued lines joined."""
    joined = re.sub(r" *\\\n *", " ", text)
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
