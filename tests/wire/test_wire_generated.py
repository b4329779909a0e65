"""What is generated is current, valid, and says the same as the code."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from events import schemas
from events.decode import decode
from events.filters import REQUEST_QUEUES
from events.sample_messages import samples
from events.vocabulary import DetailType, ErrorCode, MessageType, NotificationType

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "docs/reference/schemas"
SAMPLES = ROOT / "events/samples"
QUEUE_MESSAGES = [*MessageType, "STEP_POLL", "WAKE_UP"]


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def asyncapi():
    return load(ROOT / "docs/reference/asyncapi.json")


def test_everything_generated_is_current():
    assert schemas.stale(ROOT) == []


def test_check_names_what_is_stale_and_write_repairs_it(tmp_path, capsys):
    assert schemas.main([], root=tmp_path) == 0
    assert schemas.main(["--check"], root=tmp_path) == 0
    (tmp_path / "docs/reference/asyncapi.json").write_text("{}")
    (tmp_path / "docs/reference/error-codes.md").unlink()
    (tmp_path / "events/samples/OLD.json").write_text("{}")
    capsys.readouterr()

    assert schemas.main(["--check"], root=tmp_path) == 1

    assert capsys.readouterr().err == (
        "docs/reference/asyncapi.json is stale.\n"
        "docs/reference/error-codes.md is missing.\n"
        "events/samples/OLD.json belongs to no message.\n"
        "Run: python -m events.schemas\n"
    )
    schemas.main([], root=tmp_path)
    assert schemas.main(["--check"], root=tmp_path) == 0


def test_there_is_a_sample_of_every_message():
    expected = {*QUEUE_MESSAGES, *DetailType, *NotificationType}

    assert {path.stem for path in SAMPLES.glob("*.json")} == expected == set(samples())


@pytest.mark.parametrize("name", [*QUEUE_MESSAGES, *DetailType])
def test_a_sample_decodes_and_fits_its_schema(name):
    sample = load(SAMPLES / f"{name}.json")
    schema = load(SCHEMAS / f"{name}.json")

    message = decode(json.dumps(sample))

    body = sample["detail"] if name in set(DetailType) else sample
    Draft202012Validator(schema).validate(body)
    named = getattr(message, "detail_type", None) or message.message_type
    assert named == name


@pytest.mark.parametrize("name", NotificationType)
def test_a_notification_sample_fits_the_schema(name):
    sample = load(SAMPLES / f"{name}.json")

    Draft202012Validator(load(SCHEMAS / "Notification.json")).validate(sample["default"])
    assert sample["default"]["eventType"] == sample["attributes"]["eventType"] == name


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_a_schema_is_valid_and_self_contained(path):
    schema = load(path)

    Draft202012Validator.check_schema(schema)
    references = set(re.findall(r'"\$ref": "#/\$defs/(\w+)"', path.read_text(encoding="utf-8")))
    assert references == set(schema.get("$defs", {}))


@pytest.mark.parametrize("kind", MessageType)
def test_a_schema_refuses_what_the_code_refuses(kind):
    validator = Draft202012Validator(load(SCHEMAS / f"{kind}.json"))
    sample = load(SAMPLES / f"{kind}.json")
    for name in ("messageType", "correlationId", "payload"):
        broken = {field: value for field, value in sample.items() if field != name}
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(broken)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**sample, "messageType": "SOMETHING_ELSE"})


@pytest.mark.parametrize(
    ("kind", "alias"),
    [("OPERATION_APPROVAL", "PROMOTION_APPROVAL"), ("OPERATION_REJECTION", "PROMOTION_REJECTION")],
)
def test_a_schema_allows_the_older_name(kind, alias):
    sample = {**load(SAMPLES / f"{kind}.json"), "messageType": alias}

    Draft202012Validator(load(SCHEMAS / f"{kind}.json")).validate(sample)


def test_a_schema_allows_a_plugin_by_its_slug_and_refuses_a_command():
    sample = load(SAMPLES / "SITE_CREATION_REQUEST.json")
    validator = Draft202012Validator(load(SCHEMAS / "SITE_CREATION_REQUEST.json"))

    sample["payload"]["configuration"]["plugins"] = ["akismet", {"slug": "akismet"}]
    assert validator.is_valid(sample)
    sample["payload"]["configuration"]["plugins"] = ["akismet; reboot"]
    assert not validator.is_valid(sample)


def resolve(document, reference):
    here = document
    for part in reference.removeprefix("#/").split("/"):
        here = here[part]
    return here


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from references(part)


def test_the_asyncapi_document_resolves_and_its_schemas_are_valid(asyncapi):
    assert asyncapi["asyncapi"] == "3.0.0"
    assert set(asyncapi["info"]) >= {"title", "version"}
    for reference in references(asyncapi):
        assert isinstance(resolve(asyncapi, reference), dict), reference
    for schema in asyncapi["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)


def test_the_asyncapi_channels_are_the_queues_the_bus_and_the_topic(asyncapi):
    assert {name: channel["address"] for name, channel in asyncapi["channels"].items()} == {
        "creation": "bbws-wp-site-creation-{env}",
        "update": "bbws-wp-site-update-{env}",
        "deletion": "bbws-wp-site-deletion-{env}",
        "promotion": "bbws-wp-site-promotion-{env}",
        "events": "bbws-wp-site-events-{env}",
        "notifications": "bbws-wp-notifications-{env}",
    }
    for channel in asyncapi["channels"].values():
        assert channel["parameters"] == {"env": {"enum": ["dev", "sit", "prod"]}}


def test_every_message_is_on_the_channels_where_it_belongs(asyncapi):
    on = {name: set(channel["messages"]) for name, channel in asyncapi["channels"].items()}

    assert on["events"] == set(DetailType)
    assert on["notifications"] == set(NotificationType)
    for kind, queues in REQUEST_QUEUES.items():
        assert {name for name, messages in on.items() if kind in messages} == set(queues)


def test_every_operation_takes_or_sends_the_messages_of_its_channel(asyncapi):
    for name, operation in asyncapi["operations"].items():
        sends = name in {"events", "notifications"}
        assert operation["action"] == ("send" if sends else "receive")
        assert operation["channel"] == {"$ref": f"#/channels/{name}"}
        assert operation["messages"] == [
            {"$ref": f"#/channels/{name}/messages/{message}"}
            for message in asyncapi["channels"][name]["messages"]
        ]


def test_the_error_page_has_every_code_once():
    page = (ROOT / "docs/reference/error-codes.md").read_text(encoding="utf-8")

    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(ErrorCode)


def test_the_links_of_the_pages_lead_somewhere():
    folder = ROOT / "docs/reference"
    for page in ("messages.md", "error-codes.md"):
        text = (folder / page).read_text(encoding="utf-8")
        for link in re.findall(r"\]\(([^)]+)\)", text):
            assert (folder / link).resolve().is_file(), link


def test_reading_messages_needs_no_generator_and_nothing_of_ours():
    """Cold start: decode must not drag in schemas, samples or other packages of the project."""
    code = "import sys, events.decode, events.rejections, events.notifications; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout.split()

    ours = {name for name in loaded if name.split(".")[0] in {"core", "handlers", "ops", "local"}}
    assert not ours
    assert not {"events.schemas", "events.sample_messages", "boto3", "argparse"} & set(loaded)
