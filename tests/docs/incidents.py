"""The staged incidents: how each comes about, what the operator is told, and how it is over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from howto_machine import Machine
from pages import ROOT, Page
from staged import SITE, TENANT, Stage

from events.vocabulary import OperationStatus

MOST_COMMANDS = 10
MANY = 11
"""More than the alarm takes for few."""
PROMOTE = "promotions start --tenant-id tenant-1 --site-id site-banana --source dev --target sit"
UPDATE = f"sites update {SITE} --tenant-id {TENANT} --env dev"
CLOSED = 'start = "03:00:00"\nend = "03:10:00"\n'
type Ids = dict[str, str]
type Staged = Iterator[Ids]


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One of the twelve."""

    page: str
    section: str
    stage: Callable[[Stage], Any]
    """A context: what goes wrong, until it is over. Yields the ids, by the page's placeholder."""
    cause: str
    """What has to be read somewhere in what the commands print."""
    over: Callable[[Stage, Mapping[str, str]], bool]
    rings: str = ""
    """Which alarm it is that the machine rings; its expressions it does not have."""
    told: tuple[str, ...] = ()
    """Placeholders whose id the alarm or the notification itself names; others must be found."""
    ends_otherwise: Mapping[str, int] = field(default_factory=dict)
    """Part of a command -> its exit code, where that is not 0."""

    @property
    def name(self) -> str:
        return f"{self.page}: {self.section}"

    def commands(self) -> list[str]:
        """Return the commands of the section, in its order."""
        path = ROOT / f"docs/runbooks/{self.page}.md"
        page = Page(path=path, text=path.read_text())
        [section] = [
            part
            for part in page.text.split("\n## ")
            if part.startswith(f"Incident: {self.section}\n")
        ]
        blocks = Page(path=path, text=section).blocks
        joined = "".join(b.text for b in blocks if b.language == "sh").replace("\\\n", " ")
        return [" ".join(line.split()) for line in joined.splitlines() if line.strip()]


def is_completed(stage: Stage, operation_id: str, environment: str) -> bool:
    found = stage.operation(operation_id, environment)
    return found is not None and found.status is OperationStatus.COMPLETED


def is_live_in_sit(stage: Stage, _ids: Mapping[str, str]) -> bool:
    return stage.answers("sit")


def site_answers(stage: Stage, _ids: Mapping[str, str]) -> bool:
    return stage.answers()


# --- promotions ------------------------------------------------------------------------------


@contextmanager
def import_killed(stage: Stage) -> Staged:
    """The import's task is killed, at every attempt, as for want of memory."""
    operation_id = stage.ask(PROMOTE)

    def has_failed() -> bool:
        found = stage.operation(operation_id, "sit")
        return found is not None and found.is_terminal

    killed = stage.seen.kill_jobs(operation_id, "import_database", until=has_failed)
    assert killed
    yield {"operationId": operation_id}


@contextmanager
def window_closed(stage: Stage) -> Staged:
    """A maintenance window that has just closed, for a week."""
    day = f"{stage.clock_days_ago(1):%A}".lower()
    opening = f'\n[[promotion.window.openings]]\nday = "{day}"\n{CLOSED}'
    waits = "".join(
        f"\n[steps.{step}]\ndeadline_seconds = 700000\npoll_seconds = 60\n"
        for step in ("await_window", "decide_again", "confirm_window")
    )
    stage.deploy_policy(
        "sit",
        ("rollback_seconds = 10\n", f"rollback_seconds = 10\n{opening}"),
        ("[steps.update_dns]", f"{waits}\n[steps.update_dns]"),
    )
    try:
        operation_id = stage.ask(PROMOTE)

        def waits_for_window() -> bool:
            found = stage.operation(operation_id, "sit")
            return found is not None and found.step == "await_window" and bool(found.waiting_for)

        stage.until(waits_for_window, "a promotion that waits for its window")
        yield {"operationId": operation_id}
    finally:
        stage.deploy_policy("sit")


