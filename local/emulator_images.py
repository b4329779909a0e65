"""What MiniStack's ECR lacks for images that travel and are shared.

It keeps only the layers that are pushed by the registry protocol. A promotion copies by ECR's own
calls, from dev to sit and from sit to prod: the second copy needs what the first one uploaded. And
it deletes an image with the first of its tags that is removed, where AWS does with the last one.
"""

from __future__ import annotations

import base64
import json
from typing import Any


def keep_layers(ecr: Any) -> None:
    """Let the emulator's ECR store uploaded layers, and say which ones it has."""
    parts: dict[str, bytearray] = {}
    complete = ecr._complete_layer_upload  # noqa: SLF001  (the emulator's own handlers)
    upload = ecr._upload_layer_part  # noqa: SLF001
    available = ecr._batch_check_layer_availability  # noqa: SLF001

    def upload_layer_part(data: dict[str, Any]) -> Any:
        blob = base64.b64decode(data.get("layerPartBlob", ""))
        parts.setdefault(data.get("uploadId", ""), bytearray()).extend(blob)
        return upload(data)

    def complete_layer_upload(data: dict[str, Any]) -> Any:
        answer = complete(data)
        content = bytes(parts.pop(data.get("uploadId", ""), b""))
        for digest in data.get("layerDigests", [])[:1]:
            blobs = _blobs(ecr, data)
            blobs[digest] = content
        return answer

    def batch_check_layer_availability(data: dict[str, Any]) -> Any:
        status, headers, body = available(data)
        answer = json.loads(body)
        blobs = _blobs(ecr, data)
        for layer in answer.get("layers", []):
            content = blobs.get(layer["layerDigest"])
            if content is not None:
                layer |= {"layerAvailability": "AVAILABLE", "layerSize": len(content)}
        return status, headers, json.dumps(answer).encode()

    ecr._upload_layer_part = upload_layer_part  # noqa: SLF001
    ecr._complete_layer_upload = complete_layer_upload  # noqa: SLF001
    ecr._batch_check_layer_availability = batch_check_layer_availability  # noqa: SLF001


def keep_shared_images(ecr: Any) -> None:
    """Let the emulator's ECR remove a tag, and the image with the last one only."""
    delete = ecr._batch_delete_image  # noqa: SLF001

    def batch_delete_image(data: dict[str, Any]) -> Any:
        repository, shared = data.get("repositoryName", ""), []
        for image_id in data.get("imageIds", []):
            tag = None if "imageDigest" in image_id else image_id.get("imageTag")
            image = ecr._find_image(repository, image_id)  # noqa: SLF001
            if tag is not None and image is not None and image["imageTags"] != [tag]:
                image["imageTags"].remove(tag)
                shared.append({"imageDigest": image["imageDigest"], "imageTag": tag})
        left = [i for i in data.get("imageIds", []) if i.get("imageTag") not in _tags(shared)]
        status, headers, body = delete({**data, "imageIds": left})
        answer = json.loads(body)
        answer["imageIds"] = [*shared, *answer.get("imageIds", [])]
        return status, headers, json.dumps(answer).encode()

    ecr._batch_delete_image = batch_delete_image  # noqa: SLF001


def _tags(image_ids: list[dict[str, str]]) -> set[str]:
    return {image_id["imageTag"] for image_id in image_ids}


def _blobs(ecr: Any, data: dict[str, Any]) -> dict[str, bytes]:
    """Return the repository's blobs in the caller's account, by digest."""
    found: dict[str, bytes] = ecr._layer_blobs.setdefault(data.get("repositoryName", ""), {})  # noqa: SLF001
    return found
