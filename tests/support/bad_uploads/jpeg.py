"""JPEG: its pieces, and U02, U53 to U57, U64: good ones, damaged ones, floods of pixels, what phones add."""

import io
import struct
from collections.abc import Sequence
from functools import cache, partial
from random import Random
from typing import Final

from PIL import Image

from tests.support.bad_uploads import colours
from tests.support.bad_uploads.case import (
    MAX_SIDE,
    Build,
    OneOf,
    Uploads,
    changed,
    refused,
    single,
    taken,
)

SOI: Final = b"\xff\xd8"
EOI: Final = b"\xff\xd9"
APP1, APP2, APP13, COMMENT = 0xE1, 0xE2, 0xED, 0xFE
NOISY_SIZE: Final = (372, 460)
_BASELINE, _ARITHMETIC, _TABLES, _HUFFMAN, _SCAN = 0xC0, 0xC9, 0xDB, 0xC4, 0xDA
_FLOOD: Final = 65_500
_BANDS: Final = {"L": 1, "RGB": 3, "CMYK": 4}
_BOUNDED: Final = OneOf("clean", "malformed")
"""Whether it is taken is the decoder's to tell; the row asks for an answer in time."""

Tag = tuple[int, int, int, bytes]
"""Number, kind, count and value."""
_TEXT, _SHORT, _LONG, _RATIONAL, _RAW = 2, 3, 4, 5, 7
_THUMBNAIL_AT, _THUMBNAIL_LENGTH, _GPS, _USER_COMMENT, _DESCRIPTION, _ORIENTATION = (
    0x0201, 0x0202, 0x8825, 0x9286, 0x010E, 0x0112,
)  # fmt: skip


def segment(marker: int, data: bytes, *, length: int | None = None) -> bytes:
    """A segment of this kind, with another length than its own if one is given."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2 if length is None else length) + data


def with_segment(picture: bytes, *segments: bytes) -> bytes:
    """The same picture with these segments behind the first, which says JFIF and may stand nowhere else."""
    end = 4 + int.from_bytes(picture[4:6], "big")
    return picture[:end] + b"".join(segments) + picture[end:]


def with_comment(picture: bytes, text: bytes) -> bytes:
    return with_segment(picture, segment(COMMENT, text))


@cache
def photo(
    width: int = 64, height: int = 48, *, mode: str = "RGB", progressive: bool = False, restarts: int = 0
) -> bytes:
    """A small picture of stripes."""
    pixels = bytes(
        (x * 5 + y * 3 + band * 40) % 256 for y in range(height) for x in range(width) for band in range(_BANDS[mode])
    )
    return _saved(Image.frombytes(mode, (width, height), pixels), progressive=progressive, restarts=restarts)


@cache
def flat(width: int, height: int, *, progressive: bool = False) -> bytes:
    """A picture of one grey."""
    return _saved(Image.new("L", (width, height), 128), progressive=progressive)


@cache
def noisy(seed: int) -> bytes:
    """A picture of noise, of nearly 100 kB."""
    width, height = NOISY_SIZE
    return _saved(Image.frombytes("L", NOISY_SIZE, Random(seed).randbytes(width * height)), quality=77)


def _saved(picture: Image.Image, *, progressive: bool = False, restarts: int = 0, quality: int = 75) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", progressive=progressive, restart_marker_blocks=restarts, quality=quality)
    return out.getvalue()


def sized(picture: bytes, width: int, height: int) -> bytes:
    """The same bytes, which claim to be so large."""
    at = picture.index(bytes([0xFF, _BASELINE])) + 5
    return picture[:at] + struct.pack(">HH", height, width) + picture[at + 4 :]


def directory(tags: Sequence[Tag], *, at: int, following: int = 0) -> bytes:
    """A directory of EXIF at this place, its longer values behind it."""
    entries, values = b"", b""
    start = at + 2 + 12 * len(tags) + 4
    for number, kind, count, value in tags:
        if len(value) <= 4:
            entries += struct.pack("<HHI4s", number, kind, count, value)
        else:
            entries += struct.pack("<HHII", number, kind, count, start + len(values))
            values += value
    return struct.pack("<H", len(tags)) + entries + struct.pack("<I", following) + values


def exif(directories: bytes) -> bytes:
    return segment(APP1, b"Exif\0\0II*\0\x08\0\0\0" + directories)


def described(text: bytes) -> bytes:
    """EXIF with this as the picture's description."""
    return exif(directory([(_DESCRIPTION, _TEXT, len(text) + 1, text + b"\0")], at=8))


def coloured(profile: bytes, *, part: int = 1, of: int = 1) -> bytes:
    """The colour profile as a segment."""
    return segment(APP2, b"ICC_PROFILE\0" + bytes([part, of]) + profile)


