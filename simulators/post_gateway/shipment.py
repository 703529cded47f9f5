"""A paper letter as it is handed in: `ForsendelseI`, judged in form.

The order of its fields is the official schema's (python-serviceplatformen, physical_mail.py, is generated from it), the limit of
size that of itk-dev-rpa/OpenPostbud. What names no letter is refused at once; what the print house could not print is taken over
and fails by a status, as a MeMo does. The code `forsendelse.invalid` is ours: none is published.
"""

import base64
import binascii
import hashlib

from plumbing.safe_xml import Element, text_of
from simulators.post_gateway.handed_in import Content, Fault, HandedIn, Refused
from simulators.post_gateway.sheets import LARGEST_PDF_BYTES

FJERNPRINT = "{urn:oio:fjernprint:1.0.0}"
LONGEST_DISPATCH_ID = 38
LONGEST_TITLE = 500
ORDER = (
    "AfsendelseIdentifikator", "ForsendelseTypeIdentifikator", "ForsendelseModtager", "FilformatNavn",
    "MeddelelseIndholdData", "TransaktionsParametreI", "DokumentParametre", "KanalUafhaengigeParametreI", "PrintParametre",
    "DigitalPostParametre", "PostParametre", "BilagSamling",
)  # fmt: skip
REQUIRED = ("AfsendelseIdentifikator", "FilformatNavn", "MeddelelseIndholdData", "DokumentParametre")


def read_shipment(root: Element, choice: str) -> HandedIn:
    """The one paper letter of a request; raises Refused."""
    shipments = root.findall(f"{FJERNPRINT}ForsendelseISamling/{FJERNPRINT}ForsendelseI")
    if len(shipments) != 1:
        raise Refused("kombi.invalid", "ForsendelseISamling with one ForsendelseI expected")
    [shipment] = shipments
    dispatch_id = (shipment.findtext(f"{FJERNPRINT}AfsendelseIdentifikator") or "").strip()
    if not 1 <= len(dispatch_id) <= LONGEST_DISPATCH_ID:
        raise Refused(
            "forsendelse.invalid", f"AfsendelseIdentifikator of 1 to {LONGEST_DISPATCH_ID} characters expected"
        )
    pdf = _pdf(shipment)
    problem = _form(shipment) or _recipient(shipment) or _document(shipment, pdf)
    return HandedIn(
        message_uuid=None,
        dispatch_id=dispatch_id,
        message_id=None,
        choice=choice,
        recipient="\n".join(text for one in _named(shipment, "ForsendelseModtager").iter() if (text := _text(one))),
        case_id=None,
        text_sha256=hashlib.sha256((text_of(shipment, "MeddelelseIndholdData") or "").encode()).hexdigest(),
        fault=None if problem is None else Fault(code="forsendelse.invalid", text=problem),
        content=Content(subject=(text_of(shipment, "TitelTekst") or "")[:LONGEST_TITLE], document=pdf),
    )


def _form(shipment: Element) -> str | None:
    names = [_local(child) for child in shipment]
    unknown = [name for name in names if name not in ORDER]
    if unknown or names != sorted(set(names), key=ORDER.index):
        return "ForsendelseI: an element is unknown, repeated or out of order"
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        return f"ForsendelseI: {missing[0]} is required"
    if not _is_digits(text_of(shipment, "ForsendelseTypeIdentifikator") or ""):
        return "ForsendelseTypeIdentifikator is no number"
    return None


def _recipient(shipment: Element) -> str | None:
    recipient = _named(shipment, "ForsendelseModtager")
    cpr, cvr = text_of(recipient, "CPRnummerIdentifikator"), text_of(recipient, "CVRnummerIdentifikator")
    if (cpr is None) == (cvr is None):
        return "AfsendelseModtager needs a CPR or a CVR number"
    if not _is_digits(cpr or cvr or "") or len(cpr or "") not in {0, 10} or len(cvr or "") not in {0, 8}:
        return "AfsendelseModtager: a number is not of its kind"
    if text_of(recipient, "CountryIdentificationCode") is None:
        return "ModtagerAdresse: CountryIdentificationCode is required"
    return None


def _pdf(shipment: Element) -> bytes | None:
    """None where it is no base64."""
    try:
        return base64.b64decode(text_of(shipment, "MeddelelseIndholdData") or "", validate=True)
    except binascii.Error:
        return None


def _document(shipment: Element, pdf: bytes | None) -> str | None:
    if (text_of(shipment, "FilformatNavn") or "").lower() != "pdf":
        return "FilformatNavn: paper is printed from PDF"
    if pdf is None:
        return "MeddelelseIndholdData is not base64"
    if not pdf.startswith(b"%PDF-"):
        return "MeddelelseIndholdData is no PDF"
    if len(pdf) > LARGEST_PDF_BYTES:
        return "MeddelelseIndholdData is too large"
    return None


def _named(shipment: Element, name: str) -> Element:
    """The field, or an empty one."""
    return next((child for child in shipment if _local(child) == name), Element(name))


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: Element) -> str:
    return (element.text or "").strip()


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
