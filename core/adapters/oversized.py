"""What happens to a dead letter whose body does not fit into a queue message.

Pure: the AWS queue and its memory twin both put the body into the transfer bucket and send a
pointer in its place.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Final

BODY_LIMIT_BYTES: Final = 256 * 1024
"""The contract's limit of a body; SQS itself allows 1 MiB."""

_UNSENDABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""SQS takes only the characters of XML 1.0 and refuses the whole message for another one."""


@dataclass(frozen=True, kw_only=True)
class Overflow:
    """A body that goes to S3, and the pointer that is sent instead."""

    key: str
    content: bytes
    pointer_body: str


def overflow_of(body: str, bucket: str) -> Overflow | None:
    """Return where a body goes that is oversized or holds unsendable characters; else None.

    The key is the content's digest: putting the same body twice leaves one object.
    """
    content = body.encode("utf-8", errors="surrogatepass")
    if len(content) <= BODY_LIMIT_BYTES and not _UNSENDABLE.search(body):
        return None
    digest = hashlib.sha256(content).hexdigest()
    key = f"oversized/{digest}"
    pointer = {
        "pointer": f"s3://{bucket}/{key}",
        "sha256": digest,
        "sizeBytes": len(content),
    }
    return Overflow(key=key, content=content, pointer_body=json.dumps(pointer))
