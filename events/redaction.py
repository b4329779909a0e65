"""Taking the proof out of a body before it is stored, logged or dead-lettered.

A proof is a signed request: whoever holds it may act as its signer for some minutes. It belongs
in the call to STS and nowhere else.
"""

import hashlib
import json
import re
from typing import Any, Final

from events.json_text import UnreadableError, parse

REMOVED: Final = "[removed]"
_KEYS: Final = frozenset({"proof", "authorization", "x-amz-security-token"})
_TRACES = re.compile(
    r"proof|authorization|x-amz-security-token|aws4-hmac|\\u00[2-7][0-9a-f]", re.IGNORECASE
)
_MAX_LAYERS: Final = 6


def redact_body(body: str) -> str:
    """The body without its proof, otherwise unchanged to the letter.

    A body that cannot be read but shows traces of a proof is replaced as a whole by its size
    and sha256: which part of it is secret cannot be told.
    """
    return _redact(body, _MAX_LAYERS)


def redact_attribute(name: str, value: str) -> str:
    """The value of a message attribute: nothing of it where its very name says what it holds.

    Text that only talks of a proof is kept: a replay sends an attribute as its sender wrote it.
    """
    return str(_clean({name: value}, _MAX_LAYERS)[name])


def _redact(body: str, layers: int) -> str:
    if not _TRACES.search(body):
        return body
    try:
        body.encode()
        value = parse(body)
    except (UnreadableError, UnicodeEncodeError):
        return _digest(body)
    clean = _clean(value, layers)
    return body if clean == value else json.dumps(clean, separators=(",", ":"))


def _clean(value: Any, layers: int) -> Any:
    if isinstance(value, dict):
        return {
            key: REMOVED if key.lower() in _KEYS else _clean(item, layers)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_clean(item, layers) for item in value]
    if isinstance(value, str) and _TRACES.search(value):
        return _clean_text(value, layers)
    return value


def _clean_text(text: str, layers: int) -> str:
    """A text may be a message inside a wrapping, the signature itself, or just talk of a proof."""
    if text.lstrip()[:1] in {"{", "[", '"'}:
        return _redact(text, layers - 1) if layers else _digest(text)
    return REMOVED if "aws4-hmac" in text.lower() else text


def _digest(body: str) -> str:
    data = body.encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(data).hexdigest()
    return f"{REMOVED} {len(data)} unreadable bytes that may hold a credential; sha256:{digest}"