@contextmanager
def approval_expired(stage: Stage) -> Staged:
    """Nobody approves in time; the policy is sit's own: the development lead is asked."""
    people = (
        "[promotion.approval.people.dev-lead]\n"
        'principals = ["arn:aws:iam::815856636111:user/dev-lead"]\nroles = ["DEV_LEAD"]\n'
    )
    asked = 'roles = ["DEV_LEAD"]\nrequester_required = true\nwait_seconds = 0\nexpires_seconds = '
    unasked = "roles = []\nrequester_required = false\nwait_seconds = 0\nexpires_seconds = 172800\n"
    try:
        stage.deploy_policy("sit", (unasked, f"{asked}3\n\n{people}"))
        operation_id = stage.ask(PROMOTE)
        stage.until_it_stands(operation_id, "sit", "FAILED")
        stage.deploy_policy("sit", (unasked, f"{asked}172800\n\n{people}"))
        yield {"operationId": operation_id}
    finally:
        stage.deploy_policy("sit")


# --- operations that stand still -------------------------------------------------------------


@contextmanager
def job_stuck(stage: Stage) -> Staged:
    """A job that hangs beyond the deadline of its step."""
    operation_id = stage.ask(f"{UPDATE} --theme twentytwentythree")
    stage.seen.freeze_job(operation_id, "change_theme")

    def is_stalled() -> bool:
        found = stage.operation(operation_id, "dev")
        return found is not None and found.stalled_since is not None

    stage.until(is_stalled, "a stalled operation")
    yield {"operationId": operation_id}


@contextmanager
def cap_reached(stage: Stage) -> Staged:
    """A tenant that may do one thing at a time, and whose one thing hangs."""
    stage.deploy_policy(
        "dev",
        ("max_running_operations_per_tenant = 8", "max_running_operations_per_tenant = 1"),
    )
    try:
        hanging = stage.ask(f"{UPDATE} --theme twentytwentythree")
        stage.seen.freeze_job(hanging, "change_theme")
        waiting = stage.ask("send -", stdin=stage.creation("cherry"))
        stage.until(lambda: stage.operation(waiting, "dev"), "the creation to be accepted")
        yield {"hangingId": hanging, "waitingId": waiting}
    finally:
        stage.deploy_policy("dev")


def waiting_is_done(stage: Stage, ids: Mapping[str, str]) -> bool:
    return is_completed(stage, ids["waitingId"], "dev")


@contextmanager
def rollback_half_done(stage: Stage) -> Staged:
    """The database goes away in the middle: neither forward nor back."""
    operation_id = stage.ask(f"{UPDATE} --install-plugin broken-page")

    def goes_back() -> bool:
        found = stage.operation(operation_id, "dev")
        return (
            found is not None
            and found.step not in {None, "lock_site", "survey_site"}
            and (found.step != "install_plugins" or found.phase == "undo")
        )

    stage.until(goes_back, "plugins to be installed", pause_seconds=0.05)
    stage.stop_database("dev")
    try:
        stage.until_it_stands(operation_id, "dev", "ROLLBACK_FAILED")
        yield {"operationId": operation_id}
    finally:
        stage.start_database("dev")


# --- sites and functions ---------------------------------------------------------------------


@contextmanager
def containers_gone(stage: Stage) -> Staged:
    """Somebody has set the service's number of containers to 0, beside the fleet."""
    stage.scale("dev", 0)
    stage.until(lambda: not stage.answers(), "the site to be gone")
    operation_id = stage.ask(f"{UPDATE} --install-plugin notice-banner")
    stage.until_it_stands(operation_id, "dev", "FAILED", "ROLLED_BACK")
    yield {"operationId": operation_id}


@contextmanager
def throttled(stage: Stage) -> Staged:
    """Reserved concurrency 0: Lambda turns every invocation away."""
    client: Any = stage.clouds["dev"]._make("lambda")
    name = "dev-bbws-async-processor-update"
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        operation_id = stage.ask(f"{UPDATE} --theme twentytwentythree")
        yield {"operationId": operation_id}
    finally:
        client.delete_function_concurrency(FunctionName=name)


# --- dead letters ----------------------------------------------------------------------------


@contextmanager
def plugin_refused(stage: Stage) -> Staged:
    """An upstream service asks for a version with a known vulnerability."""
    operation_id = stage.ask(f"{UPDATE} --install-plugin old-gallery=1.0.0")
    stage.until(lambda: stage.letters() == 1, "the request among the dead letters")
    yield {"operationId": operation_id}


@contextmanager
def malformed(stage: Stage) -> Staged:
    """A sender's new version writes something else than requests."""
    for number in range(MANY):
        stage.drop("creation", json.dumps({"type": "CreateSite", "order": number}))
    stage.until(lambda: stage.letters() == MANY, "the messages among the dead letters")
    yield {}


