"""GIF: its pieces, and U04, U62, U63: good ones of every kind, bombs, damaged ones, and what is JavaScript too."""

import struct
from functools import cache, partial
from typing import Final

from tests.support.bad_uploads.case import (
    MAX_FRAMES,
    MAX_SIDE,
    MIB,
    Build,
    OneOf,
    Uploads,
    given,
    refused,
    single,
    taken,
)
from tests.support.bad_uploads.inflating import lzw_for_gif

TRAILER: Final = b";"
_COLOURS: Final = bytes(value for shade in range(128) for value in (shade * 2,) * 3)
_CLEAR, _END = 128, 129
_RUN: Final = 126
"""So many codes after a clear are 8 bits wide, so that pixels below 128 stand in the file as they are."""
_BLOCK: Final = 255
_LARGEST: Final = 65_535


def blocks(data: bytes, *, ended: bool = True) -> bytes:
    """Data in blocks with their lengths, and the empty one that ends them."""
    parts = [bytes((len(data[at : at + _BLOCK]),)) + data[at : at + _BLOCK] for at in range(0, len(data), _BLOCK)]
    return b"".join(parts) + (b"\0" if ended else b"")


def coded(pixels: bytes) -> bytes:
    """Pixels below 128, coded with a minimum code size of 7, of which nothing is compressed."""
    runs = (pixels[at : at + _RUN] for at in range(0, len(pixels), _RUN))
    return bytes((_CLEAR,)) + bytes((_CLEAR,)).join(runs) + bytes((_END,))


