"""`sam build`, once per content: the very artefacts that a deployment to AWS would package."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.emulator import find_program
from local.errors import LocalError
from local.layout import CHECKOUT, Layout

SOURCES = (
    "template.yaml",
    "layer",
    "core",
    "events",
    "handlers",
    "policy",
    "pyproject.toml",
    "uv.lock",
    "Makefile",
    "local/container.py",
    "local/build.py",
)
KEPT_BUILDS = 4
_YAML_TO_JSON = """
import json, sys, yaml
json.dump(yaml.safe_load(sys.stdin), sys.stdout, default=str)
"""
BUCKET_MARK = "SITEFLEET-ARTEFACTS"
_LAYER = "AWS::Serverless::LayerVersion"
_ARTEFACTS = {"AWS::Serverless::Function": "CodeUri", _LAYER: "ContentUri"}
_NAMES_MODULE = "sitefleet_local_names"
_SITE_PACKAGES = "python/lib/python3.12/site-packages"
_ZIP_DATE = (2020, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Build:
    """A built stack: a template whose artefacts are zip files."""

    template: str
    """As JSON, with BUCKET_MARK where the account's artefact bucket belongs."""
    artefacts: dict[str, Path]
    """S3 key -> zip file."""


def ensure_build(layout: Layout) -> Build:
    """Return the build of the present sources; make it if there is none yet.

    Homes may share a cache: one of them builds, the others wait for it.
    """
    layout.cache.mkdir(parents=True, exist_ok=True)
    with (layout.cache / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _ensure_build(layout)


def _ensure_build(layout: Layout) -> Build:
    # Resolved: the layer is used where it was built, also by homes that only link to this cache.
    directory = (layout.cache / "sam" / source_hash()).resolve()
    if not (directory / "done").exists():
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        _sam_build(directory / "build")
        _package(directory)
        shutil.rmtree(directory / "build")
    (directory / "done").touch()
    _remove_old_builds(directory.parent)
    return _read(directory)


def source_hash() -> str:
    """Return the hash of everything that goes into the build."""
    digest = hashlib.sha256()
    for path in _source_files():
        digest.update(f"{path.relative_to(CHECKOUT)}\0{path.stat().st_mode & 0o111}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _source_files() -> Iterator[Path]:
    for name in SOURCES:
        path = CHECKOUT / name
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from sorted(
                file
                for file in path.rglob("*")
                if file.is_file() and "__pycache__" not in file.parts
            )


def _sam_build(target: Path) -> None:
    program = CHECKOUT / ".venv-sam" / "bin" / "sam"
    if not program.exists():
        raise LocalError(
            f"The SAM CLI is not installed: {program} is missing. "
            "Run `make setup` in the checkout: it builds SAM's own environment."
        )
    finished = subprocess.run(
        [
            *(str(program), "build", "--template-file", "template.yaml"),
            *("--build-dir", str(target), "--parameter-overrides", "Architecture=x86_64"),
        ],
        cwd=CHECKOUT,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0", "PATH": _search_path()},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise LocalError(f"sam build failed:\n{finished.stderr.strip()[-3000:]}")


def _search_path() -> str:
    """Return a PATH that finds the checkout's own uv and interpreter, which the layer needs."""
    own = [str(CHECKOUT / folder / "bin") for folder in (".tools", ".venv")]
    return os.pathsep.join([*own, os.environ.get("PATH", os.defpath)])


def _package(directory: Path) -> None:
    """Zip each artefact once (functions share one folder of code) and point the template at it."""
    build = directory / "build"
    template = json.loads(_as_json((build / "template.yaml").read_text()))
    keys: dict[str, str] = {}
    for resource in template["Resources"].values():
        property_name = _ARTEFACTS.get(resource["Type"])
        if property_name is None:
            continue
        folder = resource["Properties"][property_name]
        if folder not in keys:
            mount = resource["Type"] == _LAYER
            source = _mounted_layer(build / folder, directory) if mount else build / folder
            keys[folder] = _zip(source, directory)
        resource["Properties"][property_name] = f"s3://{BUCKET_MARK}/{keys[folder]}"
    (directory / "template.json").write_text(json.dumps(template, separators=(",", ":")))


def _mounted_layer(built: Path, directory: Path) -> Path:
    """Keep the built layer where it is and return a layer that only leads to it.

    Lambda mounts a layer on /opt; the emulator unpacks it (46 MB, 3,400 files) for every worker
    process. A path file that puts the folder first does the same as a mount, so that the
    functions import the layer's own packages and not those of the emulator's environment.
    """
    kept = directory / "layers" / built.name
    kept.parent.mkdir(exist_ok=True)
    built.rename(kept)
    pointer = directory / "build" / f"{built.name}-pointer" / _SITE_PACKAGES / "sitefleet_layer.pth"
    pointer.parent.mkdir(parents=True)
    pointer.write_text(
        f"import sys; sys.path.insert(0, {str(kept / 'python')!r})\n"
        f"import {_NAMES_MODULE}; {_NAMES_MODULE}.install()\n"
    )
    shutil.copy(CHECKOUT / "local" / "container.py", pointer.with_name(f"{_NAMES_MODULE}.py"))
    return directory / "build" / f"{built.name}-pointer"


def _as_json(template: str) -> str:
    """Turn the built template into JSON, which the emulator reads many times faster.

    The emulator's environment has a YAML parser; the operators' environment needs none.
    """
    return subprocess.run(
        [str(find_program().with_name("python")), "-c", _YAML_TO_JSON],
        input=template,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def _zip(folder: Path, directory: Path) -> str:
    """Zip a folder reproducibly; the name is the hash of what is in it."""
    partial = directory / "artefact.partial"
    digest = hashlib.sha256()
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = str(path.relative_to(folder))
            content = path.read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
            entry = zipfile.ZipInfo(name, _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (path.stat().st_mode & 0o777) << 16
            archive.writestr(entry, content)
    key = f"{digest.hexdigest()[:24]}.zip"
    partial.rename(directory / key)
    return key


def _read(directory: Path) -> Build:
    return Build(
        template=(directory / "template.json").read_text(),
        artefacts={path.name: path for path in sorted(directory.glob("*.zip"))},
    )


def _remove_old_builds(folder: Path) -> None:
    finished = [path.parent for path in folder.glob("*/done")]
    finished.sort(key=lambda path: (path / "done").stat().st_mtime, reverse=True)
    for path in finished[KEPT_BUILDS:]:
        shutil.rmtree(path, ignore_errors=True)
