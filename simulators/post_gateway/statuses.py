"""PKO_PostStatus inside ModtagBeskedInput, as the Beskedfordeler pushes it.

Structure and identifiers after the published sample (itk-dev/beskedfordeler-drupal,
resources/messages/sf1601/PostStatusBeskedModtag.success.xml) and OS2agora's ObjektHandling list; senders' ids after
itk-dev-rpa/OpenPostbud, message_broker_worker.py. No status of paper or NemSMS is published: which fields they have is as
OS2agora's PkoPostStatusDto.cs tells it, ForsendelseHaendelseSamling with TypeKode and DatoTid among them (the element between is
ours). The same message has the same bytes each time it is pushed.
"""

import base64
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from plumbing.safe_xml import BadXml, parse, text_of
from simulators.post_gateway.handed_in import PAPER
from simulators.post_gateway.ledger import Status

DELIVERED = "Afleveret Digital Post"
RECEIVED = "Modtaget Digital Post"
FAILED = "Fejlet"
POSTED = "Modtaget Post Danmark"
RECEIVED_ON_PAPER = "Modtaget Fjern-print"
PRINTED = ("Afsendt", RECEIVED_ON_PAPER, "Klar", "Afleveret til print og kuvertering", POSTED)
UPDATED = "Opdatering fra Post Danmark"

STS = "urn:oio:sts:1.0.0"
ENVELOPE = "urn:oio:besked:kuvert:1.0"
CASE = "urn:oio:sagdok:3.0.0"
CONTENT = "urn:besked:kuvert:1.0"  # without "oio", as in the sample
POST_STATUS = "http://serviceplatformen.dk/xml/print/PKO_PostStatus/1/types"

MESSAGE_TYPE = "d2bed63c-4853-4008-b6e0-a74c15b15fbf"
NOT_CONFIDENTIAL = "1d81c472-0808-44cc-963d-f5ef0170ae1d"
SERVICEPLATFORMEN = "19dc3a1d-c629-4853-b566-7fe49cf674ce"
DIGITAL_POST_SYSTEM = "96514e13-afdd-44d6-95a8-adc2ca19b127"
STRALFORS = "afd21f3d-11c7-4f51-b2a6-f31d6480a9fb"
OBJECT_TYPE = "9a7be69f-b736-4e0e-9d5b-78d4f43e7ad7"
ACTIONS = {
    DELIVERED: "f7161a89-5068-4023-bc80-d7f4daad2a2e",
    RECEIVED: "eb866ca2-b871-4387-b501-12cde577bd58",
    FAILED: "e225a75c-4b63-46c4-9423-77f5c8762445",
    "Afsendt": "db5a6025-caa3-45c3-8e02-4e6fa8142ade",
    RECEIVED_ON_PAPER: "dd98e71c-41ac-4305-a47b-8f86b00e639b",
    "Klar": "e2b30d57-504a-4e2e-ae2d-a1394a9cb0b8",
    "Afleveret til print og kuvertering": "e3c0a021-2070-40d4-b7b7-754aeba762e9",
    POSTED: "e94a0a8b-60a0-42ad-8b83-52c9e15d0fb3",
    UPDATED: "f4e6eb11-0261-4198-8b5d-be92a9b1a35d",
}
_UNKNOWN_ACTION = "00000000-0000-4000-8000-000000000000"
LARGEST_ANSWER_BYTES = 64 * 1024


def push_body(status: Status) -> bytes:
    """The whole body of a push."""
    root = Element(f"{{{STS}}}ModtagBeskedInput")
    event = SubElement(root, f"{{{ENVELOPE}}}Haendelsesbesked")
    _uuid(SubElement(event, f"{{{ENVELOPE}}}BeskedId"), str(status.besked_id))
    SubElement(event, f"{{{ENVELOPE}}}BeskedVersion").text = "1.0"
    cover = SubElement(event, f"{{{ENVELOPE}}}Beskedkuvert")
    _filter_data(SubElement(cover, f"{{{ENVELOPE}}}Filtreringsdata"), status)
    _delivery(SubElement(cover, f"{{{ENVELOPE}}}Leveranceinformation"), status)
    data = SubElement(event, f"{{{ENVELOPE}}}Beskeddata")
    attributes = {"content-type": "application/xml", "encoding": "UTF-8", "file-type": ".xml"}
    SubElement(data, f"{{{CONTENT}}}Base64", attributes).text = base64.b64encode(post_status(status)).decode()
    return bytes(tostring(root, encoding="UTF-8", xml_declaration=True))


