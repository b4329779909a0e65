"""Old releases: kept for the way back, as many as policy says, then removed."""

from __future__ import annotations

from dataclasses import replace

from core.domain.errors import SitefleetError, TransientError
from core.domain.job_models import Database
from core.domain.jobs import RetireJob
from core.domain.names import manifest_key, marks_key
from core.domain.operation import Json
from core.domain.site import Release, ReleaseStatus
from core.engine.outcome import Done, Failed, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.jobs import job_fields, leave_job, run_job
from core.operations.steps.move import Move


def retire_releases(context: StepContext) -> Outcome:
    """Remove the releases behind the kept ones; what cannot be removed is noted and stays.

    The release that was live before is the way back and counts as kept. This step never fails: an
    old release that stays is no reason to take the new one back.
    """
    old = _out_of_reach(context)
    if not old:
        return Done(facts={"retired": []})
    try:
        for release in old:
            _stop(context, release)
        answer = run_job(context, _job(context, old))
    except TransientError:
        raise
    except SitefleetError as error:
        return _left(old, str(error))
    if isinstance(answer, Failed):
        return _left(old, answer.why)
    if not isinstance(answer, dict):
        return answer
    for release in old:
        context.ports.sites.put_release(
            replace(release, status=ReleaseStatus.DISCARDED, updated_at=context.now)
        )
    return Done(facts={"retired": _numbers(old)})


RETIRE_RELEASES = Step(name="retire_releases", run=retire_releases, leave=leave_job)


def _out_of_reach(context: StepContext) -> list[Release]:
    move = Move(context)
    releases = context.ports.sites.list_releases(move.tenant_id, move.site_id)
    former = move.live_release.number if move.live_release else None
    older = [r for r in releases if r.status is ReleaseStatus.SUPERSEDED and r.number != former]
    newest_first = sorted(older, key=lambda r: r.number, reverse=True)
    return newest_first[context.policy.kept_releases - 1 :]


def _stop(context: StepContext, release: Release) -> None:
    move, ports = Move(context), context.ports
    names = move.site.release(release.number)
    ports.containers.delete_service(names)
    ports.load_balancer.delete_target_group(names)
    ports.containers.delete_task_definitions(names)
    ports.file_systems.delete_access_point(names)
    ports.transfer.delete_prefix(manifest_key(move.site, release.number))
    ports.transfer.delete_prefix(marks_key(names))


def _job(context: StepContext, old: list[Release]) -> RetireJob:
    secret = Move(context).site.database_secret
    return RetireJob(
        **job_fields(context),
        databases=[Database(secret_id=secret, schema_name=r.schema) for r in old],
        content_roots=[r.content_root for r in old],
    )


def _left(old: list[Release], why: str) -> Done:
    return Done(facts={"retired": [], "left": _numbers(old), "why": why})


def _numbers(releases: list[Release]) -> list[Json]:
    return [release.number for release in releases]
