"""A PDF: whole, readable by anybody, within bounds, and nothing in it that acts or that carries another file.

It is looked at twice. First as bytes, in all its revisions (a reader may be made to see an earlier one): how it begins and ends,
what names stand in it, and how much its object streams come to, before any library unpacks them. Then as objects, as qpdf
reads them without mending anything: pages, actions, attachments, and how much every stream comes to. Neither follows a link,
shows a page, or decodes a picture.
"""

import io
import re
from collections.abc import Iterable, Iterator
from typing import Final

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream, String

from services.uploads.domain.findings import Code
from services.uploads.domain.limits import Limits
from services.uploads.inspection import inflating, tails
from services.uploads.inspection.inflating import Budget
from services.uploads.inspection.refusal import Refusal, malformed

_HEADER: Final = re.compile(rb"%PDF-(?:1\.[0-7]|2\.0)[\r\n ]")
_END_MARK: Final = b"%%EOF"
_STREAM: Final = re.compile(rb"stream(?:\r\n|\n|\r)")
_OBJECT: Final = re.compile(rb"\bobj\b")
_HEX_IN_NAME: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_NAME: Final = re.compile(rb"/([^\s()<>\[\]{}/%]{1,127})")
_TEXT: Final = re.compile(rb"\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)", re.DOTALL)
_REFERENCE: Final = re.compile(rb"\b\d{1,10}\s+\d{1,5}\s+R\b")
_NUMBER_OF_OBJECTS: Final = re.compile(rb"/N\s+(\d{1,12})")
_FLATE: Final = frozenset({b"FlateDecode", b"Fl"})
_OTHER_FILTERS: Final = frozenset(
    {b"ASCIIHexDecode", b"AHx", b"ASCII85Decode", b"A85", b"LZWDecode", b"LZW", b"RunLengthDecode", b"RL"}
)
_LONGEST_DICTIONARY: Final = 4096
_WEB: Final = re.compile(r"(?:https?://|mailto:|tel:)[^\s\\]+", re.IGNORECASE)

# As the name of anything: an action, an annotation, a key.
_ACTS: Final = frozenset(
    {
        b"JavaScript",
        b"JS",
        b"Launch",
        b"GoToR",
        b"GoToE",
        b"SubmitForm",
        b"ImportData",
        b"RichMedia",
        b"RichMediaExecute",
        b"3D",
        b"Movie",
    }
    | {b"Sound", b"Rendition", b"Screen", b"XFA", b"GoTo3DView"}
)
_CARRIES: Final = frozenset({b"EmbeddedFile", b"EF", b"FileAttachment", b"Collection"})
_ACTION_KINDS: Final = frozenset(
    {
        "/JavaScript",
        "/Launch",
        "/GoToR",
        "/GoToE",
        "/SubmitForm",
        "/ImportData",
        "/Movie",
        "/Sound",
        "/Rendition",
        "/RichMediaExecute",
    }
    | {"/GoTo3DView", "/Thread"}
)
_ANNOTATION_KINDS: Final = frozenset({"/RichMedia", "/3D", "/Movie", "/Sound", "/Screen"})
_LARGEST_PAGE_POINTS: Final = 14_400 * 10
_TIMES_PIXELS: Final = 8
"""A scan in black and white may have so many times as many pixels as a picture may."""


def look(data: bytes, limits: Limits) -> None:
    """Raises Refusal."""
    if not _HEADER.match(data):
        raise malformed()
    end = data.rfind(_END_MARK)
    if end < 0:
        raise malformed()
    tails.nothing_behind(data, end + len(_END_MARK), limits)
    budget = Budget(limits, len(data))
    _look_at_bytes(data, limits, budget)
    with _opened(data) as pdf:
        _look_at_objects(pdf, limits, Budget(limits, len(data)))
    tails.nothing_else(data, is_pdf=True)


# as bytes -----------------------------------------------------------------------------------------------------------------


def _look_at_bytes(data: bytes, limits: Limits, budget: Budget) -> None:
    outside, streams = _taken_apart(data)
    if len(_OBJECT.findall(outside)) > limits.objects or len(_REFERENCE.findall(outside)) > limits.references:
        raise malformed()
    names = _names(outside)
    if b"Encrypt" in names:
        raise Refusal(Code.ENCRYPTED)
    for dictionary, body in streams:
        names |= _names_in_stream(dictionary, body, limits, budget)
    if names & _CARRIES:
        raise Refusal(Code.EMBEDDED_FILE)
    if names & _ACTS:
        raise Refusal(Code.ACTIVE_CONTENT)