@contextmanager
def tenant_suspended(stage: Stage) -> Staged:
    """The platform's API has suspended a tenant by mistake."""
    stage.set_tenant("SUSPENDED")
    try:
        asked = [
            stage.ask(f"{UPDATE} --{change}")
            for change in ("theme twentytwentythree", "desired-count 1")
        ]
        stage.until(lambda: stage.letters() == len(asked), "the requests among the dead letters")
        yield {f"asked{number}": one for number, one in enumerate(asked)}
    finally:
        stage.set_tenant("REGISTERED")


def all_asked_is_done(stage: Stage, ids: Mapping[str, str]) -> bool:
    asked = [value for name, value in ids.items() if name.startswith("asked")]
    return stage.letters() == 0 and all(is_completed(stage, one, "dev") for one in asked)


def no_letters(stage: Stage, _ids: Mapping[str, str]) -> bool:
    return stage.letters() == 0


@contextmanager
def stuck_provisioning(stage: Stage) -> Staged:
    """The platform's API has written the record, and its request was refused."""
    stage.write_record("mango")
    body = json.loads(stage.creation("mango"))
    stage.write_file("corrected.json", json.dumps(body))
    body["payload"]["templateId"] = "no-such-template"
    stage.drop("creation", json.dumps(body))
    stage.until(lambda: stage.letters() == 1, "the request among the dead letters")
    yield {}


def mango_is_there(stage: Stage, _ids: Mapping[str, str]) -> bool:
    return stage.letters() == 0 and stage.answers(name="mango")


INCIDENTS = (
    Incident(
        page="promotion-failed",
        section="the import failed",
        rings="bbws-wp-promotion-failed-sit",
        stage=import_killed,
        cause="The job import_database stopped without a result",
        over=is_live_in_sit,
    ),
    Incident(
        page="promotion-failed",
        section="the window is closed",
        stage=window_closed,
        cause="The window is closed",
        over=is_live_in_sit,
        ends_otherwise={"operations cancel": 3},
    ),
    Incident(
        page="promotion-failed",
        section="the approval expired",
        rings="bbws-wp-promotion-failed-sit",
        stage=approval_expired,
        cause="Not everybody agreed to the plan in time; missing: DEV_LEAD",
        over=is_live_in_sit,
    ),
    Incident(
        page="operations-stalled",
        section="a job is stuck",
        rings="bbws-wp-operations-stalled-dev",
        stage=job_stuck,
        cause="the job change_theme to finish",
        over=lambda stage, ids: is_completed(stage, ids["operationId"], "dev"),
    ),
    Incident(
        page="operations-stalled",
        section="a tenant's line does not move",
        stage=cap_reached,
        cause="as many as the policy allows",
        over=waiting_is_done,
        ends_otherwise={"operations cancel": 3},
    ),
    Incident(
        page="site-creation-failed",
        section="a site stays in PROVISIONING",
        rings="bbws-wp-dead-letters-dev",
        stage=stuck_provisioning,
        cause="TEMP_001",
        over=mango_is_there,
    ),
    Incident(
        page="dead-letters",
        section="a plugin is refused",
        rings="bbws-wp-dead-letters-dev",
        stage=plugin_refused,
        cause="PLUG_003",
        over=no_letters,
    ),
    Incident(
        page="dead-letters",
        section="a sender's messages are malformed",
        rings="bbws-wp-dead-letters-many-dev",
        stage=malformed,
        cause="SITE_001",
        over=no_letters,
    ),
    Incident(
        page="dead-letters",
        section="the dead-letter queue fills",
        rings="bbws-wp-dead-letters-dev",
        stage=tenant_suspended,
        cause="SUSPENDED",
        over=all_asked_is_done,
    ),
    Incident(
        page="rollback-failed",
        section="a rollback is half done",
        rings="bbws-wp-rollback-failed-dev",
        stage=rollback_half_done,
        cause="database",
        over=site_answers,
        ends_otherwise={"operations retry": 3},
    ),
    Incident(
        page="wordpress-timeouts",
        section="WordPress is down",
        stage=containers_gone,
        cause="/wp-json/: status 503",
        over=site_answers,
    ),
    Incident(
        page="function-throttles",
        section="a function is throttled",
        stage=throttled,
        cause='"ReservedConcurrentExecutions": 0',
        over=lambda stage, ids: is_completed(stage, ids["operationId"], "dev"),
        told=("operationId",),
    ),
)


def typed(machine: Machine, stage: Stage, command: str) -> Any:
    """Type one command of a page."""
    return stage.aws(command) if command.startswith("aws ") else machine.type(command)
