"""PDF put together by hand, object by object: the pieces. What is made of them stands in pdf_good, pdf_structure …"""

import io
import re
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Final

import pikepdf

Objects = Mapping[int, bytes]

HEADER: Final = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
NOTHING: Final[Objects] = {}
CATALOG, PAGES, PAGE, FONT, CONTENT, MORE = 1, 2, 3, 4, 5, 6
"""The objects of a letter; whatever else it has is numbered from MORE."""
A4: Final = b"/MediaBox [0 0 595 842]"
IN_STREAM_6: Final = b"\x02\0\0\x06"
"""A cross-reference of this kind: the first object of object stream 6."""
LINES: Final = tuple(b"Linje %d: jeg er syg og kan ikke arbejde fra mandag." % number for number in range(1, 41))


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """A stream object with these further entries in its dictionary."""
    return b"<< %b /Length %d >>\nstream\n%b\nendstream" % (entries, len(data), data)


def flate(data: bytes, entries: bytes = b"") -> bytes:
    """A compressed stream object."""
    return stream(zlib.compress(data, 9), entries + b" /Filter /FlateDecode")


def written(objects: Objects, *, header: bytes = HEADER, trailer: bytes = b"", root: bytes = b"/Root 1 0 R") -> bytes:
    """A file of these objects, 1 to n, with a classic cross-reference table."""
    body, offsets = _laid(objects, header)
    size = len(objects) + 1
    assert set(objects) == set(range(1, size)), sorted(objects)
    entries = b"".join(b"%010d 00000 n \n" % offset for _, offset in sorted(offsets.items()))
    table = b"0 %d\n0000000000 65535 f \n%b" % (size, entries)
    return body + _end(table, b"/Size %d %b %b" % (size, root, trailer), len(body))


def update(before: bytes, objects: Objects, *, trailer: bytes = b"", root: bytes = b"/Root 1 0 R") -> bytes:
    """An incremental update: the same bytes, and behind them objects that are new or replace others."""
    body, offsets = _laid(objects, before)
    size = max(max(objects) + 1, *(int(said) for said in re.findall(rb"/Size (\d+)", before)))
    table = b"".join(b"%d 1\n%010d 00000 n \n" % place for place in sorted(offsets.items()))
    said = b"/Size %d %b /Prev %d %b" % (size, root, start_of_references(before), trailer)
    return body + _end(table, said, len(body))


def start_of_references(data: bytes) -> int:
    """Where the last cross-reference table or stream begins."""
    return int(data[data.rindex(b"startxref") + 9 :].split()[0])


def _laid(objects: Objects, before: bytes) -> tuple[bytes, dict[int, int]]:
    parts, at, offsets = [before], len(before), {}
    for number, body in objects.items():
        part = b"%d 0 obj\n%b\nendobj\n" % (number, body)
        offsets[number] = at
        parts.append(part)
        at += len(part)
    return b"".join(parts), offsets


def _end(table: bytes, trailer: bytes, start: int) -> bytes:
    return b"xref\n%btrailer\n<< %b >>\nstartxref\n%d\n%%%%EOF\n" % (table, trailer, start)


def written_with_stream(objects: Objects, *, entries: bytes, table: bytes, at_end: bytes = b"%%EOF\n") -> bytes:
    """A file whose cross-references are a stream, its last object, with these entries and this (packed) table."""
    body, offsets = _laid(objects, HEADER)
    number = max(offsets) + 1
    references = b"%d 0 obj\n%b\nendobj\n" % (
        number,
        stream(table, b"/Type /XRef /Root 1 0 R /Filter /FlateDecode " + entries),
    )
    return body + references + b"startxref\n%d\n%b" % (len(body), at_end)


def offsets_of(objects: Objects) -> dict[int, int]:
    """Where `written_with_stream` lays each object, and the cross-references themselves behind the last."""
    body, offsets = _laid(objects, HEADER)
    return offsets | {max(offsets) + 1: len(body)}


def entries_of(objects: Objects) -> bytes:
    """Cross-references of four bytes each, as a stream has them: the kind, and where it lies; for /W [1 3 0]."""
    places = sorted(offsets_of(objects).items())
    return bytes(4) + b"".join(b"\x01" + at.to_bytes(3, "big") for _, at in places)


def letter_objects(
    *, catalog: bytes = b"", page: bytes = b"", resources: bytes = b"", more: Objects = NOTHING
) -> dict[int, bytes]:
    """A letter of one page; the first three are further entries of its catalog, its page and the page's resources."""
    return {
        CATALOG: b"<< /Type /Catalog /Pages 2 0 R %b >>" % catalog,
        PAGES: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        PAGE: b"<< /Type /Page /Parent 2 0 R %b /Resources << /Font << /F1 4 0 R >> %b >> /Contents 5 0 R %b >>"
        % (A4, resources, page),
        FONT: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        CONTENT: stream(text(*LINES)),
        **more,
    }


def letter(
    *,
    catalog: bytes = b"",
    page: bytes = b"",
    resources: bytes = b"",
    more: Objects = NOTHING,
    header: bytes = HEADER,
    trailer: bytes = b"",
) -> bytes:
    """The same as a file."""
    objects = letter_objects(catalog=catalog, page=page, resources=resources, more=more)
    return written(objects, header=header, trailer=trailer)


def text(*lines: bytes) -> bytes:
    """What a page draws: these lines."""
    return b"BT /F1 12 Tf 14 TL 60 780 Td %b ET" % b" ".join(b"(%b) Tj T*" % line for line in lines)


def book(pages: int) -> bytes:
    """A file of so many pages, all with the same words."""
    first = MORE
    kids = b" ".join(b"%d 0 R" % number for number in range(first, first + pages))
    page = b"<< /Type /Page /Parent 2 0 R %b /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>" % A4
    objects = letter_objects() | {PAGES: b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, pages)}
    return written(objects | dict.fromkeys(range(first, first + pages), page))


def image(data: bytes, width: int, height: int, entries: bytes) -> bytes:
    """A picture as an object; `entries` tell colours and filter."""
    said = b"/Type /XObject /Subtype /Image /Width %d /Height %d %b" % (width, height, entries)
    return stream(data, said)


def with_image(picture: bytes) -> bytes:
    """A letter that shows this picture (an object) beside its words."""
    show = stream(text(*LINES) + b" q 200 0 0 200 60 60 cm /Im1 Do Q")
    return letter(resources=b"/XObject << /Im1 6 0 R >>", more={CONTENT: show, MORE: picture})


def packed(data: bytes) -> bytes:
    """The same file with its objects in compressed object streams."""
    return saved(data, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def linearized(data: bytes) -> bytes:
    """The same file laid out for viewing while it loads."""
    return saved(data, linearize=True)


def saved(
    data: bytes,
    *,
    object_stream_mode: pikepdf.ObjectStreamMode = pikepdf.ObjectStreamMode.preserve,
    linearize: bool = False,
) -> bytes:
    """As qpdf writes it."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        document.save(out, deterministic_id=True, object_stream_mode=object_stream_mode, linearize=linearize)
    return out.getvalue()


def contained(members: Objects) -> bytes:
    """An object stream, uncompressed, with these objects in it."""
    bodies = list(members.values())
    places = [sum(len(body) + 1 for body in bodies[:nth]) for nth in range(len(bodies))]
    head = b" ".join(b"%d %d" % place for place in zip(members, places, strict=True)) + b"\n"
    return stream(head + b"\n".join(bodies), b"/Type /ObjStm /N %d /First %d" % (len(members), len(head)))


@cache
def plain() -> bytes:
    """The letter that most others begin with."""
    return letter()