def _names_in_stream(dictionary: bytes, body: memoryview, limits: Limits, budget: Budget) -> set[bytes]:
    """Names of objects that lie packed in a stream; of any other, only how much it comes to."""
    told = _names(dictionary)
    holds_objects = b"ObjStm" in told
    number = _NUMBER_OF_OBJECTS.search(dictionary) if holds_objects else None
    if number is not None and int(number[1]) > limits.objects:
        raise malformed()
    if not told & _FLATE or told & _OTHER_FILTERS:
        return _names(bytes(body)) if holds_objects else set()
    unpacked = inflating.inflate(bytes(body), budget, keep=holds_objects, is_strict=False)
    return _names(unpacked) if holds_objects else set()


def _taken_apart(data: bytes) -> tuple[bytes, list[tuple[bytes, memoryview]]]:
    """All that is outside streams, and each stream, uncopied, with what stands before it, where its dictionary is."""
    whole = memoryview(data)
    outside, streams, at = bytearray(), [], 0
    while (found := _STREAM.search(data, at)) is not None:
        before = data[at : found.start()]
        ends = data.find(b"endstream", found.end())
        outside += before
        if ends < 0:
            at = found.end()
            continue
        streams.append((before[before.rfind(b"obj") :][-_LONGEST_DICTIONARY:], whole[found.end() : ends]))
        at = ends + len(b"endstream")
    outside += data[at:]
    return bytes(outside), streams


def _names(text: bytes) -> set[bytes]:
    """Names outside texts. Where texts cannot be told apart, because a bracket has no partner, names in them count as well."""
    cleared = _TEXT.sub(b"()", text)
    return {
        _HEX_IN_NAME.sub(lambda one: bytes([int(one[1], 16)]), name) if b"#" in name else name
        for name in _NAME.findall(cleared)
    }


# as objects ---------------------------------------------------------------------------------------------------------------


def _opened(data: bytes) -> Pdf:
    try:
        pdf = pikepdf.open(
            io.BytesIO(data), attempt_recovery=False, suppress_warnings=True, inherit_page_attributes=False
        )
    except pikepdf.PasswordError:
        raise Refusal(Code.ENCRYPTED) from None
    except (pikepdf.PdfError, ValueError, RuntimeError, RecursionError):
        raise malformed() from None
    if pdf.is_encrypted:
        raise Refusal(Code.ENCRYPTED)
    return pdf


def _look_at_objects(pdf: Pdf, limits: Limits, budget: Budget) -> None:
    try:
        _pages(pdf, limits)
        _names_of_files(pdf)
        for one in pdf.objects:
            _object(one, limits, budget)
        if pdf.get_warnings():
            raise malformed()
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, RecursionError):
        raise malformed() from None


def _pages(pdf: Pdf, limits: Limits) -> None:
    number = len(pdf.pages)
    if number == 0:
        raise malformed()
    if number > limits.pages:
        raise Refusal(Code.TOO_MANY_PAGES)
    if not any(_has_content(page.obj) for page in pdf.pages):
        raise malformed()
    if int(pdf.Root.Pages.Count) != number:
        raise malformed()
    for page in pdf.pages:
        if Name.Kids not in page.obj.Parent:
            raise malformed()
        box = [float(side) for side in page.mediabox]
        width, height = abs(box[2] - box[0]), abs(box[3] - box[1])
        if not (1 <= width <= _LARGEST_PAGE_POINTS and 1 <= height <= _LARGEST_PAGE_POINTS):
            raise malformed()


def _has_content(page: Object) -> bool:
    """Something is drawn on it, or lies on it."""
    contents = page.get(Name.Contents)
    parts = list(contents) if isinstance(contents, Array) else [contents]
    return "/Annots" in page or any(isinstance(one, Stream) and one.read_raw_bytes().strip() for one in parts)


