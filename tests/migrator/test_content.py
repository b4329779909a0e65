import io
import json
import os
import tarfile

import pytest
import zstandard

from migrator import content as content_module
from migrator.content import load_manifest, mixed, pack, place
from migrator.errors import JobFailure
from migrator.manifest import FileEntry, Manifest, PackEntry, build_manifest, is_excluded
from migrator.transfer import LocalFolder

OWN = (33, 33) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


def write(root, **files: str):
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def site(scratch):
    return write(
        scratch / "source", themes__t__style_DOT_css="s", plugins__p_DOT_php="p",
        uploads__a_DOT_jpg="same", uploads__b_DOT_jpg="same", cache__page="c", upgrade__u="u",
    )  # fmt: skip


@pytest.fixture
def transfer(scratch):
    return LocalFolder(scratch / "transfer")


def tree(root) -> dict[str, str]:
    return {str(p.relative_to(root)): p.read_text() for p in root.rglob("*") if p.is_file()}


PLACED = {
    "themes/t/style.css": "s", "plugins/p.php": "p", "uploads/a.jpg": "same",
    "uploads/b.jpg": "same",
}  # fmt: skip


def test_content_arrives_exactly_and_belongs_to_wordpress(site, transfer, scratch):
    (site / "plugins/p.php").chmod(0o640)
    report = pack(site, transfer)
    assert report.travelled == 3  # equal files travel once
    root = scratch / "site" / "r2"
    write(root, stale_DOT_php="old", uploads__a_DOT_jpg="old")
    place(transfer, load_manifest(transfer, sha256=report.manifest_sha256), root)
    assert tree(root) == PLACED
    assert (root / "plugins/p.php").stat().st_mode & 0o777 == 0o640
    assert root.stat().st_mode & 0o777 == 0o755
    for path in (root, *root.rglob("*")):
        assert (path.stat().st_uid, path.stat().st_gid) == OWN
    assert [path.name for path in root.parent.iterdir()] == ["r2"]


def test_what_the_live_release_has_is_copied_plainly_from_wherever_it_lies(site, transfer, scratch):
    live = write(scratch / "live", uploads__renamed_DOT_jpg="same", themes__t__style_DOT_css="s")
    report = pack(site, transfer, build_manifest(live))
    assert report.travelled == 1
    root = scratch / "r2"
    placed = place(transfer, report.manifest, root, live)
    assert placed.copied_from_live == 3
    assert tree(root) == PLACED
    assert (root / "themes/t/style.css").stat().st_nlink == 1
    assert not placed.manifest.packs


@pytest.mark.parametrize("live", ["gone", "changed", None])
def test_a_live_release_that_lost_a_file_is_noticed(site, transfer, scratch, live):
    known = build_manifest(site)
    report = pack(site, transfer, known)
    folder = write(scratch / "live", uploads__a_DOT_jpg="SAME") if live == "changed" else (
        write(scratch / "live", x="y") if live else None
    )  # fmt: skip
    root = write(scratch / "r2", before="there")
    with pytest.raises(JobFailure, match="Export again without knownManifest"):
        place(transfer, report.manifest, root, folder)
    assert tree(root) == {"before": "there"}
    assert not list(scratch.glob(".r2*"))


def test_a_run_after_a_kill_starts_from_nothing(site, transfer, scratch, monkeypatch):
    report = pack(site, transfer)
    root = scratch / "r2"
    write(scratch / ".r2.new", half="written")
    write(scratch / ".r2.old", half="removed")
    place(transfer, report.manifest, root)
    place(transfer, report.manifest, root)
    assert tree(root) == PLACED
    assert not list(scratch.glob(".r2*"))


EXCLUDED = {
    "cache/page.html": True,
    "upgrade/x.zip": True,
    "uploads/2024/cache/thumb.jpg": True,
    "uploads/cache.jpg": False,
    "plugins/seo/vendor/psr/cache/src/Item.php": False,
    "themes/t/upgrade/notice.php": False,
    "cached/x": False,
}


@pytest.mark.parametrize(("path", "excluded"), EXCLUDED.items())
def test_caches_stay_behind_and_code_does_not(path, excluded):
    assert is_excluded(path) is excluded


