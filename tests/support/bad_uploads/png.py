"""PNG: its pieces, and U03, U58 to U61: good ones, damaged ones, too many pixels or frames, strange chunks."""

import struct
import zlib
from collections.abc import Sequence
from functools import cache, partial
from typing import Final

from tests.support.bad_uploads import colours, others
from tests.support.bad_uploads.case import (
    KIB,
    MAX_FRAMES,
    MAX_SIDE,
    Build,
    OneOf,
    Uploads,
    refused,
    single,
    taken,
)
from tests.support.bad_uploads.inflating import deflated

MAGIC: Final = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
_BANDS: Final = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
_PASSES: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Where each pass of an interlaced picture begins, and its steps, across and down."""
_LONGEST: Final = 2**31 - 1
_BOUNDED: Final = OneOf("clean", "malformed")


def chunk(kind: bytes, data: bytes, *, length: int | None = None, crc: int | None = None) -> bytes:
    """A chunk, with another length or checksum than its own if one is given."""
    said = len(data) if length is None else length
    check = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", said) + kind + data + struct.pack(">I", check)


def header(
    width: int = 32, height: int = 24, *, depth: int = 8, colour: int = RGB, filters: int = 0, lace: int = 0
) -> bytes:
    """The first chunk."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, filters, lace))


END: Final = chunk(b"IEND", b"")


def rows(width: int, height: int, *, depth: int = 8, colour: int = RGB) -> bytes:
    """The lines of a picture of stripes, each with its filter (none)."""
    line = (width * depth * _BANDS[colour] + 7) // 8
    return b"".join(b"\0" + bytes((x * 7 + y * 13) % 256 for x in range(line)) for y in range(height))


def laced_rows(width: int, height: int) -> bytes:
    """The same in seven passes."""
    sizes = ((-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in _PASSES)
    return b"".join(rows(*size) for size in sizes if all(size))


def palette(colours_of_it: int = 256) -> bytes:
    return chunk(b"PLTE", bytes(value % 256 for value in range(3 * colours_of_it)))


@cache
def picture(
    width: int = 32,
    height: int = 24,
    *,
    depth: int = 8,
    colour: int = RGB,
    before: bytes = b"",
    behind: bytes = b"",
) -> bytes:
    """A good picture with further chunks before and behind its pixels."""
    pixels = zlib.compress(rows(width, height, depth=depth, colour=colour), 9)
    return MAGIC + header(width, height, depth=depth, colour=colour) + before + chunk(b"IDAT", pixels) + behind + END


def of_chunks(*chunks: bytes) -> bytes:
    """Whatever these chunks make."""
    return MAGIC + b"".join(chunks)


@cache
def pixels() -> bytes:
    """The pixels of a picture as large as `header` says by itself."""
    return zlib.compress(rows(32, 24), 9)


def good() -> Uploads:
    """U03, and what else is small and valid."""
    kinds = (
        ("1 bit", 1, GREY), ("2 bit", 2, GREY), ("4 bit", 4, GREY), ("8 bit", 8, GREY), ("16 bit", 16, GREY),
        ("colours", 8, RGB),
        ("colours, 16 bit", 16, RGB), ("grey, transparent", 8, GREY_ALPHA), ("colours, transparent", 8, RGBA),
        ("transparent, 16 bit", 16, RGBA),
    )  # fmt: skip
    for what, depth, colour in kinds:
        yield taken("U03", what, "skærm.png", partial(picture, depth=depth, colour=colour))
    for depth in (1, 2, 4, 8):
        in_palette = partial(picture, depth=depth, colour=PALETTE, before=palette(2**depth))
        yield taken("U03", f"a palette of {2**depth}", "skærm.png", in_palette)
    yield taken("U03", "interlaced", "skærm.png", interlaced)
    yield taken("U03", "pixels in several chunks", "skærm.png", partial(in_chunks, 100))
    yield taken("U03", "one pixel", "p.png", partial(picture, 1, 1))
    yield taken("U03", "with a colour profile, texts and a time", "skærm.png", well_described)
    yield taken("U60", "50 frames", "kurve.png", partial(animated, 50))
    yield taken("U60", "as many frames as may be", "kurve.png", partial(animated, MAX_FRAMES))
    yield taken("U61", "the chunk that iPhones put into pictures of their screens", "IMG_0001.PNG", from_a_phone)


def cases() -> Uploads:
    yield from good()
    yield from _sizes()
    yield from _damaged()
    yield from _texts()
    yield from _animations()
    yield from _strange_chunks()
    for what, profile in colours.broken().items():
        packed = chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(profile))
        yield single("U64", f"PNG with a profile {what}", "skærm.png", partial(picture, before=packed), _BOUNDED)
    noise = chunk(b"iCCP", b"sRGB\0\0" + bytes(range(200)))
    yield single(
        "U64", "PNG with a profile that does not inflate", "skærm.png", partial(picture, before=noise), _BOUNDED
    )


