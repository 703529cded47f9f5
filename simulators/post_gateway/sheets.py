"""What stands on the sheets of a PDF: the address in the envelope's window, and pictures of the pages; by pdfium.

Invariants: whatever the bytes are, nothing but `Unreadable` comes out; sizes and pixels are bounded; pdfium, which is not made
for several threads, is entered by one at a time.
"""

import asyncio
import contextlib
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import pypdfium2

LARGEST_PDF_BYTES: Final = 7 * 1024 * 1024
MOST_WAITING: Final = 32
_PIXELS_PER_POINT: Final = 1.5
_LONGEST_SIDE_PIXELS: Final = 2000
_POINTS_PER_MM: Final = 72 / 25.4
_A4_MM: Final = (210, 297)
_GIVE_MM: Final = 3
_LONGEST_LINE: Final = 200

_PDFIUM = threading.Lock()
Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True, slots=True)
class Area:
    """A rectangle of a page in millimetres from its left upper corner."""

    left: float
    top: float
    right: float
    bottom: float


# Public measures of window envelopes: what the windows of C5, C4 and M65 all show, and what one of them may show.
WINDOW: Final = Area(left=15, top=44, right=110, bottom=74)
AROUND: Final = Area(left=0, top=38, right=120, bottom=83)


class Unreadable(Exception):
    """pdfium makes nothing of these bytes, or there is no such page."""


class Busy(Exception):
    """Too many wait already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheets:
    """A PDF from outside: `window` and `around` are the lines on the first page that lie in the envelope's window, or near it."""

    pages: int
    is_a4: bool
    window: tuple[str, ...]
    around: tuple[str, ...]


def look_at(pdf: bytes) -> Sheets:
    """Raises Unreadable."""
    with _opened(pdf) as document:
        page = document[0]
        size = [points / _POINTS_PER_MM for points in page.get_size()]
        words = page.get_textpage()
        left, _, _, top = page.get_bbox()
        return Sheets(
            pages=len(document),
            is_a4=all(abs(found - wanted) <= _GIVE_MM for found, wanted in zip(size, _A4_MM, strict=True)),
            window=_lines(words, WINDOW, left, top),
            around=_lines(words, AROUND, left, top),
        )


def picture(pdf: bytes, number: int) -> bytes:
    """Page `number`, from 1, as PNG; raises Unreadable."""
    with _opened(pdf) as document:
        if not 1 <= number <= len(document):
            raise Unreadable
        page = document[number - 1]
        scale = min(_PIXELS_PER_POINT, _LONGEST_SIDE_PIXELS / max(*page.get_size(), 1.0))
        bitmap = page.render(scale=scale, rev_byteorder=True)
        pixels, stride, width = bytes(bitmap.buffer), bitmap.stride, bitmap.width * bitmap.n_channels
        rows = b"".join(b"\0" + pixels[start : start + width] for start in range(0, bitmap.height * stride, stride))
        return _png(bitmap.width, bitmap.height, rows)


class SheetReader:
    """Looks at PDFs in one thread beside the event loop."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sheets")
        self._waiting = 0

    async def look_at(self, pdf: bytes) -> Sheets:
        """As the function of that name; a letter waits for its turn."""
        return await self._run(look_at, pdf)

    async def picture(self, pdf: bytes, number: int) -> bytes:
        """As the function of that name; raises Busy where too many wait."""
        if self._waiting >= MOST_WAITING:
            raise Busy
        return await self._run(picture, pdf, number)

    async def _run(self, work: Callable[..., Found], *arguments: Any) -> Found:
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _opened(pdf: bytes) -> Iterator[Any]:
    if len(pdf) > LARGEST_PDF_BYTES:
        raise Unreadable
    with _PDFIUM:
        try:
            with pypdfium2.PdfDocument(pdf) as document:
                if len(document) == 0:
                    raise Unreadable
                yield document
        except (pypdfium2.PdfiumError, ValueError, OverflowError):
            raise Unreadable from None


def _lines(words: Any, area: Area, left: float, top: float) -> tuple[str, ...]:
    found: str = words.get_text_bounded(
        left=left + area.left * _POINTS_PER_MM,
        top=top - area.top * _POINTS_PER_MM,
        right=left + area.right * _POINTS_PER_MM,
        bottom=top - area.bottom * _POINTS_PER_MM,
    )
    return tuple(line.strip()[:_LONGEST_LINE] for line in found.splitlines() if line.strip())


def _png(width: int, height: int, rows: bytes) -> bytes:
    """PNG (ISO/IEC 15948) of `rows` in RGB, each begun by its filter's number."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 4)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
