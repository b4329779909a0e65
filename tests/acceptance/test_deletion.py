"""A site is created, written in, deleted, and brought back, with real WordPress and databases."""

import hashlib

import pytest

from tests.acceptance.world import site_id

pytestmark = pytest.mark.machine


def test_it_is_deleted_and_leaves_a_backup(returned):
    assert returned.deleted.status == "COMPLETED", returned.deleted.data
    assert returned.deleted.data["backupId"] == returned.deleted.operation_id


def test_nothing_of_it_was_left_but_its_record(returned):
    site = site_id(returned.created)
    key = hashlib.sha256(f"tenant-1/{site}".encode()).hexdigest()[:12]
    assert [name for name in returned.left["names"] if name.startswith("phoenix.")] == []
    for kind, releases in returned.left["releases"].items():
        assert [release for release in releases if release[0] == key] == [], kind
    record = returned.left["records"][0]
    assert (record["status"], record.get("liveRelease")) == ("DELETED", None)


def test_it_is_live_again_as_a_new_release(returned):
    assert returned.restored.status == "COMPLETED", returned.restored.data
    assert returned.restored.data["release"] == 2
    assert returned.restored.url == returned.created.url


def test_every_page_is_what_it_was(returned):
    assert "Before the fire" in returned.before["/"].text
    for path, page in returned.before.items():
        again = returned.after[path]
        assert (path, again.status) == (path, page.status)
        assert again.text == page.text, path
