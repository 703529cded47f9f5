"""The letter as MeMo 1.2 inside a kombi_request (danish-interfaces 3a, 3b), by python-serviceplatformen's models.

The same arguments give the same bytes: nothing random and no present time goes in. The message's id is the letter's, and
`createdDateTime` is when the letter was asked for.
"""

import base64
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement, tostring
from zoneinfo import ZoneInfo

from python_serviceplatformen.models.message import (
    Action,
    CaseID,
    ContentData,
    EntryPoint,
    File,
    MainDocument,
    Message,
    MessageBody,
    MessageHeader,
    Recipient,
    Sender,
)
from python_serviceplatformen.models.xml_util import dataclass_to_xml

from services.notifier.letters.content import Municipality, Words

DENMARK: Final = ZoneInfo("Europe/Copenhagen")
CASE_SYSTEM: Final = "Mit Sygefravær"
FILENAME: Final = "Brev.pdf"
CHOICE: Final = "Digital Post"


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
) -> bytes:
    """The body of the call to KombiPostAfsend."""
    message = Message(
        messageHeader=MessageHeader(
            messageType="DIGITALPOST",
            messageUUID=str(message_uuid),
            messageID=str(message_uuid),
            label=words.subject,
            reply=False,
            mandatory=True,
            legalNotification=False,
            postType="MYNDIGHEDSPOST",
            sender=Sender(senderID=municipality.cvr, idType="CVR", label=municipality.name),
            recipient=Recipient(recipientID=cpr, idType="CPR", label=words.recipient),
            contentData=ContentData(caseID=CaseID(caseID=str(absence_id), caseSystem=CASE_SYSTEM)),
        ),
        messageBody=MessageBody(
            createdDateTime=requested_at.astimezone(UTC),
            mainDocument=MainDocument(
                label=words.subject,
                files=(_file(pdf),),
                actions=(_action(words.portal, deadline_day),),
            ),
        ),
    )
    root = Element("kombi_request")
    SubElement(root, "KombiValgKode").text = CHOICE
    root.append(dataclass_to_xml(message))
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def last_second_of(day: date) -> datetime:
    """The last second of a Danish calendar day, in UTC: MeMo's times are without fractions."""
    return (datetime.combine(day + timedelta(days=1), time(), DENMARK)).astimezone(UTC) - timedelta(seconds=1)


def _file(pdf: bytes) -> File:
    return File(
        encodingFormat="application/pdf",
        filename=FILENAME,
        language="da",
        content=base64.b64encode(pdf).decode(),
    )


def _action(portal: str, deadline_day: date) -> Action:
    return Action(
        label="Svar i Mit Sygefravær",
        actionCode="SELVBETJENING",
        endDateTime=last_second_of(deadline_day),
        entryPoint=EntryPoint(url=portal),
    )
