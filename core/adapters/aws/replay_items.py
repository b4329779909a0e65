"""How replays and their entries look in the operations table.

A replay's own item is written before every send: it stays small, its entries are items beside it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from core.adapters.aws import operation_items as items
from core.adapters.aws.replay_outcomes import replay_pk
from core.domain.letters import Origin
from core.domain.replays import (
    EntryState,
    Fate,
    Pace,
    Replay,
    ReplayEntry,
    ReplayFilter,
    ReplayStatus,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

REPLAYS_PK: Final = "REPLAYS"
OPEN_SK: Final = "OPEN"
REPLAY_SK: Final = "REPLAY"
DRAFT_SK: Final = "DRAFT"
ENTRY_PREFIX: Final = "ENTRY#"
AT_PREFIX: Final = "AT#"

type Key = dict[str, "UniversalAttributeValueTypeDef"]


def replay_key(replay_id: str) -> Key:
    """Return the key of a replay's own item."""
    return {"PK": {"S": replay_pk(replay_id)}, "SK": {"S": REPLAY_SK}}


def open_key() -> Key:
    """Return the key of the item that names the open replay."""
    return {"PK": {"S": REPLAYS_PK}, "SK": {"S": OPEN_SK}}


def entry_key(replay_id: str, number: int) -> Key:
    """Return the key of an entry; the order of numbers is that of keys up to a million."""
    return {"PK": {"S": replay_pk(replay_id)}, "SK": {"S": f"{ENTRY_PREFIX}{number:06d}"}}


def draft_key(replay_id: str) -> Key:
    """Return the key of the item that says who is writing a new replay's entries."""
    return {"PK": {"S": replay_pk(replay_id)}, "SK": {"S": DRAFT_SK}}


def open_item(replay: Replay) -> items.NewItem:
    """Return the item that keeps a second replay from beginning."""
    return {**open_key(), "replayId": {"S": replay.replay_id}}


def listed_item(replay: Replay) -> items.NewItem:
    """Return the item by which the newest replays are found."""
    sk = f"{AT_PREFIX}{items.when(replay.created_at)}#{replay.replay_id}"
    return {
        "PK": {"S": REPLAYS_PK},
        "SK": {"S": sk},
        "replayId": {"S": replay.replay_id},
    }


def replay_item(replay: Replay) -> items.NewItem:
    """Return a replay's own item."""
    item: items.NewItem = {
        **replay_key(replay.replay_id),
        "requestedBy": {"S": replay.requested_by},
        "reason": {"S": replay.reason},
        "filters": {"S": _json(asdict(replay.filters))},
        "pace": {"S": _json(asdict(replay.pace))},
        "status": {"S": replay.status},
        "total": {"N": str(replay.total)},
        "counts": {"S": _json(dict(replay.counts))},
        "stopped": {"S": _json(list(replay.stopped_groups))},
        "fence": {"N": str(replay.fence)},
        "createdAt": {"S": items.when(replay.created_at)},
    }
    if replay.unconfirmed:
        item["unconfirmed"] = {"S": _json({str(k): v for k, v in replay.unconfirmed.items()})}
    if replay.sending is not None:
        item["sending"] = {"N": str(replay.sending)}
    if replay.lease_owner is not None:
        item["owner"] = {"S": replay.lease_owner}
    if replay.lease_until is not None:
        item["leaseTo"] = {"S": items.when(replay.lease_until)}
    if replay.finished_at is not None:
        item["doneAt"] = {"S": items.when(replay.finished_at)}
    return item


def replay_of(item: items.Item) -> Replay:
    """Read a replay's own item."""
    return Replay(
        replay_id=item["PK"]["S"].removeprefix("REPLAY#"),
        requested_by=item["requestedBy"]["S"],
        reason=item["reason"]["S"],
        filters=_filters(json.loads(item["filters"]["S"])),
        pace=Pace(**json.loads(item["pace"]["S"])),
        status=ReplayStatus(item["status"]["S"]),
        sending=int(item["sending"]["N"]) if "sending" in item else None,
        unconfirmed=_unconfirmed(_text(item, "unconfirmed")),
        total=int(item["total"]["N"]),
        counts=json.loads(item["counts"]["S"]),
        stopped_groups=tuple(json.loads(item["stopped"]["S"])),
        fence=int(item["fence"]["N"]),
        lease_owner=_text(item, "owner"),
        lease_until=_moment(item, "leaseTo"),
        created_at=datetime.fromisoformat(item["createdAt"]["S"]),
        finished_at=_moment(item, "doneAt"),
    )


def entry_item(replay_id: str, entry: ReplayEntry) -> items.NewItem:
    """Return an entry's item; what says nothing is left out."""
    item: items.NewItem = {
        **entry_key(replay_id, entry.number),
        "messageId": {"S": entry.message_id},
        "groupId": {"S": entry.group_id},
        "origin": {"S": entry.origin},
        "box": {"S": entry.box},
        "state": {"S": entry.state},
        "forecast": {"S": entry.forecast},
    }
    for name, text in _texts(entry).items():
        if text:
            item[name] = {"S": text}
    if entry.sent_at is not None:
        item["sentAt"] = {"S": items.when(entry.sent_at)}
    return item


def entry_of(item: items.Item) -> ReplayEntry:
    """Read an entry's item."""
    return ReplayEntry(
        number=int(item["SK"]["S"].removeprefix(ENTRY_PREFIX)),
        message_id=item["messageId"]["S"],
        group_id=item["groupId"]["S"],
        origin=Origin(item["origin"]["S"]),
        box=item["box"]["S"],
        operation_id=_text(item, "operationId"),
        forecast=Fate(item["forecast"]["S"]),
        sentence=_text(item, "sentence") or "",
        state=EntryState(item["state"]["S"]),
        new_message_id=_text(item, "newMessageId"),
        sent_at=_moment(item, "sentAt"),
        fate=Fate(item["fate"]["S"]) if "fate" in item else None,
        outcome=_text(item, "outcome") or "",
    )


# --- inside ---------------------------------------------------------------------------------


def _texts(entry: ReplayEntry) -> dict[str, str | None]:
    return {
        "operationId": entry.operation_id,
        "sentence": entry.sentence,
        "newMessageId": entry.new_message_id,
        "fate": entry.fate,
        "outcome": entry.outcome,
    }


def _unconfirmed(text: str | None) -> dict[int, str]:
    return {int(number): name for number, name in json.loads(text or "{}").items()}


def _filters(stored: dict[str, Any]) -> ReplayFilter:
    origin = stored.pop("origin")
    message_ids = tuple(stored.pop("message_ids"))
    return ReplayFilter(
        origin=Origin(origin) if origin else None, message_ids=message_ids, **stored
    )


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _text(item: items.Item, name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _moment(item: items.Item, name: str) -> datetime | None:
    return datetime.fromisoformat(item[name]["S"]) if name in item else None
