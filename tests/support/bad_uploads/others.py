"""U05, U06, U21 to U24, U50, U87, U89: what is none of the four types, whatever it is called, or nothing at all."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from functools import partial
from typing import Final

from PIL import Image

from tests.support.bad_uploads.case import (
    LIMIT,
    PDF,
    SIGNATURE,
    Build,
    OneOf,
    Uploads,
    given,
    refused,
    single,
)

PROGRAM: Final = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8".ljust(64, b"\0") + b"PE\0\0L\x01" + bytes(250)
PROGRAM_OF_LINUX: Final = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + b"\x02\0\x3e\0\x01\0\0\0" + bytes(100)
RAR: Final = b"Rar!\x1a\x07\x01\x00" + bytes(range(64))
HTML: Final = b"<!DOCTYPE html><html><body><script>alert(document.cookie)</script></body></html>"
SVG: Final = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>'
SVG_WITH_SCRIPT: Final = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
MP4: Final = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\x01\x08mdat" + bytes(256)
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + b"\x3e\0\x03\0\xfe\xff\x09\0" + bytes(992)
_WORD: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_SHEET: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def archive(members: Mapping[str, bytes], *, packed: bool = False) -> bytes:
    """A ZIP of these files, dated at the beginning of its time."""
    out = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return out.getvalue()


def cases() -> Uploads:
    yield from _hardly_anything()
    yield from _vectors_and_pages()
    yield from _documents()
    yield from _programs_and_containers()
    yield from _containers_of_the_signature()
    yield refused("U87", "pictures in a ZIP with a password", "billeder.png", locked, "type-not-accepted")
    yield refused("U89", "20 MiB of zeros", "stor.pdf", partial(bytes, LIMIT), "type-not-accepted", large=True)


def _hardly_anything() -> Uploads:
    for name in ("tom.pdf", "tom.png", "tom.jpg", "tom.gif"):
        yield refused("U05", f"0 bytes as {name[-3:]}", name, given(b""), "empty")
    yield refused("U06", "1 byte", "brev.pdf", given(b"%"), "type-not-accepted")
    yield refused("U06", "1 zero byte", "brev.png", given(b"\0"), "type-not-accepted")
    # four bytes of a signature of five or eight: whether that is a type is told by how much of it is read
    some = OneOf("type-not-accepted", "malformed")
    for what, name, data in (
        ("4 bytes of PDF", "brev.pdf", b"%PDF"),
        ("4 bytes of PNG", "brev.png", b"\x89PNG"),
        ("4 bytes of GIF", "brev.gif", b"GIF8"),
        ("5 bytes of GIF", "brev.gif", b"GIF89"),
    ):
        yield single("U06", what, name, given(data), some)
    for what, name, data in (
        ("5 bytes, all a PDF's signature", "brev.pdf", b"%PDF-"),
        ("only a PDF's header", "brev.pdf", b"%PDF-1.7\n"),
        ("3 bytes, all a JPEG's signature", "brev.jpg", b"\xff\xd8\xff"),
        ("4 bytes of JPEG", "brev.jpg", b"\xff\xd8\xff\xe0"),
        ("6 bytes, all a GIF's signature", "brev.gif", b"GIF89a"),
        ("8 bytes, all a PNG's signature", "brev.png", b"\x89PNG\r\n\x1a\n"),
    ):
        yield refused("U06", what, name, given(data), "malformed")


def _vectors_and_pages() -> Uploads:
    marked = b"\xef\xbb\xbf" + SVG
    hidden = b"<!--" + b" " * 900 + b"%PDF-1.7 -->" + HTML
    for row, what, name, data in (
        ("U21", "SVG as PNG", "tegning.png", SVG),
        ("U21", "SVG with a script", "tegning.svg", SVG_WITH_SCRIPT),
        ("U21", "SVG with a script and a mark, as PNG", "tegning.png", marked),
        ("U22", "HTML as PDF", "side.pdf", HTML),
        ("U22", "HTML with %PDF inside its first 1,024 bytes", "side.pdf", hidden),
        ("U22", "HTML as JPEG", "side.jpg", HTML),
        ("U22", "plain words as PDF", "brev.pdf", b"Jeg er syg.\n"),
    ):
        yield refused(row, what, name, given(data), "type-not-accepted")


def _documents() -> Uploads:
    """What citizens have: each with the type and name that it really has, as the answer tells how to convert it."""
    odt = {"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"<office:document-content/>"}
    heic = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf" + bytes(64)
    for what, name, kind, build in (
        (
            "Word",
            "brev.docx",
            _WORD,
            partial(archive, {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"}),
        ),
        ("Word of old", "brev.doc", "application/msword", given(_OLE)),
        (
            "Excel",
            "ark.xlsx",
            _SHEET,
            partial(archive, {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<w/>"}),
        ),
        ("Excel of old", "ark.xls", "application/vnd.ms-excel", given(_OLE)),
        ("ODT", "brev.odt", "application/vnd.oasis.opendocument.text", partial(archive, odt)),
        ("RTF", "brev.rtf", "application/rtf", given(rb"{\rtf1\ansi{\fonttbl\f0 Arial;}Jeg er syg.}")),
        ("TIFF", "scan.tif", "image/tiff", partial(drawn, "TIFF")),
        ("TIFF, the other way round", "scan.tiff", "image/tiff", given(b"MM\0*\0\0\0\x08" + bytes(64))),
        ("BMP", "billede.bmp", "image/bmp", partial(drawn, "BMP")),
        ("WEBP", "billede.webp", "image/webp", partial(drawn, "WEBP")),
        ("HEIC", "IMG_0001.HEIC", "image/heic", given(heic)),
        ("AVIF", "billede.avif", "image/avif", given(heic.replace(b"heic", b"avif"))),
        ("JPEG 2000", "billede.jp2", "image/jp2", partial(drawn, "JPEG2000")),
        ("JPEG 2000 without its box", "billede.j2k", "image/j2c", given(b"\xff\x4f\xff\x51\0\x29" + bytes(64))),
        ("JPEG XL", "billede.jxl", "image/jxl", given(b"\xff\x0a" + bytes(64))),
        ("PSD", "billede.psd", "image/vnd.adobe.photoshop", given(b"8BPS\0\x01" + bytes(64))),
        ("ICO", "ikon.ico", "image/x-icon", partial(drawn, "ICO")),
        ("EPS", "tegning.eps", "application/postscript", given(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")),
        ("PS", "tegning.ps", "application/postscript", given(b"%!PS-Adobe-3.0\n(x) print\n")),
        ("XPS", "brev.xps", "application/oxps", partial(archive, {"FixedDocSeq.fdseq": b"<FixedDocumentSequence/>"})),
        ("DjVu", "bog.djvu", "image/vnd.djvu", given(b"AT&TFORM\0\0\0\x20DJVUINFO" + bytes(32))),
        ("HEIC that a phone calls JPEG", "IMG_0001.jpg", "image/jpeg", given(heic)),
        ("Word that somebody calls PDF", "brev.pdf", PDF, partial(archive, {"word/document.xml": b"<w/>"})),
    ):
        yield refused("U23", what, name, build, "type-not-accepted", content_type=kind)


def drawn(kind: str) -> bytes:
    """A small picture of a kind that is not taken."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((32, 32)).convert("RGB").save(out, kind)
    return out.getvalue()


