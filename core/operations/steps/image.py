"""The image of a release: pinned by digest, and held in the registry by a tag that never moves.

A digest stays what it is, but a registry drops an image that has lost its tags. Sites share images,
so none is removed with a site: a release would take along what another one runs.
"""

from __future__ import annotations

from core.domain.errors import UnfinishedError
from core.domain.policy import OfferedImage
from core.engine.outcome import Done, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.move import Move
from events.requests import SiteCreationPayload


def choose_image(context: StepContext) -> Outcome:
    """Pin the WordPress image that was asked for by digest: a tag may move, a digest does not.

    A clone of which no version is asked runs what its source runs.
    """
    images, tag = context.ports.images, context.policy.image_tag(*_versions_asked_for(context))
    digest = _image_of_source(context) or images.digest_of(tag)
    images.tag(digest, held_tag(digest))
    return Done(facts={"image_digest": digest})


def choose_kept_image(context: StepContext) -> Outcome:
    """Pin the image that a restored site ran with; the platform's own where that is lost."""
    images, kept = context.ports.images, Move(context).backup.image_digest
    digest = kept if kept and images.present(kept) else None
    chosen = digest or images.digest_of(context.policy.wordpress_tag)
    images.tag(chosen, held_tag(chosen))
    return Done(facts={"image_digest": chosen, "as_before": digest is not None})


def replicate_image(context: StepContext) -> Outcome:
    """See that this account's registry has the source's image, by the same digest."""
    digest, images = Move(context).census.image_digest, context.ports.images
    former, held = images.find_digest(latest_tag(context)), images.find_digest(held_tag(digest))
    if held is None:
        operation_id = context.operation.operation_id
        try:
            images.copy_from_source(digest, held_tag(digest), operation_id=operation_id)
        except UnfinishedError:
            return Wait(seconds=1, why="the rest of the image's layers")
    return Done(facts={"image_digest": digest, "copied": held is None, "former_latest": former})


def offered_image(context: StepContext) -> OfferedImage | None:
    """Return what policy says of the image of a new site; None: its tag is not listed."""
    return context.policy.image_of(*_versions_asked_for(context))


def held_tag(digest: str) -> str:
    """Return the tag by which an image is held: its digest, as registries spell it in a tag."""
    return digest.replace(":", "-")


def latest_tag(context: StepContext) -> str:
    """Return the tag of the image that was promoted last."""
    return f"{context.policy.environment}-latest"


def restore_latest(context: StepContext) -> None:
    """Put the tag back where it was before this operation; take it off where there was none.

    The tag is the environment's, not the site's: it stays where another operation has moved it.
    A former image that a person has removed leaves nothing to be the latest.
    """
    images, tag = context.ports.images, latest_tag(context)
    replicated = context.facts.get("replicate_image", {})
    if "former_latest" not in replicated:  # a creation runs what the tag names anyway
        return
    former = replicated["former_latest"]
    if images.find_digest(tag) != replicated["image_digest"]:
        return
    if former is None or not images.present(str(former)):
        images.untag(tag)
    elif former != replicated["image_digest"]:
        images.tag(str(former), tag)


CHOOSE_IMAGE = Step(name="choose_image", run=choose_image)
CHOOSE_KEPT_IMAGE = Step(name="choose_image", run=choose_kept_image)
REPLICATE_IMAGE = Step(name="replicate_image", run=replicate_image)


def _image_of_source(context: StepContext) -> str | None:
    """Return the image of a clone's source, if no version is asked for and the image is here."""
    payload = context.request.payload
    cloned = isinstance(payload, SiteCreationPayload) and payload.clone_from is not None
    if not cloned or any(_versions_asked_for(context)):
        return None
    digest = Move(context).census.image_digest
    return digest if context.ports.images.present(digest) else None


def _versions_asked_for(context: StepContext) -> tuple[str | None, str | None]:
    payload = context.request.payload
    if not isinstance(payload, SiteCreationPayload):
        return None, None
    return payload.configuration.wordpress_version, payload.configuration.php_version
