"""The containers of a release, behind a target group of their own."""

from __future__ import annotations

from dataclasses import replace

from core.domain.operation import Json
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.move import Move
from core.operations.steps.network import tenant_group_of
from core.ports.platform import ReleaseService
from events.vocabulary import ErrorCode


def start_release(context: StepContext) -> Outcome:
    """Start the release's own service behind its own target group, and wait until it is steady."""
    move, ports = Move(context), context.ports
    target_group = ports.load_balancer.ensure_target_group(move.release, move.tags)
    service = _service(context, target_group)
    task_definition = ports.containers.ensure_task_definition(service)
    ports.containers.ensure_service(service, task_definition)
    state = ports.containers.state(move.release, target_group)
    if state.failed:
        return Failed(
            code=ErrorCode.SYS_001,
            why=f"The release's containers do not start: {state.reason}",
        )
    if not state.steady:
        if context.operation.wait_number == 0 and state.arn:
            ports.wake_ups.note_resource(state.arn, context.operation.operation_id)
        return Wait(seconds=context.poll_seconds, why=state.reason)
    _note_release(context, service, task_definition)
    facts: dict[str, Json] = {
        "target_group_arn": target_group,
        "task_definition_arn": task_definition,
        "service": move.release.service,
        "addresses": list(state.addresses),
    }
    return Done(facts=facts)


def stop_release(context: StepContext) -> Outcome:
    """Undo: delete service, target group and task definition of the release."""
    release, ports = Move(context).release, context.ports
    ports.containers.delete_service(release)
    ports.load_balancer.delete_target_group(release)
    ports.containers.delete_task_definitions(release)
    return Done()


START_RELEASE = Step(name="start_release", run=start_release, undo=stop_release)


def _service(context: StepContext, target_group_arn: str) -> ReleaseService:
    move, facts = Move(context), context.facts
    image = facts.get("replicate_image") or facts["choose_image"]
    return ReleaseService(
        names=move.release,
        site_url=move.site_url,
        image_digest=str(image["image_digest"]),
        database_secret_arn=str(facts["prepare_secrets"]["database_secret"]),
        salts_secret_arn=str(facts["prepare_secrets"]["salts_secret"]),
        access_point_id=str(facts["create_access_point"]["access_point_id"]),
        target_group_arn=target_group_arn,
        tenant_group_id=tenant_group_of(context),
        desired_count=move.desired_count,
        size=move.size,
        tags=move.tags,
    )


def _note_release(context: StepContext, service: ReleaseService, task_definition_arn: str) -> None:
    move, sites = Move(context), context.ports.sites
    release = sites.get_release(move.tenant_id, move.site_id, move.release.number)
    if release is None:
        return
    sites.put_release(
        replace(
            release,
            access_point_id=service.access_point_id,
            image_digest=service.image_digest,
            task_definition_arn=task_definition_arn,
            service_name=move.release.service,
            target_group_arn=service.target_group_arn,
            updated_at=context.now,
        )
    )
