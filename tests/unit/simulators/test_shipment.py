"""Paper as the gateway takes it: a ForsendelseI in form, whoever wrote it."""

from dataclasses import replace
from typing import Any

import pytest
from python_serviceplatformen.models import physical_mail as oio
from xsdata.formats.dataclass.serializers import XmlSerializer

from simulators.post_gateway.handed_in import HandedIn, Refused
from simulators.post_gateway.memo import read

PDF = b"%PDF-1.7"


def shipment(**changes: Any) -> oio.ForsendelseI:
    """A letter by the library's own helper, with its fields changed."""
    return replace(oio.create_physical_mail(265, PDF), **changes)


def handed_in(made: oio.ForsendelseI) -> HandedIn:
    request = oio.KombiRequest(
        kombi_valg_kode="Fysisk Post", forsendelse_i_samling=oio.ForsendelseISamling(forsendelse_i=made)
    )
    return read(XmlSerializer().render(request).encode())


def named(dispatch_id: str) -> oio.AfsendelseIdentifikator:
    return oio.AfsendelseIdentifikator(value=dispatch_id)


def to(cpr: str) -> oio.ForsendelseModtager:
    return replace(
        shipment().forsendelse_modtager,
        afsendelse_modtager=oio.AfsendelseModtager(cpr_nummer_identifikator=oio.CPRnummerIdentifikator(value=cpr)),
    )


@pytest.mark.parametrize("dispatch_id", ["dc3303Soa44e-9c1c-46aaf36974de", "7", "x" * 38])
def test_a_letter_is_known_by_its_dispatch_whatever_form_that_has(dispatch_id: str) -> None:
    letter = handed_in(shipment(afsendelse_identifikator=named(dispatch_id)))
    assert (letter.dispatch_id, letter.message_uuid, letter.choice) == (dispatch_id, None, "Fysisk Post")
    assert letter.fault is None


@pytest.mark.parametrize("dispatch_id", ["", " ", "x" * 39])
def test_a_letter_that_names_itself_by_nothing_is_refused(dispatch_id: str) -> None:
    with pytest.raises(Refused) as caught:
        handed_in(shipment(afsendelse_identifikator=named(dispatch_id)))
    assert caught.value.code == "forsendelse.invalid"


@pytest.mark.parametrize(
    "wrong",
    [
        {"dokument_parametre": None},
        {"forsendelse_type_identifikator": None},
        {"filformat_navn": None},
        {"filformat_navn": oio.FilformatNavn(value="docx")},
        {"meddelelse_indhold_data": None},
        {"meddelelse_indhold_data": oio.MeddelelseIndholdData(value="!!!")},
        {"meddelelse_indhold_data": oio.MeddelelseIndholdData(value="QQ==")},
        {"forsendelse_modtager": None},
        {"forsendelse_modtager": oio.ForsendelseModtager(modtager_adresse=oio.ModtagerAdresse())},
        {"forsendelse_modtager": to("610190123")},
        {"forsendelse_modtager": replace(to("0000000000"), modtager_adresse=None)},
    ],
)
def test_what_cannot_be_printed_fails_afterwards(wrong: dict[str, Any]) -> None:
    fault = handed_in(shipment(**wrong)).fault
    assert fault is not None
    assert fault.code == "forsendelse.invalid"


def test_the_order_of_the_schema_counts() -> None:
    request = oio.KombiRequest(
        kombi_valg_kode="Fysisk Post", forsendelse_i_samling=oio.ForsendelseISamling(forsendelse_i=shipment())
    )
    text = str(XmlSerializer().render(request))
    last = "<ns0:DokumentParametre/>"
    assert text.count(last) == 1
    moved = text.replace(last, "").replace(
        "<ns0:ForsendelseTypeIdentifikator>", f"{last}<ns0:ForsendelseTypeIdentifikator>"
    )
    assert read(moved.encode()).fault is not None
    with pytest.raises(Refused):
        read(text.replace("ns0:ForsendelseI>", "ns0:Andet>").encode())


def test_two_letters_to_other_addresses_have_other_recipients() -> None:
    def address(name: str) -> oio.ForsendelseModtager:
        country = shipment().forsendelse_modtager.modtager_adresse.country_identification_code
        told = oio.ModtagerAdresse(person_name=oio.PersonName(value=name), country_identification_code=country)
        return replace(to("0000000000"), modtager_adresse=told)

    one, other = (handed_in(shipment(forsendelse_modtager=address(name))) for name in ("A", "B"))
    assert one.recipient != other.recipient
    assert one.text_sha256 == other.text_sha256
