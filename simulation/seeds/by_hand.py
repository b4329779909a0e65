"""What a person sends to an operation."""

from __future__ import annotations

import json


def by_hand(message_type: str, operation_id: str, correlation: str) -> str:
    """Return the body of a cancel or a retry."""
    return json.dumps(
        {
            "messageType": message_type,
            "correlationId": correlation,
            "timestamp": "2026-11-21T08:00:00Z",
            "payload": {"operationId": operation_id, "reason": "because"},
        }
    )
