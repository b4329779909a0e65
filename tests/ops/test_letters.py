"""A look at dead letters: SQS shows only some of them, and sometimes none, at a time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ops.letters import look_into
from ops.reading import Unknown
from ops.status.dead_letters import LetterGroup
from ops.status.evidence import QueueDepth, Status
from ops.status.screen import status_lines

DLQ = "bbws-wp-site-operations-dlq-sit"
SEEN = LetterGroup(queue=DLQ, error_code="SITE_003", reason="It is taken.", seen=2)
NOTE = "  (of the first letters that were looked at; nothing was taken)"
NONE_SEEN = f"  3 in {DLQ}, none seen in this look: sitefleet dlq list --env sit"


class Queue:
    """A dead-letter queue that shows what it is told to, one answer after the other."""

    def __init__(self, *answers, visible=3, hidden=0):
        self.answers, self.visible, self.hidden = list(answers), visible, hidden
        self.asked = []

    def get_queue_url(self, **_):
        return {"QueueUrl": "https://queue"}

    def get_queue_attributes(self, **_):
        return {
            "Attributes": {
                "ApproximateNumberOfMessages": str(self.visible),
                "ApproximateNumberOfMessagesNotVisible": str(self.hidden),
            }
        }

    def receive_message(self, **asked):
        self.asked.append(asked)
        names = self.answers.pop(0) if self.answers else ""
        return {"Messages": [{"MessageId": name, "Body": "{}"} for name in names]} if names else {}


def names(look):
    return "".join(letter.message_id for letter in look.seen)


@pytest.mark.parametrize(
    ("answers", "seen"),
    [
        (["", "abc", "abc"], "abc"),  # the first servers that were asked had none
        (["ab", "b", "bc"], "abc"),
        (["", "", "abc"], ""),
        (["a", "b", "c", "d", "e", "f"], "abcde"),
    ],
)
def test_one_look_in_vain_is_not_the_end(answers, seen):
    assert names(look_into(Queue(*answers), "dlq")) == seen


def test_it_waits_for_every_server_and_hides_nothing():
    queue = Queue("abc")
    look_into(queue, "dlq")
    assert {(one["WaitTimeSeconds"], one["VisibilityTimeout"]) for one in queue.asked} == {(1, 0)}


def test_an_empty_queue_is_looked_at_and_not_waited_for():
    queue = Queue(visible=0)
    assert look_into(queue, "dlq").unseen == 0
    assert [one["WaitTimeSeconds"] for one in queue.asked] == [0]
    assert names(look_into(Queue("a", visible=0), "dlq")) == "a"  # it came a moment ago


def test_what_was_not_seen_is_counted_and_what_somebody_has_too():
    look = look_into(Queue("a", visible=3, hidden=2), "dlq")
    assert (look.there, look.unseen) == (5, 4)
    assert look_into(Queue("abc", visible=1), "dlq").unseen == 0


# --- on the screen of `sitefleet status` -------------------------------------------------------


@pytest.mark.parametrize(
    ("visible", "in_flight", "groups", "told"),
    [
        (0, 0, (), ["  none"]),
        (3, 0, (), [NONE_SEEN]),
        (1, 2, (), [NONE_SEEN]),
        (3, 0, (SEEN,), [f"  2 in {DLQ}: SITE_003 It is taken.", NOTE]),
    ],
)
def test_letters_that_are_there_and_were_not_seen_are_not_none(visible, in_flight, groups, told):
    status = Status(
        environment="sit",
        at=datetime(2026, 11, 21, tzinfo=UTC),
        queues={"operations-dlq": QueueDepth(visible=visible, in_flight=in_flight, delayed=0)},
        operations=Unknown(why="not asked"),
        letters=groups,
        notices=(),
        ages={},
    )
    lines = status_lines(status)
    begin = next(n for n, line in enumerate(lines) if line.text == "Dead letters") + 1
    assert [line.text for line in lines[begin : begin + len(told)]] == told
    assert (lines[begin].style == "green") is (told == ["  none"])
