"""The content job: selection and protection of folders, as a promotion asks for them."""

import pytest

from migrator.content import pack
from migrator.transfer import S3Folder


@pytest.fixture
def job(fleet):
    """A transfer with a theme and uploads, and a live release with other ones."""
    source = fleet.mount / "source"
    live = fleet.content(1)
    for root, text in ((source, "new"), (live, "old")):
        for name in ("themes/t/style.css", "uploads/a.jpg"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
    fleet.record(live=1)
    folder = S3Folder(fleet.clients["s3"], fleet.bucket, "transfers/x")
    return {
        "source": fleet.at("transfers/x"),
        "manifestSha256": pack(source, folder).manifest_sha256,
        "contentRoot": fleet.names.release(2).content_root,
        "liveContentRoot": fleet.names.release(1).content_root,
        "manifestDestination": fleet.at("manifests/x.json"),
    }


def texts(fleet) -> list[str]:
    root = fleet.content(2)
    return [(root / name).read_text() for name in ("themes/t/style.css", "uploads/a.jpg")]


def test_all_comes_from_the_source_unless_said_otherwise(fleet, job):
    assert fleet.done("content", **job)["files"] == 2
    assert texts(fleet) == ["new", "new"]


def test_a_selected_folder_comes_from_the_source_and_the_rest_stays(fleet, job):
    fleet.done("content", **job, selectedFolders=["themes"])
    assert texts(fleet) == ["new", "old"]


def test_a_protected_folder_stays(fleet, job):
    facts = fleet.done("content", **job, keptFolders=["uploads"])
    assert texts(fleet) == ["new", "old"]
    assert facts["copiedFromLive"] == 1


def test_the_first_promotion_has_nothing_to_keep(fleet, job):
    job["liveContentRoot"] = None
    fleet.done("content", **job, keptFolders=["uploads"])
    assert texts(fleet) == ["new", "new"]
    error = fleet.failed("content", **job, selectedFolders=["themes"])
    assert error.code == "SITE_001"
    assert "Promote the whole site first" in error.message