def _programs_and_containers() -> Uploads:
    disk = bytes(32_768) + b"\x01CD001\x01" + bytes(2_041) + b"\xffCD001\x01" + bytes(2_041)
    shortcut = b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F" + bytes(64)
    mail = b"From: a@example.dk\r\nSubject: Sygemelding\r\nMIME-Version: 1.0\r\n\r\nHej\r\n"
    for what, name, data in (
        ("ZIP", "filer.zip", archive({"a.txt": b"a"})),
        ("RAR", "filer.rar", RAR),
        ("7z", "filer.7z", b"7z\xbc\xaf\x27\x1c\0\x04" + bytes(64)),
        ("ISO", "plade.iso", disk),
        ("MSI", "setup.msi", _OLE),
        ("EXE", "setup.exe", PROGRAM),
        ("ELF", "setup", PROGRAM_OF_LINUX),
        ("shell script", "setup.sh", b"#!/bin/sh\nid\n"),
        ("JAR", "a.jar", archive({"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n"})),
        ("APK", "a.apk", archive({"AndroidManifest.xml": b"\x03\0\x08\0", "classes.dex": b"dex\n035\0"})),
        ("LNK", "brev.lnk", shortcut),
        ("EML", "brev.eml", mail),
        ("EXE as PDF", "brev.pdf", PROGRAM),
        ("ELF as JPEG", "foto.jpg", PROGRAM_OF_LINUX),
        ("PHP as GIF", "foto.gif", b"<?php system($_GET['x']); ?>"),
        ("RAR as PDF", "brev.pdf", RAR),
    ):
        # a name without extension is refused for the name too
        expected = OneOf("type-not-accepted", "name-not-accepted") if "." not in name else OneOf("type-not-accepted")
        yield single("U24", what, name, given(data), expected, content_type="application/octet-stream")


def _containers_of_the_signature() -> Uploads:
    """As Debian's `clamav-testfiles`, made here: the signature in containers that the scanner opens, called PDF."""
    inner = {"virus.txt": SIGNATURE}
    containers: tuple[tuple[str, Build], ...] = (
        ("ZIP", partial(archive, inner)),
        ("ZIP, packed", partial(archive, inner, packed=True)),
        ("ZIP in a ZIP", lambda: archive({"a.zip": archive(inner)})),
        ("tar", partial(tape, inner)),
        ("tar.gz", lambda: gzip.compress(tape(inner), mtime=0)),
        ("bz2", lambda: bz2.compress(SIGNATURE)),
        ("xz", lambda: lzma.compress(SIGNATURE)),
        ("mail", lambda: b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n" + SIGNATURE),
        ("cpio", lambda: spooled("virus.txt", SIGNATURE)),
        ("program", lambda: PROGRAM + SIGNATURE),
        ("RTF", lambda: rb"{\rtf1 " + SIGNATURE + b"}"),
        ("old Word", lambda: _OLE + SIGNATURE),
    )
    for what, build in containers:
        yield refused("U50", f"the signature inside: {what}", "clam.pdf", build, "type-not-accepted")


def tape(members: Mapping[str, bytes]) -> bytes:
    """A tar of these files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            file.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def spooled(name: str, data: bytes) -> bytes:
    """A cpio, new form, of one file."""
    named = name.encode() + b"\0"
    fields = (1, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(named), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + named
    return head.ljust(-(-len(head) // 4) * 4, b"\0") + data


def locked() -> bytes:
    """A ZIP whose members say that they are encrypted, and look so."""
    data = bytearray(archive({"IMG_0001.png": bytes(range(256)) * 4}))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(mark) + flags
        data[at : at + 2] = struct.pack("<H", 1)
    return bytes(data)
