"""Paper: the kombi_request that goes to the print house, byte for byte what it was, and nobody's number in it."""

from pathlib import Path
from typing import Literal
from uuid import UUID
from xml.etree.ElementTree import Element, canonicalize

import pytest

from plumbing import ids
from plumbing.safe_xml import parse, text_of
from services.notifier.domain import Address
from services.notifier.letters import NotAddressed, PaperForm, paper_request
from tests.unit.notifier.test_memo import settings

GOLDEN = Path(__file__).parent / "golden"
LETTER = UUID("8c2ea15d-61fb-4ba9-9366-42f8b194c114")
PDF = b"%PDF-1.7\n"
DISPATCH = str(ids.derive(LETTER, 1, "sending", 2))
HOME = Address(lines=("c/o Ægidius", "Åboulevarden 12, 3. th"), postal_code="8000", city="Aarhus C")
FORMS: dict[str, Literal["window", "address"]] = {"paper-window.xml": "window", "paper-address.xml": "address"}

# The children of ForsendelseI and of ModtagerAdresse, in the order of the official schema (python-serviceplatformen,
# physical_mail.py, is generated from it; the published minimal sample keeps to it).
SHIPMENT = (
    "AfsendelseIdentifikator", "ForsendelseTypeIdentifikator", "ForsendelseModtager", "FilformatNavn", "MeddelelseIndholdData",
    "TransaktionsParametreI", "DokumentParametre", "KanalUafhaengigeParametreI", "PrintParametre", "DigitalPostParametre",
    "PostParametre", "BilagSamling",
)  # fmt: skip
ADDRESS = (
    "PersonName", "CoNavn", "StreetName", "StreetBuildingIdentifier", "FloorIdentifier", "SuiteIdentifier",
    "MailDeliverySublocationIdentifier", "PostCodeIdentifier", "DistrictSubdivisionIdentifier", "PostOfficeBoxIdentifier",
    "PostalAddressFirstLineText", "PostalAddressSecondLineText", "PostalAddressThirdLineText", "PostalAddressFourthLineText",
    "PostalAddressFifthLineText", "PostalAddressSixthLineText", "CountryIdentificationCode",
)  # fmt: skip


def request(
    recipient: Literal["window", "address"] = "address",
    *,
    address: Address = HOME,
    name: str = "Kirsten Ægidius-Sørensen",
    pdf: bytes = PDF,
) -> bytes:
    return paper_request(
        dispatch_id=DISPATCH,
        name=name,
        address=address,
        title="Du skal svare senest 1. december 2026",
        pdf=pdf,
        form=PaperForm(shipment_type=265, recipient=recipient),
    ).body


def named(body: bytes, name: str) -> Element:
    [found] = [one for one in parse(body, max_bytes=100_000).iter() if local(one) == name]
    return found


def local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def lines(body: bytes) -> list[str]:
    return [one.text or "" for one in named(body, "ModtagerAdresse") if local(one).endswith("LineText")]


@pytest.mark.parametrize(("golden", "recipient"), FORMS.items())
def test_a_request_is_what_it_was(golden: str, recipient: Literal["window", "address"]) -> None:
    assert canonicalize(request(recipient).decode()) == canonicalize((GOLDEN / golden).read_text(), strip_text=True)


@pytest.mark.parametrize("recipient", FORMS.values())
def test_it_has_the_schemas_order_and_says_utf_8(recipient: Literal["window", "address"]) -> None:
    body = request(recipient)
    assert body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<kombi_request><KombiValgKode>Fysisk Post<')
    assert [local(one) for one in parse(body, max_bytes=100_000)] == ["KombiValgKode", "ForsendelseISamling"]
    for parent, order in (("ForsendelseI", SHIPMENT), ("ModtagerAdresse", ADDRESS)):
        names = [local(one) for one in named(body, parent)]
        assert names == sorted(names, key=order.index)


