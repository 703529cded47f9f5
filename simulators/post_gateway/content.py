"""What a MeMo message shows its recipient, taken out of it whatever else is wrong with it."""

import base64
import binascii
from itertools import islice
from typing import Final

from plumbing.safe_xml import Element
from simulators.post_gateway.handed_in import NEMSMS, Action, Content
from simulators.post_gateway.sheets import LARGEST_PDF_BYTES

MEMO: Final = "{https://DigitalPost.dk/MeMo-1}"
LONGEST_TEXT: Final = 500
MOST_ACTIONS: Final = 10


def content_of(message: Element, header: Element, choice: str) -> Content:
    """The fields in the words of the message."""
    sender = _child(header, "Sender")
    files = list(message.iter(f"{MEMO}File"))
    main = message.find(f"{MEMO}MessageBody/{MEMO}MainDocument/{MEMO}File")
    return Content(
        subject=_text(header, "label") or "",
        text=_text(header, "notification") if choice == NEMSMS else None,
        sender=_text(sender, "label"),
        sender_number=_text(sender, "senderID") if _text(sender, "idType") == "CVR" else None,
        mandatory=_text(header, "mandatory"),
        legal_notification=_text(header, "legalNotification"),
        reply_by=_text(header, "replyByDateTime"),
        file_name=None if main is None else _text(main, "filename"),
        other_files=max(len(files) - 1, 0),
        actions=tuple(_action(action) for action in islice(message.iter(f"{MEMO}Action"), MOST_ACTIONS)),
        document=None if main is None else _document(main),
    )


def _action(action: Element) -> Action:
    return Action(
        label=_text(action, "label") or "",
        code=_text(action, "actionCode") or "",
        url=_text(_child(action, "EntryPoint"), "url"),
        starts_at=_text(action, "startDateTime"),
        ends_at=_text(action, "endDateTime"),
    )


def _document(file: Element) -> bytes | None:
    """None where there is none that could be kept."""
    try:
        found = base64.b64decode(file.findtext(f"{MEMO}content") or "", validate=True)
    except binascii.Error:
        return None
    return found if 0 < len(found) <= LARGEST_PDF_BYTES else None


def _child(parent: Element, name: str) -> Element:
    """The child, or an empty one."""
    found = parent.find(f"{MEMO}{name}")
    return Element(name) if found is None else found


def _text(parent: Element, name: str) -> str | None:
    return (parent.findtext(f"{MEMO}{name}") or "").strip()[:LONGEST_TEXT] or None
