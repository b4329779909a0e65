"""Restore driven by messages: a deleted site comes back as it was, or nothing is left behind."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from core.adapters.memory.boundary import Boundary
from core.domain.names import SiteNames
from events.formats import Environment
from events.vocabulary import OperationStatus, OperationType, SiteStatus
from simulation.failures import WHY, workflows_failing_at
from simulation.promises import snapshot, visible
from simulation.requests import (
    CREATED,
    NEIGHBOUR,
    SITE,
    TENANT,
    backup_id,
    creation,
    deletion,
    queue_of,
    restore,
)
from simulation.scenario import prepared
from simulation.scenarios import SCENARIOS

DEV = Environment.DEV
NAMES = SiteNames(environment=DEV, tenant_id=TENANT, site_id=SITE)
BACKUP = backup_id(DEV)
(RESTORE,) = (scenario for scenario in SCENARIOS if scenario.name == "restore")


def send(fleet, body: str) -> None:
    fleet.send(queue_of(body), body)
    fleet.run()


def newest(fleet):
    return list(fleet.store.operations.values())[-1]


def site_of(fleet, site_id: str = SITE):
    return fleet.world.sites[TENANT, site_id]


@pytest.fixture
def deleted():
    return prepared(DEV, NEIGHBOUR, CREATED, deletion())


def plan_of_a_restore() -> tuple[str, ...]:
    fleet = RESTORE.start(Boundary())
    fleet.run()
    return newest(fleet).plan


class TestDone:
    def test_the_site_is_live_again_as_a_new_release_under_its_name(self, deleted):
        send(deleted, restore(BACKUP))
        site = site_of(deleted)
        assert (site.status, site.live_release, site.site_name) == ("ACTIVE", 2, "Banana")
        assert deleted.world.subdomains["banana"] == (TENANT, SITE)
        host = next(h for h in deleted.world.rules if h.startswith("banana."))
        target_group = deleted.world.target_groups[NAMES.release(2).target_group]
        assert deleted.world.rules[host].target_group_arn == target_group
        assert deleted.world.notifications[-1].event_type == "SITE_RESTORE_COMPLETE"

    def test_nobody_is_locked_out_the_secrets_are_the_former_ones(self):
        fleet = prepared(DEV, CREATED)
        names = (NAMES.database_secret, NAMES.admin_secret, NAMES.salts_secret)
        before = {name: fleet.world.secrets[name].value for name in names}
        send(fleet, deletion())
        assert all(fleet.world.secrets[name].deletion_at for name in names)
        send(fleet, restore(BACKUP))
        assert {name: fleet.world.secrets[name].value for name in names} == before
        assert all(fleet.world.secrets[name].deletion_at is None for name in names)

    def test_it_is_what_the_backup_says(self, deleted):
        jobs = []
        play = deleted.jobs.play
        deleted.jobs.play = lambda job: (jobs.append(job), play(job))[1]
        send(deleted, restore(BACKUP))
        loaded = next(job for job in jobs if job.kind == "import")
        assert loaded.dump.key == f"{NAMES.backup_folder(BACKUP)}/database.sql.zst"
        assert (loaded.mappings, loaded.carried_from, loaded.keep_options_from) == ([], None, None)
        placed = next(job for job in jobs if job.kind == "content")
        assert placed.source.key == NAMES.backup_folder(BACKUP)

    def test_the_platforms_newest_image_stays_the_newest(self, deleted):
        tags = dict(deleted.world.image_tags)
        deleted.world.images["sha256:newer"] = "{}"
        deleted.world.image_tags["dev-latest"] = "sha256:newer"
        send(deleted, restore(BACKUP))
        assert deleted.world.image_tags["dev-latest"] == "sha256:newer"
        restored = deleted.world.releases[TENANT, SITE, 2]
        assert restored.image_digest == tags["dev-latest"]

    def test_without_its_image_it_runs_on_the_platforms(self, deleted):
        deleted.world.images.clear()
        deleted.world.images["sha256:newer"] = "{}"
        deleted.world.image_tags["dev-latest"] = "sha256:newer"
        send(deleted, restore(BACKUP))
        assert newest(deleted).status is OperationStatus.COMPLETED
        assert deleted.world.releases[TENANT, SITE, 2].image_digest == "sha256:newer"

    def test_the_backup_stays_and_a_living_site_can_be_put_back_to_it(self, deleted):
        send(deleted, restore(BACKUP))
        send(deleted, restore(BACKUP, correlation="once-more"))
        site = site_of(deleted)
        assert (site.status, site.live_release) == (SiteStatus.ACTIVE, 3)
        assert deleted.world.releases[TENANT, SITE, 2].status == "SUPERSEDED"

    def test_deleted_and_restored_and_deleted_again(self, deleted):
        send(deleted, restore(BACKUP))
        send(deleted, deletion(correlation="again"))
        send(deleted, restore(backup_id(DEV, "again"), correlation="again"))
        assert site_of(deleted).live_release == 3


class TestRefused:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"backupId": "no-such-backup"}, "There is no backup no-such-backup of"),
            ({"siteId": "site-banana-2"}, "There is no backup"),
            ({"tenantId": "tenant-2"}, "tenant-2"),
        ],
    )
    def test_what_is_not_there_or_another_sites(self, deleted, changes, reason):
        before = snapshot(deleted)
        send(deleted, restore(BACKUP, **changes))
        assert reason in deleted.world.dead_letters[-1].attributes["reason"]
        assert snapshot(deleted) == before

    def test_one_that_has_expired(self, deleted):
        deleted.clock.advance(timedelta(days=8).total_seconds())
        send(deleted, restore(BACKUP))
        assert "was kept until" in deleted.world.dead_letters[-1].attributes["reason"]

    def test_a_site_that_is_being_deleted(self, deleted):
        key = (TENANT, SITE)
        site = deleted.world.sites[key]
        deleted.world.sites[key] = type(site)(**{**vars(site), "status": "DEPROVISIONING"})
        send(deleted, restore(BACKUP))
        assert deleted.world.dead_letters[-1].attributes["errorCode"] == "SITE_005"

    def test_a_name_that_was_given_away_says_what_to_do(self, deleted):
        send(deleted, creation("site-new", correlation="new"))
        before = visible(snapshot(deleted))
        send(deleted, restore(BACKUP))
        failed = newest(deleted)
        assert (failed.status, failed.failure.code) == (OperationStatus.FAILED, "SITE_003")
        assert "Give that site another name, or delete it" in failed.failure.message
        assert visible(snapshot(deleted)) == before
        assert site_of(deleted).status is SiteStatus.DELETED
        assert site_of(deleted, "site-new").status is SiteStatus.ACTIVE


@pytest.mark.parametrize("step", plan_of_a_restore())
def test_a_step_that_fails_leaves_the_site_deleted_and_its_backup_whole(step):
    workflows = workflows_failing_at(OperationType.SITE_RESTORE, step)
    fleet = RESTORE.start(Boundary(), workflows)
    before = visible(snapshot(fleet))
    fleet.run()
    failed = newest(fleet)
    assert (failed.failure.message, failed.failure.step) == (WHY, step)
    assert failed.is_terminal
    assert visible(snapshot(fleet)) == before
    assert site_of(fleet).status is SiteStatus.DELETED
    assert fleet.store.locks == {}
    secrets = [fleet.world.secrets[n] for n in (NAMES.admin_secret, NAMES.salts_secret)]
    assert all(secret.deletion_at for secret in secrets), "kept for the next restore"


def test_the_next_restore_after_a_failed_one_succeeds():
    workflows = workflows_failing_at(OperationType.SITE_RESTORE, "check_after")
    fleet = RESTORE.start(Boundary(), workflows)
    salts = json.loads(fleet.world.secrets[NAMES.salts_secret].value)
    fleet.run()
    again = type(fleet)(environment=DEV, state=fleet.saved())
    send(again, restore(BACKUP, correlation="again"))
    assert newest(again).status is OperationStatus.COMPLETED
    assert json.loads(again.world.secrets[NAMES.salts_secret].value) == salts