def screen(width: int, height: int, *, version: bytes = b"89a", colours: bytes = _COLOURS) -> bytes:
    """The beginning: the size of the whole, and its colours."""
    size = (len(colours) // 3).bit_length() - 2
    flags = 0x80 | size if colours else 0
    return b"GIF" + version + struct.pack("<HHBBB", width, height, flags, 0, 0) + colours


def frame(
    width: int = 8,
    height: int = 8,
    *,
    at: tuple[int, int] = (0, 0),
    flags: int = 0,
    colours: bytes = b"",
    code_size: int = 7,
    data: bytes | None = None,
) -> bytes:
    """One picture; `data`, with its blocks, instead of stripes."""
    lines = bytes((x * 3 + y * 5) % 128 for y in range(height) for x in range(width)) if data is None else b""
    body = blocks(coded(lines)) if data is None else data
    return b"," + struct.pack("<HHHHB", *at, width, height, flags) + colours + bytes((code_size,)) + body


def control(*, disposal: int = 0, delay: int = 10, transparent: int | None = None) -> bytes:
    """What is done with the frame that follows."""
    flags = disposal << 2 | (transparent is not None)
    return b"!\xf9\x04" + struct.pack("<BHB", flags, delay, transparent or 0) + b"\0"


def comment(text: bytes) -> bytes:
    return b"!\xfe" + blocks(text)


def application(name: bytes, data: bytes) -> bytes:
    """A block of some program's own; `name` is of 11 bytes."""
    return b"!\xff\x0b" + name + blocks(data)


LOOP: Final = application(b"NETSCAPE2.0", b"\x01\0\0")


def picture(
    *parts: bytes,
    width: int = 8,
    height: int = 8,
    version: bytes = b"89a",
    colours: bytes = _COLOURS,
    end: bytes = TRAILER,
) -> bytes:
    """A file of these parts."""
    return screen(width, height, version=version, colours=colours) + b"".join(parts) + end


@cache
def still() -> bytes:
    """One frame of stripes."""
    return picture(frame(48, 36), width=48, height=36)


@cache
def animated(frames: int) -> bytes:
    return picture(LOOP, *[control() + frame()] * frames)


def good() -> Uploads:
    """U04, and what else is small and valid."""
    kinds: tuple[tuple[str, Build], ...] = (
        ("87a", partial(picture, frame(), version=b"87a")),
        ("89a", still),
        ("animated, 50 frames", partial(animated, 50)),
        ("animated, as many frames as may be", partial(animated, MAX_FRAMES)),
        ("animated, played once", lambda: picture(*[control() + frame()] * 3)),
        (
            "animated, each frame put away as it can be",
            lambda: picture(LOOP, *(control(disposal=n) + frame() for n in range(4))),
        ),
        ("animated, frames smaller than the whole", lambda: picture(frame(), control() + frame(4, 4, at=(4, 4)))),
        ("animated without delay", lambda: picture(LOOP, *[control(delay=0) + frame()] * 4)),
        ("interlaced", partial(picture, frame(flags=0x40))),
        ("transparent", lambda: picture(control(transparent=3), frame())),
        ("colours of its own", lambda: picture(frame(flags=0x86, colours=_COLOURS), colours=b"")),
        (
            "two colours",
            partial(
                picture,
                frame(code_size=2, data=b"\x02\x4c\x01\0", width=1, height=1),
                width=1,
                height=1,
                colours=b"\0\0\0\xff\xff\xff",
            ),
        ),
        ("one pixel", lambda: picture(frame(1, 1), width=1, height=1)),
        ("a comment", lambda: picture(comment(b"Scannet hjemme"), frame())),
        ("a long comment", lambda: picture(comment(b"Scannet hjemme " * 200), frame())),
        ("metadata", lambda: picture(application(b"XMP DataXMP", b"<x:xmpmeta/>"), frame())),
        ("words instead of a picture, and a picture", lambda: picture(plain_text(b"Hej"), frame())),
        ("a screen larger than its frame", lambda: picture(frame(), width=64, height=64)),
        ("a wide one", lambda: picture(frame(MAX_SIDE, 1), width=MAX_SIDE, height=1)),
    )
    for what, build in kinds:
        yield taken("U04", what, "tegning.gif", build)


def plain_text(words: bytes) -> bytes:
    """The extension for text that nobody shows."""
    return b"!\x01\x0c" + struct.pack("<HHHHBBBB", 0, 0, 8, 8, 8, 8, 1, 0) + blocks(words)


def cases() -> Uploads:
    yield from good()
    yield from _bombs()
    yield from _damaged()
    yield from _scripts()


def _bombs() -> Uploads:
    small = frame(1, 1)
    name = "tegning.gif"
    # it is both
    both = OneOf("too-many-pixels", "too-many-frames")
    flood = partial(_flood, 10_000)
    yield single("U62", "65,535 x 65,535 x 10,000 frames", name, flood, both, large=True)
    yield refused("U62", "65,535 x 65,535, one frame", name, partial(_flood, 1), "too-many-pixels")
    wide = partial(picture, small, width=_LARGEST, height=_LARGEST)
    yield refused("U62", "a screen of 65,535 x 65,535, a frame of one pixel", name, wide, "too-many-pixels")
    long = partial(picture, frame(MAX_SIDE + 1, 1), width=MAX_SIDE + 1, height=1)
    yield refused("U62", "a side too long by one", name, long, "too-many-pixels")
    yield refused("U62", "a frame too many", name, partial(animated, MAX_FRAMES + 1), "too-many-frames")
    # each frame is within the limit; all of them are 4.9 gigapixels
    all_of_it = OneOf("too-many-pixels", "decompression-limit", "too-many-frames")
    yield single("U62", "100 frames of 49 megapixels", name, heavy_frames, all_of_it, large=True)
    # the frame is full long before its data end
    endless = OneOf("decompression-limit", "malformed")
    yield single("U62", "64 pixels whose data inflate to 200 MB", name, overfull, endless, large=True)


def _flood(frames: int) -> bytes:
    one = frame(_LARGEST, _LARGEST, data=blocks(coded(bytes(100))))
    return picture(LOOP, *[one] * frames, width=_LARGEST, height=_LARGEST)


def heavy_frames() -> bytes:
    one = frame(7_000, 7_000, data=blocks(lzw_for_gif(49_000_000)))
    return picture(LOOP, *[one] * MAX_FRAMES, width=7_000, height=7_000)


def overfull() -> bytes:
    return picture(frame(data=blocks(lzw_for_gif(200 * MIB))))


def _damaged() -> Uploads:
    name = "tegning.gif"
    half = blocks(coded(bytes(32)))
    kinds: tuple[tuple[str, Build], ...] = (
        ("code size 0", partial(picture, frame(code_size=0))),
        ("code size 13", partial(picture, frame(code_size=13))),
        ("no trailer", partial(picture, frame(), end=b"")),
        ("a frame outside the screen", partial(picture, frame(at=(4, 4)))),
        ("a frame of 0 x 0", partial(picture, frame(0, 0))),
        ("no frame", picture),
        ("no frame, but words", lambda: picture(comment(b"x"), LOOP)),
        ("100,000 extension blocks", lambda: picture(comment(b"x") * 100_000, frame())),
        ("an extension without an end", lambda: picture(b"!\xfe" + blocks(b"x" * 10_000, ended=False), end=b"")),
        ("a byte that begins nothing", lambda: picture(b"\x99", frame())),
        ("half of the pixels", lambda: picture(frame(data=half))),
        ("no pixels", lambda: picture(frame(data=b"\0"))),
        ("a code that is not made yet", lambda: picture(frame(data=blocks(b"\x80\xff\xff\xff\xff\x81")))),
        ("colours that are cut", lambda: screen(8, 8)[:-100]),
        ("only the screen", lambda: screen(8, 8)),
    )
    for what, build in kinds:
        yield refused("U62", what, name, build, "malformed")
    for percent in (10, 50, 90, 99):
        yield refused("U62", f"cut at {percent} %", name, partial(_first, percent), "malformed")
    yield refused(
        "U62", "a version that there is not", name, partial(picture, frame(), version=b"88a"), "type-not-accepted"
    )


def _first(percent: int) -> bytes:
    whole = still()
    return whole[: len(whole) * percent // 100]


def _scripts() -> Uploads:
    """Begins `GIF89a=1;/*`: the letters are the size, the rest is a comment of the script."""
    name = "tegning.gif"
    hardly = given(b"GIF89a=1;/*" + bytes(9) + b"*/alert(1)//")
    yield single("U63", "only the beginning, and a script", name, hardly, OneOf("malformed", "too-many-pixels"))
    width, height = int.from_bytes(b"=1", "little"), int.from_bytes(b";/", "little")
    tall = partial(picture, comment(b"*/alert(1)/*"), frame(), width=width, height=height)
    # a screen of 152 megapixels; a decoder that is strict about frames may be first
    refusals = OneOf("too-many-pixels", "malformed", "second-format")
    yield single("U63", "a whole picture with GIF89a=1;/", name, tall, refusals)
    slim = partial(picture, comment(b"*/=1;alert(1)/*"), frame(), width=int.from_bytes(b"/*", "little"), height=100)
    # valid to the last byte, as far as a picture goes: that nothing runs it is nosniff's part
    yield single("U63", "a whole picture with GIF89a/*", name, slim, OneOf("clean", "malformed", "second-format"))
