"""What is handed in: a `kombi_request` with a MeMo message, read and judged as the public service does; paper is shipment.py's.

Sources: MeMo's own header order and `memo.invalid` (itk-dev-rpa/python-serviceplatformen, tests/message_xml;
itk-dev/beskedfordeler-drupal, resources/messages/sf1601). What cannot be read at all is refused in the HTTP answer; a MeMo
that breaks its format is taken over and fails afterwards, by a status message with FejlKode `memo.invalid`, as in the
published sample.
"""

import base64
import binascii
import hashlib
import re
from uuid import UUID

from plumbing.safe_xml import BadXml, Element, parse, text_of
from simulators.post_gateway.content import MEMO, content_of
from simulators.post_gateway.handed_in import DIGITAL_POST, NEMSMS, PAPER, Fault, HandedIn, Refused
from simulators.post_gateway.shipment import read_shipment

MAX_REQUEST_BYTES = 100_000_000  # 99.5 MB for public senders, and the envelope around it
AUTOMATIC = "Automatisk Valg"
MESSAGE_TYPES = {DIGITAL_POST: "DIGITALPOST", NEMSMS: "NEMSMS"}
CHOICES = frozenset({AUTOMATIC, PAPER, *MESSAGE_TYPES})
LONGEST_SMS = 150

# The XSD's sequence; ReplyData may be repeated.
HEADER_ORDER = (
    "messageType", "messageUUID", "messageID", "messageCode", "label", "notification", "additionalNotification", "reply",
    "replyByDateTime", "doNotDeliverUntilDate", "mandatory", "legalNotification", "postType", "Sender", "Recipient",
    "ContentData", "ForwardData", "ReplyData",
)  # fmt: skip
HEADER_REQUIRED = ("messageType", "messageUUID", "label", "Sender", "Recipient")
ACTION_CODES = frozenset(
    {"AFTALE", "BEKRAEFT", "BETALING", "FORBEREDELSE", "INFORMATION", "SELVBETJENING", "TILMELDING", "UNDERSKRIV"}
)
_FORBIDDEN_IN_FILENAME = re.compile(r'[<>:"/\\|?*\r\n\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2060\u3000]')
_CPR = re.compile(r"(?<!\d)\d{6}[- ]?\d{4}(?!\d)")
_HTTPS = re.compile(r"https://[^/\s]+(/\S*)?")


def read(body: bytes) -> HandedIn:
    """Read a request; raises Refused."""
    try:
        root = parse(body, max_bytes=MAX_REQUEST_BYTES)
    except BadXml as error:
        raise Refused("xml.invalid", error.code) from None
    if root.tag.rpartition("}")[2] != "kombi_request":
        raise Refused("kombi.invalid", "kombi_request expected")
    choice = text_of(root, "KombiValgKode")
    if choice not in CHOICES:
        raise Refused("kombi.invalid", "KombiValgKode is none of the known ones")
    if choice == AUTOMATIC:
        raise Refused("kombi.not-played", "this simulator does not choose by itself")
    if choice == PAPER:
        return read_shipment(root, choice)
    message = root.find(f"{MEMO}Message")
    header = message.find(f"{MEMO}MessageHeader") if message is not None else None
    if message is None or header is None:
        raise Refused("memo.invalid", "memo:Message with a MessageHeader expected")
    message_uuid = _uuid(header.findtext(f"{MEMO}messageUUID"))
    if message_uuid is None:
        raise Refused("memo.invalid", "messageUUID is no UUID")
    return HandedIn(
        message_uuid=message_uuid,
        dispatch_id=None,
        message_id=header.findtext(f"{MEMO}messageID"),
        choice=choice,
        recipient=header.findtext(f"{MEMO}Recipient/{MEMO}recipientID") or "",
        case_id=header.findtext(f"{MEMO}ContentData/{MEMO}CaseID/{MEMO}caseID"),
        text_sha256=_text_hash(message, header),
        fault=_fault(message, header, choice),
        content=content_of(message, header, choice),
    )


def _text_hash(message: Element, header: Element) -> str:
    """What the recipient would read, whatever ids the message carries: tells a second letter with the same words."""
    digest = hashlib.sha256()
    for name in ("label", "notification"):
        digest.update((header.findtext(f"{MEMO}{name}") or "").encode() + b"\0")
    for file in message.iter(f"{MEMO}File"):
        digest.update((file.findtext(f"{MEMO}content") or "").encode() + b"\0")
    return digest.hexdigest()


def _fault(message: Element, header: Element, choice: str) -> Fault | None:
    content = _sms(message, header) if choice == NEMSMS else _body(message)
    for problem in (_version(message), _header(header, MESSAGE_TYPES[choice]), _parties(header), content):
        if problem is not None:
            return Fault(code="memo.invalid", text=problem)
    return None


