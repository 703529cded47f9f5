"""CloudEvents 1.0 in Kafka's binary mode: attributes are headers, the record's value is the data alone.

Own codec, because it is on the hot path; the `cloudevents` SDK is its oracle in tests, both ways. `decode_headers`
raises `BadEnvelope` and nothing else, whatever the headers hold: null values, bytes that are not UTF-8, the same name
twice.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal, NamedTuple

Headers = tuple[tuple[str, bytes], ...]
EnvelopeFault = Literal[
    "missing", "repeated", "empty", "not-utf8", "bad-text", "too-long", "bad-time", "unsupported-version"
]

CONTENT_TYPE: Final = ("content-type", b"application/json")
SPEC_VERSION: Final = ("ce_specversion", b"1.0")
LONGEST_ATTRIBUTE_BYTES: Final = 512
_REQUIRED: Final = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time")
_READ: Final = frozenset((*_REQUIRED, "ce_subject", "ce_dataschema"))
_OWN: Final = frozenset({"ce_id", "ce_subject"})
"""What no two events share; the others are read once for many."""
_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
# CloudEvents 1.0, type system: no control characters in an attribute.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class BadEnvelope(Exception):
    """The headers are no CloudEvents envelope of ours. Names the header and the fault, never what the header held."""

    def __init__(self, code: EnvelopeFault, field: str) -> None:
        super().__init__(f"{field}: {code}")
        self.code = code
        self.field = field


class Envelope(NamedTuple):
    """What is said about an event beside its data. `time` is when it happened, in UTC."""

    id: str
    source: str
    type: str
    time: datetime
    subject: str | None = None
    dataschema: str | None = None


def encode_headers(envelope: Envelope, traceparent: str | None = None) -> Headers:
    """Headers of an event. The order is fixed, so that the same event has the same bytes."""
    around = alike(envelope.type, envelope.source, envelope.subject, envelope.dataschema)
    trace = () if traceparent is None else (("traceparent", traceparent.encode()),)
    return headers_between(around, envelope.id, envelope.time) + trace


def headers_between(around: tuple[Headers, Headers], id_: str, time: datetime) -> Headers:
    """The headers of one event of a type whose `alike` ones are at hand."""
    first, last = around
    return (*first, ("ce_id", id_.encode()), _time_header(time), *last)


@lru_cache(maxsize=256)
def alike(type_: str, source: str, subject: str | None, dataschema: str | None) -> tuple[Headers, Headers]:
    """What the events of a type have before and after what differs."""
    last = (("ce_subject", subject), ("ce_dataschema", dataschema))
    return (
        (SPEC_VERSION, CONTENT_TYPE, ("ce_type", type_.encode()), ("ce_source", source.encode())),
        tuple((name, value.encode()) for name, value in last if value is not None),
    )


@lru_cache(maxsize=64)  # the messages of a batch tell the same time
def _time_header(instant: datetime) -> tuple[str, bytes]:
    return "ce_time", spelt(instant).encode()


def decode_headers(headers: Iterable[tuple[str, bytes | None]]) -> Envelope:
    """The envelope in a record's headers; headers that are not ours are ignored. Raises only `BadEnvelope`."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name not in _READ:
            continue
        if name in found:
            raise BadEnvelope("repeated", name)
        found[name] = _text(name, value) if name in _OWN else _common_text(name, value)
    for name in _REQUIRED:
        if name not in found:
            raise BadEnvelope("missing", name)
    if found["ce_specversion"] != "1.0":
        raise BadEnvelope("unsupported-version", "ce_specversion")
    return Envelope(
        id=found["ce_id"],
        source=found["ce_source"],
        type=found["ce_type"],
        time=_time(found["ce_time"]),
        subject=found.get("ce_subject"),
        dataschema=found.get("ce_dataschema"),
    )


@lru_cache(maxsize=256)
def spelt(instant: datetime) -> str:
    """`format_time`, remembered: for an instant that many events tell."""
    return format_time(instant)


def format_time(instant: datetime) -> str:
    """RFC 3339 in UTC with `Z`. A naive datetime is a bug of ours and raises ValueError."""
    if instant.tzinfo is None:
        raise ValueError("an event's time needs a time zone")
    return f"{instant.astimezone(UTC).isoformat()[:-6]}Z"


def _text(name: str, value: bytes | None) -> str:
    if not value:
        raise BadEnvelope("empty", name)
    if len(value) > LONGEST_ATTRIBUTE_BYTES:
        raise BadEnvelope("too-long", name)
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise BadEnvelope("not-utf8", name) from None
    if not text.isprintable() and _CONTROL.search(text):
        raise BadEnvelope("bad-text", name)
    return text


_common_text = lru_cache(maxsize=256)(_text)  # what raises is not remembered


@lru_cache(maxsize=64)  # the messages of a batch tell the same time
def _time(text: str) -> datetime:
    if not _RFC3339.fullmatch(text):
        raise BadEnvelope("bad-time", "ce_time")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadEnvelope("bad-time", "ce_time") from None
