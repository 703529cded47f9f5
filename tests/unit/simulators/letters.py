"""Requests as a sender makes them."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4
from xml.etree.ElementTree import Element, SubElement, tostring

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

CPR = "6101901234"  # day + 60: nobody's


def message(
    uuid: UUID | None = None,
    *,
    text: str = "Kære borger",
    label: str = "Brev",
    case_id: str = "case",
    url: str = "https://a.dk",
) -> Message:
    return Message(
        messageHeader=MessageHeader(
            messageType="DIGITALPOST",
            messageUUID=str(uuid or uuid4()),
            label=label,
            sender=Sender(senderID="55133018", idType="CVR", label="Aarhus Kommune"),
            recipient=Recipient(recipientID=CPR, idType="CPR", label="Test Testesen"),
            contentData=ContentData(caseID=CaseID(caseID=case_id, caseSystem="test")),
        ),
        messageBody=MessageBody(
            createdDateTime=datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
            mainDocument=MainDocument(
                files=(
                    File(
                        encodingFormat="application/pdf",
                        filename="Brev.pdf",
                        language="da",
                        content=base64.b64encode(text.encode()).decode(),
                    ),
                ),
                actions=(Action(label="Svar", actionCode="SELVBETJENING", entryPoint=EntryPoint(url=url)),),
            ),
        ),
    )


def request(memo: Message | Element, choice: str = "Digital Post") -> bytes:
    root = Element("kombi_request")
    SubElement(root, "KombiValgKode").text = choice
    root.append(memo if isinstance(memo, Element) else dataclass_to_xml(memo))
    return bytes(tostring(root))


def without(memo: Message, name: str) -> Element:
    """The message with the header field `name` left out."""
    root: Element = dataclass_to_xml(memo)
    header = root[0]
    header.remove(next(child for child in header if child.tag.endswith("}" + name)))
    return root


def moved_last(memo: Message, name: str) -> Element:
    """The message with the header field `name` put at the end, out of the schema's order."""
    root: Element = dataclass_to_xml(memo)
    child = next(child for child in root[0] if child.tag.endswith("}" + name))
    root[0].remove(child)
    root[0].append(child)
    return root


def to(memo: Message, recipient: str) -> Message:
    party = replace(memo.messageHeader.recipient, recipientID=recipient)
    return replace(memo, messageHeader=replace(memo.messageHeader, recipient=party))
