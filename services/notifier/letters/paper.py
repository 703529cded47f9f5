"""The letter as paper: a kombi_request with a ForsendelseI, "Fysisk Post" (danish-interfaces 3b), by python-serviceplatformen's
generated classes.

The same arguments give the same bytes: AfsendelseIdentifikator, by which statuses name the letter, follows from the letter and
the number of its sending; the library's own helper would make a new one each time. It is written as the library writes it,
prefixes included: that is what the gateway is known to read (itk-dev-rpa/OpenPostbud, in production).

No number of a person ever goes to the print house: SF1601's field description asks for ten zeros (python-serviceplatformen,
create_physical_mail; OS2Forms, ForsendelseHelper.php). Post Danmark is asked to tell nobody's new address, so no protected one
comes back, and nothing in a request tells whose address is protected. Post category, envelope and printing are agreed under the
shipment type.
"""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from python_serviceplatformen.models import physical_mail as oio
from xsdata.formats.dataclass.context import XmlContext
from xsdata.formats.dataclass.serializers import XmlSerializer
from xsdata.formats.dataclass.serializers.config import SerializerConfig

from services.notifier.domain import Address
from services.notifier.letters.content import printable
from services.notifier.letters.request import GatewayRequest

CHOICE: Final = "Fysisk Post"
NOBODYS_NUMBER: Final = "0000000000"
# Where the PDF belongs: a character of nobody's, which no text here holds (`content.printable`).
_PDF: Final = "\ue000"
_LONGEST_LINE: Final = 34
_LONGEST_NAME: Final = 130
_LINES: Final = (
    ("postal_address_first_line_text", oio.PostalAddressFirstLineText),
    ("postal_address_second_line_text", oio.PostalAddressSecondLineText),
    ("postal_address_third_line_text", oio.PostalAddressThirdLineText),
    ("postal_address_fourth_line_text", oio.PostalAddressFourthLineText),
    ("postal_address_fifth_line_text", oio.PostalAddressFifthLineText),
    ("postal_address_sixth_line_text", oio.PostalAddressSixthLineText),
)
_DANISH_POST_CODE: Final = re.compile(r"\d{4}", re.ASCII)
# A context reads the classes once, which takes longer than writing ten letters.
_SERIALIZER: Final = XmlSerializer(context=XmlContext(), config=SerializerConfig(encoding="UTF-8"))


class NotAddressed(Exception):
    """The address cannot be written as the print house takes it; `code` is address.empty or address.too-long."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperForm:
    """How letters are handed to the print house.

    `shipment_type` is ForsendelseTypeIdentifikator, a number agreed with it. `recipient`: `window`, where name and address stand
    in the PDF behind the envelope's window and nowhere else, or `address`, where they go along as data.
    """

    shipment_type: int
    recipient: Literal["window", "address"] = "window"


def paper_request(
    *, dispatch_id: str, name: str, address: Address, title: str, pdf: bytes, form: PaperForm
) -> GatewayRequest:
    """What is asked of KombiPostAfsend; raises NotAddressed, with the form `address` only."""
    country = oio.CountryIdentificationCode(
        value=address.country, scheme=oio.CountryIdentificationSchemeType.ISO3166_ALPHA2
    )
    told = {} if form.recipient == "window" else _told(name, address)
    shipment = oio.ForsendelseI(
        afsendelse_identifikator=oio.AfsendelseIdentifikator(value=dispatch_id),
        forsendelse_type_identifikator=oio.ForsendelseTypeIdentifikator(value=form.shipment_type),
        forsendelse_modtager=oio.ForsendelseModtager(
            afsendelse_modtager=oio.AfsendelseModtager(
                cpr_nummer_identifikator=oio.CPRnummerIdentifikator(value=NOBODYS_NUMBER)
            ),
            modtager_adresse=oio.ModtagerAdresse(country_identification_code=country, **told),
        ),
        filformat_navn=oio.FilformatNavn(value="pdf"),
        meddelelse_indhold_data=oio.MeddelelseIndholdData(value=_PDF),
        transaktions_parametre_i=oio.TransaktionsParametreI(),
        dokument_parametre=oio.DokumentParametre(titel_tekst=oio.TitelTekst(value=title)),
        post_parametre=oio.PostParametre(
            information_ved_adresse_aendring_indikator=oio.InformationVedAdresseAendringIndikator(value=False)
        ),
    )
    request = oio.KombiRequest(
        kombi_valg_kode=CHOICE, forsendelse_i_samling=oio.ForsendelseISamling(forsendelse_i=shipment)
    )
    before, after = str(_SERIALIZER.render(request)).split(_PDF)
    return GatewayRequest(before=before.encode(), pdf=pdf, after=after.encode())


def _told(name: str, address: Address) -> dict[str, object]:
    """Name and address as fields of ModtagerAdresse.

    As lines, since lines are what the reporter told: nobody guesses which of it is the house number.
    """
    fields: dict[str, object] = {"person_name": oio.PersonName(value=_in_one_line(name)[:_LONGEST_NAME])}
    fields.update(
        {field: line(value=text) for (field, line), text in zip(_LINES, _address_lines(address), strict=False)}
    )
    if address.country == "DK" and _DANISH_POST_CODE.fullmatch(address.postal_code):
        fields["post_code_identifier"] = oio.PostCodeIdentifier(value=address.postal_code)
    return fields


def _address_lines(address: Address) -> Sequence[str]:
    street = [part for line in address.lines for part in textwrap.wrap(_in_one_line(line), _LONGEST_LINE)]
    town = textwrap.wrap(_in_one_line(f"{address.postal_code} {address.city}"), _LONGEST_LINE)
    if not street or not town:
        raise NotAddressed("address.empty")
    if len(street) + len(town) > len(_LINES):
        raise NotAddressed("address.too-long")
    return [*street, *town]


def _in_one_line(text: str) -> str:
    return printable(" ".join(text.split()))