@pytest.mark.rule("M3")
def test_the_same_letter_has_the_same_bytes_and_statuses_name_it_by_its_dispatch() -> None:
    assert request() == request()
    told = text_of(named(request(), "ForsendelseI"), "AfsendelseIdentifikator")
    assert told == DISPATCH
    assert len(told) <= 38


def test_behind_the_window_the_print_house_is_told_neither_name_nor_address() -> None:
    body = request("window")
    assert [local(one) for one in named(body, "ModtagerAdresse")] == ["CountryIdentificationCode"]
    assert text_of(named(body, "ForsendelseI"), "CPRnummerIdentifikator") == "0000000000"
    for told in ("Kirsten", "boulevarden", "8000", "Aarhus"):
        assert told not in body.decode()


def test_as_data_the_address_goes_in_lines_of_34_characters_and_the_number_stays_zeros() -> None:
    body = request()
    assert lines(body) == ["c/o Ægidius", "Åboulevarden 12, 3. th", "8000 Aarhus C"]
    assert text_of(named(body, "ModtagerAdresse"), "PersonName") == "Kirsten Ægidius-Sørensen"
    assert text_of(named(body, "ModtagerAdresse"), "PostCodeIdentifier") == "8000"
    assert text_of(named(body, "ForsendelseI"), "CPRnummerIdentifikator") == "0000000000"


def test_a_long_line_is_wrapped_and_what_does_not_fit_is_never_cut() -> None:
    long = Address(lines=("Den lange vej med det meget lange navn 117, stuen til venstre",), postal_code="1", city="B")
    assert lines(request(address=long)) == ["Den lange vej med det meget lange", "navn 117, stuen til venstre", "1 B"]
    for address, code in (
        (Address(lines=("x" * 200,), postal_code="8000", city="Aarhus"), "address.too-long"),
        (Address(lines=(" \u200b\n",), postal_code="8000", city="Aarhus"), "address.empty"),
    ):
        with pytest.raises(NotAddressed) as caught:
            request(address=address)
        assert caught.value.code == code


def test_a_name_with_line_breaks_forges_no_address_block() -> None:
    """N57."""
    forged = Address(
        lines=("Testvej 1\nFalsk Modtager\r\nFalsk Vej 9",), postal_code="8000\n9999", city="Aarhus\nEllers"
    )
    assert lines(request(address=forged, name="Kirsten\nFalsk Navn")) == [
        "Testvej 1 Falsk Modtager Falsk Vej", "9", "8000 9999 Aarhus Ellers"
    ]  # fmt: skip
    assert text_of(named(request(name="Kirsten\nFalsk Navn"), "ModtagerAdresse"), "PersonName") == "Kirsten Falsk Navn"


def test_abroad_there_is_no_danish_post_code() -> None:
    abroad = Address(lines=("Musterstr. 3",), postal_code="1234", city="Flensburg", country="DE")
    address = named(request(address=abroad), "ModtagerAdresse")
    assert text_of(address, "PostCodeIdentifier") is None
    assert text_of(address, "CountryIdentificationCode") == "DE"


def test_nobody_is_asked_for_a_new_address_and_protection_shows_nowhere() -> None:
    assert text_of(named(request(), "PostParametre"), "InformationVedAdresseAendringIndikator") == "false"


def test_an_address_never_shows_in_a_log_or_a_traceback() -> None:
    assert "boulevarden" not in repr(HOME)
    assert "8000" not in repr(HOME)
    assert "Aarhus" not in repr(HOME)


def test_the_form_is_the_deployments(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch).paper_form() is None
    told = settings(monkeypatch, PAPER_SHIPMENT_TYPE="265", PAPER_RECIPIENT="address")
    assert told.paper_form() == PaperForm(shipment_type=265, recipient="address")
    assert settings(monkeypatch, PAPER_RECIPIENT="window").paper_form() == PaperForm(shipment_type=265)
    with pytest.raises(ValueError, match="paper_recipient"):
        settings(monkeypatch, PAPER_RECIPIENT="both")
