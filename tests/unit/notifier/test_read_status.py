"""PKO_PostStatus as it is pushed, and as nobody should push it (danish-interfaces 3c)."""

import base64
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from services.notifier.domain import PostEvent
from services.notifier.post_status import ACTIONS, NoStatus, read_status
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


def pushed(inner: str, cover: str = "") -> bytes:
    encoded = base64.b64encode(inner.encode()).decode()
    return f"<ModtagBeskedInput>{cover}<Base64>{encoded}</Base64></ModtagBeskedInput>".encode()


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
        (pushed(inner(TransaktionsDatoTid=None)), "no-time"),
        (pushed(inner(TransaktionsDatoTid="i går")), "no-time"),
        (pushed(inner(TransaktionsDatoTid="2026-11-23T11:22:05")), "no-time"),
        (pushed(inner(TransaktionsDatoTid="0001-01-01T00:00:00+14:00")), "no-time"),
    ],
)
def test_what_is_no_status_is_refused_with_a_code(body: bytes, code: str) -> None:
    with pytest.raises(NoStatus) as caught:
        read_status(body)
    assert caught.value.code == code


PAPER = {
    "TransmissionId": None,
    "MessageUUID": None,
    "KanalKode": "Fysisk Post",
    "CorrelationId": "317720e2-052b-450b-b510-2a0a3ab35d38",
    "AfsendelseIdentifikator": "7a1afa05-77fe-5549-92d2-28a9941053c5",
    "ForsendelseIdentifikator": "70041",
    "TransaktionsStatusKode": "Modtaget Post Danmark",
}


def test_a_status_of_paper_names_the_letter_by_its_dispatch() -> None:
    status = read_status(pushed(inner(**PAPER)))
    assert (status.message_uuid, status.dispatch_id) == (None, PAPER["AfsendelseIdentifikator"])
    assert status.gateway_id == status.dispatch_id
    assert (status.channel, status.status_code) == ("Fysisk Post", "Modtaget Post Danmark")
    assert status.transmission_id == PAPER["CorrelationId"]
    assert status.events == ()


def test_an_id_need_be_no_uuid_and_a_uuid_is_known_in_whichever_spelling() -> None:
    sample = "dc3303Soa44e-9c1c-46aaf36974de"  # as the published minimal sample of a ForsendelseI has it
    assert read_status(pushed(inner(**{**PAPER, "AfsendelseIdentifikator": sample}))).dispatch_id == sample
    upper = {**PAPER, "AfsendelseIdentifikator": str(PAPER["AfsendelseIdentifikator"]).upper()}
    assert read_status(pushed(inner(**upper))).dispatch_id == PAPER["AfsendelseIdentifikator"]
    message = "8853363B-43EC-4D0A-A54D-65447F9447ED"
    assert read_status(pushed(inner(MessageUUID=message))).gateway_id == message.lower()


@pytest.mark.rule("N8")
@pytest.mark.parametrize("name", ["AfsendelseIdentifikator", "MessageUUID", "TransmissionId", "KanalKode", "FejlKode"])
@pytest.mark.parametrize(
    "text", ["6101901234", "610190-1234", "sag 610190 1234", "Kære Kirsten, æøå!", "<b/>", "x" * 200]
)
def test_what_could_hold_a_persons_number_or_a_text_is_kept_as_no_id_and_no_code(name: str, text: str) -> None:
    escaped = text.replace("<", "&lt;")
    status = read_status(pushed(inner(**{**PAPER, name: escaped})))
    assert text not in repr(status)
    assert "610190" not in repr(status)


def test_our_own_ids_are_read_whatever_digits_they_hold() -> None:
    ours = UUID("12345678-9012-5678-9012-345678901234")
    assert read_status(pushed(inner(**{**PAPER, "AfsendelseIdentifikator": str(ours)}))).dispatch_id == str(ours)
    assert read_status(pushed(inner(MessageUUID=str(ours)))).message_uuid == ours


@pytest.mark.parametrize(
    "missing",
    [
        {"MessageUUID": None},
        {"MessageUUID": "7"},
        {"TransmissionId": None},
        {"TransmissionId": "7"},
        {"TransaktionsStatusKode": None},
        {"MessageUUID": None, "TransmissionId": None, "TransaktionsStatusKode": None},
    ],
)
def test_a_status_that_lacks_something_is_read_all_the_same(missing: dict[str, str | None]) -> None:
    status = read_status(pushed(inner(**missing)))
    assert status.transmission_id
    if "TransaktionsStatusKode" in missing:
        assert status.status_code == "unreadable-code"
    if "MessageUUID" in missing:
        assert (status.message_uuid, status.gateway_id) == (None, None)


@pytest.mark.parametrize(("action", "name"), ACTIONS.items())
def test_the_action_tells_the_status_where_no_text_does(action: UUID, name: str) -> None:
    cover = f"<ObjektHandling><UUIDIdentifikator>{action}</UUIDIdentifikator></ObjektHandling>"
    assert read_status(pushed(inner(TransaktionsStatusKode=None), cover)).status_code == name
    assert read_status(pushed(inner(TransaktionsStatusKode="Noget helt nyt"), cover)).status_code == "Noget helt nyt"


