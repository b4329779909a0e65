"""The WordPress images in the dev account's registry: real manifests over real layers.

Nothing runs them here (local/php.py plays the container), but promotions carry their digests from
account to account, so manifests and layers are complete and verifiable.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import urllib.request

from local.cloud import Cloud

REPOSITORY = "bbws-wordpress"
CRASHING = "wordpress-crashing"
"""An image whose containers end as soon as they start: to see how an update is taken back."""
TAGS = ("dev-latest", "wordpress-6.1.9-php8.2", CRASHING)
"""The first two differ in their bytes alone, so that a site can be given another one."""
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def make_repository(cloud: Cloud) -> None:
    """Make the account's repository."""
    cloud.ecr.create_repository(repositoryName=REPOSITORY)


def push_images(cloud: Cloud) -> None:
    """Push every image of the platform."""
    for tag in TAGS:
        _push(cloud, tag)


def digest_of(tag: str) -> str:
    """Return the digest of an image of these: the same on every machine."""
    *_, manifest = _image(tag)
    return _digest(manifest.encode())


def _image(tag: str) -> tuple[bytes, bytes, str]:
    """Return an image's configuration, its one layer, and its manifest."""
    plain = _layer(tag)
    layer = gzip.compress(plain, mtime=0)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["WORDPRESS_VERSION=6.1.9"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(plain)]},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": {"mediaType": _CONFIG, "size": len(config), "digest": _digest(config)},
            "layers": [{"mediaType": _LAYER, "size": len(layer), "digest": _digest(layer)}],
        }
    )
    return config, layer, manifest


def _push(cloud: Cloud, tag: str) -> None:
    """Push an image layer by layer, and tag it."""
    config, layer, manifest = _image(tag)
    for blob in (config, layer):
        _upload(cloud, blob)
    cloud.ecr.put_image(
        repositoryName=REPOSITORY,
        imageManifest=manifest,
        imageManifestMediaType=_MANIFEST,
        imageTag=tag,
    )


def _upload(cloud: Cloud, blob: bytes) -> None:
    """Push a blob by the registry protocol: the emulator's ECR calls keep no layers."""
    region = cloud.ecr.meta.region_name
    request = urllib.request.Request(  # noqa: S310  (the emulator's own loopback endpoint)
        f"{cloud.endpoint}/v2/{REPOSITORY}/blobs/uploads/?digest={_digest(blob)}",
        data=blob,
        method="POST",
        headers={
            "Host": f"{cloud.account.account_id}.dkr.ecr.{region}.amazonaws.com",
            "Content-Type": "application/octet-stream",
        },
    )
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310  (same)
        pass


def _layer(tag: str) -> bytes:
    """Return an uncompressed layer with one file; the same bytes every time."""
    content = f"WordPress 6.1.9 of the Debian package, played for the tag {tag}.\n".encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("usr/src/wordpress/IMAGE")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"
