"""The sealed evidence of deletions and restores: the proved backup, what went, what was built."""

from __future__ import annotations

import hashlib
import json

import pytest

from core.adapters.memory.boundary import Boundary
from core.domain.evidence import build_document
from core.domain.names import evidence_key
from simulation.scenarios import SCENARIOS
from tests.domain.test_evidence import run_of


def test_a_deletion_tells_what_its_backup_holds_and_by_what_it_was_proved():
    sources = run_of("deletion")
    backup = build_document(sources)["backup"]
    assert backup["backupId"] == sources.operation.operation_id
    assert (backup["tables"], backup["rows"], backup["files"]) == (2, 152, 3)
    assert backup["dumpSha256"] == "e" * 64
    assert backup["manifestSha256"] == "f" * 64
    assert backup["proof"] == {
        "tables": 2,
        "rows": 152,
        "files": 3,
        "digests": {"wp_posts": "12:abc"},
    }
    assert backup["isKept"]
    assert backup["keepUntil"] == sources.operation.summary["keepUntil"]


def test_a_deletion_tells_what_was_removed():
    removed = build_document(run_of("deletion with kept releases"))["removed"]
    assert removed["name"].startswith("banana.")
    assert len(removed["releases"]) > 1
    assert removed["hasDataRemoved"]
    assert not removed["hasBackupDiscarded"]


def test_a_backup_that_nobody_wants_back_is_told_as_discarded():
    document = build_document(run_of("deletion, its backup discarded"))
    assert not document["backup"]["isKept"]
    assert document["backup"]["proof"]["rows"] == 152
    assert document["removed"]["hasBackupDiscarded"]


def test_a_deletion_in_prod_tells_who_agreed_and_when():
    approvals = build_document(run_of("deletion in prod"))["approvals"]
    assert approvals["roles"] == ["TECH_LEAD", "OPERATIONS_LEAD"]
    assert {d["role"] for d in approvals["decisions"] if d["approves"]} == set(approvals["roles"])
    assert all(d["decidedAt"] and d["principal"] for d in approvals["decisions"])


@pytest.mark.parametrize(
    "name", ["deletion, the backup is not proved", "deletion in prod, rejected"]
)
def test_a_deletion_that_was_taken_back_has_removed_nothing(name):
    document = build_document(run_of(name))
    assert document["removed"] is None
    assert document["outcome"]["error"]["message"]
    assert document["backup"] is None or document["backup"]["proof"] is None


def test_a_restore_tells_from_which_backup_it_has_built_what():
    document = build_document(run_of("restore"))
    backup, built = document["backup"], document["built"]
    assert backup["backupId"] == document["request"]["backupId"]
    assert (backup["rows"], built["rows"]) == (152, 152)
    assert (backup["files"], built["files"]) == (3, 3)
    assert backup["dumpSha256"] == "e" * 64
    assert built["imageDigest"] == "sha256:" + "d" * 64
    assert [check["step"] for check in document["checks"]] == ["check_before", "check_after"]
    assert document["outcome"]["toRelease"] == "r2"


@pytest.mark.parametrize(
    "name", ["deletion", "deletion in prod, rejected", "restore", "restore, undone"]
)
def test_the_document_is_kept_and_its_digest_is_in_the_record(name):
    scenario = next(s for s in SCENARIOS if s.name == name)
    fleet = scenario.start(Boundary())
    deployments = len(fleet.world.deployments)
    fleet.run()
    ended = max(fleet.store.operations.values(), key=lambda o: o.created_at)
    text = fleet.world.objects[evidence_key(ended.operation_id)]
    digests = {r.facts.get("sha256") for r in fleet.store.history(ended.operation_id).steps}
    assert hashlib.sha256(text).hexdigest() in digests
    assert json.loads(text)["outcome"]["status"] == ended.status
    assert len(fleet.world.deployments) == deployments
