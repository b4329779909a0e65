"""What the documents give people to copy works: messages decode, snippets run."""

from __future__ import annotations

import ast
import json
import sys
import tomllib
from types import SimpleNamespace

import pytest
from pages import ROOT, pages

from events import identity
from events.decode import decode
from events.requests import Request, effective_idempotency_key

BLOCKS = [block for page in pages() for block in page.blocks]
MESSAGES = [block for block in BLOCKS if block.language == "json" and block.is_sample]
SCRIPTS = [block for block in BLOCKS if block.language == "python" and block.is_sample]


class Queue:
    """What a snippet's client does, noted."""

    def __init__(self):
        self.asked = []
        self.sent = []

    def get_queue_url(self, **arguments):
        self.asked.append(arguments["QueueName"])
        return {"QueueUrl": "https://queue"}

    def send_message(self, **arguments):
        self.sent.append(arguments)


def of(block):
    return f"{block.page}:{block.text[:40]!r}"


@pytest.mark.parametrize("block", BLOCKS, ids=of)
def test_json_and_python_can_be_read(block):
    if block.language == "json":
        json.loads(block.text)
    if block.language == "python":
        ast.parse(block.text)


@pytest.mark.parametrize("block", MESSAGES, ids=of)
def test_sample_messages_are_accepted_by_the_wire(block):
    assert isinstance(decode(block.text), Request)


@pytest.mark.parametrize("block", SCRIPTS, ids=of)
def test_sample_scripts_send_a_message_and_compute_its_operation(block, monkeypatch):
    queue = Queue()
    module = SimpleNamespace(client=lambda _service, **_: queue)
    monkeypatch.setitem(sys.modules, "boto3", module)
    names = {}
    exec(compile(block.text, block.page, "exec"), names)
    (sent,) = queue.sent
    request = decode(sent["MessageBody"])
    payload = request.payload
    environment = getattr(payload, "target_environment", None) or payload.environment
    assert names["operation_id"] == identity.operation_id(
        environment,
        payload.tenant_id,
        request.message_type,
        effective_idempotency_key(request),
    )
    kind = "promotion" if "PROMOTION" in request.message_type else "creation"
    assert queue.asked == [f"bbws-wp-site-{kind}-{environment}"]


def test_there_are_samples():
    assert len(MESSAGES) >= 2
    assert {block.page for block in SCRIPTS} >= {"README.md", "docs/howto/send-a-message.md"}


def test_every_parameter_store_entry_is_listed():
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    wanted = {
        value.replace(f"/bbws/{environment}/", "/bbws/<env>/")
        for environment in ("dev", "sit", "prod")
        for override in config[environment]["deploy"]["parameters"]["parameter_overrides"]
        for value in [override.partition("=")[2]]
        if value.startswith("/bbws/")
    }
    text = (ROOT / "docs/howto/deploy.md").read_text()
    assert sorted(entry for entry in wanted if f"`{entry}`" not in text) == []
