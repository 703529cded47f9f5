"""PKO_PostStatus as it is pushed, and as nobody should push it (danish-interfaces 3c)."""

import base64
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.notifier.api import NoStatus, read_status
from simulators.post_gateway.ledger import Status as Told
from simulators.post_gateway.statuses import push_body

AT = datetime(2026, 11, 23, 9, 30, 1, 250_000, tzinfo=UTC)
TYPES = "http://serviceplatformen.dk/xml/print/PKO_PostStatus/1/types"


def told(code: str = "Afleveret Digital Post", error_code: str | None = None) -> Told:
    return Told(
        besked_id=uuid4(),
        transmission_id=uuid4(),
        message_uuid=uuid4(),
        message_id="x",
        status_code=code,
        error_code=error_code,
        error_text='tag name "mandatory" is not allowed' if error_code else None,
        at=AT,
        due=0,
    )


def pushed(inner: str) -> bytes:
    encoded = base64.b64encode(inner.encode()).decode()
    return f"<ModtagBeskedInput><Base64>{encoded}</Base64></ModtagBeskedInput>".encode()


def inner(**changes: str | None) -> str:
    fields = {
        "TransmissionId": "1ab6eb87-a457-4ad3-8952-ed8f18a1676a",
        "MessageUUID": "8853363b-43ec-4d0a-a54d-65447f9447ed",
        "TransaktionsDatoTid": "2026-11-23T11:22:05.154Z",
        "TransaktionsStatusKode": "Afleveret Digital Post",
        **changes,
    }
    content = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items() if value is not None)
    return f'<PKO_PostStatus xmlns="{TYPES}">{content}<FejlDetaljer/></PKO_PostStatus>'


def test_a_status_in_the_published_form_is_read() -> None:
    sent = told()
    status = read_status(push_body(sent))
    assert (status.besked_id, status.message_uuid) == (sent.besked_id, sent.message_uuid)
    assert (status.transmission_id, status.status_code) == (str(sent.transmission_id), "Afleveret Digital Post")
    assert (status.at, status.error_code) == (AT, None)


def test_a_failure_keeps_its_code_as_text_and_never_its_text() -> None:
    status = read_status(push_body(told("Fejlet", "memo.invalid")))
    assert (status.status_code, status.error_code) == ("Fejlet", "memo.invalid")
    assert "mandatory" not in repr(status)


@pytest.mark.parametrize("code", ["6101901234", "fejl for 610190-1234", "a" * 101, "<script>", "x\ny"])
def test_what_looks_like_a_text_or_a_number_of_a_person_is_kept_as_no_code(code: str) -> None:
    assert read_status(push_body(told("Fejlet", code))).error_code == "unreadable-code"


def test_a_time_with_an_offset_is_that_instant() -> None:
    status = read_status(pushed(inner(TransaktionsDatoTid="2026-11-23T12:22:05+01:00")))
    assert status.at == datetime(2026, 11, 23, 11, 22, 5, tzinfo=UTC)


def test_a_message_without_an_id_is_named_by_what_it_says() -> None:
    assert read_status(pushed(inner())).besked_id == read_status(pushed(inner())).besked_id
    other = inner(TransaktionsStatusKode="Fejlet")
    assert read_status(pushed(inner())).besked_id != read_status(pushed(other)).besked_id


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not-xml"),
        (b"{}", "not-xml"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "doctype"),
        (b"<ModtagBeskedInput/>", "not-xml"),
        (b"<a><Base64>!!!</Base64></a>", "not-base64"),
        (b"<a><Base64>\xc3\xa6</Base64></a>", "not-base64"),
        (pushed("<other/>"), "no-post-status"),
        (pushed('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "doctype"),
        (pushed(inner(MessageUUID=None)), "no-MessageUUID"),
        (pushed(inner(MessageUUID="7")), "no-MessageUUID"),
        (pushed(inner(TransmissionId=None)), "no-TransmissionId"),
        (pushed(inner(TransaktionsStatusKode=None)), "no-status-code"),
        (pushed(inner(TransaktionsDatoTid=None)), "no-time"),
        (pushed(inner(TransaktionsDatoTid="i går")), "no-time"),
        (pushed(inner(TransaktionsDatoTid="2026-11-23T11:22:05")), "no-time-zone"),
    ],
)
def test_what_is_no_status_is_refused_with_a_code(body: bytes, code: str) -> None:
    with pytest.raises(NoStatus) as caught:
        read_status(body)
    assert caught.value.code == code