def good() -> Uploads:
    """U02, and what else is small and valid."""
    yield taken("U02", "baseline", "IMG_0001.jpg", photo)
    yield taken("U02", "progressive", "IMG_0001.jpg", partial(photo, progressive=True))
    yield taken("U02", "grey", "scan.jpeg", partial(photo, mode="L"))
    yield taken("U02", "CMYK", "tryk.jpg", partial(photo, mode="CMYK"))
    yield taken("U02", "with restart markers", "IMG_0001.jpg", partial(photo, restarts=2))
    yield taken(
        "U02", "with a colour profile", "IMG_0001.jpg", lambda: with_segment(photo(), coloured(colours.profile()))
    )
    yield taken("U02", "one pixel", "p.jpg", partial(photo, 1, 1))
    # 1 to 8 there are; the others are not, and viewers ignore them
    for value in (*range(1, 9), 0, 9, 10, 65_535):
        yield taken("U02", f"orientation {value}", "IMG_0001.jpg", partial(turned, value))
    yield taken("U56", "a thumbnail that shows something else", "IMG_0001.jpg", with_thumbnail)
    yield taken("U57", "EXIF with a position", "IMG_0001.jpg", with_position)
    yield taken(
        "U57", "EXIF with 64 kB of text", "IMG_0001.jpg", lambda: with_segment(photo(), described(b"tekst " * 10_900))
    )
    yield taken("U57", "EXIF directory that follows itself", "IMG_0001.jpg", with_loop)
    yield taken("U57", "EXIF directory inside itself", "IMG_0001.jpg", with_inner_loop)
    yield taken("U57", "a CPR number in its comment", "IMG_0001.jpg", lambda: with_comment(photo(), b"CPR 610390-1236"))
    yield taken("U57", "a CPR number in EXIF", "IMG_0001.jpg", lambda: with_segment(photo(), described(b"610390-1236")))


def cases() -> Uploads:
    yield from good()
    yield from _cut()
    yield from _floods()
    yield from _odd_segments()
    yield from _phones()
    for what, profile in colours.broken().items():
        yield single("U64", f"CMYK with a profile {what}", "tryk.jpg", partial(_with_profile, profile), _BOUNDED)
    yield single("U64", "a profile of whose parts one is missing", "tryk.jpg", _with_half_a_profile, _BOUNDED)


def turned(orientation: int) -> bytes:
    return with_segment(photo(), exif(directory([(_ORIENTATION, _SHORT, 1, orientation.to_bytes(2, "little"))], at=8)))


def with_position() -> bytes:
    """Taken at home, as phones tell it."""
    place = [
        (1, _TEXT, 2, b"N\0"),
        (2, _RATIONAL, 3, struct.pack("<6I", 56, 1, 9, 1, 0, 1)),
        (3, _TEXT, 2, b"E\0"),
        (4, _RATIONAL, 3, struct.pack("<6I", 10, 1, 12, 1, 0, 1)),
    ]
    first = directory([(_GPS, _LONG, 1, struct.pack("<I", 26))], at=8)
    return with_segment(photo(), exif(first + directory(place, at=26)))


def with_thumbnail() -> bytes:
    other = photo(16, 12, mode="L")
    second = [
        (_THUMBNAIL_AT, _LONG, 1, struct.pack("<I", 56)),
        (_THUMBNAIL_LENGTH, _LONG, 1, struct.pack("<I", len(other))),
    ]
    first = directory([(_ORIENTATION, _SHORT, 1, b"\x01\0")], at=8, following=26)
    return with_segment(photo(), exif(first + directory(second, at=26) + other))


def with_loop() -> bytes:
    return with_segment(photo(), exif(directory([(_ORIENTATION, _SHORT, 1, b"\x01\0")], at=8, following=8)))


def with_inner_loop() -> bytes:
    return with_segment(photo(), exif(directory([(0x8769, _LONG, 1, struct.pack("<I", 8))], at=8)))


def _with_profile(profile: bytes) -> bytes:
    return with_segment(photo(mode="CMYK"), coloured(profile))


def _with_half_a_profile() -> bytes:
    return with_segment(photo(), coloured(colours.profile(), part=1, of=2))


def _cut() -> Uploads:
    for tenth in range(1, 10):
        yield refused("U53", f"cut at {tenth}0 %", "IMG_0001.jpg", partial(_first, tenth * 10), "malformed")
    yield refused("U53", "cut at 99 %", "IMG_0001.jpg", partial(_first, 99), "malformed")
    # two bytes are less than a signature
    yield single("U53", "SOI only", "IMG_0001.jpg", lambda: SOI, OneOf("malformed", "type-not-accepted"))
    yield refused("U53", "no EOI", "IMG_0001.jpg", lambda: photo()[:-2], "malformed")
    yield refused("U53", "its last byte is missing", "IMG_0001.jpg", lambda: photo()[:-1], "malformed")
    # the row says malformed; by U27 the second is data behind the end
    yield single("U53", "EOI twice", "IMG_0001.jpg", lambda: photo() + EOI, OneOf("malformed", "trailing-data"))
    yield refused(
        "U53", "SOI and EOI, nothing between", "IMG_0001.jpg", lambda: SOI + segment(APP1, b"") + EOI, "malformed"
    )


