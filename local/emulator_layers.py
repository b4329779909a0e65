"""Image layers that MiniStack's ECR calls take and forget: kept, so that an image can be copied on.

MiniStack keeps what is pushed by the registry protocol only. A promotion copies by ECR's own calls,
from dev to sit and from sit to prod: the second copy needs what the first one uploaded.
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


def _blobs(ecr: Any, data: dict[str, Any]) -> dict[str, bytes]:
    """Return the repository's blobs in the caller's account, by digest."""
    found: dict[str, bytes] = ecr._layer_blobs.setdefault(data.get("repositoryName", ""), {})  # noqa: SLF001
    return found
