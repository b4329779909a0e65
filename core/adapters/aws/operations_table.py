"""The operations table as its adapters ask it: keys and indexes.

template.yaml makes it, and a test compares the two; tests and tools make it from here.
"""

from __future__ import annotations

from typing import Any, Final

INDEXES: Final = (
    ("due", "dueShard", "dueAt"),
    ("recent", "createdDay", "createdAt"),
    ("site", "siteRef", "createdAt"),
    ("correlation", "correlation", "createdAt"),
)
"""Name, partition key, sort key; each holds keys only."""


def table_definition(name: str) -> dict[str, Any]:
    """Return the arguments of CreateTable."""
    attributes = {"PK", "SK", *(key for _, *pair in INDEXES for key in pair)}
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _keys("PK", "SK"),
        "AttributeDefinitions": [
            {"AttributeName": attribute, "AttributeType": "S"} for attribute in sorted(attributes)
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index,
                "KeySchema": _keys(*pair),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index, *pair in INDEXES
        ],
    }


def _keys(hash_key: str, range_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": hash_key, "KeyType": "HASH"},
        {"AttributeName": range_key, "KeyType": "RANGE"},
    ]
