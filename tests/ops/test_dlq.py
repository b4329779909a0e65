"""`sitefleet dlq` over moto: what it prints, what it refuses, what it moves."""

from __future__ import annotations

import json

import pytest

from core.adapters.aws.dead_letters import SqsDeadLetters
from core.domain.replays import Fate
from ops.dlq import replaying
from ops.dlq.choosing import seconds_of
from ops.errors import BadInputError, ExitCode
from tests.ops.letters import CREATION, REPLAYER, Worker, end_second

WHY = ("--reason", "The quota was raised.")


def test_an_age_is_a_number_and_a_unit():
    assert [seconds_of(age) for age in ("90s", "30m", "2h", "3d")] == [90, 1800, 7200, 259_200]
    for wrong in ("", "30", "h", "-1h", "1w", "1 h"):
        with pytest.raises(BadInputError, match="is no age"):
            seconds_of(wrong)


class TestLooking:
    def test_list_groups_by_what_failed(self, boxes, dlq):
        for number in range(3):
            boxes.creation(number)
        bad = boxes.refused("{not json")
        answer = dlq("list")
        assert answer.code == 0
        header, first, why, second, _ = answer.out.splitlines()
        assert header.split()[:4] == ["GROUP", "LETTERS", "WORKFLOW", "STEP"]
        assert first.split()[1:5] == ["3", "creation", "accept", "SITE_004"]
        assert why.strip() == "The quota is used up."
        assert second.split()[1] == "1"
        assert "4 letters in 2 groups: 4 operations." in answer.err
        found = dlq("list", "--json").json
        assert [group["count"] for group in found["groups"]] == [3, 1]
        assert found["groups"][1]["exampleMessageId"] == bad
        assert found["boxes"]["operations"] == {"visible": 4, "hidden": 0}

    def test_filters_mean_what_they_say(self, boxes, dlq):
        ids = [boxes.creation(number) for number in range(3)]
        other = boxes.creation(9, tenantId="tenant-9")
        named = ("--message-id", ids[0], "--message-id", ids[2])
        for flags, meant in (
            (("--tenant-id", "tenant-9"), {other}),
            (("--site-id", "site-1"), {ids[1]}),
            (named, {ids[0], ids[2]}),
            (("--queue", "deletion"), set()),
            (("--older-than", "1h"), set()),
            (("--older-than", "0s"), {*ids, other}),
            (("--box", "parked"), set()),
        ):
            found = dlq("plan", "--json", *flags).json["plan"]
            assert {one["messageId"] for one in found} == meant, flags

    def test_what_is_looked_at_stays_visible(self, boxes, dlq):
        boxes.creation(1)
        for command in (("list",), ("plan",), ("replay",)):
            assert dlq(*command).code == 0
            assert boxes.visible("operations-dlq") == 1

    def test_letters_on_another_desk_are_told(self, boxes, dlq):
        boxes.creation(1)
        boxes.take_one()
        answer = dlq("list")
        assert "1 letter more cannot be seen" in answer.err
        assert "There is no dead letter." in answer.err

    def test_show_tells_everything_and_no_proof(self, boxes, dlq):
        proof = {"headers": {"authorization": "AWS4-HMAC-SHA256 Credential=AKIDSECRET"}}
        body = json.dumps({**CREATION, "payload": {**CREATION["payload"], "proof": proof}})
        message_id = boxes.refused(body, reason="It has a field too many.")
        answer = dlq("show", message_id)
        assert "It has a field too many." in answer.out
        assert '"siteId": "site-1"' in answer.out
        assert "originQueue" in answer.out
        assert "AKIDSECRET" not in answer.out + dlq("show", message_id, "--json").out
        group = dlq("list", "--json").json["groups"][0]["groupId"]
        assert dlq("show", group).out.splitlines()[:2] == answer.out.splitlines()[:2]

    def test_show_of_nothing(self, boxes, dlq, sitefleet):
        answer = sitefleet("dlq", "show", "no-such", "--env", "sit")
        assert answer.code == ExitCode.NOT_FOUND
        assert "sitefleet dlq list --env sit" in answer.err

    def test_a_letter_cannot_steer_the_terminal(self, boxes, dlq):
        boxes.refused("plain \u200b text", reason="bell\u0085 and \u202e back")
        assert "\u202e" not in dlq("list").out


