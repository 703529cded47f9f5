"""`docs/asyncapi/`: the whole system as one AsyncAPI 3.0 document, from the catalogue and the topics.

Operations are told from our side: `receive` is what a service of ours reads, `send` what it writes. Payload schemas are
the published ones, in their own dialect (draft 2020-12), with references that any reader of the document can follow.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from contracts.catalogue import MESSAGES, NOTIFICATION, ROOT, Message, as_file
from contracts.documentation.headers import headers_schema
from contracts.envelope import Envelope, encode_headers
from contracts.events import Event, schema_id
from contracts.topics import (
    EVENT_TOPICS,
    NEMREFUSION_NOTIFICATION,
    NEMREFUSION_RECEIPT,
    TOPICS,
    Topic,
    consumer_group,
)

FILE: Final = "mit-sygefravaer.json"
SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"
_BINDING: Final = "0.5.0"
_DEFINITION: Final = "#/$defs/"
_Json = dict[str, Any]

_BOOTSTRAP: Final[_Json] = {
    "host": "{bootstrap}",
    "variables": {"bootstrap": {"description": "Host and port of a broker; you are told it with your access."}},
}
_SECURITY_SCHEMES: Final[_Json] = {
    "clientCertificate": {"type": "X509", "description": "TLS with a client certificate (mTLS)."},
    "scram": {"type": "scramSha512", "description": "SASL/SCRAM-SHA-512 with a user and a password, over TLS."},
}
_SERVERS: Final[_Json] = {
    "deployment": {
        **_BOOTSTRAP,
        "protocol": "kafka-secure",
        "description": (
            "Kafka as reporters and other systems reach it. The deployment decides which way to sign in it offers, and allows "
            "each only its topics."
        ),
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY_SCHEMES],
    },
    "oneMachine": {
        **_BOOTSTRAP,
        "protocol": "kafka",
        "description": "`make up` or Docker Compose, for trying it out: neither encrypted nor signed in to.",
    },
}
"""Addresses are the deployment's business: placeholders stand for them."""


class _Described(NamedTuple):
    """A message as the document has it. One of ours is one; of the notification each kind is one, `part` of its schema."""

    id: str
    message: Message
    part: str | None
    examples: tuple[_Json, ...]


def as_text() -> str:
    """The document as it is committed."""
    return as_file(document())


def document() -> _Json:
    """The document."""
    described = {topic.name: _messages_on(topic) for topic in TOPICS}
    every = {each.id: each for messages in described.values() for each in messages}
    return {
        "asyncapi": "3.0.0",
        "id": "urn:mitsygefravaer",
        "info": {
            "title": "Mit Sygefravær",
            "version": _version(),
            "description": (
                "Notifications about sickness absence come in, receipts, absences, tasks and letters go out. Every topic carries "
                "CloudEvents 1.0 in Kafka's binary mode, except what reporters send: its headers are not read. Delivery is at "
                "least once; recognise repeats by `ce_id`. Within a major version only additions happen."
            ),
            "license": {"name": "MPL-2.0"},
        },
        "servers": _SERVERS,
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic, described[topic.name]) for topic in TOPICS},
        "operations": dict(_operations(described)),
        "components": {
            "messages": {name: _message(each) for name, each in every.items()},
            "schemas": {message.name: _schema(message) for message in MESSAGES},
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def _version() -> str:
    """The latest version in the list of changes."""
    found = re.search(r"^## ([0-9.]+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return found[1]


def _messages_on(topic: Topic) -> list[_Described]:
    if topic is NEMREFUSION_NOTIFICATION:
        return list(_kinds())
    messages = [each for each in MESSAGES if each.topic == topic.name] if topic in EVENT_TOPICS else _dead_letters()
    return [_Described(each.name, each, None, tuple(_examples(each))) for each in messages]


def _dead_letters() -> list[Message]:
    return [each for each in MESSAGES if each.owner == "dead_letter"]


def _kinds() -> Iterator[_Described]:
    mapping: dict[str, str] = NOTIFICATION.schema()["discriminator"]["mapping"]
    examples = list(_examples(NOTIFICATION))
    for kind, reference in mapping.items():
        own = tuple(each for each in examples if each["payload"]["kind"] == kind)
        yield _Described(f"{NOTIFICATION.name}.{kind}", NOTIFICATION, reference.removeprefix(_DEFINITION), own)


def _channel(topic: Topic, messages: list[_Described]) -> _Json:
    config = topic.kafka_config()
    return {
        "address": topic.name,
        "description": topic.description,
        "messages": {each.id: {"$ref": f"#/components/messages/{each.id}"} for each in messages},
        "tags": [{"name": topic.audience, "description": "for whom it is"}],
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": config["cleanup.policy"].split(","),
                    "retention.ms": int(config["retention.ms"]),
                    "max.message.bytes": int(config["max.message.bytes"]),
                },
                "bindingVersion": _BINDING,
            }
        },
    }


