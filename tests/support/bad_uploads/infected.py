"""U45 to U49: the scanner's signature everywhere that a file has room for it, and where the scanner does not look.

What counts is that the scanner is asked, about all bytes, and heard. Where it does not see the signature the file is
clean, and the table says so: nothing else is promised. What it sees was tried with ClamAV 1.4.6.
"""

import base64
import zlib
from collections.abc import Mapping
from functools import partial
from typing import Final

from tests.support.bad_uploads import colours, gif, jpeg, others, pdf, pdf_forbidden, png
from tests.support.bad_uploads.case import (
    KIB,
    MIB,
    SIGNATURE,
    STREAM_MAX_LENGTH,
    Build,
    Code,
    Expected,
    OneOf,
    Refused,
    Uploads,
    changed,
    refused,
    single,
    taken,
)
from tests.support.bad_uploads.inflating import deflated, hardly_packed
from tests.support.bad_uploads.pdf import CONTENT, MORE

CHUNK: Final = 64 * KIB
_INFECTED: Final = Refused("infected")
_UNSEEN: Final = OneOf("clean", "infected")
"""Packed or spelt so that the scanner need not see it: not promised."""
# in pieces, so that nobody's scanner takes this repository for a virus
_EICAR: Final = (rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$", b"EICAR-STANDARD-", b"ANTIVIRUS-TEST-FILE!$H+H*")


def cases() -> Uploads:
    yield from _bare()
    for what, (build, expected) in _in_pdf().items():
        yield single("U45", f"PDF, {what}", "brev.pdf", build, expected)
    for what, (build, expected) in _in_jpeg().items():
        yield single("U45", f"JPEG, {what}", "IMG_0001.jpg", build, expected)
    for what, (build, expected) in _in_png().items():
        yield single("U45", f"PNG, {what}", "skærm.png", build, expected)
    for what, (build, expected) in _in_gif().items():
        yield single("U45", f"GIF, {what}", "tegning.gif", build, expected)
    yield taken("U45", "PNG, in the lowest bits of its pixels: not promised", "skærm.png", in_lowest_bits)
    for offset in (0, 1, 25, len(SIGNATURE) - 1, len(SIGNATURE), 68):
        build = partial(split_at, offset, CHUNK)
        yield refused("U46", f"{offset} bytes before a border of chunks", "skærm.png", build, "infected")
    yield from _in_large_files()
    yield from _behind_limits()


def split_at(offset: int, chunk: int) -> bytes:
    """A small PNG in which the signature begins so many bytes before a border of chunks of this size."""
    start = png.MAGIC + png.header()
    before = len(start) + 8 + len(b"Comment\0")
    place = next(border - offset for border in range(chunk, 100 * chunk, chunk) if border - offset >= before)
    text = b"Comment\0" + b"x" * (place - before) + SIGNATURE + b"x" * 20
    whole = start + png.chunk(b"tEXt", text) + png.chunk(b"IDAT", png.pixels()) + png.END
    assert whole.index(SIGNATURE) == place
    return whole


def also(code: Code) -> OneOf:
    """It is refused for this too, and who looks first tells first."""
    return OneOf("infected", code)


def _bare() -> Uploads:
    # the scanner would find it; but what is none of the four types comes no farther than the edge
    yield refused("U45", "the signature and nothing else", "brev.pdf", lambda: SIGNATURE, "type-not-accepted")
    yield refused("U45", "the signature as its own type", "eicar.com", lambda: SIGNATURE, "type-not-accepted")
    yield refused("U45", "EICAR itself", "brev.pdf", lambda: b"".join(_EICAR), "type-not-accepted")
    script = partial(pdf_forbidden.opening, b"<< /S /JavaScript /JS (%b) >>" % SIGNATURE)
    yield single("U45", "PDF, in a script", "brev.pdf", script, also("active-content"))
    yield single("U45", "PDF, in one that is cut", "brev.pdf", lambda: _streamed(SIGNATURE)[:-150], also("malformed"))
    yield single("U45", "PNG, in one that is cut", "skærm.png", lambda: split_at(0, 256)[:-100], also("malformed"))


def _streamed(data: bytes, filters: bytes = b"") -> bytes:
    """A letter with a stream beside its words."""
    return pdf.letter(more={MORE: pdf.stream(data, filters)})


def _in_pdf() -> Mapping[str, tuple[Build, Expected]]:
    note = b"<< /Type /Annot /Subtype /Text /Rect [60 60 80 80] /Contents %b >>"
    words = pdf.text(SIGNATURE)
    xmp = b"/Type /Metadata /Subtype /XML"
    up = b"/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 10 >>"
    wide = SIGNATURE.decode().encode("utf-16-be").hex().encode()
    halves = {
        pdf.PAGE: changed(pdf.letter_objects()[pdf.PAGE], b"5 0 R", b"[5 0 R 6 0 R]"),
        CONTENT: pdf.stream(pdf.text(SIGNATURE[:25])),
        MORE: pdf.stream(pdf.text(SIGNATURE[25:])),
    }
    hexed = base64.b16encode(SIGNATURE)
    photo = jpeg.with_comment(jpeg.photo(), SIGNATURE)
    shown = pdf.image(photo, 64, 48, b"/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode")
    pixels = zlib.compress(SIGNATURE.ljust(64, b"x"))
    grey = b"/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode"
    first = pdf.HEADER + b"%" + SIGNATURE + b"\n"
    seen: Mapping[str, Build] = {
        "in its words": partial(pdf.letter, more={CONTENT: pdf.stream(words)}),
        "in its words, Flate": partial(pdf.letter, more={CONTENT: pdf.flate(words)}),
        "in a stream that nothing refers to": partial(_streamed, SIGNATURE),
        "in the same, Flate": lambda: _streamed(zlib.compress(SIGNATURE), b"/Filter /FlateDecode"),
        "ASCIIHex of Flate": lambda: _streamed(
            base64.b16encode(zlib.compress(SIGNATURE)) + b">", b"/Filter [/ASCIIHexDecode /FlateDecode]"
        ),
        "ASCII85": lambda: _streamed(base64.a85encode(SIGNATURE) + b"~>", b"/Filter /ASCII85Decode"),
        "RunLength": lambda: _streamed(bytes((len(SIGNATURE) - 1,)) + SIGNATURE + b"\x80", b"/Filter /RunLengthDecode"),
        "in an object stream": lambda: pdf.packed(pdf_forbidden.annotated(note % (b"(%b)" % SIGNATURE))),
        "in an object stream that is not packed": lambda: pdf.letter(
            more={MORE: pdf.contained({7: b"(%b)" % SIGNATURE})}
        ),
        "in a note": partial(pdf_forbidden.annotated, note % (b"(%b)" % SIGNATURE)),
        "in the metadata": partial(pdf.letter, catalog=b"/Metadata 6 0 R", more={MORE: pdf.stream(SIGNATURE, xmp)}),
        "in the metadata, Flate": partial(
            pdf.letter, catalog=b"/Metadata 6 0 R", more={MORE: pdf.flate(SIGNATURE, xmp)}
        ),
        "in the title": partial(pdf.letter, trailer=b"/Info 6 0 R", more={MORE: b"<< /Title (%b) >>" % SIGNATURE}),
        "in a comment at its beginning": partial(pdf.letter, header=first),
        "in the trailer": partial(pdf.letter, trailer=b"/Egen (%b)" % SIGNATURE),
        "in a picture's comment": lambda: pdf.with_image(shown),
        "in a revision before the last": lambda: pdf.update(
            pdf.letter(more={CONTENT: pdf.flate(words)}), {CONTENT: pdf.stream(pdf.text(b"ny"))}
        ),
    }
    unseen: Mapping[str, Build] = {
        "in a note, as hex": partial(pdf_forbidden.annotated, note % (b"<%b>" % hexed)),
        "in a note, as UTF-16": partial(pdf_forbidden.annotated, note % (b"<feff%b>" % wide)),
        "in a note, over two lines": partial(
            pdf_forbidden.annotated, note % (b"(%b\\\n%b)" % (SIGNATURE[:20], SIGNATURE[20:]))
        ),
        "behind a predictor": lambda: _streamed(zlib.compress(_predicted(SIGNATURE)), up),
        "in two halves": partial(pdf.letter, more=halves),
        "RunLength, in runs of one": lambda: _streamed(
            b"".join(bytes((0, byte)) for byte in SIGNATURE) + b"\x80", b"/Filter /RunLengthDecode"
        ),
        "in a stream that says it is a picture, Flate": partial(pdf.with_image, pdf.image(pixels, 8, 8, grey)),
        "LZW": lambda: _streamed(_lzw(SIGNATURE), b"/Filter /LZWDecode"),
    }
    return (
        {what: (build, _INFECTED) for what, build in seen.items()}
        | {what: (build, _UNSEEN) for what, build in unseen.items()}
        | {"behind its end": (lambda: pdf.plain() + SIGNATURE, also("trailing-data"))}
    )


def _predicted(data: bytes) -> bytes:
    """Rows of ten, each told by its difference from the one above."""
    rows = [bytes(10), *(data[at : at + 10] for at in range(0, len(data), 10))]
    return b"".join(
        b"\x02" + bytes((now - above) % 256 for now, above in zip(row, rows[nth], strict=True))
        for nth, row in enumerate(rows[1:])
    )


def _lzw(data: bytes) -> bytes:
    """Codes of nine bits, none of which stands for more than a byte."""
    bits = "".join(f"{code:09b}" for code in (256, *data, 257))
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def _in_jpeg() -> Mapping[str, tuple[Build, Expected]]:
    made = partial(jpeg.with_segment, jpeg.photo())
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + SIGNATURE + b"</x:xmpmeta>"
    return {
        "in a comment": (lambda: jpeg.with_comment(jpeg.photo(), SIGNATURE), _INFECTED),
        "in EXIF": (lambda: made(jpeg.described(SIGNATURE)), _INFECTED),
        "in its colour profile": (lambda: made(jpeg.coloured(colours.with_text(SIGNATURE))), _INFECTED),
        "in APP13": (lambda: made(jpeg.segment(jpeg.APP13, b"Photoshop 3.0\0" + SIGNATURE)), _INFECTED),
        "in XMP": (lambda: made(jpeg.segment(jpeg.APP1, xmp)), _INFECTED),
        "in two comments": (
            lambda: made(jpeg.segment(jpeg.COMMENT, SIGNATURE[:25]), jpeg.segment(jpeg.COMMENT, SIGNATURE[25:])),
            _UNSEEN,
        ),
        "behind its end": (lambda: jpeg.photo() + SIGNATURE, also("trailing-data")),
    }


def _in_png() -> Mapping[str, tuple[Build, Expected]]:
    packed = zlib.compress(SIGNATURE * 3)
    profile = b"sRGB\0\0" + zlib.compress(colours.with_text(SIGNATURE))
    return {
        "in tEXt": (lambda: png.picture(behind=png.chunk(b"tEXt", b"Comment\0" + SIGNATURE)), _INFECTED),
        "in zTXt": (lambda: png.picture(behind=png.chunk(b"zTXt", b"Comment\0\0" + packed)), _UNSEEN),
        "in iTXt": (lambda: png.picture(behind=png.chunk(b"iTXt", b"Title\0\0\0\0\0" + SIGNATURE)), _INFECTED),
        "in iTXt, packed": (lambda: png.picture(behind=png.chunk(b"iTXt", b"Title\0\x01\0\0\0" + packed)), _UNSEEN),
        "in its colour profile": (lambda: png.picture(before=png.chunk(b"iCCP", profile)), _UNSEEN),
        "in pixels that are stored": (stored_pixels, _INFECTED),
        "behind its end": (lambda: png.picture() + SIGNATURE, also("trailing-data")),
    }


def stored_pixels() -> bytes:
    rows = bytearray(png.rows(32, 24))
    rows[10 : 10 + len(SIGNATURE)] = SIGNATURE
    return png.of_chunks(png.header(), png.chunk(b"IDAT", zlib.compress(bytes(rows), 0)), png.END)


def in_lowest_bits() -> bytes:
    bits = "".join(f"{byte:08b}" for byte in SIGNATURE)
    rows = bytearray(png.rows(32, 24))
    places = (at for at in range(len(rows)) if at % 97)
    for at, bit in zip(places, bits, strict=False):
        rows[at] = rows[at] & 0xFE | int(bit)
    return png.of_chunks(png.header(), png.chunk(b"IDAT", zlib.compress(bytes(rows), 9)), png.END)


def _in_gif() -> Mapping[str, tuple[Build, Expected]]:
    # a block's length stands between the halves
    halved = b"!\xfe" + b"\x19" + SIGNATURE[:25] + b"\x19" + SIGNATURE[25:] + b"\0"
    pixels = gif.blocks(gif.coded(SIGNATURE + bytes(14)))
    return {
        "in a comment": (lambda: gif.picture(gif.comment(SIGNATURE), gif.frame()), _INFECTED),
        "in an application's block": (
            lambda: gif.picture(gif.application(b"XMP DataXMP", SIGNATURE), gif.frame()),
            _INFECTED,
        ),
        "in pixels": (lambda: gif.picture(gif.frame(data=pixels)), _INFECTED),
        "in two blocks of a comment": (lambda: gif.picture(halved, gif.frame()), _UNSEEN),
        "behind its end": (lambda: gif.still() + SIGNATURE, also("trailing-data")),
    }


def _in_large_files() -> Uploads:
    """First, middle and last, as far as a format lets it."""
    for where in range(3):
        word = ("first", "in the middle", "last")[where]
        for name, build in (("scan.pdf", large_pdf), ("scan.png", large_png), ("scan.gif", large_gif)):
            what = f"{word} in a {name[-3:].upper()} of the limit"
            yield refused("U47", what, name, partial(build, where), "infected", large=True)
    # the scanner's own limit is above ours: what is over it does not even come to it
    over = partial(_ended, STREAM_MAX_LENGTH)
    yield refused(
        "U48", "the largest that the scanner takes, the signature last", "scan.png", over, "too-large", large=True
    )
    # for a scanner that is set, by mistake, to take 1 MiB: never clean; as it should be set: found
    yield refused(
        "U48", "1 MiB and one byte, the signature last", "scan.png", partial(_ended, MIB + 1), "infected", large=True
    )


def large_pdf(where: int) -> bytes:
    pixels = bytearray(bytes(range(250)) * (4_000 * 5_200 // 250))
    if where == 1:
        middle = len(pixels) // 2
        pixels[middle : middle + len(SIGNATURE)] = SIGNATURE
    shown = pdf.image(bytes(pixels), 4_000, 5_200, b"/ColorSpace /DeviceGray /BitsPerComponent 8")
    return pdf.letter(
        resources=b"/XObject << /Im1 6 0 R >>",
        more={MORE: shown},
        header=pdf.HEADER + (b"%" + SIGNATURE + b"\n" if where == 0 else b""),
        trailer=b"/Egen (%b)" % SIGNATURE if where == 2 else b"",
    )


def large_png(where: int) -> bytes:
    line = png.rows(2_000, 1)
    rows = bytearray(line * 3_480)
    text = png.chunk(b"tEXt", b"Comment\0" + SIGNATURE)
    if where == 1:
        rows[10_000_100 : 10_000_100 + len(SIGNATURE)] = SIGNATURE
    data = png.chunk(b"IDAT", zlib.compress(bytes(rows), 0))
    return png.of_chunks(png.header(2_000, 3_480), *[text] * (where == 0), data, *[text] * (where == 2), png.END)


def large_gif(where: int) -> bytes:
    half = gif.frame(4_000, 2_590, data=gif.blocks(gif.coded(bytes(range(125)) * (4_000 * 2_590 // 125))))
    parts = [half, half]
    parts.insert(where, gif.comment(SIGNATURE))
    return gif.picture(*parts, width=4_000, height=2_590)


def _ended(size: int) -> bytes:
    """A PNG of this size with the signature in its last chunk."""
    start = png.MAGIC + png.header() + png.chunk(b"IDAT", png.pixels())
    room = size - len(start) - 12 - len(png.END)
    return start + png.chunk(b"tEXt", b"Comment\0".ljust(room - len(SIGNATURE), b"x") + SIGNATURE) + png.END


def _behind_limits() -> Uploads:
    """The row asks that none of these is clean; which limit is told depends on the scanner's settings."""
    limits = OneOf("infected", "decompression-limit", "embedded-file", "second-format", "malformed")
    deep = SIGNATURE
    for _ in range(20):
        deep = others.archive({"a.zip": deep}, packed=True)
    many: Mapping[int, bytes] = dict.fromkeys(range(MORE, MORE + 10_001), pdf.stream(b"Sygemelding"))
    work: Mapping[int, bytes] = dict.fromkeys(
        range(MORE, MORE + 44), pdf.stream(hardly_packed(4 * MIB), b"/Filter /FlateDecode")
    )
    big = partial(_zipped_bomb, 300 * MIB)
    kinds: Mapping[str, Build] = {
        "in 20 PDFs, each in the next": partial(pdf_forbidden.nested, 20, pdf_forbidden.embedding(SIGNATURE)),
        "in 20 ZIPs, each in the next, in a stream": partial(_streamed, deep),
        "in the last of 10,001 streams": lambda: pdf.letter(more={**many, MORE + 10_001: pdf.stream(SIGNATURE)}),
        "behind 176 MB that hardly are compressed": lambda: pdf.letter(more={**work, MORE + 44: pdf.flate(SIGNATURE)}),
        "behind 300 MB in a ZIP in a stream": lambda: _streamed(big()),
    }
    for what, build in kinds.items():
        yield single("U49", what, "brev.pdf", build, limits, large=True)


def _zipped_bomb(size: int) -> bytes:
    """A ZIP of one file: zeros, and the signature behind them."""
    raw = deflated(size, then=SIGNATURE)[2:-4]
    sizes = (zlib.crc32(SIGNATURE), len(raw), size + len(SIGNATURE))
    numbers = b"".join(number.to_bytes(4, "little") for number in sizes)
    local = b"PK\x03\x04\x14\0\0\0\x08\0\0\0!\0" + numbers + b"\x05\0\0\0a.txt"
    listed = b"PK\x01\x02\x14\0\x14\0\0\0\x08\0\0\0!\0" + numbers + b"\x05\0" + bytes(16) + b"a.txt"
    start = (len(local) + len(raw)).to_bytes(4, "little")
    end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0" + len(listed).to_bytes(4, "little") + start + b"\0\0"
    return local + raw + listed + end
