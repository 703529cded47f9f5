"""What the gateway takes over, what it refuses at once, and what fails afterwards."""

import base64
from dataclasses import replace
from uuid import uuid4

import pytest
from python_serviceplatformen.models.message import Message, Recipient, Sender, create_nemsms

from simulators.post_gateway.handed_in import Refused
from simulators.post_gateway.memo import read
from tests.unit.simulators.letters import CPR, message, moved_last, request, to, without

LAUGHS = b'<!DOCTYPE a [<!ENTITY b "ha">]><kombi_request><KombiValgKode>Digital Post</KombiValgKode>&b;</kombi_request>'


def test_a_whole_message_is_read() -> None:
    uuid = uuid4()
    handed_in = read(request(message(uuid)))
    assert (handed_in.message_uuid, handed_in.recipient, handed_in.case_id) == (uuid, CPR, "case")
    assert handed_in.fault is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "xml.invalid"),
        (b"{}", "xml.invalid"),
        (LAUGHS, "xml.invalid"),
        (b"<other/>", "kombi.invalid"),
        (b"<kombi_request/>", "kombi.invalid"),
        (request(message(), choice="Brevdue"), "kombi.invalid"),
        (request(message(), choice="Fysisk Post"), "kombi.invalid"),
        (request(message(), choice="Automatisk Valg"), "kombi.not-played"),
        (b"<kombi_request><KombiValgKode>Digital Post</KombiValgKode></kombi_request>", "memo.invalid"),
        (request(without(message(), "messageUUID")), "memo.invalid"),
    ],
)
def test_what_cannot_be_answered_by_a_status_is_refused_at_once(body: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        read(body)
    assert caught.value.code == code


def test_a_header_without_label_fails_with_memo_invalid_and_the_allowed_tags() -> None:
    fault = read(request(without(message(), "label"))).fault
    assert fault is not None
    assert fault.code == "memo.invalid"
    assert 'tag name "Sender" is not allowed' in fault.text
    assert "<messageCode>,<label>" in fault.text


@pytest.mark.parametrize("name", ["Sender", "Recipient", "messageType"])
def test_a_header_without_what_is_required_fails(name: str) -> None:
    fault = read(request(without(message(), name))).fault
    assert fault is not None
    assert fault.code == "memo.invalid"


def test_the_order_of_the_header_counts() -> None:
    fault = read(request(moved_last(message(), "label"))).fault
    assert fault is not None
    assert fault.code == "memo.invalid"


@pytest.mark.parametrize("recipient", ["", "610190123", "61019012345", "610190-123", "٦١٠١٩٠١٢٣٤"])
def test_a_recipient_that_is_no_cpr_number_fails(recipient: str) -> None:
    assert read(request(to(message(), recipient))).fault is not None


def test_an_entry_point_must_be_absolute_https() -> None:
    assert read(request(message(url="https://mitsygefravaer.example/opgaver"))).fault is None
    for url in ("http://mitsygefravaer.example", "mitsygefravaer.example", "/opgaver", "https://"):
        assert read(request(message(url=url))).fault is not None


@pytest.mark.parametrize("filename", ["a/b.pdf", "a:b.pdf", "a\u00a0b.pdf", "a\u2060b.pdf", "a?.pdf"])
def test_a_file_name_may_not_hold_what_windows_or_unicode_make_special(filename: str) -> None:
    letter = message()
    assert letter.messageBody is not None
    main = letter.messageBody.mainDocument
    named = replace(main, files=(replace(main.files[0], filename=filename),))
    assert read(request(replace(letter, messageBody=replace(letter.messageBody, mainDocument=named)))).fault is not None


def test_the_text_hash_tells_the_words_and_not_the_ids() -> None:
    one, again, other = message(), message(), message(text="Kære anden")
    assert read(request(one)).text_sha256 == read(request(again)).text_sha256
    assert read(request(one)).text_sha256 != read(request(other)).text_sha256
    assert base64.b64encode(b"x")  # the words are inside base64: the hash is over what was sent


def sms(text: str = "Påmindelse: du har opgaver") -> Message:
    return create_nemsms(
        "Påmindelse",
        text,
        Sender(senderID="55133018", idType="CVR", label="Aarhus Kommune"),
        Recipient(recipientID=CPR, idType="CPR", label="Test Testesen"),
    )


def test_a_nemsms_is_a_header_and_nothing_else() -> None:
    handed_in = read(request(sms(), choice="NemSMS"))
    assert (handed_in.choice, handed_in.recipient, handed_in.fault) == ("NemSMS", CPR, None)
    assert read(request(sms("x" * 150), choice="NemSMS")).fault is None


@pytest.mark.parametrize(
    "wrong",
    [
        message(),
        sms(""),
        sms("x" * 151),
        sms(f"Om {CPR}"),
        replace(sms(), messageBody=message().messageBody),
        replace(sms(), messageHeader=replace(sms().messageHeader, mandatory=True)),
        replace(sms(), messageHeader=replace(sms().messageHeader, legalNotification=False)),
    ],
    ids=["a letter", "empty", "too long", "a number", "a body", "mandatory", "legal"],
)
def test_a_nemsms_that_is_none_fails(wrong: Message) -> None:
    fault = read(request(wrong, choice="NemSMS")).fault
    assert fault is not None
    assert CPR not in fault.text


def test_a_nemsms_is_no_digital_post() -> None:
    assert read(request(sms())).fault is not None
