"""The AsyncAPI document: valid by the official schema, and saying what records, topics and services really are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator  # type: ignore[import-untyped]  # it ships no types
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from contracts.catalogue import MESSAGES
from contracts.documentation import DOCS
from contracts.documentation.asyncapi import FILE, SCHEMA_FORMAT
from contracts.envelope import decode_headers
from contracts.events import parse
from contracts.nemrefusion.v1 import Parsed, parse_notification
from contracts.topics import EVENT_TOPICS, TOPICS, consumer_group

DOCUMENT: dict[str, Any] = json.loads((DOCS / "asyncapi" / FILE).read_text(encoding="utf-8"))
OFFICIAL = json.loads((Path(__file__).parent / "asyncapi_schema" / "3.0.0.json").read_text(encoding="utf-8"))
HERE = "urn:document"
REGISTRY: Registry[Any] = Registry().with_resource(HERE, DRAFT202012.create_resource(DOCUMENT))
DESCRIBED = DOCUMENT["components"]["messages"]
EXAMPLES = [(name, example) for name, message in DESCRIBED.items() for example in message["examples"]]
IDS = [f"{name}-{example['name']}" for name, example in EXAMPLES]


def faults(document: Any) -> list[str]:
    return [error.json_path for error in Draft7Validator(OFFICIAL).iter_errors(document)]


def test_the_document_is_valid_by_the_official_schema() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert faults(DOCUMENT) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document["info"].pop("version"),
        lambda document: document["channels"]["nemrefusion.receipt.v1"]["bindings"]["kafka"].update(partitions=0),
        lambda document: document["operations"]["intake.receives.nemrefusion.notification.v1"].update(action="read"),
        lambda document: document["components"]["messages"]["task.opened.v1"].update(header={}),
        lambda document: document["servers"]["deployment"].pop("protocol"),
        lambda document: document["components"]["securitySchemes"]["scram"].update(type="scram"),
    ],
)
def test_the_official_schema_bites(spoil: Any) -> None:
    document = json.loads(json.dumps(DOCUMENT))
    spoil(document)

    assert faults(document) != []


def test_every_reference_leads_somewhere_in_the_document() -> None:
    found = list(references(DOCUMENT))

    assert len(found) > 100
    assert [each for each in found if target(each) is None] == []


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=IDS)
def test_an_example_is_valid_by_its_messages_schemas(name: str, example: dict[str, Any]) -> None:
    payload = DESCRIBED[name]["payload"]
    assert payload["schemaFormat"] == SCHEMA_FORMAT
    validator = Draft202012Validator({"$ref": HERE + payload["schema"]["$ref"]}, registry=REGISTRY)
    assert [error.json_path for error in validator.iter_errors(example["payload"])] == []

    if "headers" in DESCRIBED[name]:
        checker = Draft202012Validator.FORMAT_CHECKER
        headers = Draft202012Validator(DESCRIBED[name]["headers"], format_checker=checker)
        assert [error.json_path for error in headers.iter_errors(example["headers"])] == []


def test_a_payload_that_is_none_of_its_kind_is_refused() -> None:
    """References are followed at all: nothing would be refused otherwise."""
    withdrawn = DESCRIBED["nemrefusion.notification.v1.withdrawn"]
    validator = Draft202012Validator({"$ref": HERE + withdrawn["payload"]["schema"]["$ref"]}, registry=REGISTRY)
    example = {**withdrawn["examples"][0]["payload"], "citizen": {"cpr": 1}}

    assert [error.json_path for error in validator.iter_errors(example)] == ["$.citizen.cpr"]


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=IDS)
def test_an_example_is_read_as_a_record_of_its_message(name: str, example: dict[str, Any]) -> None:
    value = json.dumps(example["payload"]).encode()
    key = DESCRIBED[name]["bindings"]["kafka"]["key"]
    message = next((each for each in MESSAGES if each.name == name), None)
    if message is None or message.event is None:
        parsed = parse_notification(value)
        assert isinstance(parsed, Parsed)
        assert name.endswith(parsed.notification.kind)
        assert "headers" not in example
        return
    envelope = decode_headers((header, each.encode()) for header, each in example["headers"].items())
    assert envelope.type == message.event.TYPE
    assert parse(message.event, value).record_key() in key["examples"]


def test_servers_are_placeholders_and_say_how_to_sign_in() -> None:
    for server in DOCUMENT["servers"].values():
        assert re.fullmatch(r"\{(\w+)\}", server["host"])
        assert set(server["variables"]) == {server["host"].strip("{}")}
        assert "default" not in server["variables"]["bootstrap"]
    by_protocol = {server["protocol"]: server.get("security", []) for server in DOCUMENT["servers"].values()}
    assert {each["$ref"].rpartition("/")[2] for each in by_protocol["kafka-secure"]} == {"clientCertificate", "scram"}
    assert by_protocol["kafka"] == []


def test_every_golden_example_is_in_it() -> None:
    """Dead letters' once, though they go to several topics."""
    assert len(EXAMPLES) == sum(len(message.examples) for message in MESSAGES)


def test_every_topic_is_a_channel_with_its_settings() -> None:
    assert list(DOCUMENT["channels"]) == [topic.name for topic in TOPICS]
    for topic in TOPICS:
        channel = DOCUMENT["channels"][topic.name]
        kafka = channel["bindings"]["kafka"]
        assert channel["address"] == kafka["topic"] == topic.name
        assert kafka["partitions"] == topic.partitions
        told = {
            name: each[0] if isinstance(each, list) else str(each) for name, each in kafka["topicConfiguration"].items()
        }
        assert told == topic.kafka_config()


def test_every_message_is_on_the_channel_of_its_topic() -> None:
    for message in MESSAGES:
        topics = [topic.name for topic in TOPICS if topic not in EVENT_TOPICS]
        for topic in [message.topic] if message.owner != "dead_letter" else topics:
            assert any(each.startswith(message.name) for each in DOCUMENT["channels"][topic]["messages"]), topic


def test_every_reader_and_writer_has_an_operation() -> None:
    expected = {f"{topic.owner}.sends.{topic.name}" for topic in TOPICS if topic.owner != "reporters"}
    for topic in TOPICS:
        for service in topic.consumers:
            name = f"{service}.receives.{topic.name}"
            expected.add(name)
            group = DOCUMENT["operations"][name]["bindings"]["kafka"]["groupId"]
            assert group["const"] == consumer_group(service, topic.name)

    assert set(DOCUMENT["operations"]) == expected


def test_a_notification_is_answered_by_a_receipt() -> None:
    reply = DOCUMENT["operations"]["intake.receives.nemrefusion.notification.v1"]["reply"]

    assert reply["channel"] == {"$ref": "#/channels/nemrefusion.receipt.v1"}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def target(reference: str) -> Any:
    here: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        here = here.get(step) if isinstance(here, dict) else None
    return here
