"""A GIF: every block whole, frames inside the screen and not too many, and its trailer at its end."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from services.uploads.domain.findings import Code
from services.uploads.domain.limits import Limits
from services.uploads.inspection import tails
from services.uploads.inspection.refusal import Refusal, malformed

_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
_CODE_SIZES: Final = range(2, 9)
_MOST_CODES, _WIDEST = 4096, 12
_MOST_EXTENSIONS: Final = 2_000
_FRAMES_TIMES_PIXELS: Final = 4
"""All frames together may have so many times as many pixels as one picture may."""


class _Frame(NamedTuple):
    """How many pixels it has, and what they are made of."""

    pixels: int
    code_size: int
    packed: bytes


def look(data: bytes, limits: Limits) -> None:
    """Raises Refusal."""
    tails.nothing_else(data, is_pdf=False)
    width, height = _short(data, 6), _short(data, 8)
    if len(data) < 13 or not (width and height):
        raise malformed()
    if max(width, height) > limits.side or width * height > limits.pixels:
        raise Refusal(Code.TOO_MANY_PIXELS)
    frames, end = _walked(data, width, height, limits)
    if not frames:
        raise malformed()
    tails.nothing_behind(data, end, limits)
    if sum(one.pixels for one in frames) > _FRAMES_TIMES_PIXELS * limits.pixels:
        raise Refusal(Code.TOO_MANY_PIXELS)
    if any(drawn(one.packed, one.code_size, most=one.pixels) != one.pixels for one in frames):
        raise malformed()


def _walked(data: bytes, width: int, height: int, limits: Limits) -> tuple[list[_Frame], int]:
    """The frames, and where the file ends."""
    frames: list[_Frame] = []
    extensions = 0
    at = 13 + _colours(data[10])
    while (kind := _byte(data, at)) != _TRAILER:
        if kind == _IMAGE:
            frame, at = _frame(data, at, width, height)
            frames.append(frame)
            if len(frames) > limits.frames:
                raise Refusal(Code.TOO_MANY_FRAMES)
        elif kind == _EXTENSION and extensions < _MOST_EXTENSIONS:
            extensions += 1
            pieces, at = _blocks(data, at + 2)
            tails.no_passenger(b"".join(pieces))
        else:
            raise malformed()
    return frames, at + 1


def _frame(data: bytes, at: int, width: int, height: int) -> tuple[_Frame, int]:
    """The frame that begins at `at`, and where it ends; it lies within the screen."""
    left, top, across, down = (_short(data, at + nth) for nth in (1, 3, 5, 7))
    if not (across and down) or left + across > width or top + down > height:
        raise malformed()
    at += 10 + _colours(_byte(data, at + 9))
    code_size = _byte(data, at)
    pieces, end = _blocks(data, at + 1)
    if code_size not in _CODE_SIZES or not pieces:
        raise malformed()
    return _Frame(across * down, code_size, b"".join(pieces)), end


def drawn(packed: bytes, code_size: int, *, most: int) -> int:
    """How many pixels LZW data come to, up to one more than `most`; raises Refusal for a code that is not made yet.

    Only how long each code's row of pixels is is kept, not the pixels: what a bomb wishes for is counted and never made.
    """
    clear, end = 1 << code_size, (1 << code_size) + 1
    singles = [1] * clear + [0, 0]
    lengths, width, before, total = singles[:], code_size + 1, 0, 0
    held = bits = 0
    for one in packed:
        held |= one << bits
        bits += 8
        while bits >= width:
            code = held & ((1 << width) - 1)
            held >>= width
            bits -= width
            if code == clear:
                lengths, width, before = singles[:], code_size + 1, 0
                continue
            if code == end:
                return total
            known = len(lengths)
            if code > known or (code == known and not before):
                raise malformed()
            length = before + 1 if code == known else lengths[code]
            if before and known < _MOST_CODES:
                lengths.append(before + 1)
                if known + 1 == 1 << width and width < _WIDEST:
                    width += 1
            before = length
            total += length
            if total > most:
                return total
    return total


def _blocks(data: bytes, at: int) -> tuple[list[bytes], int]:
    """Sub-blocks up to the empty one, and where they end."""
    pieces = []
    for length in _lengths(data, at):
        pieces.append(data[at + 1 : at + 1 + length])
        at += 1 + length
    return pieces, at + 1


def _lengths(data: bytes, at: int) -> Iterator[int]:
    while length := _byte(data, at):
        if at + 1 + length >= len(data):
            raise malformed()
        yield length
        at += 1 + length


def _colours(packed: int) -> int:
    """How many bytes of colour table follow."""
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise malformed()
    return data[at]


def _short(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")
