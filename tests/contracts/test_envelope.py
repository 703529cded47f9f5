"""The envelope codec against the CloudEvents SDK, both ways, and against headers nobody should send."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import BadEnvelope, Envelope, decode_headers, encode_headers, format_time

TIME = datetime(2026, 3, 29, 0, 59, 59, 123456, tzinfo=UTC)
ENVELOPE = Envelope(
    id="5f0e1d2c-3b4a-5c5d-8e6f-000000000001",
    source="/mitsygefravaer/intake",
    type="dk.mitsygefravaer.absence.reported.v1",
    time=TIME,
    subject="æøå",
    dataschema="urn:mitsygefravaer:schema:absence.reported.v1",
)
GOOD = encode_headers(ENVELOPE)


def changed(name: str, value: bytes | None) -> tuple[tuple[str, bytes | None], ...]:
    return tuple((each, value if each == name else old) for each, old in GOOD)


@pytest.mark.parametrize("traceparent", [None, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"])
def test_the_sdk_reads_what_we_write(traceparent: str | None) -> None:
    headers = encode_headers(ENVELOPE, traceparent)

    event = from_binary(KafkaMessage(headers=dict(headers), key=b"k", value=b'{"a": 1}'), JSONFormat())

    assert (event.get_id(), event.get_source(), event.get_type()) == (ENVELOPE.id, ENVELOPE.source, ENVELOPE.type)
    assert event.get_specversion() == "1.0"
    assert event.get_time() == TIME
    assert event.get_subject() == "æøå"
    assert event.get_dataschema() == ENVELOPE.dataschema
    assert event.get_datacontenttype() == "application/json"
    assert event.get_data() == {"a": 1}


def test_we_read_what_the_sdk_writes() -> None:
    event = CloudEvent(
        attributes={
            "id": ENVELOPE.id,
            "source": ENVELOPE.source,
            "type": ENVELOPE.type,
            "specversion": "1.0",
            "time": TIME,
            "subject": "æøå",
            "dataschema": ENVELOPE.dataschema,
            "datacontenttype": "application/json",
        },
        data={"a": 1},
    )

    assert decode_headers(to_binary(event, JSONFormat()).headers.items()) == ENVELOPE


def test_both_write_the_same_headers() -> None:
    attributes = {
        "id": ENVELOPE.id,
        "source": ENVELOPE.source,
        "type": ENVELOPE.type,
        "specversion": "1.0",
        "time": TIME,
        "subject": ENVELOPE.subject,
        "dataschema": ENVELOPE.dataschema,
        "datacontenttype": "application/json",
    }

    assert to_binary(CloudEvent(attributes=attributes, data={}), JSONFormat()).headers == dict(GOOD)


def test_the_same_event_has_the_same_bytes() -> None:
    in_denmark = TIME.astimezone(timezone(timedelta(hours=1)))

    assert encode_headers(ENVELOPE) == GOOD
    assert format_time(in_denmark) == "2026-03-29T00:59:59.123456Z"


def test_a_time_without_zone_is_never_written() -> None:
    with pytest.raises(ValueError, match="time zone"):
        format_time(TIME.replace(tzinfo=None))


def test_an_envelope_needs_neither_subject_nor_schema() -> None:
    bare = Envelope(id="1", source="/s", type="t", time=TIME)

    assert decode_headers(encode_headers(bare)) == bare


def test_headers_of_others_are_passed_over_whatever_they_hold() -> None:
    strange = (
        ("x-payroll", None),
        ("", b"\xff"),
        ("x-payroll", b"twice"),
        ("content-type", b"application/x-python-pickle"),
    )

    assert decode_headers((*strange, *GOOD)) == ENVELOPE


def test_a_thousand_headers_are_no_trouble() -> None:
    assert decode_headers((*((f"x-{number}", b"") for number in range(1_000)), *GOOD)) == ENVELOPE


@pytest.mark.parametrize(
    ("headers", "code", "field"),
    [
        ((), "missing", "ce_specversion"),
        (GOOD[:4], "missing", "ce_id"),
        ((*GOOD, ("ce_id", b"another")), "repeated", "ce_id"),
        ((*GOOD, GOOD[4]), "repeated", GOOD[4][0]),
        (changed("ce_id", None), "empty", "ce_id"),
        (changed("ce_type", b""), "empty", "ce_type"),
        (changed("ce_source", b"/\xff"), "not-utf8", "ce_source"),
        (changed("ce_subject", b"a\nb"), "bad-text", "ce_subject"),
        (changed("ce_id", b"x" * 513), "too-long", "ce_id"),
        (changed("ce_specversion", b"0.3"), "unsupported-version", "ce_specversion"),
        (changed("ce_time", b"2026-03-29T01:00:00"), "bad-time", "ce_time"),
        (changed("ce_time", b"2026-02-30T01:00:00Z"), "bad-time", "ce_time"),
        (changed("ce_time", b"20260329T010000Z"), "bad-time", "ce_time"),
        (changed("ce_time", b"0001-01-01T00:00:00+23:59"), "bad-time", "ce_time"),
        (changed("ce_time", "２026-03-29T01:00:00Z".encode()), "bad-time", "ce_time"),
    ],
)
def test_bad_headers_are_refused_by_name_and_code(
    headers: tuple[tuple[str, bytes | None], ...], code: str, field: str
) -> None:
    with pytest.raises(BadEnvelope) as refused:
        decode_headers(headers)

    assert (refused.value.code, refused.value.field) == (code, field)


def test_a_refusal_says_nothing_of_what_the_header_held() -> None:
    with pytest.raises(BadEnvelope) as refused:
        decode_headers(changed("ce_time", b"610190-1234"))

    assert "610190" not in f"{refused.value!r} {refused.value}"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "x"]),
            st.one_of(st.none(), st.binary(max_size=40), st.sampled_from([b"1.0", b"2026-03-29T01:00:00Z"])),
        )
    )
)
def test_reading_raises_nothing_else(headers: list[tuple[str, bytes | None]]) -> None:
    with suppress(BadEnvelope):
        decode_headers(headers)
