"""PKO_PostStatus inside ModtagBeskedInput: what the Beskedfordeler pushes, read as far as it can be (danish-interfaces 3c).

Few such messages are published, and none of a paper letter. So only what is no PKO_PostStatus is refused; whatever is missing or
new in one is handed on as such, and somebody looks at it. Names of elements are read in whatever namespace.

Error texts are dropped here: they may quote the letter. Codes and ids that could hold a person's number are not kept either.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Final
from uuid import UUID

from plumbing import ids
from plumbing.safe_xml import BadXml, Element, parse, text_of
from services.notifier.domain import DELIVERED_STATUS, FAILED_STATUS, RECEIVED_STATUS, PostEvent, Status

MAX_PUSH_BYTES: Final = 256 * 1024
MAX_EVENTS: Final = 100

# ObjektHandling and the text of TransaktionsStatusKode that goes with it (OS2agora, RemotePrint.cs and DigitalPost.cs;
# OpenPostbud, message_broker_worker.py; both copied from SF1601's own document). A paper letter's life is told in this order.
ACTIONS: Final = {
    UUID("f7161a89-5068-4023-bc80-d7f4daad2a2e"): DELIVERED_STATUS,
    UUID("eb866ca2-b871-4387-b501-12cde577bd58"): RECEIVED_STATUS,
    UUID("e225a75c-4b63-46c4-9423-77f5c8762445"): FAILED_STATUS,
    UUID("db5a6025-caa3-45c3-8e02-4e6fa8142ade"): "Afsendt",
    UUID("dd98e71c-41ac-4305-a47b-8f86b00e639b"): "Modtaget Fjern-print",
    UUID("e2b30d57-504a-4e2e-ae2d-a1394a9cb0b8"): "Klar",
    UUID("e3c0a021-2070-40d4-b7b7-754aeba762e9"): "Afleveret til print og kuvertering",
    UUID("e94a0a8b-60a0-42ad-8b83-52c9e15d0fb3"): "Modtaget Post Danmark",
    UUID("f03904aa-df6e-417f-bd74-6a01a61adbcf"): "Tilbagekaldt",
    UUID("f4e6eb11-0261-4198-8b5d-be92a9b1a35d"): "Opdatering fra Post Danmark",
}

_CODE: Final = re.compile(r"[A-Za-z0-9æøåÆØÅ][A-Za-z0-9æøåÆØÅ ._:/-]{0,99}")
_NUMBER: Final = re.compile(r"\d{6}")
_ID: Final = re.compile(r"[A-Za-z0-9{][A-Za-z0-9._:{}-]{0,63}")
_PERSONS_NUMBER: Final = re.compile(r"(?<!\d)\d{6}[- ]?\d{4}(?!\d)")
UNREADABLE_CODE: Final = "unreadable-code"


class NoStatus(Exception):
    """What was pushed is no status message that is read here; `code` says what is wrong with it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_status(body: bytes) -> Status:
    """The status in a push; raises NoStatus."""
    try:
        envelope = parse(body, max_bytes=MAX_PUSH_BYTES)
        inner = base64.b64decode("".join((text_of(envelope, "Base64") or "").split()), validate=True)
        status = parse(inner, max_bytes=MAX_PUSH_BYTES)
    except BadXml as error:
        raise NoStatus(error.code) from None
    except (binascii.Error, ValueError):
        raise NoStatus("not-base64") from None
    if _local(status) != "PKO_PostStatus":
        raise NoStatus("no-post-status")
    # A message without an id of its own is named by what it says.
    besked_id = _uuid(_inside(envelope, "BeskedId", "UUIDIdentifikator")) or ids.derive(inner.hex(), "besked")
    dispatch_id = _id(text_of(status, "AfsendelseIdentifikator"))
    return Status(
        besked_id=besked_id,
        message_uuid=_uuid(text_of(status, "MessageUUID")),
        dispatch_id=dispatch_id,
        transmission_id=_transmission_id(status) or dispatch_id or str(besked_id),
        channel=None if (found := text_of(status, "KanalKode")) is None else _code(found),
        status_code=_status_code(status, envelope),
        error_code=None if (found := text_of(status, "FejlKode")) is None else _code(found),
        at=_told_at(status, envelope),
        events=tuple(islice(_events(status), MAX_EVENTS)),
    )


def _transmission_id(status: Element) -> str | None:
    """TransmissionId is Digital Post's; of paper the others are told (OS2agora, PkoPostStatusDto.cs)."""
    names = ("TransmissionId", "CorrelationId", "ForsendelseIdentifikator")
    return next((found for name in names if (found := _id(text_of(status, name)))), None)


def _status_code(status: Element, envelope: Element) -> str:
    """The status as its list spells it, where it is one of the list: sources differ in hyphens and capitals."""
    text = text_of(status, "TransaktionsStatusKode")
    if text is not None:
        return _LISTED.get(_spelling(text)) or _code(text)
    action = _uuid(_inside(envelope, "ObjektHandling", "UUIDIdentifikator"))
    return UNREADABLE_CODE if action is None else ACTIONS.get(action, UNREADABLE_CODE)


def _told_at(status: Element, envelope: Element) -> datetime:
    """The instant the gateway tells: the transaction's, else when the gateway registered or sent the status.

    One without a zone is passed over: which day it means must not be guessed. In the published samples the first two are equal.
    """
    told = text_of(status, "TransaktionsDatoTid")
    beside = (
        _inside(envelope, name, "TidsstempelDatoTid") for name in ("Registreringstidspunkt", "Dannelsestidspunkt")
    )
    for text in (told, *beside):
        if (instant := _instant(text)) is not None:
            return instant
    raise NoStatus("no-time")


def _events(status: Element) -> Iterator[PostEvent]:
    """What befell a paper letter: each element of the collection that holds a TypeKode, with its DatoTid."""
    for collection in _outermost(status, "ForsendelseHaendelseSamling"):
        for event in collection.iter():
            told = {
                suffix: child.text
                for child in event
                for suffix in ("TypeKode", "DatoTid")
                if _local(child).endswith(suffix)
            }
            if code := (told.get("TypeKode") or "").strip():
                yield PostEvent(code=_code(code), at=_instant(told.get("DatoTid")))


def _outermost(root: Element, name: str) -> Iterator[Element]:
    """The elements of that name that are in no other of it: what is in several would be read for each."""
    if _local(root) == name:
        yield root
        return
    for child in root:
        yield from _outermost(child, name)


def _inside(root: Element, outer: str, inner: str) -> str | None:
    """The text of the first `inner` inside the first `outer`."""
    found = next((element for element in root.iter() if _local(element) == outer), None)
    return None if found is None else text_of(found, inner)


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _id(text: str | None) -> str | None:
    """An id as it came, a UUID in its usual form; None for what could hold a person's number."""
    if text is None:
        return None
    if (uuid := _uuid(text)) is not None:
        return str(uuid)
    return text if _ID.fullmatch(text) and not _PERSONS_NUMBER.search(text) else None


def _code(text: str) -> str:
    """A code as it came, if it can be one: what looks like a text or holds a number is not kept."""
    return text if _CODE.fullmatch(text) and not _NUMBER.search(text) else UNREADABLE_CODE


def _instant(text: str | None) -> datetime | None:
    try:
        instant = datetime.fromisoformat((text or "").strip())
        return None if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _spelling(text: str) -> str:
    return "".join(one for one in text.casefold() if one.isalnum())


_LISTED: Final = {_spelling(name): name for name in ACTIONS.values()}
