"""Image and containers of a release."""

from __future__ import annotations

from dataclasses import replace

from core.domain.errors import UnfinishedError
from core.domain.operation import Json
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.move import Move
from core.operations.steps.network import tenant_group_of
from core.ports.platform import ReleaseService
from events.requests import SiteCreationPayload
from events.vocabulary import ErrorCode


def choose_image(context: StepContext) -> Outcome:
    """Pin the WordPress image that was asked for by digest: a tag may move, a digest does not."""
    tag = context.policy.image_tag(*_versions_asked_for(context))
    return Done(facts={"image_digest": context.ports.images.digest_of(tag), "tag": tag})


def replicate_image(context: StepContext) -> Outcome:
    """See that this account's registry has the source's image, by the same digest."""
    digest, images = Move(context).census.image_digest, context.ports.images
    present = images.present(digest)
    former = images.find_digest(latest_tag(context))
    if not present:
        operation_id = context.operation.operation_id
        try:
            images.copy_from_source(digest, _release_tag(context), operation_id=operation_id)
        except UnfinishedError:
            return Wait(seconds=1, why="the rest of the image's layers")
    return Done(facts={"image_digest": digest, "copied": not present, "former_latest": former})


def untag_image(context: StepContext) -> Outcome:
    """Undo: take the release's tag off; the registry's lifecycle rules remove what has none."""
    context.ports.images.untag(_release_tag(context))
    return Done()


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


def latest_tag(context: StepContext) -> str:
    """Return the tag of the image that was promoted last."""
    return f"{context.policy.environment}-latest"


def restore_latest(context: StepContext) -> None:
    """Put the tag back where it was before this operation; take it off where there was none.

    The tag is the environment's, not the site's: it stays where another operation has moved it.
    """
    images, tag = context.ports.images, latest_tag(context)
    replicated = context.facts.get("replicate_image", {})
    if "former_latest" not in replicated:  # a creation runs what the tag names anyway
        return
    former = replicated["former_latest"]
    if images.find_digest(tag) != replicated["image_digest"]:
        return
    if former is None:
        images.untag(tag)
    elif former != replicated["image_digest"]:
        images.tag(str(former), tag)


CHOOSE_IMAGE = Step(name="choose_image", run=choose_image)
REPLICATE_IMAGE = Step(name="replicate_image", run=replicate_image, undo=untag_image)
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


def _versions_asked_for(context: StepContext) -> tuple[str | None, str | None]:
    payload = context.request.payload
    if not isinstance(payload, SiteCreationPayload):
        return None, None
    return payload.configuration.wordpress_version, payload.configuration.php_version


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


def _release_tag(context: StepContext) -> str:
    release = Move(context).release
    return f"{release.site.key}-r{release.number}"