def interlaced() -> bytes:
    return of_chunks(header(lace=1), chunk(b"IDAT", zlib.compress(laced_rows(32, 24), 9)), END)


def in_chunks(size: int) -> bytes:
    """Its pixels in chunks of this size."""
    packed = pixels()
    return of_chunks(header(), *(chunk(b"IDAT", packed[at : at + size]) for at in range(0, len(packed), size)), END)


def well_described() -> bytes:
    return picture(
        before=chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(colours.profile()))
        + chunk(b"pHYs", struct.pack(">IIB", 3_780, 3_780, 1))
        + chunk(b"tEXt", b"Software\0GIMP"),
        behind=chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"Sygemelding " * 200))
        + chunk(b"iTXt", b"Title\0\0\0da\0Titel\0" + "Lægeerklæring".encode())
        + chunk(b"tIME", struct.pack(">HBBBBB", 2026, 3, 1, 12, 0, 0)),
    )


def from_a_phone() -> bytes:
    return picture(before=chunk(b"iDOT", struct.pack(">7I", 2, 0, 12, 40, 12, 12, 200)))


def _sizes() -> Uploads:
    for width, height in ((_LONGEST, 1), (1, _LONGEST), (_LONGEST, _LONGEST), (MAX_SIDE + 1, 1), (10_000, 5_001)):
        what = f"{width} x {height} in a header, a body of nothing"
        build = partial(of_chunks, header(width, height), chunk(b"IDAT", pixels()), END)
        yield refused("U58", what, "skærm.png", build, "too-many-pixels")
    yield refused("U58", "a side too long by one", "skærm.png", partial(blank, MAX_SIDE + 1, 2), "too-many-pixels")
    yield refused("U58", "pixels too many by a row", "skærm.png", partial(blank, 10_000, 5_001), "too-many-pixels")
    yield taken("U58", "a side as long as may be", "panorama.png", partial(blank, MAX_SIDE, 2))
    yield taken("U58", "as many pixels as may be", "skærm.png", partial(blank, 10_000, 5_000), large=True)
    for width, height in ((0, 0), (0, 24), (32, 0), (2**31, 1)):
        build = partial(of_chunks, header(width, height), chunk(b"IDAT", pixels()), END)
        # the last is more than the format allows, and more than is taken
        expected = OneOf("malformed", "too-many-pixels") if width > _LONGEST else OneOf("malformed")
        yield single("U58", f"{width} x {height}", "skærm.png", build, expected)


def blank(width: int, height: int) -> bytes:
    """A picture of one bit a pixel, all black."""
    line = (width + 7) // 8 + 1
    return of_chunks(header(width, height, depth=1, colour=GREY), chunk(b"IDAT", deflated(line * height)), END)


