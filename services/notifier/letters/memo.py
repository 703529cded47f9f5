"""The letter as MeMo inside a kombi_request (danish-interfaces 3a, 3b), by python-serviceplatformen's models.

The same arguments give the same bytes: nothing random and no present time goes in. The message's id is the letter's, and
`createdDateTime` is when the letter was asked for. What letters of one sender, with one subject and deadline, have in common
is spelt by the models once and kept: spelling it took three quarters of the time, the PDF in base64 takes the rest.

The prefix is always `memo` and the declared encoding always UTF-8: SF1601 is said to read no other (itk-dev/serviceplatformen,
Serializer.php and changelog 1.7.2). MeMo 1.1 and 1.2 have the same elements as far as a letter goes: 1.2 adds only who represents
a sender (the official full examples of both).
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement, tostring
from xml.sax.saxutils import escape

from python_serviceplatformen.date_helper import format_datetime
from python_serviceplatformen.models.message import (
    Action,
    CaseID,
    ContentData,
    CPRdata,
    EntryPoint,
    File,
    FORMdata,
    KLEdata,
    MainDocument,
    Message,
    MessageBody,
    MessageHeader,
    Recipient,
    Sender,
)
from python_serviceplatformen.models.xml_util import dataclass_to_xml

from services.notifier.letters.content import DENMARK, Municipality, Words
from services.notifier.letters.file_names import file_name
from services.notifier.letters.request import GatewayRequest

CASE_SYSTEM: Final = "Mit Sygefravær"
CHOICE: Final = "Digital Post"
_ATTRIBUTES: Final = {
    "1.1": {"memoVersion": "1.1", "memoSchVersion": "1.1.0"},  # the schema's version is asked for with 1.1 only
    "1.2": {"memoVersion": "1.2"},
}


class _Place(str):
    """Where something of one letter's own belongs: a character of nobody's, which no text here holds (`content.printable`)."""

    __slots__ = ()


_MESSAGE: Final = _Place("\ue000")
_NUMBER: Final = _Place("\ue001")
_NAME: Final = _Place("\ue002")
_CASE: Final = _Place("\ue003")
_CREATED: Final = _Place("\ue004")
_PDF: Final = _Place("\ue005")
_PLACES: Final = {str(place): place for place in (_MESSAGE, _NUMBER, _NAME, _CASE, _CREATED)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Classification:
    """What a message is about in one of the municipalities' two lists, as the municipality writes it.

    `key` is a KLE subject ("00.00.00") or a FORM task ("00.00.00.00"); `version` that of the list; `facet` what is done.
    """

    key: str
    version: str
    facet: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoForm:
    """How messages are written; what is None or False is left out of their ContentData."""

    version: Literal["1.1", "1.2"] = "1.2"
    kle: Classification | None = None
    form_task: Classification | None = None
    names_citizen: bool = False


PLAIN: Final = MemoForm()


def kombi_request(
    *,
    message_uuid: UUID,
    cpr: str,
    words: Words,
    municipality: Municipality,
    absence_id: UUID,
    requested_at: datetime,
    deadline_day: date,
    pdf: bytes,
    form: MemoForm = PLAIN,
) -> GatewayRequest:
    """What is asked of KombiPostAfsend."""
    shell = _shell(form, municipality, words.subject, words.portal, deadline_day)
    told = {
        _MESSAGE: str(message_uuid),
        _NUMBER: escape(cpr),
        _NAME: escape(words.recipient),
        _CASE: str(absence_id),
        _CREATED: format_datetime(requested_at.astimezone(UTC)),
    }
    pieces = [told[piece].encode() if isinstance(piece, _Place) else piece for piece in shell.pieces]
    return GatewayRequest(before=b"".join(pieces), pdf=pdf, after=shell.end)


class _Shell(NamedTuple):
    """A request without what is one letter's own: the pieces and places before the PDF, and what follows it."""

    pieces: tuple["bytes | _Place", ...]
    end: bytes


@lru_cache(maxsize=1024)
def _shell(form: MemoForm, municipality: Municipality, subject: str, portal: str, deadline_day: date) -> _Shell:
    message = Message(
        messageHeader=MessageHeader(
            messageType="DIGITALPOST",
            messageUUID=_MESSAGE,
            messageID=_MESSAGE,
            label=subject,
            reply=False,
            mandatory=True,
            legalNotification=False,
            postType="MYNDIGHEDSPOST",
            sender=Sender(senderID=municipality.cvr, idType="CVR", label=municipality.name),
            recipient=Recipient(recipientID=_NUMBER, idType="CPR", label=_NAME),
            contentData=_content(form, cpr=_NUMBER, name=_NAME, case=_CASE),
        ),
        messageBody=MessageBody(
            createdDateTime=_CREATED,
            mainDocument=MainDocument(
                label=subject,
                files=(_file(subject, content=_PDF),),
                actions=(_action(portal, deadline_day),),
            ),
        ),
    )
    root = Element("kombi_request")
    SubElement(root, "KombiValgKode").text = CHOICE
    memo = dataclass_to_xml(message)
    memo.attrib.clear()
    memo.attrib.update(_ATTRIBUTES[form.version])
    root.append(memo)
    before, end = tostring(root, encoding="utf-8", xml_declaration=True).decode().split(_PDF)
    pieces = re.split(f"([{''.join(_PLACES)}])", before)
    return _Shell(tuple(_PLACES.get(piece) or piece.encode() for piece in pieces), end.encode())


def last_second_of(day: date) -> datetime:
    """The last second of a Danish calendar day, in UTC: MeMo's times are without fractions."""
    return (datetime.combine(day + timedelta(days=1), time(), DENMARK)).astimezone(UTC) - timedelta(seconds=1)


def _content(form: MemoForm, *, cpr: str, name: str, case: str) -> ContentData:
    kle, task = form.kle, form.form_task
    return ContentData(
        CPR_data=CPRdata(cprNumber=cpr, name=name) if form.names_citizen else None,
        caseID=CaseID(caseID=case, caseSystem=CASE_SYSTEM),
        KLE_data=kle and KLEdata(subjectKey=kle.key, version=kle.version, activityFacet=kle.facet, label=kle.label),
        FORM_data=task and FORMdata(taskKey=task.key, version=task.version, activityFacet=task.facet, label=task.label),
    )


def _file(title: str, content: str) -> File:
    return File(
        encodingFormat="application/pdf",
        filename=file_name(title, "pdf"),
        language="da",
        content=content,
    )


def _action(portal: str, deadline_day: date) -> Action:
    return Action(
        label="Svar i Mit Sygefravær",
        actionCode="SELVBETJENING",
        endDateTime=last_second_of(deadline_day),
        entryPoint=EntryPoint(url=portal),
    )
