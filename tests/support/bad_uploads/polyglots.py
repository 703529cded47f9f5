"""U25 to U27: files that are two things at once, and what stands before a file or behind it."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from tests.support.bad_uploads import gif, jpeg, others, pdf, png
from tests.support.bad_uploads.case import Build, OneOf, Uploads, refused, single, taken

ARCHIVE: Final = others.archive(
    {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n", "a.class": b"\xca\xfe\xba\xbe" + bytes(60)}
)
PHAR: Final = b"<?php __HALT_COMPILER(); ?>\r\n" + bytes(64) + b"GBMB"
SCRIPT: Final = b"*/=1;alert(document.cookie)//"
_EITHER: Final = OneOf("second-format", "trailing-data")
"""It is data behind the end, and the beginning of another format: who looks how far is not the row's to say."""
_SEEDS: Final[Mapping[str, tuple[str, Build]]] = {
    "PDF": ("brev.pdf", pdf.plain),
    "PNG": ("skærm.png", png.picture),
    "JPEG": ("IMG_0001.jpg", jpeg.photo),
    "GIF": ("tegning.gif", gif.still),
}


def cases() -> Uploads:
    yield from _appended()
    yield from _inside()
    yield from _led()
    yield from _before()
    yield from _behind()


def _appended() -> Uploads:
    for first, second, data in (
        ("GIF", "JavaScript", SCRIPT),
        ("GIF", "ZIP", ARCHIVE),
        ("PNG", "ZIP", ARCHIVE),
        ("PNG", "PDF", pdf.plain()),
        ("PNG", "HTML", others.HTML),
        ("JPEG", "ZIP", ARCHIVE),
        ("JPEG", "RAR", others.RAR),
        ("JPEG", "PHAR", PHAR),
        ("JPEG", "PDF", pdf.plain()),
        ("PDF", "ZIP", ARCHIVE),
        ("PDF", "HTML", others.HTML),
        ("PDF", "EXE", others.PROGRAM),
        ("PDF", "JPEG", jpeg.photo()),
        ("PDF", "MP4", others.MP4),
        ("PDF", "PDF cut before its references", pdf.plain()[:2_000]),
    ):
        name, build = _SEEDS[first]
        yield single("U25", f"{first}+{second}", name, partial(_joined, build, data), _EITHER)


def _joined(build: Build, data: bytes) -> bytes:
    return build() + data


def _inside() -> Uploads:
    """Nothing stands behind the end: the second format lies in a part that the first steps over."""
    whole: Mapping[str, tuple[str, Build]] = {
        "JPEG with a ZIP in a comment": ("IMG_0001.jpg", lambda: jpeg.with_comment(jpeg.photo(), ARCHIVE)),
        "JPEG with a PDF in a comment": ("IMG_0001.jpg", lambda: jpeg.with_comment(jpeg.photo(), pdf.plain())),
        "JPEG with a PHAR in a comment": ("IMG_0001.jpg", lambda: jpeg.with_comment(jpeg.photo(), PHAR)),
        "GIF with a ZIP in a comment": ("tegning.gif", lambda: gif.picture(gif.comment(ARCHIVE[:250]), gif.frame())),
        "PDF with a ZIP whose comment is the rest of the PDF": ("brev.pdf", zip_around_pdf),
    }
    for what, (name, build) in whole.items():
        yield refused("U25", what, name, build, "second-format")


def zip_around_pdf() -> bytes:
    """Valid as both to the last byte: the ZIP's end is in a stream, and what follows the stream is its comment."""
    before = pdf.letter(more={pdf.MORE: pdf.stream(ARCHIVE)})
    at = before.index(b"PK\x05\x06")
    behind = len(before) - at - 22
    moved = before.index(b"PK\x01\x02")
    return before[: at + 16] + moved.to_bytes(4, "little") + behind.to_bytes(2, "little") + before[at + 22 :]


def _led() -> Uploads:
    """The other format comes first, so that by its first byte it is none of the four."""
    for what, data in (
        ("MP4+PDF", others.MP4 + pdf.plain()),
        ("EXE+PDF", others.PROGRAM + pdf.plain()),
        ("ZIP+PDF", ARCHIVE + pdf.plain()),
        ("HTML+PDF", b"<html>" + pdf.plain()),
    ):
        yield refused("U25", what, "brev.pdf", partial(bytes, data), "type-not-accepted")


def _before() -> Uploads:
    # the row calls it damaged; by U22 the type is told by byte 0, and then it is none that is taken
    expected = OneOf("type-not-accepted", "malformed")
    for what, data in (
        ("1 byte", b"x"),
        ("a newline", b"\n"),
        ("a byte order mark", b"\xef\xbb\xbf"),
        ("1,016 bytes", b"x" * 1_016),
    ):
        yield single("U26", f"{what} before %PDF", "brev.pdf", partial(_led_by, data), expected)


def _led_by(data: bytes) -> bytes:
    return data + pdf.plain()


def _behind() -> Uploads:
    for kind, (name, build) in _SEEDS.items():
        for what, padding in (("a newline", b"\n"), ("64 zeros", bytes(64))):
            yield taken("U27", f"{kind}, {what} behind its end", name, partial(_joined, build, padding))
        for what, junk in (("one letter", b"x"), ("1 kB behind a newline", b"\n" + b"Sygemelding " * 86)):
            yield refused("U27", f"{kind}, {what} behind its end", name, partial(_joined, build, junk), "trailing-data")
