"""The journal of replays, in the operations table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from core.adapters.aws import operation_items as items
from core.adapters.aws import replay_items as stored
from core.adapters.aws.conditional import Refusal, conditionally, names_in
from core.adapters.aws.errors import calling
from core.adapters.aws.operation_queries import OperationQueries
from core.adapters.aws.replay_outcomes import replay_pk
from core.adapters.aws.retries import briefly
from core.domain.errors import LostClaimError, TransientError
from core.domain.replays import Replay, ReplayEntry, ReplayStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BATCH: Final = 25
"""DynamoDB: writes of one BatchWriteItem."""
TRIES: Final = 8
DRAFT_SECONDS: Final = 120
"""So long one process alone writes a new replay's entries; then it is taken for dead."""
_OWN: Final = 0
"""In a transaction of this journal, the replay's own item is written first."""
_DRAFT: Final = 3
"""In the transaction that opens a replay: where its draft is removed."""


class DynamoReplayJournal:
    """See core.ports.dead_letters.ReplayJournal."""

    def __init__(self, *, client: DynamoDBClient, table_name: str) -> None:
        self._client = client
        self._table = table_name
        self._reads = OperationQueries(client=client, table_name=table_name)

    def begin(self, replay: Replay, entries: Sequence[ReplayEntry]) -> Replay:
        """Entries first: an open replay has all of them, and one that is not open is nobody's."""
        already = self.open_replay() or self.get(replay.replay_id)
        if already is not None:
            return already
        self._draft(replay)
        self._put_entries(replay, entries)
        refused = self._open(replay)
        return replay if refused is None else self._in_the_way(replay, refused)

    def get(self, replay_id: str) -> Replay | None:
        with calling("DynamoDB", f"replay {replay_id}"):
            answer = self._client.get_item(
                TableName=self._table, Key=stored.replay_key(replay_id), ConsistentRead=True
            )
        return stored.replay_of(answer["Item"]) if "Item" in answer else None

    def open_replay(self) -> Replay | None:
        with calling("DynamoDB", "the open replay"):
            answer = self._client.get_item(
                TableName=self._table, Key=stored.open_key(), ConsistentRead=True
            )
        return self.get(answer["Item"]["replayId"]["S"]) if "Item" in answer else None

    def entries(self, replay_id: str) -> Sequence[ReplayEntry]:
        with calling("DynamoDB", f"replay {replay_id}"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="PK = :pk AND begins_with(SK, :entry)",
                ExpressionAttributeValues={
                    ":pk": {"S": replay_pk(replay_id)},
                    ":entry": {"S": stored.ENTRY_PREFIX},
                },
                ConsistentRead=True,
            )
            return [stored.entry_of(item) for page in pages for item in page["Items"]]

    def claim(
        self, replay_id: str, *, owner: str, now: datetime, lease_until: datetime
    ) -> Replay | None:
        condition = (
            "attribute_exists(PK) AND "
            "(attribute_not_exists(#leaseTo) OR #leaseTo <= :now OR #owner = :owner)"
        )
        update = "SET #fence = #fence + :one, #owner = :owner, #leaseTo = :until"
        answer = conditionally(
            f"replay {replay_id}",
            lambda: self._client.update_item(
                TableName=self._table,
                Key=stored.replay_key(replay_id),
                ConditionExpression=condition,
                UpdateExpression=update,
                ExpressionAttributeNames=names_in(condition, update),
                ExpressionAttributeValues={
                    ":now": {"S": items.when(now)},
                    ":owner": {"S": owner},
                    ":until": {"S": items.when(lease_until)},
                    ":one": {"N": "1"},
                },
                ReturnValues="ALL_NEW",
            ),
        )
        return None if isinstance(answer, Refusal) else stored.replay_of(answer["Attributes"])

    def save(self, replay: Replay) -> None:
        put = self._put_of_its_holder(replay)
        if replay.status is ReplayStatus.OPEN:
            answer: object = conditionally(
                f"replay {replay.replay_id}", lambda: self._client.put_item(**put)
            )
            refused = isinstance(answer, Refusal)
        else:
            refused = self._close(replay, put)
        if refused:
            raise _lost(replay)

    def record(self, replay: Replay, entries: Sequence[ReplayEntry]) -> None:
        latest = {entry.number: entry for entry in entries}
        for batch in batched(latest.values(), BATCH):
            self._record_batch(replay, batch)

    def recent(self, limit: int) -> Sequence[Replay]:
        with calling("DynamoDB", "the newest replays"):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="PK = :pk AND begins_with(SK, :at)",
                ExpressionAttributeValues={
                    ":pk": {"S": stored.REPLAYS_PK},
                    ":at": {"S": stored.AT_PREFIX},
                },
                ScanIndexForward=False,
                Limit=limit,
            )
        keys = [stored.replay_key(item["replayId"]["S"]) for item in answer["Items"]]
        found = [stored.replay_of(item) for item in self._reads.read_items(keys)]
        return sorted(found, key=lambda r: (r.created_at, r.replay_id), reverse=True)

    # --- inside ----------------------------------------------------------------------------

    def _record_batch(self, replay: Replay, entries: Sequence[ReplayEntry]) -> None:
        puts = [
            {"Put": {"TableName": self._table, "Item": stored.entry_item(replay.replay_id, entry)}}
            for entry in entries
        ]
        writes: list[Any] = [{"Update": self._guard(replay)}, *puts]
        answer: object = conditionally(
            f"replay {replay.replay_id}",
            lambda: self._client.transact_write_items(TransactItems=writes),
        )
        if isinstance(answer, Refusal):
            raise _lost(replay)

    def _guard(self, replay: Replay) -> dict[str, Any]:
        """Change nothing, if the fence is this one; a ConditionCheck needs a right of its own."""
        return {
            "TableName": self._table,
            "Key": stored.replay_key(replay.replay_id),
            "UpdateExpression": "SET #fence = :fence",
            **_if_held(replay),
        }

    def _draft(self, replay: Replay) -> None:
        """Keep another process that was given the same command from writing among the entries."""
        condition = "attribute_not_exists(PK) OR #at <= :dead"
        dead = replay.created_at - timedelta(seconds=DRAFT_SECONDS)
        answer: object = conditionally(
            f"replay {replay.replay_id}",
            lambda: self._client.put_item(
                TableName=self._table,
                Item={
                    **stored.draft_key(replay.replay_id),
                    "at": {"S": items.when(replay.created_at)},
                },
                ConditionExpression=condition,
                ExpressionAttributeNames=names_in(condition),
                ExpressionAttributeValues={":dead": {"S": items.when(dead)}},
            ),
        )
        if isinstance(answer, Refusal):
            raise _drafted(replay)

    def _put_entries(self, replay: Replay, entries: Sequence[ReplayEntry]) -> None:
        """Write a new replay's entries, in place of those of a `begin` that died under its name."""
        latest = {entry.number: entry for entry in entries}
        old = {entry.number for entry in self.entries(replay.replay_id)}
        self._remove(replay, (stored.entry_key(replay.replay_id, n) for n in old - set(latest)))
        puts = [
            {"PutRequest": {"Item": stored.entry_item(replay.replay_id, entry)}}
            for entry in latest.values()
        ]
        self._write(f"replay {replay.replay_id}", puts)

    def _remove(self, replay: Replay, keys: Iterable[stored.Key]) -> None:
        deletes = [{"DeleteRequest": {"Key": key}} for key in keys]
        self._write(f"replay {replay.replay_id}", deletes)

    def _open(self, replay: Replay) -> Refusal | None:
        """Open it, if no other is open, none had its name and the draft is still its own."""
        answer: object = conditionally(
            f"replay {replay.replay_id}",
            lambda: self._client.transact_write_items(TransactItems=self._opening(replay)),
        )
        return answer if isinstance(answer, Refusal) else None

    def _opening(self, replay: Replay) -> list[Any]:
        new = "attribute_not_exists(PK)"
        puts: list[dict[str, Any]] = [
            {"Item": stored.replay_item(replay), "ConditionExpression": new},
            {"Item": stored.open_item(replay), "ConditionExpression": new},
            {"Item": stored.listed_item(replay)},
        ]
        own = "#at = :at"
        undraft = {
            "TableName": self._table,
            "Key": stored.draft_key(replay.replay_id),
            "ConditionExpression": own,
            "ExpressionAttributeNames": names_in(own),
            "ExpressionAttributeValues": {":at": {"S": items.when(replay.created_at)}},
        }
        return [
            *({"Put": {"TableName": self._table, **put}} for put in puts),
            {"Delete": undraft},
        ]

    def _in_the_way(self, replay: Replay, refused: Refusal) -> Replay:
        """Return what is open instead: this very replay, when the first answer was lost."""
        found = self.get(replay.replay_id)
        if found is not None:
            return found
        if _DRAFT in refused.failed:
            raise _drafted(replay)
        numbers = [entry.number for entry in self.entries(replay.replay_id)]
        written = [stored.entry_key(replay.replay_id, number) for number in numbers]
        self._remove(replay, [*written, stored.draft_key(replay.replay_id)])
        other = self.open_replay()
        if other is None:
            raise TransientError("Another replay was open and has just ended. Try again.")
        return other

    def _put_of_its_holder(self, replay: Replay) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Item": stored.replay_item(replay),
            **_if_held(replay),
        }

    def _close(self, replay: Replay, put: dict[str, Any]) -> bool:
        """Write the end and free the place of the open one; return whether it was refused."""
        free: dict[str, Any] = {
            "TableName": self._table,
            "Key": stored.open_key(),
            "ConditionExpression": "replayId = :id",
            "ExpressionAttributeValues": {":id": {"S": replay.replay_id}},
        }
        about = f"replay {replay.replay_id}"
        writes: list[Any] = [{"Put": put}, {"Delete": free}]
        answer: object = conditionally(
            about, lambda: self._client.transact_write_items(TransactItems=writes)
        )
        if not isinstance(answer, Refusal):
            return False
        if _OWN in answer.failed:
            return True
        # It was closed before (that answer was lost): the place is free, or the next one's.
        again = conditionally(about, lambda: self._client.put_item(**put))
        return isinstance(again, Refusal)

    def _write(self, about: str, requests: Sequence[Any]) -> None:
        for batch in batched(requests, BATCH):
            self._write_batch(about, list(batch))

    def _write_batch(self, about: str, batch: list[Any]) -> None:
        left = batch

        def once() -> None:
            nonlocal left
            with calling("DynamoDB", about):
                answer = self._client.batch_write_item(RequestItems={self._table: left})
            left = list(answer.get("UnprocessedItems", {}).get(self._table, []))
            if left:
                raise TransientError(f"DynamoDB has put off {len(left)} items of {about}.")

        briefly(TransientError, attempts=TRIES)(once)


def _if_held(replay: Replay) -> dict[str, Any]:
    """Return the condition of its holder's writes: nobody has claimed it since."""
    condition = "attribute_exists(PK) AND #fence = :fence"
    return {
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names_in(condition),
        "ExpressionAttributeValues": {":fence": {"N": str(replay.fence)}},
    }


def _lost(replay: Replay) -> LostClaimError:
    return LostClaimError(f"Another worker has taken replay {replay.replay_id} over.")


def _drafted(replay: Replay) -> TransientError:
    return TransientError(f"Another process is beginning replay {replay.replay_id}. Try again.")