def _version(message: Element) -> str | None:
    version = message.get("memoVersion")
    if version not in {"1.1", "1.2"}:
        return "memoVersion is neither 1.1 nor 1.2"
    if version == "1.1" and message.get("memoSchVersion") is None:
        return "memoSchVersion is required with 1.1"
    return None


def _header(header: Element, message_type: str) -> str | None:
    """The children come in the order of the schema; the text names what would have been allowed, as the real one does."""
    reached = 0
    for child in header:
        name = child.tag.removeprefix(MEMO)
        allowed = HEADER_ORDER[reached:]
        if name not in allowed:
            return f'tag name "{name}" is not allowed. Possible tag names are: {_named(allowed)}'
        skipped = [tag for tag in allowed[: allowed.index(name)] if tag in HEADER_REQUIRED]
        if skipped:
            possible = allowed[: allowed.index(skipped[0]) + 1]
            return f'tag name "{name}" is not allowed. Possible tag names are: {_named(possible)}'
        reached = HEADER_ORDER.index(name) + (name != "ReplyData")
    missing = [tag for tag in HEADER_ORDER[reached:] if tag in HEADER_REQUIRED]
    if missing:
        return f"the header ends too early. Possible tag names are: {_named(HEADER_ORDER[reached:])}"
    if header.findtext(f"{MEMO}messageType") != message_type:
        return "messageType does not fit KombiValgKode"
    if not (header.findtext(f"{MEMO}label") or "").strip():
        return "label is empty"
    return None


def _parties(header: Element) -> str | None:
    for party, number in (("Sender", "senderID"), ("Recipient", "recipientID")):
        kind = header.findtext(f"{MEMO}{party}/{MEMO}idType")
        length = {"CPR": 10, "CVR": 8}.get(kind or "")
        identifier = header.findtext(f"{MEMO}{party}/{MEMO}{number}") or ""
        if length is None:
            return f"{party}: idType is neither CPR nor CVR"
        if len(identifier) != length or not (identifier.isascii() and identifier.isdigit()):
            return f"{party}: {number} is not of its idType"
    if not (header.findtext(f"{MEMO}Sender/{MEMO}label") or "").strip():
        return "Sender: label is required"
    return None


def _sms(message: Element, header: Element) -> str | None:
    """A NemSMS is a header whose `notification` is its text (danish-interfaces 3a)."""
    if message.find(f"{MEMO}MessageBody") is not None:
        return "MessageBody is not allowed with NEMSMS"
    if any(header.find(f"{MEMO}{name}") is not None for name in ("mandatory", "legalNotification")):
        return "mandatory and legalNotification are not allowed with NEMSMS"
    text = header.findtext(f"{MEMO}notification") or ""
    if not 1 <= len(text) <= LONGEST_SMS:
        return f"notification of 1 to {LONGEST_SMS} characters is required with NEMSMS"
    if _CPR.search(text):
        return "notification holds a CPR number"
    return None


def _body(message: Element) -> str | None:
    body = message.find(f"{MEMO}MessageBody")
    if body is None:
        return "MessageBody is required with DIGITALPOST"
    main = body.findall(f"{MEMO}MainDocument")
    if body.find(f"{MEMO}createdDateTime") is None or len(main) != 1:
        return "MessageBody needs createdDateTime and one MainDocument"
    if main[0].find(f"{MEMO}File") is None:
        return "MainDocument needs a File"
    for problem in (*map(_file, body.iter(f"{MEMO}File")), *map(_action, body.iter(f"{MEMO}Action"))):
        if problem is not None:
            return problem
    return None


def _file(file: Element) -> str | None:
    if any(not file.findtext(f"{MEMO}{name}") for name in ("encodingFormat", "filename", "language", "content")):
        return "File: encodingFormat, filename, language and content are required"
    if _FORBIDDEN_IN_FILENAME.search(file.findtext(f"{MEMO}filename") or ""):
        return "File: filename holds a character that is not allowed"
    try:
        base64.b64decode(file.findtext(f"{MEMO}content") or "", validate=True)
    except binascii.Error:
        return "File: content is not base64"
    return None


def _action(action: Element) -> str | None:
    if action.findtext(f"{MEMO}actionCode") not in ACTION_CODES or not action.findtext(f"{MEMO}label"):
        return "Action: a label and a known actionCode are required"
    entry = action.find(f"{MEMO}EntryPoint")
    if entry is not None and not _HTTPS.fullmatch(entry.findtext(f"{MEMO}url") or ""):
        return "Action: url is not an absolute https address"  # validated since November 2024
    return None


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID((text or "").strip())
    except ValueError:
        return None


def _named(tags: tuple[str, ...]) -> str:
    return ",".join(f"<{tag}>" for tag in tags)
