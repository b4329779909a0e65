"""Deletion driven by messages: nothing goes before its backup is proved, and nothing else ever."""

from __future__ import annotations

import json

import pytest

from core.adapters.memory.boundary import Boundary
from core.domain.errors import TransientError
from core.domain.job_facts import JobError
from core.domain.names import SiteNames, site_key
from core.domain.site_backup import SiteBackup
from events.formats import Environment
from events.vocabulary import OperationStatus, OperationType, SiteStatus
from simulation.failures import WHY, workflows_failing_at
from simulation.fleet import SimulatedFleet
from simulation.promises import snapshot, visible
from simulation.requests import (
    CREATED,
    FIRST,
    NEIGHBOUR,
    SECOND,
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
from tests.engine.deciding import message_to

DEV, SIT, PROD = Environment.DEV, Environment.SIT, Environment.PROD
NAMES = SiteNames(environment=DEV, tenant_id=TENANT, site_id=SITE)
NEXT_DOOR = site_key(TENANT, "site-banana-2")
GOES_BACK = (
    "lock_site",
    "note_site",
    "deprovision",
    "rest_site",
    "back_up_site",
    "prove_backup",
    "take_name_down",
)
GOES_ON = (
    "invalidate_cache",
    "remove_services",
    "remove_data",
    "remove_secrets",
    "mark_deleted",
    "discard_backup",
)


def scenario(name: str):
    return next(s for s in SCENARIOS if s.name == name)


def send(fleet: SimulatedFleet, body: str) -> None:
    fleet.send(queue_of(body), body)
    fleet.run()


def newest(fleet: SimulatedFleet):
    return list(fleet.store.operations.values())[-1]


def site_of(fleet: SimulatedFleet, site_id: str = SITE):
    return fleet.world.sites[TENANT, site_id]


def traces(fleet: SimulatedFleet, site_id: str = SITE) -> set[str]:
    """Return the name of everything outside the records that still is of a site."""
    world, key = fleet.world, site_key(TENANT, site_id)
    kept = ("jobs/", "evidence/", "transfers/", "backups/", "salvage/")
    names = [
        *world.services,
        *world.target_groups,
        *world.access_points,
        *world.rules,
        *world.dns_records,
        *world.image_tags,
        *(s.names.service for s in world.task_definitions.values()),
        *(name for name, secret in world.secrets.items() if secret.deletion_at is None),
        *(k for k in world.objects if not k.startswith(kept)),
        *fleet.effects.schemas,
        *fleet.effects.directories,
        *(f"user:{user}" for user in fleet.effects.users),
    ]
    parts = (key, f"/{site_id}/", f"user:{site_id}")
    hosts = {f"{s.subdomain}." for (_, i), s in world.sites.items() if i == site_id}
    found = {str(n) for n in names if any(part in str(n) for part in parts)}
    found |= {str(n) for n in names if any(str(n).startswith(host) for host in hosts)}
    return {name for name in found if not name.endswith(f":{site_id}-2")}


@pytest.fixture
def fleet():
    return prepared(DEV, NEIGHBOUR, CREATED)


class TestDone:
    def test_everything_of_the_site_is_gone_and_its_record_is_kept(self, fleet):
        assert len(traces(fleet)) > 8
        send(fleet, deletion())
        assert traces(fleet) == set()
        site = site_of(fleet)
        assert (site.status, site.live_release) == (SiteStatus.DELETED, None)
        assert "banana" not in fleet.world.subdomains
        assert [r.status for r in fleet.world.releases.values() if r.site_id == SITE] == [
            "DISCARDED"
        ]

    def test_kept_releases_go_too(self):
        fleet = prepared(SIT, FIRST, SECOND)
        assert len([s for s in fleet.effects.schemas if NAMES.key in s]) == 2
        send(fleet, deletion())
        assert newest(fleet).status is OperationStatus.COMPLETED
        assert traces(fleet) == set()

    def test_a_neighbour_with_a_name_that_begins_alike_is_left_as_it_is(self, fleet):
        def next_door():
            world = fleet.world
            records = [world.sites[TENANT, "site-banana-2"], world.subdomains["banana-2"]]
            releases = [r for r in world.releases.values() if r.site_id == "site-banana-2"]
            secrets = {n: s for n, s in world.secrets.items() if "/site-banana-2/" in n}
            services = {n: s for n, s in world.services.items() if NEXT_DOOR in n}
            rest = sorted(name for name in traces(fleet, "site-banana-2"))
            return repr((records, releases, secrets, services, rest))

        before = next_door()
        assert before.count(NEXT_DOOR) > 8
        send(fleet, deletion())
        send(fleet, restore(backup_id(DEV)))
        send(fleet, deletion(correlation="once-more", retainBackup=False))
        assert next_door() == before

    def test_its_backup_is_recorded_with_all_that_a_restore_needs(self, fleet):
        send(fleet, deletion())
        text = fleet.world.objects[NAMES.backup_record(backup_id(DEV))]
        backup = SiteBackup.model_validate_json(text)
        assert (backup.subdomain, backup.site_name) == ("banana", "Banana")
        assert backup.image_digest
        assert (backup.keep_until - backup.created_at).days == 7
        data = [k for k in fleet.world.objects if k.startswith(f"{backup.folder}/")]
        assert len(data) == 2

    def test_a_backup_that_nobody_wants_is_made_all_the_same_and_goes_last(self, fleet):
        seen = []
        fleet.boundary.after = lambda call: seen.append(
            (call.port, call.method, any(k.startswith("backups/") for k in fleet.world.objects))
        )
        send(fleet, deletion(retainBackup=False))
        assert [k for k in fleet.world.objects if k.startswith("backups/")] == []
        deleted = [there for port, method, there in seen if method == "release_subdomain"]
        assert deleted == [True]
        assert "backupId" not in newest(fleet).summary

    def test_nothing_is_destroyed_before_the_proof(self, fleet):
        destroying = []

        def note(call):
            operation = newest(fleet)
            proved = NAMES.backup_record(backup_id(DEV)) in fleet.world.objects
            if call.method.startswith(("delete", "untag", "release_sub")) or (
                (call.port, call.method) == ("dns", "restore")
            ):
                destroying.append((operation.step, call.method, proved))

        fleet.boundary.before = note
        send(fleet, deletion())
        assert len(destroying) > 6
        assert [found for found in destroying if not found[2]] == []

    def test_people_are_told_where_the_backup_is_and_how_to_restore_it(self, fleet):
        send(fleet, deletion())
        told = fleet.world.notifications[-1]
        assert told.event_type == "SITE_DELETION_COMPLETE"
        assert f"sitefleet sites restore {backup_id(DEV)} --env dev" in told.email()
        assert json.loads(told.default_json())["payload"]["backupId"] == backup_id(DEV)

    def test_the_name_is_free_for_another_site(self, fleet):
        send(fleet, deletion())
        send(fleet, creation("site-new", correlation="new"))
        assert site_of(fleet, "site-new").status is SiteStatus.ACTIVE


class TestRefused:
    @pytest.mark.parametrize(
        ("changes", "code", "reason"),
        [
            ({"siteId": "site-none"}, "SITE_002", "has no site site-none in dev"),
            ({"tenantId": "tenant-2"}, "SITE_002", "Tenant tenant-2 has no site"),
        ],
    )
    def test_what_is_not_there_or_another_tenants(self, fleet, changes, code, reason):
        before = snapshot(fleet)
        send(fleet, deletion(**changes))
        letter = fleet.world.dead_letters[-1]
        assert letter.attributes["errorCode"] == code
        assert reason in letter.attributes["reason"]
        assert snapshot(fleet) == before

    def test_what_is_deleted_already(self, fleet):
        send(fleet, deletion())
        send(fleet, deletion(correlation="again"))
        letter = fleet.world.dead_letters[-1]
        assert letter.attributes["errorCode"] == "SITE_005"
        assert "is DELETED already" in letter.attributes["reason"]

    def test_a_site_from_before_the_fleet_keeps_its_parts(self, fleet):
        key = (TENANT, SITE, 1)
        release = fleet.world.releases[key]
        fleet.world.releases[key] = type(release)(**{**vars(release), "schema": "tenant_1_db"})
        before = visible(snapshot(fleet))
        send(fleet, deletion())
        failed = newest(fleet)
        assert (failed.status, failed.failure.code) == (OperationStatus.FAILED, "SITE_005")
        assert "r1 (tenant_1_db)" in failed.failure.message
        assert visible(snapshot(fleet)) == before

    def test_a_rule_that_leads_elsewhere_is_nobody_elses_to_remove(self, fleet):
        world = fleet.world
        rules = world.rules
        host = next(h for h in rules if h.startswith("banana."))
        other = next(r for h, r in rules.items() if h.startswith("banana-2."))
        rules[host] = type(other)(
            **{**vars(rules[host]), "target_group_arn": other.target_group_arn}
        )
        before = visible(snapshot(fleet))
        send(fleet, deletion())
        assert newest(fleet).failure.step == "take_name_down"
        assert visible(snapshot(fleet)) == before


class TestFailures:
    """A failure at any step leaves the old state, or, past the last way back, the new one."""

    @pytest.mark.parametrize("step", GOES_BACK)
    def test_up_to_the_name_everything_goes_back(self, step):
        workflows = workflows_failing_at(OperationType.SITE_DELETION, step)
        fleet = scenario("deletion").start(Boundary(), workflows)
        before = visible(snapshot(fleet))
        fleet.run()
        operation = newest(fleet)
        assert operation.is_terminal
        assert (operation.failure.message, operation.failure.step) == (WHY, step)
        assert site_of(fleet).status is SiteStatus.ACTIVE
        assert visible(snapshot(fleet)) == before
        assert fleet.store.locks == {}

    @pytest.mark.parametrize("step", GOES_ON)
    def test_behind_it_a_retry_goes_on_where_it_stopped(self, step):
        name = "deletion, its backup discarded"
        workflows = workflows_failing_at(OperationType.SITE_DELETION, step)
        fleet = scenario(name).start(Boundary(), workflows)
        fleet.run()
        stuck = newest(fleet)
        assert stuck.status is OperationStatus.ROLLBACK_FAILED
        assert stuck.failure.step == step
        assert fleet.store.locks
        again = SimulatedFleet(environment=DEV, state=fleet.saved())
        again.send("deletion", message_to("OPERATION_RETRY_REQUEST", stuck.operation_id))
        again.run()
        undisturbed = scenario(name).start(Boundary())
        undisturbed.run()
        assert newest(again).status is OperationStatus.COMPLETED
        assert snapshot(again) == snapshot(undisturbed)

    def test_a_backup_that_differs_stops_it_and_the_site_serves_again(self):
        fleet = scenario("deletion, the backup is not proved").start(Boundary())
        fleet.run()
        told = fleet.world.notifications[-1]
        assert (told.event_type, told.outcome) == ("SITE_DELETION_FAILED", "failed")
        assert "The site serves as before" in told.email()
        state = next(s for n, s in fleet.world.services.items() if NAMES.key in n)
        assert state.desired_count == 1

    def test_a_job_that_cannot_remove_says_what_to_do(self, fleet):
        play = fleet.jobs.play

        def broken(job):
            result = play(job)
            if job.step != "remove_data":
                return result
            error = JobError(code="SYS_001", message="The disk is read-only.", retryable=False)
            return result.model_copy(update={"facts": {}, "error": error})

        fleet.jobs.play = broken
        send(fleet, deletion())
        told = fleet.world.notifications[-1]
        assert (told.event_type, told.severity) == ("SITE_DELETION_FAILED", "critical")
        assert "It stopped half-way" in told.email()
        assert f"sitefleet operations retry {newest(fleet).operation_id}" in told.email()


class TestCancel:
    def stuck_at(self, fleet: SimulatedFleet, port: str, method: str) -> None:
        def refuse(call) -> None:
            if (call.port, call.method) == (port, method) and newest(fleet).phase == "forward":
                raise TransientError("It does not answer.")

        fleet.boundary.before = refuse
        send(fleet, deletion())
        fleet.boundary.before = lambda _call: None

    def test_before_the_name_is_down_it_goes_back(self, fleet):
        before = visible(snapshot(fleet))
        self.stuck_at(fleet, "load_balancer", "delete_rule")
        fleet.send("deletion", message_to("OPERATION_CANCEL_REQUEST", newest(fleet).operation_id))
        fleet.run()
        assert newest(fleet).status is OperationStatus.CANCELLED
        assert visible(snapshot(fleet)) == before

    def test_behind_it_a_cancel_is_refused_and_a_retry_ends_it(self, fleet):
        self.stuck_at(fleet, "secrets", "delete")
        operation = newest(fleet)
        fleet.send("deletion", message_to("OPERATION_CANCEL_REQUEST", operation.operation_id))
        fleet.run()
        letter = fleet.world.dead_letters[-1]
        assert letter.attributes["errorCode"] == "SITE_005"
        assert "past its point of no return" in letter.attributes["reason"]
        fleet.send("deletion", message_to("OPERATION_RETRY_REQUEST", operation.operation_id))
        fleet.run()
        assert newest(fleet).status is OperationStatus.COMPLETED
        assert traces(fleet) == set()

    def test_a_cancel_that_comes_in_between_does_not_turn_it_back(self, fleet):
        """It was sent before the last way back, and its mark arrived behind it."""

        def mark(call) -> None:
            operation = newest(fleet)
            if operation.step == "remove_data" and not operation.cancel_requested:
                fleet.store.request_cancel(operation.operation_id, "late", fleet.clock.now())

        fleet.boundary.before = mark
        send(fleet, deletion())
        assert newest(fleet).status is OperationStatus.COMPLETED
        assert traces(fleet) == set()