def test_an_action_nobody_knows_is_no_code() -> None:
    cover = f"<ObjektHandling><UUIDIdentifikator>{uuid4()}</UUIDIdentifikator></ObjektHandling>"
    assert read_status(pushed(inner(TransaktionsStatusKode=None), cover)).status_code == "unreadable-code"


@pytest.mark.parametrize("spelled", ["Modtaget fjernprint", "Modtaget Fjernprint", "Modtaget Fjern-print"])
def test_a_listed_status_is_the_lists_however_it_is_spelled(spelled: str) -> None:
    assert read_status(pushed(inner(TransaktionsStatusKode=spelled))).status_code == "Modtaget Fjern-print"


def test_what_befell_the_letter_is_read_with_its_time() -> None:
    events = (
        "<ForsendelseHaendelseSamling>"
        "<ForsendelseHaendelse><TypeKode>12</TypeKode><DatoTid>2026-11-25T10:00:00+01:00</DatoTid><Beloeb>9</Beloeb>"
        "</ForsendelseHaendelse>"
        "<ForsendelseHaendelse><TypeKode>Retur</TypeKode><DatoTid>i går</DatoTid></ForsendelseHaendelse>"
        "<ForsendelseHaendelse><TypeKode>Kirsten flyttede til 6101901234</TypeKode></ForsendelseHaendelse>"
        "<ForsendelseHaendelse><TypeKode/></ForsendelseHaendelse>"
        "</ForsendelseHaendelseSamling>"
    )
    told = inner(**PAPER).replace("<FejlDetaljer/>", events)
    assert read_status(pushed(told)).events == (
        PostEvent(code="12", at=datetime(2026, 11, 25, 9, tzinfo=UTC)),
        PostEvent(code="Retur", at=None),
        PostEvent(code="unreadable-code", at=None),
    )


def test_what_stands_in_collections_within_collections_is_read_once() -> None:
    name = "ForsendelseHaendelseSamling"
    events = f"{f'<{name}>' * 50}<e><TypeKode>1</TypeKode></e>{f'</{name}>' * 50}"
    assert len(read_status(pushed(inner(**PAPER).replace("<FejlDetaljer/>", events))).events) == 1


def test_no_more_events_are_read_than_a_letter_can_have() -> None:
    events = f"<ForsendelseHaendelseSamling>{'<e><TypeKode>1</TypeKode></e>' * 200}</ForsendelseHaendelseSamling>"
    assert len(read_status(pushed(inner(**PAPER).replace("<FejlDetaljer/>", events))).events) == 100


@pytest.mark.parametrize("told", [None, "i går", "2026-11-23T11:22:05"])
def test_without_a_time_of_its_own_a_status_has_the_one_of_its_registration(told: str | None) -> None:
    stamp = "<TidsstempelDatoTid>{}</TidsstempelDatoTid>"
    registered = f"<Registreringstidspunkt>{stamp.format('2026-11-23T12:22:05+01:00')}</Registreringstidspunkt>"
    made = f"<Dannelsestidspunkt>{stamp.format('2026-11-23T11:30:00Z')}</Dannelsestidspunkt>"
    body = inner(TransaktionsDatoTid=told)
    assert read_status(pushed(body, registered + made)).at == datetime(2026, 11, 23, 11, 22, 5, tzinfo=UTC)
    assert read_status(pushed(body, made)).at == datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
    own = inner(TransaktionsDatoTid="2026-11-23T09:00:00Z")
    assert read_status(pushed(own, registered + made)).at == datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_a_message_is_never_named_by_another_id_of_its_cover() -> None:
    cover = "<Beskedtype><UUIDIdentifikator>d2bed63c-4853-4008-b6e0-a74c15b15fbf</UUIDIdentifikator></Beskedtype>"
    first, second = (read_status(pushed(inner(MessageUUID=str(uuid4())), cover)) for _ in range(2))
    assert first.besked_id != second.besked_id


def test_base64_may_be_broken_into_lines() -> None:
    encoded = base64.encodebytes(inner().encode()).decode()
    assert "\n" in encoded.strip()
    status = read_status(f"<ModtagBeskedInput><Base64>\n{encoded}</Base64></ModtagBeskedInput>".encode())
    assert status.status_code == "Afleveret Digital Post"


def test_the_text_of_an_error_is_read_nowhere() -> None:
    told = inner(**PAPER).replace(
        "<FejlDetaljer/>",
        "<FejlDetaljer><FejlKode>42</FejlKode><FejlTekst>Kirsten 6101901234</FejlTekst></FejlDetaljer>",
    )
    status = read_status(pushed(told))
    assert status.error_code == "42"
    assert "Kirsten" not in repr(status)
