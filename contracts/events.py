"""From a typed event to a Kafka record and back, so that services carry no boilerplate.

An event class states its CloudEvents type, its topic, who sends it and which of its fields is the record key.
`encode` makes the record; a `Reader` reads one of the classes a consumer names. Reading raises `BadEvent` or
`BadEnvelope` and nothing else, and neither holds anything of the content. An event of a type the consumer does not
name is `UnknownEventType`: topics may grow new types within a major version, so a consumer passes over it rather than
failing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, ClassVar, Final, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints, ValidationError

from contracts.envelope import Envelope, Headers, alike, decode_headers, encode_headers, headers_between
from contracts.topics import Topic

TYPE_PREFIX: Final = "dk.mitsygefravaer."
SCHEMA_PREFIX: Final = "urn:mitsygefravaer:schema:"


def _in_utc(instant: datetime) -> datetime:
    """Raises ValueError, which pydantic takes for a bad value, where the calendar ends before or behind it."""
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("an instant that is none in UTC") from None


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""An instant, in UTC whatever offset it came with."""
MunicipalityCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]
Code = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9æøåÆØÅ][A-Za-z0-9æøåÆØÅ ._:/-]*$")
]
"""A short code of ours or of an outside system: never free text."""
EventFault = Literal["missing-value", "bad-value"]


class BadEvent(Exception):
    """The value is not the event its type says. Names the first field at fault, never what it held."""

    def __init__(self, code: EventFault, field: str) -> None:
        super().__init__(f"{field or 'value'}: {code}")
        self.code = code
        self.field = field


class UnknownEventType(Exception):
    """An event this consumer does not know: newer than it, or not its business."""

    def __init__(self, envelope: Envelope) -> None:
        super().__init__("an event type this consumer does not read")
        self.envelope = envelope


class Part(BaseModel):
    """A value inside an event: immutable, without lax coercion; fields added later are passed over."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


class Event(Part):
    """Something that happened, or that is asked for, told on a topic."""

    TYPE: ClassVar[str]
    TOPIC: ClassVar[Topic]
    """Where it is told (dead letters: `record_topic`, by the group that failed)."""
    SOURCE: ClassVar[str]
    KEY: ClassVar[str]
    """Name of the field that is the record key."""

    def record_key(self) -> str:
        return str(getattr(self, self.KEY))

    def record_topic(self) -> str:
        return self.TOPIC.name

    def record_source(self) -> str:
        return self.SOURCE


class Encoded(NamedTuple):
    """A record as it goes to Kafka (and into an outbox row)."""

    event_id: UUID
    topic: str
    key: str
    headers: Headers
    value: bytes


def encode(
    event: Event, *, event_id: UUID, time: datetime, topic: str | None = None, traceparent: str | None = None
) -> Encoded:
    """The record of an event. `event_id` is derived from its cause (UUIDv5), so that a repeat makes the same record.

    `topic` overrides the event's own, for tests with topics of their own.
    """
    envelope = Envelope(
        id=str(event_id), source=event.record_source(), type=event.TYPE, time=time, dataschema=schema_id(type(event))
    )
    return Encoded(
        event_id=event_id,
        topic=topic if topic is not None else event.record_topic(),
        key=event.record_key(),
        headers=encode_headers(envelope, traceparent),
        value=event.__pydantic_serializer__.to_json(event),
    )


def written(event_type: type[Event], *, event_id: UUID, key: str, time: datetime, value: str) -> Encoded:
    """The record of an event whose value was written as text, exactly as `encode` would write the event itself.

    For `writing.py` of an owner alone, whose functions a test holds to their models.
    """
    return Encoded(
        event_id=event_id,
        topic=event_type.TOPIC.name,
        key=key,
        headers=headers_between(_around(event_type), str(event_id), time),
        value=value.encode(),
    )


@cache
def _around(event_type: type[Event]) -> tuple[Headers, Headers]:
    return alike(event_type.TYPE, event_type.SOURCE, None, schema_id(event_type))


E = TypeVar("E", bound=Event)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded(Generic[E]):
    """An event with its envelope; `envelope.id` is what a consumer dedupes by."""

    envelope: Envelope
    event: E


class Reader(Generic[E]):
    """Reads the event types a consumer names, e.g. `Reader[Dispatched | Failed](Dispatched, Failed)`."""

    def __init__(self, *types: type[E]) -> None:
        self._types: dict[str, type[E]] = {each.TYPE: each for each in types}

    def decode(self, headers: Iterable[tuple[str, bytes | None]], value: bytes | None) -> Decoded[E]:
        """Raises `BadEnvelope`, `BadEvent` (never valid, dead-letter it) or `UnknownEventType` (pass over it)."""
        envelope = decode_headers(headers)
        event_type = self._types.get(envelope.type)
        if event_type is None:
            raise UnknownEventType(envelope)
        return Decoded(envelope=envelope, event=parse(event_type, value))


def parse(event_type: type[E], value: bytes | None) -> E:
    """The event in a record's value. Raises only `BadEvent`."""
    if not value:
        raise BadEvent("missing-value", "")
    try:
        return event_type.model_validate_json(value)
    except ValidationError as error:
        raise BadEvent("bad-value", _first_known_field(event_type, error)) from None


@cache
def schema_id(event_type: type[Event]) -> str:
    """The `dataschema` of an event: names its committed JSON Schema, whatever host serves it."""
    return SCHEMA_PREFIX + event_type.TYPE.removeprefix(TYPE_PREFIX)


def _first_known_field(event_type: type[Event], error: ValidationError) -> str:
    location = error.errors(include_input=False, include_context=False, include_url=False)[0]["loc"]
    head = str(location[0]) if location else ""
    return head if head in event_type.model_fields else ""