def _damaged() -> Uploads:
    data = chunk(b"IDAT", pixels())
    half = len(pixels()) // 2
    parts = (chunk(b"IDAT", pixels()[:half]), chunk(b"IDAT", pixels()[half:]))
    text = chunk(b"tEXt", b"Comment\0x")
    kinds: tuple[tuple[str, Sequence[bytes]], ...] = (
        ("bit depth 3", (header(depth=3), data, END)),
        ("bit depth 16 with a palette", (header(depth=16, colour=PALETTE), palette(), data, END)),
        ("colour type 1", (header(colour=1), data, END)),
        ("filter method 1", (header(filters=1), data, END)),
        ("interlace method 2", (header(lace=2), data, END)),
        ("wrong checksum of the pixels", (header(), chunk(b"IDAT", pixels(), crc=0), END)),
        ("wrong checksum of the header", (chunk(b"IHDR", header()[8:21], crc=0), data, END)),
        ("wrong checksum of a text", (header(), chunk(b"tEXt", b"Comment\0x", crc=1), data, END)),
        ("no pixels", (header(), END)),
        ("only the header", (header(),)),
        ("no header", (data, END)),
        ("the header is not first", (text, header(), data, END)),
        ("a second header", (header(), header(), data, END)),
        ("a text between the pixels", (header(), parts[0], text, parts[1], END)),
        ("the halves of the pixels the wrong way round", (header(), parts[1], parts[0], END)),
        ("no palette", (header(colour=PALETTE), data, END)),
        ("the palette behind the pixels", (header(colour=PALETTE), chunk(b"IDAT", _indexes()), palette(), END)),
        ("a palette of 257", (header(colour=PALETTE), palette(257), chunk(b"IDAT", _indexes()), END)),
        ("pixels that end too soon", (header(), chunk(b"IDAT", zlib.compress(rows(32, 12))), END)),
        ("pixels that do not inflate", (header(), chunk(b"IDAT", bytes(range(200))), END)),
        ("pixels with a wrong sum", (header(), chunk(b"IDAT", pixels()[:-1] + b"\0"), END)),
        ("a filter that there is not", (header(), chunk(b"IDAT", zlib.compress(b"\x09" * (97 * 24))), END)),
        ("no end", (header(), data)),
        ("a chunk longer than the file", (header(), chunk(b"IDAT", pixels(), length=100_000), END)),
        ("a chunk of 4 GB", (header(), chunk(b"tEXt", b"x", length=0xFFFFFFFF), data, END)),
        ("a chunk with a name of no letters", (header(), chunk(b"\0\x01\x02\x03", b""), data, END)),
    )  # fmt: skip
    for what, chunks in kinds:
        yield refused("U58", what, "skærm.png", partial(of_chunks, *chunks), "malformed")
    # the standard allows it; the row refuses it, as nothing that a citizen has writes such
    yield refused("U58", "10,000 chunks of one byte", "skærm.png", many_chunks, "malformed")
    behind = partial(of_chunks, header(), chunk(b"IDAT", zlib.compress(rows(32, 24) + b"mere" * 1_000)), END)
    # what is behind the pixels is neither a chunk nor behind the end
    yield single("U58", "more pixels than it has", "skærm.png", behind, OneOf("malformed", "trailing-data"))
    for percent in (10, 50, 90, 99):
        yield refused("U58", f"cut at {percent} %", "skærm.png", partial(_first, percent), "malformed")


def _indexes() -> bytes:
    return zlib.compress(rows(32, 24, colour=PALETTE))


