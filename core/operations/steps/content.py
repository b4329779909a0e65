"""The content directory of a release: its access point and its files."""

from __future__ import annotations

from core.domain.job_facts import ContentFacts, ExportFacts, InstallFacts
from core.domain.jobs import ContentJob, InstallJob, RemoveContentJob
from core.domain.names import manifest_key, transfer_prefix
from core.domain.operation import Json
from core.engine.outcome import Done, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.database import drop_database
from core.operations.steps.image import offered_image
from core.operations.steps.jobs import job_fields, run_job, stop_job
from core.operations.steps.move import Move
from events.requests import SiteCreationPayload


def create_access_point(context: StepContext) -> Outcome:
    """Make (or find) the access point rooted at the release's directory."""
    move = Move(context)
    access_point = context.ports.file_systems.ensure_access_point(move.release, move.tags)
    return Done(facts={"access_point_id": access_point})


def remove_content(context: StepContext) -> Outcome:
    """Undo: remove the directory of the release, which was never live, and its access point."""
    release = Move(context).release
    answer = run_job(
        context, RemoveContentJob(**job_fields(context), content_root=release.content_root)
    )
    if not isinstance(answer, dict):
        return answer
    context.ports.file_systems.delete_access_point(release)
    return Done()


def place_content(context: StepContext) -> Outcome:
    """Place the exported files, and what the target already has, into the release's directory."""
    move = Move(context)
    exported = ExportFacts.model_validate(context.facts["export_source"])
    live = move.live_release
    transfer, selected = context.ports.transfer, move.protection.travelling_folders
    answer = run_job(
        context,
        ContentJob(
            **job_fields(context),
            source=transfer.location(transfer_prefix(context.operation.operation_id)),
            manifest_sha256=exported.manifest_sha256,
            content_root=move.release.content_root,
            live_content_root=live.content_root if live else None,
            manifest_destination=transfer.location(manifest_key(move.site, move.release.number)),
            selected_folders=list(selected) if selected is not None else None,
            kept_folders=list(move.protection.folders) if live else [],
        ),
    )
    if not isinstance(answer, dict):
        return answer
    return Done(facts=ContentFacts.model_validate(answer).model_dump(mode="json"))


def stop_placing(context: StepContext) -> Outcome:
    """Undo: stop the job and forget the manifest; the directory goes with its access point."""
    move = Move(context)
    waiting = stop_job(context)
    if waiting is not None:
        return waiting
    context.ports.transfer.delete_prefix(manifest_key(move.site, move.release.number))
    return Done()


def install_wordpress(context: StepContext) -> Outcome:
    """Make schema and content of a fresh WordPress."""
    move, payload = Move(context), context.request.payload
    theme, image = None, offered_image(context)
    if isinstance(payload, SiteCreationPayload) and payload.template_id is None:
        theme = payload.configuration.theme  # with a template, it may come in the template
    answer = run_job(
        context,
        InstallJob(
            **job_fields(context),
            database=move.database,
            content_root=move.release.content_root,
            site_url=move.site_url,
            site_name=move.site_name,
            admin_secret_id=move.site.admin_secret,
            theme=theme or context.policy.default_theme,
            wordpress_version=image.wordpress_version if image else None,
        ),
    )
    if not isinstance(answer, dict):
        return answer
    facts = InstallFacts.model_validate(answer)
    if image is not None:  # the job's own PHP is not what will serve the site
        facts = facts.model_copy(update={"php_version": image.php_version})
    versions: dict[str, Json] = {
        "wordpressVersion": facts.wordpress_version,
        "phpVersion": facts.php_version,
    }
    return Done(facts=facts.model_dump(mode="json"), summary=versions)


CREATE_ACCESS_POINT = Step(name="create_access_point", run=create_access_point, undo=remove_content)
PLACE_CONTENT = Step(name="place_content", run=place_content, undo=stop_placing)
INSTALL_WORDPRESS = Step(name="install_wordpress", run=install_wordpress, undo=drop_database)
