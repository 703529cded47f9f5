"""From event to record and back: keys, topics, headers, and what a consumer does with what it can't read."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from contracts.catalogue import MESSAGES, Message
from contracts.dead_letter.v1 import DeadLetter
from contracts.envelope import BadEnvelope, decode_headers
from contracts.events import BadEvent, Event, Reader, UnknownEventType, encode, parse
from contracts.letter.v1 import LetterDispatched, LetterFailed
from contracts.nemrefusion.v1 import Receipt
from contracts.task.v1 import TaskOpened
from contracts.topics import TOPICS

EVENT_ID = UUID("5f0e1d2c-3b4a-5c5d-8e6f-000000000001")
TIME = datetime(2026, 3, 20, 8, 15, tzinfo=UTC)
EVENTS = [message for message in MESSAGES if message.event is not None]


def golden(message: Message, number: int = 0) -> Any:
    return message.reader.validate_json(message.examples[number].read_bytes())


def golden_of(event_type: type[Event], number: int = 0) -> Any:
    return next(golden(message, number) for message in EVENTS if message.event is event_type)


@pytest.mark.parametrize("message", EVENTS, ids=lambda message: message.name)
def test_an_event_comes_back_as_it_was(message: Message) -> None:
    event = golden(message)
    record = encode(event, event_id=EVENT_ID, time=TIME)

    decoded = Reader[Event](type(event)).decode(record.headers, record.value)

    assert decoded.event == event
    assert (decoded.envelope.id, decoded.envelope.time) == (str(EVENT_ID), TIME)
    assert decoded.envelope.dataschema == f"urn:mitsygefravaer:schema:{message.name}"


@pytest.mark.parametrize("message", EVENTS, ids=lambda message: message.name)
def test_an_event_goes_to_a_topic_we_know(message: Message) -> None:
    assert encode(golden(message), event_id=EVENT_ID, time=TIME).topic in {topic.name for topic in TOPICS}


@pytest.mark.parametrize("message", [each for each in EVENTS if each.owner in {"absence", "task", "letter"}], ids=str)
def test_what_happens_in_an_absence_has_its_id_as_key(message: Message) -> None:
    event = golden(message)

    assert encode(event, event_id=EVENT_ID, time=TIME).key == str(event.absence_id)


def test_a_receipt_is_found_by_the_notification_id_or_else_by_its_own() -> None:
    accepted, rejected = golden_of(Receipt, 0), golden_of(Receipt, 2)

    assert encode(accepted, event_id=EVENT_ID, time=TIME).key == str(accepted.notification_id)
    assert rejected.notification_id is None
    assert encode(rejected, event_id=EVENT_ID, time=TIME).key == str(rejected.receipt_id)


def test_a_dead_letter_goes_to_its_groups_own_topic_in_its_services_name() -> None:
    letter: DeadLetter = golden_of(DeadLetter)
    record = encode(letter, event_id=EVENT_ID, time=TIME)

    assert record.topic == "mitsyg.intake.nemrefusion.notification.v1.dlq"
    assert record.key == "nemrefusion.notification.v1:3:4714"
    assert decode_headers(record.headers).source == "/mitsygefravaer/intake"


def test_an_original_is_either_in_the_dead_letter_or_kept() -> None:
    document = json.loads(golden_of(DeadLetter).model_dump_json())
    document["original"]["kept_as"] = str(EVENT_ID)

    with pytest.raises(BadEvent):
        parse(DeadLetter, json.dumps(document).encode())


def test_the_same_event_makes_the_same_record() -> None:
    event = golden_of(TaskOpened)

    assert encode(event, event_id=EVENT_ID, time=TIME) == encode(event, event_id=EVENT_ID, time=TIME)


def test_a_reader_tells_its_types_apart() -> None:
    reader = Reader[LetterDispatched | LetterFailed](LetterDispatched, LetterFailed)
    record = encode(golden_of(LetterFailed), event_id=EVENT_ID, time=TIME)

    assert isinstance(reader.decode(record.headers, record.value).event, LetterFailed)


@pytest.mark.rule("O1")
def test_an_event_type_of_later_is_told_apart_from_a_bad_event() -> None:
    record = encode(golden_of(LetterFailed), event_id=EVENT_ID, time=TIME)

    with pytest.raises(UnknownEventType) as unknown:
        Reader[LetterDispatched](LetterDispatched).decode(record.headers, record.value)

    assert unknown.value.envelope.id == str(EVENT_ID)


@pytest.mark.rule("O1")
def test_an_old_consumer_passes_over_fields_of_later() -> None:
    event = golden_of(TaskOpened)
    newer = json.loads(event.model_dump_json()) | {"added_later": {"a": 1}}

    assert parse(TaskOpened, json.dumps(newer).encode()) == event


@pytest.mark.parametrize("value", [None, b""])
def test_an_event_without_a_value_is_bad(value: bytes | None) -> None:
    with pytest.raises(BadEvent) as bad:
        parse(TaskOpened, value)

    assert bad.value.code == "missing-value"


@pytest.mark.rule("N8")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"task_id": "610190-1234"}, "task_id"),
        ({"kind": "610190-1234"}, "kind"),
        ({"order_in_letter": "1"}, "order_in_letter"),
        ({"order_in_letter": True}, "order_in_letter"),
        ({"opened_at": "2026-03-20T08:15:00"}, "opened_at"),
        ({"opened_at": 1_767_225_600}, "opened_at"),
        ({"opened_at": "0001-01-01T00:00:00+01:00"}, "opened_at"),  # a year before there is one
        ({"opened_at": "9999-12-31T23:59:59-01:00"}, "opened_at"),
    ],
)
def test_a_bad_event_is_refused_by_field_and_says_nothing_of_its_content(change: dict[str, Any], field: str) -> None:
    document = json.loads(golden_of(TaskOpened).model_dump_json()) | change

    with pytest.raises(BadEvent) as bad:
        parse(TaskOpened, json.dumps(document).encode())

    assert bad.value.field == field
    assert "610190" not in f"{bad.value!r} {bad.value.__cause__!r}"


@pytest.mark.parametrize("value", [b"[]", b"null", b"{", b"\xff", b"{}", b'{"x":' * 5_000])
def test_whatever_is_no_event_is_a_bad_event(value: bytes) -> None:
    with pytest.raises(BadEvent):
        parse(TaskOpened, value)


def test_a_record_without_envelope_is_a_bad_envelope() -> None:
    with pytest.raises(BadEnvelope):
        Reader[TaskOpened](TaskOpened).decode((), b"{}")


def test_an_instant_is_in_utc_whatever_offset_it_came_with() -> None:
    document = json.loads(golden_of(TaskOpened).model_dump_json()) | {"opened_at": "2026-03-20T09:15:01+01:00"}

    assert parse(TaskOpened, json.dumps(document).encode()).opened_at.isoformat() == "2026-03-20T08:15:01+00:00"
