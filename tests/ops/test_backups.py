"""`sites delete`, `restore` and `backups`, and the answers to an operation that asks people."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from core.domain.job_facts import ExportFacts
from core.domain.job_models import ObjectLocation
from core.domain.names import SiteNames
from core.domain.site_backup import SiteBackup
from events.formats import Environment
from events.vocabulary import OperationStatus, OperationType
from ops.errors import ExitCode
from tests.ops.promotion_records import PLAN_HASH
from tests.ops.records import ID, RUNNING, SITE, at

NOW = at(0)
FAR = timedelta(days=36_500)


@pytest.fixture(autouse=True)
def _sit(monkeypatch):
    monkeypatch.setenv("SITEFLEET_ENV", "sit")


@pytest.fixture
def shop(cloud):
    cloud.sites.put(SITE, expected_version=None)
    return cloud


def backup(number: int = 1, **changes) -> SiteBackup:
    facts = ExportFacts(
        dump=ObjectLocation(bucket="bbws-transfer-sit", key="backups/data/x/database.sql.zst"),
        dump_sha256="e" * 64,
        dump_size_bytes=2048,
        rows={"wp_posts": 12, "wp_options": 140},
        manifest_sha256="f" * 64,
        files=3,
        files_travelled=3,
        content_size_bytes=1024,
        release=2,
    )
    values = {
        "backup_id": f"backup-{number}",
        "tenant_id": "tenant-1",
        "site_id": f"site-{number}",
        "environment": Environment.SIT,
        "site_name": "Banana Shop",
        "subdomain": "banana",
        "site_url": "https://banana.wpsit.kimmyai.io",
        "exported": facts,
        "folder": "backups/data/x",
        "proved_tables": 2,
        "created_at": NOW + timedelta(minutes=number),
        "keep_until": NOW + FAR,
    }
    return SiteBackup.model_validate(values | changes)


def keep(cloud, *backups: SiteBackup) -> None:
    for each in backups:
        names = SiteNames(
            environment=each.environment, tenant_id=each.tenant_id, site_id=each.site_id
        )
        cloud.keep(names.backup_record(each.backup_id), each.model_dump_json(by_alias=True))


class TestDelete:
    def test_it_says_what_goes_and_sends_the_request(self, shop, sitefleet):
        answer = sitefleet(
            "sites", "delete", "site-1", "--tenant-id=tenant-1", "--reason=Moved away.", "--yes"
        )
        assert answer.code == 0, answer.err
        assert "You are about to delete this site of sit:" in answer.err
        assert "site-1 (tenant-1): Banana Shop" in answer.err
        [body] = shop.bodies("site-deletion")
        assert body["messageType"] == "SITE_DELETION_REQUEST"
        assert body["payload"] == {
            "siteId": "site-1",
            "tenantId": "tenant-1",
            "reason": "Moved away.",
            "retainBackup": True,
        }

    def test_without_a_backup_it_warns(self, shop, sitefleet):
        flags = ("--tenant-id=tenant-1", "--reason=Test.", "--no-backup", "--yes")
        answer = sitefleet("sites", "delete", "site-1", *flags)
        assert "there is NO way back" in answer.err
        [body] = shop.bodies("site-deletion")
        assert body["payload"]["retainBackup"] is False

    @pytest.mark.parametrize("said", ["n\n", ""])
    def test_without_a_yes_nothing_is_sent(self, shop, sitefleet, said):
        flags = ("--tenant-id=tenant-1", "--reason=Test.")
        answer = sitefleet("sites", "delete", "site-1", *flags, stdin=said)
        assert answer.code == ExitCode.BAD_INPUT
        assert "nothing was sent" in answer.err.lower()
        assert shop.messages("site-deletion") == []

    def test_what_is_not_there_is_said_before_anything_is_sent(self, shop, sitefleet):
        flags = ("--tenant-id=tenant-2", "--reason=Test.", "--yes")
        answer = sitefleet("sites", "delete", "site-1", *flags)
        assert answer.code == ExitCode.NOT_FOUND
        assert "There is no site site-1 of tenant tenant-2 in sit" in answer.err
        assert shop.messages("site-deletion") == []


class TestBackups:
    def test_they_are_listed_newest_first_with_the_command_to_restore_one(self, cloud, sitefleet):
        keep(cloud, backup(1), backup(2), backup(3, tenant_id="tenant-10"))
        answer = sitefleet("sites", "backups")
        lines = answer.out.splitlines()
        assert [line.split()[0] for line in lines] == ["BACKUP", "backup-3", "backup-2", "backup-1"]
        assert lines[1].endswith("2       3      3 KiB")
        assert "sitefleet sites restore BACKUP --env sit" in answer.err
        one = sitefleet("sites", "backups", "--tenant-id=tenant-1", "--json")
        assert [b["backupId"] for b in one.json["backups"]] == ["backup-2", "backup-1"]
        only = sitefleet("sites", "backups", "--tenant-id=tenant-1", "--site-id=site-1", "--json")
        assert [b["rows"] for b in only.json["backups"]] == [152]

    def test_an_expired_one_is_not_offered(self, cloud, sitefleet):
        keep(cloud, backup(1, keep_until=NOW - timedelta(days=30)))
        answer = sitefleet("sites", "backups")
        assert (answer.out, answer.err) == ("", "There are no backups that could be restored.\n")

    def test_a_site_needs_its_tenant(self, cloud, sitefleet):
        answer = sitefleet("sites", "backups", "--site-id=site-1")
        assert answer.code == ExitCode.BAD_INPUT
        assert "say --tenant-id beside --site-id" in answer.err

    def test_a_record_of_another_version_is_named_and_not_shown(self, cloud, sitefleet):
        cloud.keep("backups/records/tenant-1/site-1/x.json", '{"siteName": "secret-name"}')
        answer = sitefleet("sites", "backups")
        assert "backups/records/tenant-1/site-1/x.json" in answer.err
        assert "secret-name" not in answer.err


class TestRestore:
    def test_the_backup_tells_whose_it_is(self, cloud, sitefleet):
        keep(cloud, backup(1), backup(2))
        answer = sitefleet("sites", "restore", "backup-1")
        assert answer.code == 0, answer.err
        [body] = cloud.bodies("site-creation")
        assert body["messageType"] == "SITE_RESTORE_REQUEST"
        assert body["payload"] == {
            "siteId": "site-1",
            "tenantId": "tenant-1",
            "backupId": "backup-1",
        }

    @pytest.mark.parametrize("flags", [(), ("--tenant-id=tenant-2",)])
    def test_an_unknown_one_says_where_to_look(self, cloud, sitefleet, flags):
        keep(cloud, *([backup(1)] if flags else []))
        answer = sitefleet("sites", "restore", "backup-1", *flags)
        assert answer.code == ExitCode.NOT_FOUND
        assert "sitefleet sites backups --env sit" in answer.err
        assert cloud.messages("site-creation") == []


class TestApprove:
    @pytest.fixture
    def asking(self, shop):
        operation = replace(
            RUNNING,
            operation_type=OperationType.SITE_DELETION,
            plan=("request_approval", "await_approval", "lock_site"),
            cursor=1,
            status=OperationStatus.AWAITING_APPROVAL,
            summary={
                "planHash": PLAN_HASH,
                "roles": ["TECH_LEAD", "OPERATIONS_LEAD"],
                "expiresAt": "2026-11-23T08:00:20Z",
            },
        )
        payload = {
            "siteId": "site-1",
            "tenantId": "tenant-1",
            "reason": "Moved away.",
            "retainBackup": True,
        }
        shop.store(operation, request=json.dumps({"payload": payload}))
        return shop

    def test_show_tells_what_is_asked_and_how_to_answer(self, asking, sitefleet):
        shown = sitefleet("operations", "show", ID).out
        for part in (
            "What is asked",
            PLAN_HASH,
            "Moved away.",
            "TECH_LEAD, OPERATIONS_LEAD",
            f"sitefleet operations approve {ID} --env sit --role TECH_LEAD",
            f"sitefleet operations reject {ID} --env sit --role TECH_LEAD",
        ):
            assert part in shown

    def test_the_question_names_the_deletion(self, asking, sitefleet):
        answer = sitefleet("operations", "approve", ID, "--role=TECH_LEAD", stdin="n\n")
        assert answer.code == ExitCode.BAD_INPUT
        for part in ("SITE_DELETION in sit", "Moved away.", PLAN_HASH, "asked by"):
            assert part in answer.err
        assert asking.messages("site-deletion") == []

    def test_a_role_that_nobody_asks_is_refused_here_already(self, asking, sitefleet):
        answer = sitefleet("operations", "approve", ID, "--role=CTO", "--yes")
        assert "needs TECH_LEAD, OPERATIONS_LEAD, not CTO" in answer.err

    def test_what_waits_for_nobody_says_so(self, shop, sitefleet):
        shop.store(replace(RUNNING, operation_type=OperationType.SITE_DELETION))
        answer = sitefleet("operations", "reject", ID, "--role=X", "--comment=no")
        assert "waits for nobody's approval" in answer.err
        assert f"sitefleet operations show {ID} --env sit" in answer.err
