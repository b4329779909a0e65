"""Another image or size: tried beside the live containers, checked, then rolled out.

The trial has the site's own database and files, its own service and target group, and no visitor.
Only what was healthy and passed the checks there replaces the live containers.
"""

from __future__ import annotations

from dataclasses import replace

from core.domain.errors import RefusedError
from core.domain.job_facts import VerifyFacts
from core.domain.jobs import VerifyExpectation, VerifyJob
from core.domain.operation import Json
from core.domain.sizes import sized
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.changing import Changing
from core.operations.steps.checks import judged
from core.operations.steps.image import held_tag
from core.operations.steps.jobs import job_fields, leave_job, run_job
from core.operations.steps.network import tenant_group_of
from core.ports.platform import ReleaseService, ServiceState
from events.vocabulary import ErrorCode


def choose_containers(context: StepContext) -> Outcome:
    """Pin the image by digest, hold it in the registry, and fix the size."""
    change = Changing(context)
    try:
        image = _image(context)
    except RefusedError as refused:
        return Failed(code=refused.code, why=refused.message)
    if image:
        digest = str(image["image_digest"])
        context.ports.images.tag(digest, held_tag(digest))
    scale = change.changes.scale
    now: dict[str, Json] = {**image}
    if scale is not None and scale.cpu_units is not None:
        now["cpu_units"] = scale.cpu_units
    if scale is not None and scale.memory_mib is not None:
        now["memory_mib"] = scale.memory_mib
    return Done(facts={"now": now})


def start_trial(context: StepContext) -> Outcome:
    """Start one container of the new kind behind a target group of its own, unseen by visitors."""
    change, ports = Changing(context), context.ports
    trial = change.release.trial
    target_group = ports.load_balancer.ensure_target_group(trial, change.tags)
    wanted = _service(context)
    task_definition = ports.containers.ensure_task_definition(wanted)
    ports.containers.ensure_service(
        replace(wanted, names=trial, target_group_arn=target_group, desired_count=1),
        task_definition,
    )
    state = ports.containers.state(trial, target_group)
    if state.failed:
        return _failed(state)
    if not state.steady:
        return _wait(context, state)
    facts: dict[str, Json] = {
        "task_definition_arn": task_definition,
        "addresses": list(state.addresses),
    }
    return Done(facts=facts)


def discard_trial(context: StepContext) -> Outcome:
    """Undo: no trial, and no task definition that was made for it."""
    remove_trial(context)
    change, containers = Changing(context), context.ports.containers
    made = containers.find_task_definition(change.release)
    if made is not None and made != change.before("task_definition_arn"):
        containers.delete_task_definition(made)
    return Done()


def check_trial(context: StepContext) -> Outcome:
    """Check the trial at its own address, under the site's name."""
    change = Changing(context)
    addresses = context.facts["start_trial"]["addresses"]
    answer = run_job(
        context,
        VerifyJob(
            **job_fields(context),
            site_url=change.site_url,
            through="release",
            addresses=[str(a) for a in addresses] if isinstance(addresses, list) else [],
            database=change.database,
            content_root=change.release.content_root,
            expected=VerifyExpectation(),
        ),
    )
    if not isinstance(answer, dict):
        return answer
    return judged(
        VerifyFacts.model_validate(answer),
        "The site in its new containers fails {failed} of its {all} checks; visitors still have "
        "the former ones.",
    )


def roll_out(context: StepContext) -> Outcome:
    """Replace the live containers by the new ones, one after the other, and wait for the last."""
    change, containers = Changing(context), context.ports.containers
    tried = context.facts.get("start_trial", {}).get("task_definition_arn")
    task_definition = str(tried or change.before("task_definition_arn"))
    containers.roll_out(change.release, task_definition, change.count_wanted)
    state = containers.state(change.release, change.target_group_arn)
    if state.failed:
        return _failed(state)
    if not state.steady:
        return _wait(context, state)
    now: dict[str, Json] = {
        "task_definition_arn": task_definition,
        "desired_count": change.count_wanted,
    }
    return Done(facts={"now": now})


def roll_back(context: StepContext) -> Outcome:
    """Undo: the former containers in their former number, and wait for them."""
    change, containers = Changing(context), context.ports.containers
    former = str(change.before("task_definition_arn"))
    containers.roll_out(change.release, former, change.count_before)
    state = containers.state(change.release, change.target_group_arn)
    return Done() if state.steady else Wait(seconds=context.poll_seconds, why=state.reason)


def remove_trial(context: StepContext) -> Outcome:
    """Remove the trial's service and target group; its task definition is the live one now."""
    trial = Changing(context).release.trial
    context.ports.containers.delete_service(trial)
    context.ports.load_balancer.delete_target_group(trial)
    return Done()


CHOOSE_CONTAINERS = Step(name="choose_containers", run=choose_containers)
START_TRIAL = Step(name="start_trial", run=start_trial, undo=discard_trial)
CHECK_TRIAL = Step(name="check_trial", run=check_trial, leave=leave_job)
ROLL_OUT = Step(name="roll_out", run=roll_out, undo=roll_back, cuts_over=True)
REMOVE_TRIAL = Step(name="remove_trial", run=remove_trial)


def _image(context: StepContext) -> dict[str, Json]:
    """Return digest and versions of the image that is asked for; none: it stays.

    Raises RefusedError when the platform has no such image.
    """
    change, policy = Changing(context), context.policy
    wanted = change.changes.configuration
    tag = change.changes.image_tag
    known = next((image for image in policy.offered_images if image.tag == tag), None)
    if tag is None and wanted and (wanted.wordpress_version or wanted.php_version):
        known = policy.offered(
            wanted.wordpress_version or change.site.wordpress_version,
            wanted.php_version or change.site.php_version,
        )
        tag = known.tag
    if tag is None:
        return {}
    digest = context.ports.images.find_digest(tag)
    if digest is None:
        raise RefusedError(
            ErrorCode.SITE_002, f"The platform's repository has no image with the tag {tag}."
        )
    return {
        "image_digest": digest,
        "wordpress_version": known.wordpress_version if known else None,
        "php_version": known.php_version if known else None,
    }


def _service(context: StepContext) -> ReleaseService:
    """Return the live release's service in its new form."""
    change, secrets = Changing(context), context.ports.secrets
    chosen = context.facts["choose_containers"]["now"]
    now = chosen if isinstance(chosen, dict) else {}
    scale = change.changes.scale
    return ReleaseService(
        names=change.release,
        site_url=change.site_url,
        image_digest=str(now.get("image_digest", change.before("image_digest"))),
        database_secret_arn=secrets.ensure_database_secret(change.names, change.tags),
        salts_secret_arn=secrets.ensure_salts_secret(change.names, change.tags),
        access_point_id=change.record.access_point_id or "",
        target_group_arn=change.target_group_arn,
        tenant_group_id=tenant_group_of(context),
        desired_count=change.count_wanted,
        size=sized(
            scale.cpu_units if scale else None,
            scale.memory_mib if scale else None,
            change.size_before,
        ),
        tags=change.tags,
    )


def _failed(state: ServiceState) -> Failed:
    return Failed(
        code=ErrorCode.SYS_001,
        why=f"The containers in their new form do not become healthy: {state.reason}",
    )


def _wait(context: StepContext, state: ServiceState) -> Wait:
    if context.operation.wait_number == 0 and state.arn:
        context.ports.wake_ups.note_resource(state.arn, context.operation.operation_id)
    return Wait(seconds=context.poll_seconds, why=state.reason)
