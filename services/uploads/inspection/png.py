"""A PNG: every chunk whole and in its place, no more pixels and frames than may be, and exactly as much picture as it says."""

import zlib
from collections.abc import Iterator
from itertools import repeat
from typing import Final, NamedTuple

from services.uploads.domain.findings import Code
from services.uploads.domain.limits import Limits
from services.uploads.inspection import inflating, tails
from services.uploads.inspection.inflating import Budget
from services.uploads.inspection.refusal import Refusal, malformed

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CRITICAL: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS: Final = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
_PASSES: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_MOST_CHUNKS: Final = 6_000
_LAST_FILTER: Final = 4


class Chunk(NamedTuple):
    """One chunk, and where it ends in the file."""

    kind: bytes
    data: bytes
    end: int


class Header(NamedTuple):
    """IHDR."""

    width: int
    height: int
    depth: int
    colour: int
    is_interlaced: bool


def look(data: bytes, limits: Limits) -> None:
    """Raises Refusal."""
    tails.nothing_else(data, is_pdf=False)
    found = []
    for one in chunks(data):
        found.append(one)
        if one.kind == b"acTL" and int.from_bytes(one.data[:4], "big") > limits.frames:
            raise Refusal(Code.TOO_MANY_FRAMES)
        if len(found) > _MOST_CHUNKS:
            raise malformed()
    header = _header(found, limits)
    _order(found, header)
    budget = Budget(limits, len(data))
    for one in found:
        _ancillary(one, budget)
    _frames(found, header, limits)
    _picture(found, header, budget)
    tails.nothing_behind(data, found[-1].end, limits)


def chunks(data: bytes) -> Iterator[Chunk]:
    """Up to and with IEND; raises Refusal where one is cut off or its sum is wrong."""
    at = len(SIGNATURE)
    while True:
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + length
        if len(kind) < 4 or not kind.isalpha() or end > len(data):
            raise malformed()
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise malformed()
        yield Chunk(kind, data[at + 8 : end - 4], end)
        if kind == b"IEND":
            return
        at = end


def _header(found: list[Chunk], limits: Limits) -> Header:
    first = found[0]
    if first.kind != b"IHDR" or len(first.data) != 13:
        raise malformed()
    width, height = int.from_bytes(first.data[:4], "big"), int.from_bytes(first.data[4:8], "big")
    depth, colour, compression, filtering, interlacing = first.data[8:]
    if not (width and height and depth in _DEPTHS.get(colour, ())) or compression or filtering or interlacing > 1:
        raise malformed()
    if max(width, height) > limits.side or width * height > limits.pixels:
        raise Refusal(Code.TOO_MANY_PIXELS)
    return Header(width, height, depth, colour, bool(interlacing))


def _order(found: list[Chunk], header: Header) -> None:
    kinds = [one.kind for one in found]
    is_critical = [not kind[0] & 0x20 for kind in kinds]
    if any(critical and kind not in _CRITICAL for critical, kind in zip(is_critical, kinds, strict=True)):
        raise malformed()
    places = [nth for nth, kind in enumerate(kinds) if kind == b"IDAT"]
    if kinds.count(b"IHDR") != 1 or not places or places[-1] - places[0] != len(places) - 1:
        raise malformed()
    palettes = [nth for nth, kind in enumerate(kinds) if kind == b"PLTE"]
    if len(palettes) > 1 or any(nth > places[0] for nth in palettes) or (header.colour == 3 and not palettes):
        raise malformed()
    most = 3 << (header.depth if header.colour == 3 else 8)
    if any(len(found[nth].data) % 3 or not 0 < len(found[nth].data) <= most for nth in palettes):
        raise malformed()
    if found[-1].data:
        raise malformed()
    # Encoders write pieces of kilobytes; a picture in crumbs is somebody's trick.
    crumbs = sum(len(found[nth].data) < 16 for nth in places)
    if crumbs > 64:
        raise malformed()


def _ancillary(one: Chunk, budget: Budget) -> None:
    """What is packed in a chunk that readers may skip is not too much, and nothing rides in it."""
    match one.kind:
        case b"zTXt" | b"iCCP":
            _, _, rest = one.data.partition(b"\0")
            tails.no_passenger(inflating.inflate(rest[1:], budget))
        case b"iTXt":
            _, _, rest = one.data.partition(b"\0")
            text = rest[2:].split(b"\0", 2)[-1]
            tails.no_passenger(inflating.inflate(text, budget) if rest[:1] == b"\1" else text)
        case kind if kind[0] & 0x20 and kind != b"fdAT":
            tails.no_passenger(one.data)


def _frames(found: list[Chunk], header: Header, limits: Limits) -> None:
    """An animation has as many frames as it says, inside the picture, numbered from 0 without a gap."""
    told = [one for one in found if one.kind == b"acTL"]
    frames = [one.data for one in found if one.kind == b"fcTL"]
    numbered = [int.from_bytes(one.data[:4], "big") for one in found if one.kind in (b"fcTL", b"fdAT")]
    if len(told) > 1 or (numbered and not told):
        raise malformed()
    if not told:
        return
    if len(frames) > limits.frames:
        raise Refusal(Code.TOO_MANY_FRAMES)
    if len(told[0].data) != 8 or int.from_bytes(told[0].data[:4], "big") != len(frames) or not frames:
        raise malformed()
    if numbered != list(range(len(numbered))) or not all(_is_inside(one, header) for one in frames):
        raise malformed()


def _is_inside(frame: bytes, header: Header) -> bool:
    across, down, left, top = (int.from_bytes(frame[at : at + 4], "big") for at in (4, 8, 12, 16))
    is_some = len(frame) == 26 and across > 0 and down > 0
    return is_some and left + across <= header.width and top + down <= header.height


def _picture(found: list[Chunk], header: Header, budget: Budget) -> None:
    """What IDAT comes to is as many rows as the header says, each with a filter there is, and not a byte more or less."""
    rows = _rows(header)
    begins, at = 0, 0
    for piece in inflating.unpacked((one.data for one in found if one.kind == b"IDAT"), budget):
        while begins < at + len(piece):
            if piece[begins - at] > _LAST_FILTER or (row := next(rows, 0)) == 0:
                raise malformed()
            begins += row
        at += len(piece)
    if at != begins or next(rows, 0):
        raise malformed()


def _rows(header: Header) -> Iterator[int]:
    """How long each row is, its filter's byte included."""
    bits = _CHANNELS[header.colour] * header.depth
    passes = _PASSES if header.is_interlaced else ((0, 0, 1, 1),)
    for left, top, across, down in passes:
        width = (header.width - left + across - 1) // across
        height = (header.height - top + down - 1) // down
        if width > 0 and height > 0:
            yield from repeat(1 + (width * bits + 7) // 8, height)
