"""U07, U33, U34, U83, U90: PDFs that are little and become much, those at the limits, and codecs that we do not run."""

import base64
import struct
import zlib
from collections.abc import Mapping
from functools import partial
from typing import Final

from tests.support.bad_uploads import jpeg, pdf, png
from tests.support.bad_uploads.case import (
    LIMIT,
    MIB,
    SIGNATURE,
    Build,
    OneOf,
    Uploads,
    refused,
    single,
    taken,
)
from tests.support.bad_uploads.inflating import deflated, hardly_packed, lzw_for_pdf, run_lengths
from tests.support.bad_uploads.pdf import CONTENT, MORE

GIB: Final = 1024 * MIB
_FLATE: Final = b"/Filter /FlateDecode"
_GREY: Final = b"/ColorSpace /DeviceGray /BitsPerComponent %d /Filter %b"
_WIDE: Final = 65_000


def cases() -> Uploads:
    yield from _at_the_limit()
    for what, build in _bombs().items():
        yield refused("U33", what, "brev.pdf", build, "decompression-limit", large=True)
    # the scanner by itself calls a name in hex obfuscated, and may be asked first
    hexed = partial(_flated, GIB, b"/#46lateDecode")
    yield single("U33", "filter names in hex", "brev.pdf", hexed, OneOf("decompression-limit", "infected"), large=True)
    # these inflate to pixels: either limit is passed
    either = OneOf("decompression-limit", "too-many-pixels")
    for what, build in _pictures().items():
        yield single("U33", what, "scan.pdf", build, either, large=True)
    yield from _within()
    yield from _behind()
    yield from _long_words()
    # not decoded by us: an answer in time is all
    for what, build in _bad_codecs().items():
        yield single("U90", what, "scan.pdf", build, OneOf("clean", "malformed"))