def _names_of_files(pdf: Pdf) -> None:
    """No attachment, whatever lists it. An empty list of them is harmless, and some programs write one."""
    names = pdf.Root.get(Name.Names)
    files = names.get(Name.EmbeddedFiles) if isinstance(names, Dictionary) else None
    if isinstance(files, Dictionary) and (_is_filled(files.get(Name.Names)) or _is_filled(files.get(Name.Kids))):
        raise Refusal(Code.EMBEDDED_FILE)
    if isinstance(names, Dictionary) and Name.JavaScript in names:
        raise Refusal(Code.ACTIVE_CONTENT)


def _is_filled(one: object) -> bool:
    return isinstance(one, Array) and len(one) > 0


def _object(one: Object, limits: Limits, budget: Budget) -> None:
    for part in _parts(one):
        _dictionary(part)
    if isinstance(one, Stream):
        _stream(one, limits, budget)


def _parts(one: Object) -> Iterator[Object]:
    """The dictionaries in a direct object; what it refers to comes by itself."""
    waiting: list[Object] = [one]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Array):
            waiting += _direct(list(part))
        elif isinstance(part, Dictionary | Stream):
            yield part
            waiting += _direct([value for _, value in part.items()])


def _direct(values: Iterable[Object]) -> list[Object]:
    """The containers among them that are no references; numbers and truth values come as Python's own."""
    return [value for value in values if isinstance(value, Array | Dictionary) and not value.is_indirect]


def _dictionary(part: Object) -> None:
    if Name.AF in part and _is_filled(part[Name.AF]):
        raise Refusal(Code.EMBEDDED_FILE)
    if Name.EF in part:
        raise Refusal(Code.EMBEDDED_FILE)
    if any(key in part for key in (Name.JS, Name.XFA)):
        raise Refusal(Code.ACTIVE_CONTENT)
    kind = part.get(Name.S)
    if isinstance(kind, Name):
        _action(str(kind), part)
    _unasked(part)
    subtype = part.get(Name.Subtype)
    if isinstance(subtype, Name) and str(subtype) in _ANNOTATION_KINDS:
        raise Refusal(Code.ACTIVE_CONTENT)
    if isinstance(subtype, Name) and str(subtype) == "/FileAttachment":
        raise Refusal(Code.EMBEDDED_FILE)
    if part.get(Name.Type) == Name.EmbeddedFile or Name.Collection in part:
        raise Refusal(Code.EMBEDDED_FILE)


def _unasked(part: Object) -> None:
    """What happens without anybody's doing, when the document or a page is opened, moves about in it and does nothing else."""
    told = [part[Name.OpenAction]] if Name.OpenAction in part else []
    if isinstance(more := part.get(Name.AA), Dictionary):
        told += [value for _, value in more.items()]
    for one in told:
        if isinstance(one, Dictionary) and str(one.get(Name.S)) not in {"/GoTo", "/Named"}:
            raise Refusal(Code.ACTIVE_CONTENT)


def _action(kind: str, part: Object) -> None:
    if kind in _ACTION_KINDS:
        raise Refusal(Code.ACTIVE_CONTENT)
    if kind == "/URI":
        address = part.get(Name.URI)
        if not isinstance(address, String) or not _WEB.fullmatch(str(address).strip()):
            raise Refusal(Code.ACTIVE_CONTENT)


def _stream(one: Stream, limits: Limits, budget: Budget) -> None:
    """How much a stream comes to when all its filters are undone. A stream that lies in another file is fetched by nobody."""
    if Name.F in one:
        raise Refusal(Code.ACTIVE_CONTENT)
    if one.get(Name.Subtype) == Name.Image:
        width, height = abs(int(one.get(Name.Width, 0))), abs(int(one.get(Name.Height, 0)))
        if width * height > _TIMES_PIXELS * limits.pixels:
            raise Refusal(Code.TOO_MANY_PIXELS)
    names = _filters(one)
    data = one.read_raw_bytes() if names and names[0] not in inflating.PICTURES else b""
    for nth, name in enumerate(names, start=1):
        if name in inflating.PICTURES:
            return
        if name == "/Crypt":
            raise Refusal(Code.ENCRYPTED)
        data = inflating.undo(name, data, budget, keep=nth < len(names))


def _filters(one: Stream) -> list[str]:
    told = one.get(Name.Filter)
    if told is None:
        return []
    return [str(name) for name in told] if isinstance(told, Array) else [str(told)]