def post_status(status: Status) -> bytes:
    """The PKO_PostStatus alone."""
    root = Element(f"{{{POST_STATUS}}}PKO_PostStatus")
    is_paper = status.channel == PAPER
    for name, value in (
        ("TransmissionId", None if is_paper else str(status.transmission_id)),
        ("MessageUUID", None if status.message_uuid is None else str(status.message_uuid)),
        ("MessageId", status.message_id),
        ("KanalKode", status.channel),
        ("TransaktionsDatoTid", _instant(status.at)),
        ("TransaktionsStatusKode", status.status_code),
        ("CorrelationId", str(status.transmission_id)),
        ("AfsendelseIdentifikator", status.dispatch_id),
    ):
        if value is not None:
            SubElement(root, f"{{{POST_STATUS}}}{name}").text = value
    if status.event_code is not None:
        events = SubElement(root, f"{{{POST_STATUS}}}ForsendelseHaendelseSamling")
        event = SubElement(events, f"{{{POST_STATUS}}}ForsendelseHaendelse")
        SubElement(event, f"{{{POST_STATUS}}}TypeKode").text = status.event_code
        SubElement(event, f"{{{POST_STATUS}}}DatoTid").text = _instant(status.at)
    details = SubElement(root, f"{{{POST_STATUS}}}FejlDetaljer")
    if status.error_code is not None:
        SubElement(details, f"{{{POST_STATUS}}}FejlKode").text = status.error_code
        SubElement(details, f"{{{POST_STATUS}}}FejlTekst").text = status.error_text or ""
    return bytes(tostring(root, encoding="UTF-8"))


def is_acknowledged(http_status: int, body: bytes) -> bool:
    """Whether the receiver has the message for good: HTTP 200 and a StandardRetur with StatusKode 20."""
    if http_status != 200:
        return False
    try:
        return text_of(parse(body, max_bytes=LARGEST_ANSWER_BYTES), "StatusKode") == "20"
    except BadXml:
        return False


def _filter_data(parent: Element, status: Status) -> None:
    _uuid(SubElement(parent, f"{{{ENVELOPE}}}Beskedtype"), MESSAGE_TYPE)
    _uuid(SubElement(parent, f"{{{ENVELOPE}}}BeskedAnsvarligAktoer"), _told_by(status))
    registration = SubElement(parent, f"{{{ENVELOPE}}}ObjektRegistrering")
    _uuid(SubElement(registration, f"{{{ENVELOPE}}}ObjektRegistreringId"), str(status.transmission_id))
    _uuid(SubElement(registration, f"{{{ENVELOPE}}}RegistreringsAktoer"), SERVICEPLATFORMEN)
    _time(SubElement(registration, f"{{{ENVELOPE}}}Registreringstidspunkt"), status.at)
    _uuid(SubElement(registration, f"{{{ENVELOPE}}}ObjektId"), str(status.message_uuid or status.transmission_id))
    _uuid(SubElement(registration, f"{{{ENVELOPE}}}ObjektType"), OBJECT_TYPE)
    _uuid(SubElement(registration, f"{{{ENVELOPE}}}ObjektHandling"), ACTIONS.get(status.status_code, _UNKNOWN_ACTION))


def _told_by(status: Status) -> str:
    return STRALFORS if status.channel == PAPER else DIGITAL_POST_SYSTEM


def _delivery(parent: Element, status: Status) -> None:
    _time(SubElement(parent, f"{{{ENVELOPE}}}Dannelsestidspunkt"), status.at)
    _uuid(SubElement(parent, f"{{{ENVELOPE}}}TransaktionsId"), str(status.besked_id))
    _uuid(SubElement(parent, f"{{{ENVELOPE}}}Kildesystem"), SERVICEPLATFORMEN)
    _uuid(SubElement(parent, f"{{{ENVELOPE}}}Sikkerhedsklassificering"), NOT_CONFIDENTIAL)


def _uuid(parent: Element, value: str) -> None:
    SubElement(parent, f"{{{CASE}}}UUIDIdentifikator").text = value


def _time(parent: Element, at: datetime) -> None:
    SubElement(parent, f"{{{CASE}}}TidsstempelDatoTid").text = _instant(at)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
