"""Files as citizens send them, built by code: good ones of two kinds, and one of each that may not be kept. No two are alike."""

import io
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

PDF: Final = "application/pdf"
PNG: Final = "image/png"
CLEAN: Final = "clean"
NOT_TAKEN: Final = "not taken"
"""Refused at the door: of such a file nothing is on record, and it holds nothing back."""

_HEADER: Final = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
_PAGE: Final = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R %b>>"
_CATALOG: Final = b"<< /Type /Catalog /Pages 2 0 R %b>>"
_PAGES: Final = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """One file. `expected` is the state that it has to end in: `clean`, `infected`, `refused`, `unreadable`, or NOT_TAKEN;
    `code` is what is said of it."""

    kind: str
    name: str
    media_type: str
    data: bytes
    expected: str = CLEAN
    code: str | None = None


def document(size: int, dice: Random) -> bytes:
    """A PDF of one page and about `size` bytes, of which most are random and drawn."""
    filling = dice.randbytes(max(16, size - 800))
    form = b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length %d >>\nstream\n" % len(filling)
    return _written(
        [
            _CATALOG % b"",
            _PAGES,
            _PAGE % b"/Resources << /XObject << /I 5 0 R >> >> ",
            _stream(b"/I Do"),
            form + filling + b"\nendstream",
        ]
    )


def make(kind: str, dice: Random, signature: bytes) -> Made:
    """A file of one of KINDS; `signature` is what the scanner finds."""
    return _MAKERS[kind](dice, signature)


def _letter(dice: Random, _: bytes) -> Made:
    return Made(
        kind="letter", name="lægeerklæring.pdf", media_type=PDF, data=document(dice.randrange(2_000, 9_000), dice)
    )


def _scan(dice: Random, _: bytes) -> Made:
    return Made(kind="scan", name="journal.pdf", media_type=PDF, data=document(dice.randrange(200_000, 900_000), dice))


def _photo(dice: Random, _: bytes) -> Made:
    return Made(kind="photo", name="billede.png", media_type=PNG, data=_picture(dice.randrange(40, 160), dice))


def _infected(dice: Random, signature: bytes) -> Made:
    data = _written(
        [
            _CATALOG % b"",
            _PAGES,
            _PAGE % b"/Resources << >> ",
            _stream(b"% " + dice.randbytes(300).hex().encode() + b" " + signature + b"\n"),
        ]
    )
    return Made(kind="infected", name="faktura.pdf", media_type=PDF, data=data, expected="infected", code="infected")


def _word(dice: Random, _: bytes) -> Made:
    """As far as anybody looks: a package of the kind that word processors write."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as file:
        for name in ("[Content_Types].xml", "word/document.xml"):
            file.writestr(zipfile.ZipInfo(name), f"<w>{dice.randbytes(400).hex()}</w>")
    data = package.getvalue()
    media_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    return Made(
        kind="word document",
        name="brev.docx",
        media_type=media_type,
        data=data,
        expected=NOT_TAKEN,
        code="type-not-accepted",
    )


def _damaged(dice: Random, _: bytes) -> Made:
    data = document(6_000, dice)[:3_000]
    return Made(kind="damaged", name="halv.pdf", media_type=PDF, data=data, expected="unreadable", code="malformed")


def _locked(dice: Random, _: bytes) -> Made:
    key = dice.randbytes(32).hex().encode()
    objects = [_CATALOG % b"", _PAGES, _PAGE % b"/Resources << >> ", _stream(dice.randbytes(400))]
    objects.append(b"<< /Filter /Standard /V 2 /R 3 /Length 128 /P -3904 /O <%b> /U <%b> >>" % (key, key))
    data = _written(objects, trailer=b"/Encrypt 5 0 R /ID [<%b> <%b>] " % (key[:32], key[:32]))
    return Made(kind="locked", name="låst.pdf", media_type=PDF, data=data, expected="unreadable", code="encrypted")


def _script(dice: Random, _: bytes) -> Made:
    acts = b"/OpenAction << /S /JavaScript /JS (app.alert\\(%d\\)) >> " % dice.randrange(10**9)
    data = _written([_CATALOG % acts, _PAGES, _PAGE % b"/Resources << >> ", _stream(b"0 0 1 rg 60 700 200 80 re f")])
    return Made(
        kind="with a script", name="skema.pdf", media_type=PDF, data=data, expected="refused", code="active-content"
    )


_MAKERS: Final[Mapping[str, Callable[[Random, bytes], Made]]] = {
    "letter": _letter,
    "scan": _scan,
    "photo": _photo,
    "infected": _infected,
    "word document": _word,
    "damaged": _damaged,
    "locked": _locked,
    "with a script": _script,
}
KINDS: Final = tuple(_MAKERS)
GOOD: Final = ("letter", "scan", "photo")
BAD: Final = tuple(kind for kind in KINDS if kind not in GOOD)


def _stream(data: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n" % len(data) + data + b"\nendstream"


def _written(objects: Sequence[bytes], *, trailer: bytes = b"") -> bytes:
    told, places = bytearray(_HEADER), []
    for nth, one in enumerate(objects, start=1):
        places.append(len(told))
        told += b"%d 0 obj\n" % nth + one + b"\nendobj\n"
    start, size = len(told), len(objects) + 1
    told += b"xref\n0 %d\n0000000000 65535 f \n" % size + b"".join(b"%010d 00000 n \n" % at for at in places)
    return bytes(told + b"trailer\n<< /Size %d /Root 1 0 R %b>>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, start))


def _picture(side: int, dice: Random) -> bytes:
    """Grey noise."""
    lines = b"".join(b"\0" + dice.randbytes(side) for _ in range(side))
    sides = side.to_bytes(4, "big") * 2
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, data)
        for name, data in ((b"IHDR", sides + b"\x08\0\0\0\0"), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")