def _first(percent: int) -> bytes:
    whole = photo(200, 150)
    return whole[: len(whole) * percent // 100]


def _floods() -> Uploads:
    for width, height in ((_FLOOD, _FLOOD), (65_535, 1), (1, 65_535), (MAX_SIDE + 1, 2), (10_000, 5_001)):
        what = f"{width} x {height} in a header, a body of nothing"
        yield refused("U54", what, "IMG_0001.jpg", partial(sized, photo(), width, height), "too-many-pixels")
    yield refused("U54", "a side too long by one", "IMG_0001.jpg", partial(flat, MAX_SIDE + 1, 8), "too-many-pixels")
    yield taken("U54", "a side as long as may be", "panorama.jpg", partial(flat, MAX_SIDE, 8))
    yield taken("U54", "as many pixels as may be", "IMG_0001.jpg", partial(flat, 10_000, 5_000), large=True)
    yield refused("U54", "0 x 0", "IMG_0001.jpg", partial(sized, photo(), 0, 0), "malformed")
    yield refused("U54", "no height", "IMG_0001.jpg", partial(sized, photo(), 64, 0), "malformed")


def _odd_segments() -> Uploads:
    odd = segment(APP13, b"Photoshop 3.0\0")
    damaged: tuple[tuple[str, Build], ...] = (
        ("a segment of length 0", lambda: with_segment(photo(), segment(APP13, b"", length=0))),
        ("a segment of length 1", lambda: with_segment(photo(), segment(APP13, b"", length=1))),
        ("a segment longer than the file", lambda: with_segment(photo(), segment(APP13, b"", length=65_535))),
        ("a segment shorter than it is", lambda: with_segment(photo(), segment(APP13, b"Photoshop 3.0\0", length=6))),
        ("no tables of quantities", lambda: changed(photo(), bytes([0xFF, _TABLES]), bytes([0xFF, COMMENT]))),
        ("two frames", lambda: with_segment(photo(), *[_frame()] * 2)),
        ("a scan before the frame", lambda: with_segment(photo(), segment(_SCAN, b"\x01\x01\0\0\x3f\0"))),
        (
            "255 components",
            lambda: with_segment(photo(), segment(_BASELINE, b"\x08\0\x30\0\x40\xff" + b"\x01\x11\0" * 255)),
        ),
        (
            "a table of codes that cannot be",
            lambda: with_segment(photo(), segment(_HUFFMAN, b"\0" + b"\xff" * 16 + bytes(250))),
        ),
    )
    for what, build in damaged:
        yield refused("U55", what, "IMG_0001.jpg", build, "malformed")
    bounded: tuple[tuple[str, Build], ...] = (
        ("10,000 segments", lambda: with_segment(photo(), odd * 10_000)),
        ("an empty table of codes", lambda: with_segment(photo(), segment(_HUFFMAN, b""))),
        ("arithmetic coding", lambda: changed(photo(), bytes([0xFF, _BASELINE]), bytes([0xFF, _ARITHMETIC]))),
        ("12 bits a pixel", lambda: changed(photo(), b"\xff\xc0\0\x11\x08", b"\xff\xc1\0\x11\x0c")),
    )
    for what, build in bounded:
        yield single("U55", what, "IMG_0001.jpg", build, _BOUNDED)
    many = OneOf("clean", "malformed", "decompression-limit")
    yield single("U55", "4,000 scans", "IMG_0001.jpg", many_scans, many, large=True)


def _frame() -> bytes:
    return segment(_BASELINE, b"\x08\0\x30\0\x40\x01\x01\x11\0")


def many_scans() -> bytes:
    """A progressive picture whose last scan is told 4,000 times: each means a walk over all pixels."""
    whole = flat(2_000, 2_000, progressive=True)
    last = whole.rindex(bytes([0xFF, _SCAN]))
    return whole[:-2] + whole[last:-2] * 4_000 + EOI


def _phones() -> Uploads:
    # a second picture behind the first is both: data behind the end, and a format's beginning
    either = OneOf("trailing-data", "second-format")
    yield single("U56", "two pictures in one (MPO)", "IMG_0001.jpg", in_two, either)
    film = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\x04\x08mdat" + bytes(1_024)
    yield single("U56", "a motion photo (MP4 behind it)", "PXL_0001.MP.jpg", lambda: photo() + film, either)
    entry = b"\0\0\x01\x0a\x0e\0\0\0Image_UTC_Data1772366400000"
    trailer = entry + b"SEFHk\0\0\0\x01\0\0\0\0\0\x01\x0a\x24\0\0\0\x23\0\0\0\x18\0\0\0SEFT"
    yield refused(
        "U56", "what Samsung puts behind it", "20260301_120000.jpg", lambda: photo() + trailer, "trailing-data"
    )


def in_two() -> bytes:
    """As phones with two lenses write it: a list of pictures in the first, the second behind its end."""
    first = photo()
    second = photo(32, 24)
    entry = struct.pack("<IIIHH", 0, len(second), 0, 0, 0)
    pictures = [(0xB000, _RAW, 4, b"0100"), (0xB001, _LONG, 1, struct.pack("<I", 2)), (0xB002, _RAW, 32, entry * 2)]
    return with_segment(first, segment(APP2, b"MPF\0II*\0\x08\0\0\0" + directory(pictures, at=8))) + second
