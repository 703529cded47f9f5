"""A JPEG: every segment whole, a picture within bounds, its end where the file ends."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from services.uploads.domain.findings import Code
from services.uploads.domain.limits import Limits
from services.uploads.inspection import tails
from services.uploads.inspection.refusal import Refusal, malformed

SOI, EOI, SOS, DHT, DQT, COM, APP0, APP1, APP15 = 0xD8, 0xD9, 0xDA, 0xC4, 0xDB, 0xFE, 0xE0, 0xE1, 0xEF
_BASELINE: Final = frozenset({0xC0, 0xC1, 0xC2})
_OTHER_FRAMES: Final = frozenset({0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0), 0xCC})
_NEXT_MARKER: Final = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
_MOST_SEGMENTS: Final = 600
_MOST_SCANS: Final = 200
# The marker, the length, and something that is drawn.
_LEAST_OF_A_SCAN: Final = 5
_COMPONENTS: Final = frozenset({1, 3, 4})


class Segment(NamedTuple):
    """A marker with what belongs to it: from `start` (its 0xFF) to `end`, where a scan's entropy-coded data ends too."""

    marker: int
    data: bytes
    start: int
    end: int


def look(data: bytes, limits: Limits) -> None:
    """Raises Refusal."""
    tails.nothing_else(data, is_pdf=False)
    seen: Counter[str] = Counter()
    wanted, quantities = set[int](), set[int]()
    end = 0
    for nth, one in enumerate(segments(data)):
        if nth > _MOST_SEGMENTS:
            raise malformed()
        seen[_segment(one, limits)] += 1
        if one.marker in _BASELINE:
            wanted = set(one.data[8::3])
        elif one.marker == DQT:
            quantities |= _quantities(one.data)
        elif one.marker == SOS and not (wanted and wanted <= quantities):
            raise malformed()
        end = one.end
    if seen["frame"] != 1 or not 0 < seen["scan"] <= _MOST_SCANS or not seen["codes"]:
        raise malformed()
    if data[end : end + 2] == b"\xff\xd9":
        raise malformed()  # it ends twice
    tails.nothing_behind(data, end, limits)


def _segment(one: Segment, limits: Limits) -> str:
    """What a segment is for, if it is as it has to be."""
    if one.marker in _BASELINE:
        _frame(one.data, limits)
        return "frame"
    if one.marker in _OTHER_FRAMES:
        raise malformed()  # lossless, hierarchical, arithmetic: nobody's camera or scanner
    if one.marker == SOS:
        if one.end - one.start - len(one.data) < _LEAST_OF_A_SCAN:
            raise malformed()
        return "scan"
    if one.marker == DHT:
        _codes(one.data)
        return "codes"
    if APP0 <= one.marker <= APP15 or one.marker == COM:
        tails.no_passenger(one.data)
    return "other"


def segments(data: bytes) -> Iterator[Segment]:
    """From SOI to EOI; raises Refusal where one is cut off, or where something stands between two."""
    at = 2
    while True:
        start = at
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        if at + 2 > len(data) or data[at] != 0xFF:
            raise malformed()
        marker = data[at + 1]
        if marker == EOI:
            yield Segment(marker, b"", start, at + 2)
            return
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        end = at + 2 + length
        if marker in (0x00, 0x01, SOI) or 0xD0 <= marker <= 0xD7 or length < 2 or end > len(data):
            raise malformed()
        body = data[at + 4 : end]
        if marker == SOS:
            following = _NEXT_MARKER.search(data, end)
            if following is None:
                raise malformed()
            end = following.start()
        yield Segment(marker, body, start, end)
        at = end


def _frame(told: bytes, limits: Limits) -> None:
    if len(told) < 6 or told[0] not in (8, 12) or told[5] not in _COMPONENTS or len(told) != 6 + 3 * told[5]:
        raise malformed()
    height, width = int.from_bytes(told[1:3], "big"), int.from_bytes(told[3:5], "big")
    if not (height and width):
        raise malformed()
    if max(width, height) > limits.side or width * height > limits.pixels:
        raise Refusal(Code.TOO_MANY_PIXELS)


def _codes(told: bytes) -> None:
    """Tables of Huffman codes are as long as they say."""
    at = 0
    while at < len(told) or not at:
        counts = told[at + 1 : at + 17]
        at += 17 + sum(counts)
        if len(counts) < 16 or sum(counts) > 256 or not sum(counts):
            raise malformed()
    if at != len(told):
        raise malformed()


def _quantities(told: bytes) -> set[int]:
    """Which tables of quantities are told; each is as long as it says."""
    found, at = set(), 0
    while at < len(told) or not at:
        if at >= len(told) or told[at] >> 4 > 1:
            raise malformed()
        found.add(told[at] & 15)
        at += 1 + 64 * (1 + (told[at] >> 4))
    if at != len(told):
        raise malformed()
    return found