BAD_PATHS = ["../x", "/etc/x", "a/../../x", "a//x", "./x", "", "a\\x", "a\nx", "a/\x00"]


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_manifest_with_a_path_that_leaves_is_refused(transfer, scratch, path):
    entry = {"path": path, "size": 1, "mode": 0o644, "sha256": "0" * 64}
    with transfer.writer("manifest.json") as sink:
        sink.write(json.dumps({"version": 1, "files": [entry], "packs": []}).encode())
    with pytest.raises(JobFailure, match="no plain path"):
        load_manifest(transfer)


def forged(transfer, members: list[tarfile.TarInfo], manifest: Manifest) -> Manifest:
    """A transfer whose pack holds other members than the manifest says."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    with transfer.writer("content/00001.tar.zst") as sink:
        sink.write(zstandard.compress(buffer.getvalue()))
    item = PackEntry(name="content/00001.tar.zst", sha256=sink.digest.sha256, size_bytes=1)
    return Manifest(files=manifest.files, packs=[item])


def member(name: str, size: int = 1, **fields) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    for field, value in fields.items():
        setattr(info, field, value)
    return info


X = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # sha256 of "x"
FORGED = {
    "climbs up": [member("../../escaped")],
    "is absolute": [member("/tmp/escaped")],
    "is not in the manifest": [member("evil.php")],
    "is a link": [member("ok.php", 0, type=tarfile.SYMTYPE, linkname="/etc/passwd")],
    "is a hard link": [member("ok.php", 0, type=tarfile.LNKTYPE, linkname="/etc/passwd")],
    "is a device": [member("ok.php", 0, type=tarfile.CHRTYPE)],
    "is longer": [member("ok.php", 2)],
    "comes twice": [member("ok.php"), member("ok.php")],
}


@pytest.mark.parametrize("members", FORGED.values(), ids=FORGED)
def test_a_forged_pack_is_refused_and_nothing_is_placed(transfer, scratch, members):
    wanted = Manifest(files=[FileEntry(path="ok.php", size=1, mode=0o644, sha256=X)])
    root = scratch / "site" / "r2"
    with pytest.raises(JobFailure, match=r"A pack holds|damaged"):
        place(transfer, forged(transfer, members, wanted), root)
    assert not root.exists()
    assert not (scratch / "escaped").exists()


def test_the_forging_of_these_tests_would_work_with_the_right_member(transfer, scratch):
    wanted = Manifest(files=[FileEntry(path="ok.php", size=1, mode=0o644, sha256=X)])
    place(transfer, forged(transfer, [member("ok.php")], wanted), scratch / "r2")
    assert tree(scratch / "r2") == {"ok.php": "x"}


def test_a_changed_pack_or_manifest_is_refused(site, transfer, scratch):
    report = pack(site, transfer)
    with pytest.raises(JobFailure, match="not what was exported"):
        load_manifest(transfer, sha256="0" * 64)
    path = scratch / "transfer/content/00001.tar.zst"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    with pytest.raises(JobFailure, match=r"not what was exported|decompressed"):
        place(transfer, report.manifest, scratch / "r2")
    assert not (scratch / "r2").exists()


@pytest.mark.parametrize("name", ["uploads/link", "uploads/dir"])
def test_links_in_the_source_are_refused(site, transfer, name):
    (site / name).symlink_to("/etc")
    with pytest.raises(JobFailure, match="symbolic link"):
        pack(site, transfer)


def test_a_file_that_changes_while_it_is_packed_is_noticed(site, transfer, monkeypatch):
    real = content_module.build_manifest

    def and_then_change(root, _wanted):
        manifest = real(root)
        (root / "plugins/p.php").write_text("q")
        return manifest

    monkeypatch.setattr(content_module, "build_manifest", and_then_change)
    with pytest.raises(JobFailure, match="changed while") as caught:
        pack(site, transfer)
    assert caught.value.retryable


def test_large_content_travels_in_several_packs(site, transfer, scratch, monkeypatch):
    monkeypatch.setattr(content_module, "_PACK_BYTES", 2)
    report = pack(site, transfer)
    assert [item.name for item in report.manifest.packs] == [
        "content/00001.tar.zst", "content/00002.tar.zst",
    ]  # fmt: skip
    place(transfer, report.manifest, scratch / "r2")
    assert tree(scratch / "r2") == PLACED


# --- jobs ----------------------------------------------------------------------------------


def job(fleet, **fields):
    return {
        "source": fleet.at("transfers/x"), "manifestSha256": "0" * 64,
        "contentRoot": fleet.names.release(2).content_root,
        "manifestDestination": fleet.at("manifests/r2.json"),
    } | fields  # fmt: skip


FOREIGN = ["/tenant-2/aaaaaaaaaaaa/r2", "/tenant-1", "/", "/tenant-1/../tenant-2/x/r2", "/etc"]


@pytest.mark.parametrize("root", FOREIGN)
def test_jobs_refuse_folders_of_others(fleet, root):
    victim = write(fleet.mount / "tenant-2/aaaaaaaaaaaa/r2", a="kept")
    for kind, fields in (
        ("content", job(fleet, contentRoot=root)),
        ("remove-content", {"contentRoot": root}),
    ):
        error = fleet.failed(kind, **fields)
        assert "no release folder of site" in error.message
        assert not error.retryable
    if root.startswith("/tenant-2"):
        assert (
            "no release folder"
            in fleet.failed("content", **job(fleet, liveContentRoot=root)).message
        )
    assert tree(victim) == {"a": "kept"}


def test_a_live_folder_is_never_replaced_or_removed(fleet):
    write(fleet.content(2), a="live")
    fleet.record(live=2)
    assert "is live" in fleet.failed("content", **job(fleet)).message
    root = fleet.names.release(2).content_root
    assert "is live" in fleet.failed("remove-content", contentRoot=root).message
    assert tree(fleet.content(2)) == {"a": "live"}


def test_a_folder_behind_a_link_is_refused(fleet, scratch):
    victim = write(scratch / "victim", a="kept")
    fleet.content(2).parent.mkdir(parents=True)
    fleet.content(2).symlink_to(victim)
    root = fleet.names.release(2).content_root
    assert "symbolic link" in fleet.failed("remove-content", contentRoot=root).message
    assert tree(victim) == {"a": "kept"}


def test_removal_takes_what_a_killed_run_left_too_and_nothing_there_is_fine(fleet):
    root = fleet.names.release(2).content_root
    write(fleet.content(2), a="x")
    write(fleet.content(2).parent / ".r2.new", a="x")
    assert fleet.done("remove-content", contentRoot=root) == {"removed": True}
    assert list(fleet.content(2).parent.iterdir()) == []
    assert fleet.done("remove-content", contentRoot=root) == {"removed": False}


@pytest.fixture
def live(scratch):
    return write(
        scratch / "live", themes__t__style_DOT_css="old", plugins__p_DOT_php="old",
        uploads__a_DOT_jpg="kept", uploads__invoices__1_DOT_pdf="invoice", languages__x="x",
    )  # fmt: skip


def placed(site, transfer, live, scratch, *, selected=None, kept=()) -> dict[str, str]:
    report = pack(site, transfer, build_manifest(live), selected)
    root = scratch / "r2"
    wanted = mixed(report.manifest, live, selected, kept)
    result = place(transfer, report.manifest, root, live, wanted)
    assert {entry.path for entry in result.manifest.files} == set(tree(root))
    return tree(root)


def test_folders_that_were_not_selected_are_the_live_release_s(site, transfer, live, scratch):
    assert placed(site, transfer, live, scratch, selected=["themes"]) == {
        "themes/t/style.css": "s", "plugins/p.php": "old", "uploads/a.jpg": "kept",
        "uploads/invoices/1.pdf": "invoice", "languages/x": "x",
    }  # fmt: skip


def test_protected_folders_are_the_live_release_s_whatever_the_source_has(
    site, transfer, live, scratch
):
    assert placed(site, transfer, live, scratch, kept=["uploads"]) == {
        "themes/t/style.css": "s", "plugins/p.php": "p", "uploads/a.jpg": "kept",
        "uploads/invoices/1.pdf": "invoice",
    }  # fmt: skip


def test_a_protected_folder_within_a_selected_one_is_kept(site, transfer, live, scratch):
    found = placed(site, transfer, live, scratch, selected=["uploads"], kept=["uploads/invoices"])
    assert found["uploads/a.jpg"] == "same"
    assert found["uploads/invoices/1.pdf"] == "invoice"
    assert found["plugins/p.php"] == "old"


def test_a_content_that_arrived_under_a_kept_name_is_still_placed_elsewhere(
    site, transfer, live, scratch
):
    """Equal files travel once, under one of their names."""
    write(site, themes__t__copy_DOT_jpg="same")
    found = placed(site, transfer, live, scratch, kept=["uploads"])
    assert found["themes/t/copy.jpg"] == "same"