def _operations(described: dict[str, list[_Described]]) -> Iterator[tuple[str, _Json]]:
    for topic in TOPICS:
        if topic.owner != "reporters":
            yield f"{topic.owner}.sends.{topic.name}", _operation("send", topic.owner, topic, described)
        for service in topic.consumers:
            operation = _operation("receive", service, topic, described)
            group = {"type": "string", "const": consumer_group(service, topic.name)}
            operation["bindings"] = {"kafka": {"groupId": group, "bindingVersion": _BINDING}}
            if topic is NEMREFUSION_NOTIFICATION:
                operation["reply"] = _to(NEMREFUSION_RECEIPT, described)
            yield f"{service}.receives.{topic.name}", operation


def _operation(action: str, service: str, topic: Topic, described: dict[str, list[_Described]]) -> _Json:
    return {"action": action, **_to(topic, described), "tags": [{"name": service, "description": "the service"}]}


def _to(topic: Topic, described: dict[str, list[_Described]]) -> _Json:
    channel = f"#/channels/{topic.name}"
    return {
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{each.id}"} for each in described[topic.name]],
    }


def _message(described: _Described) -> _Json:
    message = described.message
    schema = message.schema()
    where = f"#/components/schemas/{message.name}/schema"
    if described.part:
        schema = schema["$defs"][described.part]
        where += f"/$defs/{described.part}"
    told = {
        "name": message.event.TYPE if message.event else described.id,
        "title": described.id,
        "summary": " ".join(schema["description"].split()),
        "contentType": "application/json",
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": {"$ref": where}},
        "bindings": {"kafka": {"key": _key(message), "bindingVersion": _BINDING}},
        "examples": list(described.examples),
    }
    if message.event:
        told["headers"] = headers_schema(message)
    return told


def _key(message: Message) -> _Json:
    """What the record key is; examples are the keys of the golden examples, made as records are."""
    event = message.event
    if event is None:
        return {"type": ["string", "null"], "description": NEMREFUSION_NOTIFICATION.key}
    described = next(topic.key for topic in TOPICS if topic.name == message.topic or message.topic.startswith("<"))
    keys = [_read(message, path.read_text(encoding="utf-8")).record_key() for path in message.examples]
    return {"type": "string", "description": described, "examples": list(dict.fromkeys(keys))}


def _schema(message: Message) -> _Json:
    schema = message.schema()
    del schema["$id"]  # or references would be looked up below it, not in this document
    here = f"#/components/schemas/{message.name}/schema/$defs/"
    return {"schemaFormat": SCHEMA_FORMAT, "schema": _moved(schema, here)}


def _moved(value: Any, to: str) -> Any:
    """A schema whose definitions are found elsewhere."""
    match value:
        case dict():
            return {name: _moved(each, to) for name, each in value.items()}
        case list():
            return [_moved(each, to) for each in value]
        case str() if value.startswith(_DEFINITION):
            return to + value.removeprefix(_DEFINITION)
        case _:
            return value


def _examples(message: Message) -> Iterator[_Json]:
    for path in message.examples:
        text = path.read_text(encoding="utf-8")
        example = {"name": message.example_name(path) or "example", "payload": json.loads(text)}
        if message.event:
            example["headers"] = _headers(_read(message, text), path.stem)
        yield example


def _read(message: Message, text: str) -> Event:
    event = message.reader.validate_json(text)
    assert isinstance(event, Event)
    return event


def _headers(event: Event, example: str) -> dict[str, str]:
    """The headers of an example, made as records are. Its id is derived from its name."""
    happened = min(each for _, each in event if isinstance(each, datetime))
    envelope = Envelope(
        id=str(uuid5(NAMESPACE_URL, f"urn:mitsygefravaer:example:{example}")),
        source=event.record_source(),
        type=event.TYPE,
        time=happened,
        dataschema=schema_id(type(event)),
    )
    return {name: value.decode() for name, value in encode_headers(envelope)}
