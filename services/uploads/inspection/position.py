"""Leaves out of a picture where it was taken (U57): the municipality asked for a document, not for where somebody was.

Invariants: only descriptions are left out, never a byte of the picture itself; which way up it is stays; a picture that tells no
position is kept as it came, byte for byte; PDFs are never written anew, they may be signed.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Final

from services.uploads.domain.content import MediaType
from services.uploads.inspection import jpeg, png

_EXIF: Final = b"Exif\0\0"
_XMP: Final = b"http://ns.adobe.com/"
_GPS_POINTER: Final = 0x8825
_ORIENTATION: Final = 0x0112
_WHERE: Final = (b"GPSL", b"GPSl", b"gps:", b"GPSPosition", b"exif:GPS")
_MOST_ENTRIES: Final = 512


def without_position(media_type: MediaType, data: bytes) -> bytes | None:
    """The picture without its position, or None where it tells none."""
    strip = _STRIPS.get(media_type)
    return None if strip is None else strip(data)


def _of_jpeg(data: bytes) -> bytes | None:
    kept, is_changed, at = bytearray(data[:2]), False, 2
    for one in jpeg.segments(data):
        kept += data[at : one.start]
        if one.marker == jpeg.APP1 and one.data.startswith(_EXIF) and _tells_where(one.data[len(_EXIF) :]):
            kept += _app1(_EXIF + _only_orientation(one.data[len(_EXIF) :]))
            is_changed = True
        elif one.marker == jpeg.APP1 and one.data.startswith(_XMP) and any(word in one.data for word in _WHERE):
            is_changed = True
        else:
            kept += data[one.start : one.end]
        at = one.end
    return bytes(kept + data[at:]) if is_changed else None


def _app1(told: bytes) -> bytes:
    return b"\xff\xe1" + (len(told) + 2).to_bytes(2, "big") + told


def _of_png(data: bytes) -> bytes | None:
    kept, is_changed = bytearray(png.SIGNATURE), False
    end = len(png.SIGNATURE)
    for one in png.chunks(data):
        if one.kind == b"eXIf" and _tells_where(one.data):
            told = b"eXIf" + _only_orientation(one.data)
            kept += (len(told) - 4).to_bytes(4, "big") + told + zlib.crc32(told).to_bytes(4, "big")
            is_changed = True
        elif one.kind in (b"iTXt", b"tEXt", b"zTXt") and _is_description(one):
            is_changed = True
        else:
            kept += data[end : one.end]
        end = one.end
    return bytes(kept + data[end:]) if is_changed else None


def _is_description(one: png.Chunk) -> bool:
    """Camera data as text: told only packed or in hexadecimal, so that what is in it is not looked for."""
    word, _, text = one.data.partition(b"\0")
    return word.startswith((b"Raw profile type exif", b"Raw profile type APP1")) or any(
        where in text for where in _WHERE
    )


def _of_gif(data: bytes) -> bytes | None:
    """Only XMP in an application block could tell: its text stands there as it is, so the words that tell are blanked."""
    at = data.find(b"XMP DataXMP")
    if at < 0 or not any(word in data[at:] for word in _WHERE):
        return None
    ends = data.find(b"<?xpacket end", at)
    if ends < 0:
        return None
    begins = at + len(b"XMP DataXMP")
    return data[:begins] + b" " * (ends - begins) + data[ends:]


def _tells_where(tiff: bytes) -> bool:
    return any(tag == _GPS_POINTER for tag, _ in _entries(tiff)) or not _is_readable(tiff)


def _is_readable(tiff: bytes) -> bool:
    """Camera data nobody can read may tell anything."""
    return tiff[:4] in (b"II*\0", b"MM\0*") and len(_entries(tiff)) > 0


def _only_orientation(tiff: bytes) -> bytes:
    """Camera data that tell which way up the picture is, and nothing else."""
    turned = next((value for tag, value in _entries(tiff) if tag == _ORIENTATION and 1 <= value <= 8), 1)
    entry = _ORIENTATION.to_bytes(2, "big") + b"\0\3" + b"\0\0\0\1" + turned.to_bytes(2, "big") + b"\0\0"
    return b"MM\0*" + b"\0\0\0\x08" + b"\0\1" + entry + b"\0\0\0\0"


def _entries(tiff: bytes) -> list[tuple[int, int]]:
    """Tags of the first directory, with the first two bytes of their values; empty where it cannot be read."""
    order = {b"II": "little", b"MM": "big"}.get(tiff[:2])
    if order is None or len(tiff) < 10:
        return []

    def number(at: int, length: int) -> int:
        return int.from_bytes(tiff[at : at + length], "little" if order == "little" else "big")

    start = number(4, 4)
    count = number(start, 2)
    if start + 2 + 12 * count > len(tiff) or count > _MOST_ENTRIES:
        return []
    places = (start + 2 + 12 * nth for nth in range(count))
    return [(number(at, 2), number(at + 8, 2)) for at in places]


_STRIPS: Final[Mapping[MediaType, Callable[[bytes], bytes | None]]] = {
    MediaType.JPEG: _of_jpeg,
    MediaType.PNG: _of_png,
    MediaType.GIF: _of_gif,
}