class TestReplaying:
    def test_without_yes_nothing_is_sent_and_the_command_is_told(self, boxes, dlq):
        boxes.creation(1)
        answer = dlq("replay", "--tenant-id", "tenant-1", "--limit", "5")
        assert answer.code == 0
        assert "accepted" in answer.out
        told = "sitefleet dlq replay --tenant-id tenant-1 --limit 5 --env sit --reason '...' --yes"
        assert told in answer.err
        assert boxes.visible("creation") == 0

    def test_a_reason_is_asked_for(self, boxes, sitefleet):
        boxes.creation(1)
        answer = sitefleet("dlq", "replay", "--yes", "--env", "sit")
        assert answer.code == ExitCode.BAD_INPUT
        assert "--reason" in answer.err
        assert boxes.visible("operations-dlq") == 1

    def test_letters_are_sent_and_what_became_of_them_is_told(self, boxes, dlq):
        ids = {boxes.creation(number) for number in range(3)}
        boxes.refused("{not json")
        with Worker(boxes, "creation") as worker:
            answer = dlq("replay", "--yes", "--rate", "100", *WHY)
        assert answer.code == ExitCode.COMPLETED, answer.err
        assert "finished, 3 letters." in answer.out
        assert "3  done" in answer.out
        assert {stamps["replayOf"] for _, stamps in worker.seen} == ids
        assert {stamps["replayCount"] for _, stamps in worker.seen} == {"1"}
        assert boxes.visible("operations-dlq") == 1
        listed = dlq("history", "--json").json["replays"][0]
        assert listed["reason"] == WHY[1]
        assert listed["counts"] == {"done": 3}
        shown = dlq("history", listed["replayId"], "--json").json
        assert {entry["messageId"] for entry in shown["entries"]} == ids
        assert all(entry["newMessageId"] for entry in shown["entries"])
        assert listed["requestedBy"] in dlq("history").out
        assert all(one in dlq("history", listed["replayId"]).out for one in ids)

    def test_a_poisoned_group_stops_and_the_others_go_on(self, boxes, dlq):
        for number in range(4):
            boxes.creation(number)
        for number in range(4, 8):
            boxes.refused(
                json.dumps(
                    {
                        **CREATION,
                        "correlationId": f"c-{number}",
                        "payload": {
                            **CREATION["payload"],
                            "siteId": f"site-{number}",
                            "subdomain": f"s{number}",
                            "tenantId": "tenant-1",
                        },
                    }
                ),
                code="SITE_003",
                reason="The subdomain is taken.",
            )
        with Worker(boxes, "creation", fate_of=_bad_from_site_4):
            answer = dlq("replay", "--yes", "--rate", "100", *WHY, "--json")
        assert answer.code == ExitCode.NOT_SUCCEEDED
        assert answer.json["counts"] == {"done": 4, "failed again": 1, "stopped": 3}
        assert len(answer.json["stoppedGroups"]) == 1
        assert boxes.visible("operations-dlq") == 3

    def test_nothing_to_send_is_bad_input(self, boxes, sitefleet):
        boxes.refused("{not json")
        answer = sitefleet("dlq", "replay", "--yes", "--env", "sit", *WHY)
        assert answer.code == ExitCode.BAD_INPUT
        assert "Nothing is to be sent" in answer.err
        assert boxes.visible("operations-dlq") == 1

    def test_letters_on_another_desk_are_told(self, boxes, sitefleet):
        boxes.creation(1)
        boxes.take_one()
        answer = sitefleet("dlq", "replay", "--yes", "--env", "sit", *WHY)
        assert answer.code == ExitCode.BAD_INPUT
        assert "1 letter more cannot be seen" in answer.err

    def test_what_the_replayer_may_miss_is_told(self, boxes, sitefleet, monkeypatch):
        """No function runs here: nobody takes the command from its queue."""
        monkeypatch.setattr(replaying, "PATIENCE_SECONDS", 0)
        boxes.creation(1)
        words = ("dlq", "replay", "--remote", "--yes", "--env", "sit", *WHY)
        assert "may be missed" not in sitefleet(*words).err
        boxes.take_one()
        answer = sitefleet(*words)
        assert answer.code == ExitCode.STALLED
        assert "About 1 letter may be missed" in answer.err
        assert "/aws/lambda/sit-bbws-async-processor-dlq-replayer" in answer.err

    def test_resume_and_abandon_need_an_open_replay(self, boxes, sitefleet):
        for flag in ("--resume", "--abandon"):
            answer = sitefleet("dlq", "replay", flag, "--env", "sit")
            assert answer.code == ExitCode.NOT_FOUND
            assert "No replay is open" in answer.err

    def test_an_interrupted_replay_goes_on(self, boxes, dlq, monkeypatch):
        for number in range(3):
            boxes.creation(number)
        with Worker(boxes, "creation"), monkeypatch.context() as patch:
            patch.setattr(
                SqsDeadLetters, "send", end_second(SqsDeadLetters.send, KeyboardInterrupt)
            )
            interrupted = dlq("replay", "--yes", "--rate", "100", *WHY)
        assert interrupted.code == ExitCode.INTERRUPTED
        assert "sitefleet dlq replay --resume --env sit" in interrupted.err
        with Worker(boxes, "creation"):
            resumed = dlq("replay", "--resume")
        assert resumed.code == ExitCode.COMPLETED, resumed.err
        assert "3  done" in resumed.out
        assert boxes.visible("operations-dlq") == 0

    def test_an_abandoned_replay_leaves_the_letters(self, boxes, dlq, monkeypatch):
        for number in range(3):
            boxes.creation(number)
        with Worker(boxes, "creation"), monkeypatch.context() as patch:
            patch.setattr(
                SqsDeadLetters, "send", end_second(SqsDeadLetters.send, KeyboardInterrupt)
            )
            dlq("replay", "--yes", "--rate", "100", *WHY)
        closed = dlq("replay", "--abandon")
        assert "What it had sent is settled first" in closed.err
        assert "is closed" in closed.err
        assert boxes.visible("operations-dlq") == 2
        assert dlq("history", "--json").json["replays"][0]["status"] == "ABANDONED"


class TestReach:
    def test_an_environment_without_the_replayer_is_told(self, cloud, sitefleet):
        answer = sitefleet("dlq", "list", "--env", "sit")
        assert answer.code == ExitCode.UNEXPECTED
        assert REPLAYER in answer.err
        assert "Is the stack of --env deployed" in answer.err


def _bad_from_site_4(body) -> Fate:
    number = int(body["payload"]["siteId"].removeprefix("site-"))
    return Fate.REFUSED if number >= 4 else Fate.ACCEPTED