def _first(percent: int) -> bytes:
    whole = picture(200, 150)
    return whole[: len(whole) * percent // 100]


def many_chunks() -> bytes:
    """What is not compressed has a byte for each."""
    packed = zlib.compress(rows(56, 60), 0)
    return of_chunks(header(56, 60), *(chunk(b"IDAT", packed[at : at + 1]) for at in range(len(packed))), END)


def _texts() -> Uploads:
    one = partial(deflated, 1024 * KIB * KIB)
    bombs: tuple[tuple[str, Build], ...] = (
        ("zTXt of 1 MB that inflates to 1 GB", lambda: picture(behind=chunk(b"zTXt", b"Comment\0\0" + one()))),
        ("iTXt of 1 MB that inflates to 1 GB", lambda: picture(behind=chunk(b"iTXt", b"Title\0\x01\0\0\0" + one()))),
        ("iCCP of 1 MB that inflates to 1 GB", lambda: picture(before=chunk(b"iCCP", b"sRGB\0\0" + one()))),
        (
            "100 zTXt of 3 MB each",
            lambda: picture(behind=chunk(b"zTXt", b"Comment\0\0" + deflated(3 * KIB * KIB)) * 100),
        ),
    )
    for what, build in bombs:
        yield refused("U59", what, "skærm.png", build, "decompression-limit", large=True)
    # the header tells how many pixels there are: a decoder may stop there, or at the limit
    more = partial(of_chunks, header(), chunk(b"IDAT", deflated(300 * KIB * KIB)), END)
    stopped = OneOf("decompression-limit", "malformed", "trailing-data")
    yield single("U59", "32 x 24 pixels that inflate to 300 MB", "skærm.png", more, stopped, large=True)
    small = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(100_000)))
    yield taken("U59", "zTXt that inflates to 100 kB", "skærm.png", partial(picture, behind=small))


def animated(frames: int, *, said: int | None = None, first_number: int = 0, place: tuple[int, int] = (0, 0)) -> bytes:
    """An animation of so many frames, of which the first is the picture itself."""
    numbers = iter(range(first_number, first_number + 2 * frames))
    parts = [chunk(b"acTL", struct.pack(">II", frames if said is None else said, 0))]
    lines = zlib.compress(bytes(len(rows(8, 8))))
    for nth in range(frames):
        where = (0, 0) if nth == 0 else place
        control = struct.pack(">IIIIIHHBB", next(numbers), 8, 8, *where, 1, 10, 0, 0)
        parts.append(chunk(b"fcTL", control))
        parts.append(chunk(b"IDAT", lines) if nth == 0 else chunk(b"fdAT", struct.pack(">I", next(numbers)) + lines))
    return of_chunks(header(8, 8), *parts, END)


def _animations() -> Uploads:
    yield refused("U60", "a frame too many", "kurve.png", partial(animated, MAX_FRAMES + 1), "too-many-frames")
    yield refused("U60", "100,000 frames", "kurve.png", partial(animated, 100_000), "too-many-frames", large=True)
    # both are wrong: how many it says, and that it is not true
    lie = OneOf("malformed", "too-many-frames")
    yield single("U60", "says 100,000 frames, has one", "kurve.png", partial(animated, 1, said=100_000), lie)
    yield single("U60", "says one frame, has 1,000", "kurve.png", partial(animated, 1_000, said=1), lie)
    yield refused("U60", "says 5 frames, has 3", "kurve.png", partial(animated, 3, said=5), "malformed")
    yield refused("U60", "says 0 frames", "kurve.png", partial(animated, 3, said=0), "malformed")
    yield refused("U60", "frames numbered from 7", "kurve.png", partial(animated, 3, first_number=7), "malformed")
    yield refused("U60", "a frame outside", "kurve.png", partial(animated, 3, place=(4, 4)), "malformed")


def _strange_chunks() -> Uploads:
    unknown = chunk(b"ABCD", b"x")
    yield refused("U61", "an unknown critical chunk", "skærm.png", partial(picture, before=unknown), "malformed")
    # what lies in a chunk is not behind the end, but is a second format all the same
    either = OneOf("second-format", "trailing-data")
    archive = others.archive({"x.txt": b"x" * 200})
    private = partial(picture, behind=chunk(b"prVt", archive))
    yield single("U61", "a private chunk with a ZIP", "skærm.png", private, either)
    document = partial(picture, before=chunk(b"prVt", b"%PDF-1.4\n" + b"1 0 obj << >> endobj\n"))
    yield single("U61", "a private chunk with a PDF", "skærm.png", document, either)
    program = partial(picture, behind=chunk(b"prVt", others.PROGRAM))
    yield single("U61", "a private chunk with a program", "skærm.png", program, either)
