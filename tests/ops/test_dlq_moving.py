"""`sitefleet dlq` over moto: letters that are put aside, corrected, copied to a file and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.adapters.aws.dead_letters import SqsDeadLetters
from core.domain.errors import TransientError
from ops.dlq import copies
from ops.errors import ExitCode
from tests.ops.letters import CREATION, Worker, end_second

WHY = ("--reason", "The quota was raised.")


class TestParking:
    def test_parking_takes_a_filter_and_yes(self, boxes, sitefleet, dlq):
        message_id = boxes.creation(1)
        answer = sitefleet("dlq", "park", "--yes", "--env", "sit", *WHY)
        assert (answer.code, boxes.visible("parked")) == (ExitCode.BAD_INPUT, 0)
        answer = dlq("park", "--message-id", message_id, *WHY)
        assert "1 letter would be parked" in answer.err
        assert (boxes.visible("operations-dlq"), boxes.visible("parked")) == (1, 0)

    def test_a_parked_letter_keeps_what_it_is(self, boxes, dlq):
        boxes.creation(1)
        before = dlq("list", "--json").json["groups"][0]
        assert dlq("park", "--tenant-id", "tenant-1", "--yes", *WHY).code == 0
        assert "1 letter parked" in dlq("list").err
        after = dlq("list", "--box", "parked", "--json").json["groups"][0]
        for name in ("groupId", "oldest", "kinds", "tenants"):
            assert after[name] == before[name]
        [message] = boxes.messages("parked")
        assert message["MessageAttributes"]["parkedReason"]["StringValue"] == WHY[1]
        assert message["MessageAttributes"]["parkedBy"]["StringValue"]

    def test_what_is_parked_can_be_replayed_by_name(self, boxes, dlq):
        first = boxes.creation(1)
        dlq("park", "--tenant-id", "tenant-1", "--yes", *WHY)
        assert dlq("plan", "--json").json["letters"] == 0
        with Worker(boxes, "creation") as worker:
            answer = dlq("replay", "--box", "parked", "--yes", "--rate", "100", *WHY)
        assert answer.code == 0, answer.err
        [(message, stamps)] = worker.seen
        assert set(stamps) == {"replayId", "replayOf", "replayCount"}
        assert stamps["replayOf"] != first
        assert json.loads(message["Body"])["payload"]["siteId"] == "site-1"
        assert boxes.visible("parked") == 0

    @pytest.mark.parametrize("reason", [(), ("--reason", " ")])
    def test_without_a_reason_no_letter_is_taken(self, boxes, sitefleet, reason):
        """They would be hidden for minutes, and the next try would park nothing."""
        boxes.creation(1)
        answer = sitefleet("dlq", "park", "--older-than", "0s", "--yes", "--env", "sit", *reason)
        assert answer.code == ExitCode.BAD_INPUT
        assert "Say why" in answer.err
        assert boxes.visible("operations-dlq") == 1

    @pytest.mark.parametrize("yes", [(), ("--yes",)])
    def test_to_park_nothing_is_bad_input(self, boxes, sitefleet, yes):
        answer = sitefleet("dlq", "park", "--group", "a1b2c3d4", "--env", "sit", *yes, *WHY)
        assert answer.code == ExitCode.BAD_INPUT
        assert "No letter is meant" in answer.err

    def test_letters_on_another_desk_are_told(self, boxes, dlq):
        boxes.creation(1)
        boxes.take_one()
        boxes.creation(2)
        answer = dlq("park", "--older-than", "0s", "--yes", *WHY)
        assert "1 letter more cannot be seen" in answer.err
        assert "Parked 1 letter:" in answer.err

    def test_a_letter_that_is_named_and_found_has_no_others(self, boxes, dlq):
        boxes.creation(1)
        boxes.take_one()
        answer = dlq("park", "--message-id", boxes.creation(2), "--yes", *WHY)
        assert "cannot be seen" not in answer.err
        assert boxes.visible("parked") == 1


class TestCopying:
    def test_export_and_import_lose_nothing(self, boxes, dlq, tmp_path):
        boxes.creation(1)
        boxes.refused("{not json")
        before = dlq("list", "--json").json["groups"]
        file = tmp_path / "letters.jsonl"
        assert "Wrote 2 letters" in dlq("export", str(file)).err
        assert oct(file.stat().st_mode)[-3:] == "600"
        assert boxes.visible("operations-dlq") == 2
        boxes.sqs.purge_queue(QueueUrl=boxes.url("operations-dlq"))
        answer = dlq("import", str(file), "--yes")
        assert answer.code == 0, answer.err
        after = dlq("list", "--json").json["groups"]
        for old, new in zip(before, after, strict=True):
            assert {**old, "exampleMessageId": "", "oldestAgeSeconds": 0} == {
                **new,
                "exampleMessageId": "",
                "oldestAgeSeconds": 0,
            }
        assert dlq("plan", "--json").json["fates"] == {"accepted": 1, "refused": 1}

    def test_lines_that_are_no_letters_are_told_by_number(self, boxes, sitefleet, dlq, tmp_path):
        boxes.creation(1)
        file = tmp_path / "letters.jsonl"
        dlq("export", str(file))
        good = file.read_text()
        bad = json.dumps({**json.loads(good), "box": "elsewhere", "attributes": 3})
        file.write_text(f"{good}\nno json\n[1]\n{bad}\n{good}")
        answer = sitefleet("dlq", "import", str(file), "--yes", "--env", "sit")
        assert answer.code == ExitCode.NOT_SUCCEEDED
        assert "Line 3 is no letter: it is no JSON" in answer.err
        assert "Line 4 is no letter: it is no JSON object" in answer.err
        assert "Line 5 is no letter: box:" in answer.err
        assert "Imported 2 letters" in answer.err
        assert boxes.visible("operations-dlq") == 3

    def test_a_file_without_letters_is_refused(self, boxes, sitefleet, tmp_path):
        file = tmp_path / "empty.jsonl"
        for text in ("", "\n\n", "nothing\n"):
            file.write_text(text)
            answer = sitefleet("dlq", "import", str(file), "--yes", "--env", "sit")
            assert answer.code == ExitCode.BAD_INPUT
        assert sitefleet("dlq", "import", "/no/such", "--env", "sit").code == ExitCode.BAD_INPUT

    def test_what_cannot_be_seen_makes_an_export_incomplete(self, boxes, dlq, tmp_path):
        boxes.creation(1)
        boxes.take_one()
        file = tmp_path / "letters.jsonl"
        file.write_text("an earlier export\n")
        answer = dlq("export", str(file))
        assert (answer.code, file.read_text()) == (ExitCode.NOT_SUCCEEDED, "an earlier export\n")
        assert "1 letter more cannot be seen" in answer.err
        assert "Nothing was written" in answer.err
        seen = boxes.creation(2)
        answer = dlq("export", str(file))
        assert (answer.code, json.loads(file.read_text())["messageId"]) == (3, seen)
        assert boxes.visible("operations-dlq") == 1

    def test_a_file_is_whole_or_as_it_was(self, boxes, sitefleet, tmp_path, monkeypatch):
        boxes.creation(1)
        file = tmp_path / "letters.jsonl"
        file.write_text("an earlier export\n")
        full = OSError(28, "No space left on device")
        with monkeypatch.context() as patch:
            patch.setattr(copies.os, "fdopen", lambda *_, **__: _NoRoom(full))
            answer = sitefleet("dlq", "export", str(file), "--env", "sit")
        assert answer.code == ExitCode.BAD_INPUT
        assert "No space left on device" in answer.err
        assert [(one.name, one.read_text()) for one in tmp_path.glob("*.jsonl*")] == [
            ("letters.jsonl", "an earlier export\n")
        ]
        link = tmp_path / "link.jsonl"
        link.symlink_to(file)
        assert sitefleet("dlq", "export", str(link), "--env", "sit").code == 0
        assert link.is_symlink()
        assert json.loads(file.read_text())["box"] == "operations"
        assert sitefleet("dlq", "export", "/dev/null", "--env", "sit").code == 0
        assert Path("/dev/null").is_char_device()

    @pytest.mark.parametrize("error", [KeyboardInterrupt, TransientError("SQS does not answer.")])
    def test_an_import_that_ends_early_tells_where(
        self, boxes, sitefleet, tmp_path, monkeypatch, error
    ):
        for number in range(3):
            boxes.creation(number)
        file = str(tmp_path / "letters.jsonl")
        sitefleet("dlq", "export", file, "--env", "sit")
        boxes.sqs.purge_queue(QueueUrl=boxes.url("operations-dlq"))
        again = ("dlq", "import", file, "--yes", "--env", "sit")
        with monkeypatch.context() as patch:
            patch.setattr(SqsDeadLetters, "send", end_second(SqsDeadLetters.send, error))
            answer = sitefleet(*again)
        assert answer.code in {ExitCode.INTERRUPTED, ExitCode.UNEXPECTED}
        assert "The lines before 2 are in" in answer.err
        assert "--from-line 2" in answer.err
        assert sitefleet(*again, "--from-line", "2").code == 0
        assert boxes.visible("operations-dlq") == 3

    def test_what_names_a_secret_is_not_shown_and_takes_nothing_else_with_it(
        self, boxes, dlq, tmp_path
    ):
        """Its name says it; the other attributes of the sender are kept, through a file too."""
        sender = {"Authorization": ["String", "Bearer SECRET"], "traceparent": ["String", "00-1"]}
        kept = {**sender, "replayCount": ["Number", "2"]}
        message_id = boxes.refused("{not json", senderAttributes=json.dumps(kept), proof="SECRET")
        assert "SECRET" not in dlq("show", message_id).out + dlq("show", message_id, "--json").out
        dlq("park", "--message-id", message_id, "--yes", *WHY)
        file = tmp_path / "letters.jsonl"
        dlq("export", str(file), "--box", "parked")
        assert "SECRET" not in file.read_text()
        boxes.sqs.purge_queue(QueueUrl=boxes.url("parked"))
        dlq("import", str(file), "--yes")
        [listed] = dlq("list", "--box", "parked", "--json").json["groups"]
        shown = dlq("show", listed["exampleMessageId"], "--json").json
        assert shown["attributes"]["traceparent"] == {"dataType": "String", "value": "00-1"}
        assert (shown["replayCount"], shown["firstMessageId"]) == (2, message_id)


class TestCorrecting:
    def test_a_corrected_body_goes_as_a_new_message(self, boxes, dlq, tmp_path):
        broken = json.dumps({**CREATION, "payload": {**CREATION["payload"], "subdomain": "-"}})
        message_id = boxes.refused(broken)
        file = tmp_path / "body.json"
        file.write_text(json.dumps(CREATION) + "\n")
        answer = dlq("edit", message_id, "--body", str(file), "--yes", *WHY)
        assert answer.code == 0, answer.err
        assert "It will be accepted" in answer.err
        [message] = boxes.messages("creation")
        assert (message["MessageId"], message["Body"]) == (answer.out.strip(), json.dumps(CREATION))
        assert message["MessageAttributes"]["correctionOf"]["StringValue"] == message_id
        assert (boxes.visible("operations-dlq"), boxes.visible("parked")) == (0, 1)

    @pytest.mark.parametrize("body", ["{}", "no json", json.dumps({**CREATION, "payload": {}})])
    def test_a_body_that_the_fleet_would_refuse_is_not_sent(self, boxes, sitefleet, tmp_path, body):
        message_id = boxes.refused("{not json")
        file = tmp_path / "body.json"
        file.write_text(body)
        answer = sitefleet(
            "dlq", "edit", message_id, "--body", str(file), "--yes", "--env", "sit", *WHY
        )
        assert answer.code == ExitCode.BAD_INPUT
        assert "would refuse this body" in answer.err
        assert boxes.visible("operations-dlq") == 1

    def test_an_unchanged_body_or_a_proof_is_not_edited(self, boxes, sitefleet, tmp_path):
        body = json.dumps({**CREATION, "proof": {"authorization": "AWS4-HMAC-SHA256 x"}})
        message_id = boxes.refused(body)
        answer = sitefleet("dlq", "edit", message_id, "--yes", "--env", "sit", *WHY)
        assert answer.code == ExitCode.BAD_INPUT
        assert "carries a proof" in answer.err
        plain = boxes.refused("{not json")
        file = tmp_path / "body.json"
        file.write_text("{not json\n")
        answer = sitefleet("dlq", "edit", plain, "--body", str(file), "--env", "sit", *WHY)
        assert "as it was" in answer.err
        assert boxes.visible("operations-dlq") == 2

    def test_without_a_reason_or_a_name_no_letter_is_taken(self, boxes, sitefleet):
        message_id = boxes.refused("{not json")
        answer = sitefleet("dlq", "edit", message_id, "--yes", "--env", "sit")
        assert answer.code == ExitCode.BAD_INPUT
        assert boxes.visible("operations-dlq") == 1


class _NoRoom:
    """A file on a full disk."""

    def __init__(self, error: OSError) -> None:
        self._error = error

    def __enter__(self):
        raise self._error

    def __exit__(self, *_: object) -> None: ...