def padded(size: int) -> bytes:
    """A letter of exactly this size: a picture that is not compressed takes most of it, blanks the rest."""
    width = 4_000
    height = (size - 20_000) // width
    grey = b"/ColorSpace /DeviceGray /BitsPerComponent 8"
    picture = pdf.image(bytes(range(250)) * (height * width // 250), width, height, grey)
    # with these many the length has as many digits as it will have
    blanks = 10_000
    blanks += size - len(_with_blanks(picture, blanks))
    return _with_blanks(picture, blanks)


def _with_blanks(picture: bytes, blanks: int) -> bytes:
    words = pdf.text(*pdf.LINES) + b" q 200 0 0 200 60 60 cm /Im1 Do Q" + b" " * blanks
    return pdf.letter(resources=b"/XObject << /Im1 6 0 R >>", more={CONTENT: pdf.stream(words), MORE: picture})


def padded_picture(size: int) -> bytes:
    """A PNG of exactly this size: its pixels are stored as they are, a text takes what is left."""
    line = png.rows(2_000, 1)
    height = (size - 100_000) // len(line)
    start = png.MAGIC + png.header(2_000, height)
    end = png.chunk(b"IDAT", zlib.compress(line * height, 0)) + png.END
    room = size - len(start) - len(end) - 12
    return start + png.chunk(b"tEXt", b"Comment\0".ljust(room, b"x")) + end


def _at_the_limit() -> Uploads:
    yield taken("U07", "a PDF of exactly the limit", "scan.pdf", partial(padded, LIMIT), large=True)
    yield taken("U07", "a PDF of the limit less one", "scan.pdf", partial(padded, LIMIT - 1), large=True)
    yield refused("U07", "a PDF of the limit and one", "scan.pdf", partial(padded, LIMIT + 1), "too-large", large=True)
    yield taken("U07", "a PNG of exactly the limit", "scan.png", partial(padded_picture, LIMIT), large=True)
    yield refused(
        "U07", "a PNG of the limit and one", "scan.png", partial(padded_picture, LIMIT + 1), "too-large", large=True
    )


def drawn(data: bytes, filters: bytes = b"/FlateDecode") -> bytes:
    """A letter whose words are this stream."""
    return pdf.letter(more={CONTENT: pdf.stream(data, b"/Filter " + filters)})


def _flated(size: int, filters: bytes) -> bytes:
    return drawn(deflated(size), filters)


def layers(levels: int) -> bytes:
    """1 GB, packed so many times."""
    data = deflated(GIB)
    for _ in range(levels - 1):
        data = zlib.compress(data, 9)
    return data


def _bombs() -> Mapping[str, Build]:
    """20 kB cannot become 1 GB in one step, as Flate makes 1,032 of 1 at most: it takes 1 MB, or 5 kB in two steps."""
    twice = b"[/FlateDecode /FlateDecode]"
    return {
        "Flate, 1 MB to 1 GB": lambda: drawn(deflated(GIB)),
        "Flate of Flate, 5 kB to 1 GB": lambda: drawn(layers(2), twice),
        "Flate of Flate, five times": lambda: drawn(layers(5), b"[" + b"/FlateDecode " * 5 + b"]"),
        "LZW, 250 kB to 300 MB": lambda: drawn(lzw_for_pdf(300_000_000), b"/LZWDecode"),
        "Flate of LZW": lambda: drawn(zlib.compress(lzw_for_pdf(GIB), 9), b"[/FlateDecode /LZWDecode]"),
        "RunLength, 4 MB to 256 MB": lambda: drawn(run_lengths(256 * MIB), b"/RunLengthDecode"),
        "Flate of RunLength": lambda: drawn(deflated(4 * MIB, of=b"\x81\0"), b"[/FlateDecode /RunLengthDecode]"),
        "Flate of ASCII85": lambda: drawn(deflated(75_000_000, of=b"z", then=b"~>"), b"[/FlateDecode /ASCII85Decode]"),
        "ASCII85 of RunLength": lambda: drawn(
            base64.a85encode(run_lengths(256 * MIB)[:4_194_304]) + b"~>", b"[/ASCII85Decode /RunLengthDecode]"
        ),
        "ASCIIHex of Flate": lambda: drawn(base64.b16encode(deflated(GIB)) + b">", b"[/ASCIIHexDecode /FlateDecode]"),
        "ASCII85 of Flate of LZW": lambda: drawn(
            base64.a85encode(zlib.compress(lzw_for_pdf(GIB), 9)) + b"~>", b"[/ASCII85Decode /FlateDecode /LZWDecode]"
        ),
        "with the short names of filters": lambda: drawn(deflated(GIB), b"/Fl"),
        "in a stream that nothing refers to": lambda: pdf.letter(more={MORE: pdf.stream(deflated(GIB), _FLATE)}),
        "in an object stream": object_stream,
        "in the cross-references": references,
        "in the metadata": lambda: pdf.letter(
            catalog=b"/Metadata 6 0 R",
            more={MORE: pdf.stream(deflated(GIB), b"/Type /Metadata /Subtype /XML " + _FLATE)},
        ),
        "30 streams of 8 MB": lambda: pdf.letter(
            more=dict.fromkeys(range(MORE, MORE + 30), pdf.stream(deflated(8 * MIB), _FLATE))
        ),
        "252 MB from 17 MB": lambda: pdf.letter(more={MORE: pdf.stream(hardly_packed(252 * MIB), _FLATE)}),
        "100 MB, more than 50 of 1": lambda: pdf.letter(more={MORE: pdf.stream(deflated(100 * MIB), _FLATE)}),
        "gone again after an update": lambda: pdf.update(
            drawn(deflated(GIB)), {CONTENT: pdf.letter_objects()[CONTENT]}
        ),
    }


def object_stream() -> bytes:
    """What the catalog needs lies behind 1 GB of blanks."""
    data = deflated(GIB, of=b" ", before=b"8 0 ", then=b"(da)")
    said = b"/Type /ObjStm /N 1 /First %d %b" % (GIB + 4, _FLATE)
    objects = pdf.letter_objects(catalog=b"/Lang 8 0 R") | {MORE: pdf.stream(data, said)}
    table = deflated(0, then=pdf.entries_of(objects) + pdf.IN_STREAM_6)
    return pdf.written_with_stream(objects, entries=b"/Size 9 /W [1 3 0]", table=table)


def references() -> bytes:
    """Cross-references of 1 GB, of which the first few are meant."""
    objects = pdf.letter_objects()
    table = deflated(GIB, before=pdf.entries_of(objects))
    return pdf.written_with_stream(objects, entries=b"/Size 7 /W [1 3 0]", table=table)


def _pictures() -> Mapping[str, Build]:
    fax = b"/CCITTFaxDecode /DecodeParms << /K -1 /Columns 60000 /Rows 60000 >>"
    return {
        "Flate, a picture of 65,000 x 65,000": lambda: shown(deflated(_WIDE * _WIDE // 8), 1, b"/FlateDecode"),
        "JBIG2, 65,000 x 65,000": lambda: shown(jbig2(_WIDE, _WIDE), 1, b"/JBIG2Decode"),
        "JBIG2, 4 billion high": lambda: shown(jbig2(_WIDE, 0xFFFFFFFE), 1, b"/JBIG2Decode"),
        "JPX, 65,000 x 65,000": lambda: shown(jpx(_WIDE, _WIDE), 8, b"/JPXDecode"),
        "DCT, 65,000 x 65,000": lambda: shown(jpeg.sized(jpeg.photo(mode="L"), _WIDE, _WIDE), 8, b"/DCTDecode"),
        "CCITT, 60,000 x 60,000 in 8 kB": lambda: shown(b"\xff" * 7_500, 1, fax, side=60_000),
    }


def shown(data: bytes, bits: int, filters: bytes, *, side: int = _WIDE) -> bytes:
    return pdf.with_image(pdf.image(data, side, side, _GREY % (bits, filters)))


def jbig2(width: int, height: int, *, length: int | None = None, refers: int = 0) -> bytes:
    """One page and a region of it that is empty; `length` lies about the first segment, `refers` is what it needs."""
    page = struct.pack(">IIIIBH", width, height, 0, 0, 0, 0)
    region = struct.pack(">IIIIB", width, height, 0, 0, 0) + b"\x08\x03\xff\xfd\xff\x02\xfe\xfe\xfe" + b"\xff\xac"
    first = struct.pack(">IBBBI", 0, 48, 0, 1, len(page) if length is None else length)
    count = b"\x20" + struct.pack(">B", refers) if refers else b"\0"
    second = struct.pack(">IB", 1, 38) + count + struct.pack(">BI", 1, len(region))
    return first + page + second + region


def jpx(width: int, height: int, *, tile: int | None = None, components: int = 1) -> bytes:
    """A JPEG 2000 codestream of a header, one tile and nothing in it."""
    across, down = (width, height) if tile is None else (tile, tile)
    size = struct.pack(">HIIIIIIII", 0, width, height, 0, 0, across, down, 0, 0)
    size += struct.pack(">H", components) + b"\x07\x01\x01" * min(components, 8)
    coding = b"\xff\x52\0\x0c\0\0\0\x01\0\x01\x04\x04\0\x01"
    quantities = b"\xff\x5c\0\x07\x40\x40\x48\x48\x50"
    tiles = b"\xff\x90\0\x0a\0\0\0\0\0\0\0\x01\xff\x93"
    return b"\xff\x4f\xff\x51" + struct.pack(">H", len(size) + 2) + size + coding + quantities + tiles + b"\xff\xd9"


def _within() -> Uploads:
    """What scanners and offices really make, and looks like a bomb."""
    white = partial(page_of, partial(deflated, MIB, of=b"\xff" * 60), 4_096, 5_120, b"/DeviceRGB")
    yield taken("U33", "60 MB of white from 60 kB, a page that was scanned", "scan.pdf", white, large=True)
    heavy = partial(page_of, partial(hardly_packed, 188 * MIB), 8_192, 6_016, b"/DeviceCMYK")
    yield taken("U33", "188 MB from 13 MB, which is not too much", "scan.pdf", heavy, large=True)
    words = base64.a85encode(zlib.compress(pdf.text(*pdf.LINES))) + b"~>"
    yield taken(
        "U33", "ordinary words, ASCII85 of Flate", "brev.pdf", partial(drawn, words, b"[/ASCII85Decode /FlateDecode]")
    )


def page_of(packed: Build, width: int, height: int, colours: bytes) -> bytes:
    """A page of one picture."""
    said = b"/ColorSpace %b /BitsPerComponent 8 %b" % (colours, _FLATE)
    return pdf.with_image(pdf.image(packed(), width, height, said))


def _behind() -> Uploads:
    """The signature stands where a scanner with limits does not look any more."""
    behind = partial(deflated, 210 * MIB, then=SIGNATURE)
    kinds: Mapping[str, Build] = {
        "the signature behind 210 MB of zeros": lambda: drawn(behind()),
        "the signature behind 210 MB, in a stream that nothing refers to": lambda: pdf.letter(
            more={MORE: pdf.stream(behind(), _FLATE)}
        ),
        "the signature in the last of five streams of 45 MB": lambda: pdf.letter(
            more={
                **dict.fromkeys(range(MORE, MORE + 4), pdf.stream(deflated(45 * MIB), _FLATE)),
                MORE + 4: pdf.stream(deflated(45 * MIB, then=SIGNATURE), _FLATE),
            }
        ),
    }
    for what, build in kinds.items():
        # never clean; where the scanner unpacks as far as that, its word is the one that is told
        yield single("U34", what, "brev.pdf", build, OneOf("decompression-limit", "infected"), large=True)


def _long_words() -> Uploads:
    title = partial(pdf.letter, trailer=b"/Info 6 0 R")
    yield single(
        "U83",
        "a title of 1 MB",
        "brev.pdf",
        lambda: title(more={MORE: b"<< /Title (%b) >>" % (b"x" * MIB)}),
        OneOf("clean", "malformed"),
        large=True,
    )
    yield single(
        "U83",
        "a title of 15 MB",
        "brev.pdf",
        lambda: title(more={MORE: b"<< /Title (%b) >>" % (b"x" * 15 * MIB)}),
        OneOf("clean", "malformed", "decompression-limit"),
        large=True,
    )
    xmp = b"/Type /Metadata /Subtype /XML " + _FLATE
    yield single(
        "U83",
        "metadata of 50 MB from 50 kB",
        "brev.pdf",
        lambda: pdf.letter(catalog=b"/Metadata 6 0 R", more={MORE: pdf.stream(deflated(50 * MIB, of=b" "), xmp)}),
        OneOf("clean", "malformed", "decompression-limit"),
        large=True,
    )


def _bad_codecs() -> Mapping[str, Build]:
    small = partial(shown, side=64)
    return {
        "JBIG2, a segment of 4 GB": lambda: small(jbig2(64, 64, length=0xFFFFFFFF), 1, b"/JBIG2Decode"),
        "JBIG2, a segment that needs itself": lambda: small(jbig2(64, 64, refers=1), 1, b"/JBIG2Decode"),
        "JBIG2, 4 billion pixels in it and 64 x 64 outside": lambda: small(jbig2(_WIDE, _WIDE), 1, b"/JBIG2Decode"),
        "JPX of 0 x 0": lambda: small(jpx(0, 0), 8, b"/JPXDecode"),
        "JPX with tiles of 0": lambda: small(jpx(64, 64, tile=0), 8, b"/JPXDecode"),
        "JPX with 16,384 components": lambda: small(jpx(64, 64, components=16_384), 8, b"/JPXDecode"),
        "JPX with tiles of one pixel, 65,000 x 65,000": lambda: small(jpx(_WIDE, _WIDE, tile=1), 8, b"/JPXDecode"),
        "JPX that is noise": lambda: small(bytes(range(256)), 8, b"/JPXDecode"),
    }
