"""Announcements in the operations table, and what one correlation id has led to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from core.adapters.aws import notice_items
from core.adapters.aws import operation_items as items
from core.adapters.aws.conditional import Refusal, conditionally
from core.adapters.aws.errors import calling
from core.adapters.aws.operation_queries import OperationQueries
from core.domain.notices import Notice
from core.ports.announcements import ANNOUNCING, Correlated, Mark


class OperationAnnouncements(OperationQueries):
    """See core.ports.announcements.Announcements."""

    def announce(self, event_id: str, now: datetime, *, by: str) -> Mark:
        answer = conditionally(
            f"fact {event_id}",
            lambda: self._client.update_item(
                TableName=self._table,
                Key=notice_items.fact_key(event_id),
                ConditionExpression=(
                    "attribute_not_exists(doneAt) AND "
                    "(attribute_not_exists(#by) OR #by = :by OR startedAt <= :stale)"
                ),
                UpdateExpression="SET startedAt = :now, #by = :by",
                ExpressionAttributeNames={"#by": "by"},
                ExpressionAttributeValues={
                    ":by": {"S": by},
                    ":now": {"S": items.when(now)},
                    ":stale": {"S": items.when(now - ANNOUNCING)},
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            ),
        )
        if not isinstance(answer, Refusal):
            return Mark.MINE
        return Mark.DONE if "doneAt" in (answer.item or {}) else Mark.TAKEN

    def announced_of(self, marks: Collection[str]) -> Collection[str]:
        found = self.read_items([notice_items.fact_key(mark) for mark in set(marks)])
        return {notice_items.mark_of(item) for item in found if "doneAt" in item}

    def announced(self, notice: Notice) -> None:
        attributes = notice_items.closing_attributes(notice)
        with calling("DynamoDB", f"fact {notice.mark}"):
            self._client.update_item(
                TableName=self._table,
                Key=notice_items.fact_key(notice.mark),
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
                ExpressionAttributeNames={f"#{name}": name for name in attributes},
                ExpressionAttributeValues={f":{name}": v for name, v in attributes.items()},
            )

    def notices(self, *, day: str, limit: int) -> Sequence[Notice]:
        with calling("DynamoDB", f"index recent of {self._table}"):
            answer = self._client.query(
                TableName=self._table,
                IndexName="recent",
                KeyConditionExpression="createdDay = :day",
                ExpressionAttributeValues={":day": {"S": notice_items.day_of(day)}},
                ScanIndexForward=False,
                Limit=limit,
            )
        found = [notice_items.notice_of(item) for item in self._items(answer["Items"])]
        return sorted(found, key=lambda notice: notice.announced_at, reverse=True)

    def of_correlation(self, correlation_id: str, *, limit: int) -> Correlated:
        with calling("DynamoDB", f"index correlation of {self._table}"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                IndexName="correlation",
                KeyConditionExpression="correlation = :id",
                ExpressionAttributeValues={":id": {"S": correlation_id}},
                PaginationConfig={"MaxItems": limit},
            )
            entries = [item for page in pages for item in page["Items"]]
        found = self._items(entries)
        operations = [items.operation_of(i) for i in found if i["SK"]["S"] == items.OPERATION_SK]
        notices = [notice_items.notice_of(i) for i in found if i["SK"]["S"] != items.OPERATION_SK]
        return Correlated(
            operations=tuple(sorted(operations, key=lambda operation: operation.created_at)),
            notices=tuple(sorted(notices, key=lambda notice: notice.announced_at)),
        )

    def _items(self, entries: Sequence[Any]) -> Sequence[items.Item]:
        return self.read_items([{"PK": entry["PK"], "SK": entry["SK"]} for entry in entries])
