"""Unpacks a compressed batch up to a bound, and no further (N47).

The broker bounds a batch as it travels. What it unfolds to has no bound: zstd makes 128 KiB of four bytes, so the 11 MiB that the
topic of notifications takes may hold hundreds of gigabytes. The client library unpacks a batch whole; a process that dies of one
fetches it again when it is back, and dies again. Here `MOST_BYTES` are unpacked; of the records behind them nothing is known but
their places, and whoever reads decides what becomes of those.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import cramjam
from aiokafka.errors import CorruptRecordException

MOST_BYTES: Final = 32 * 1024 * 1024
"""Three times what a topic takes without compression, thirty times what senders put into one batch by default."""

_MAGIC_AT: Final = 16
_V2: Final = 2
_LENGTH: Final = struct.Struct(">i")
_LENGTH_AT: Final = 8
_BEHIND_LENGTH: Final = 12
_ATTRIBUTES: Final = struct.Struct(">h")
_ATTRIBUTES_AT: Final = 21
_CODEC: Final = 0b111
_HEADER_BYTES: Final = 61
# as the Java client frames snappy: magic and versions, then blocks, each behind its length
_XERIAL: Final = b"\x82SNAPPY\0"
_XERIAL_BYTES: Final = 16


class Plain(NamedTuple):
    """A batch that is not compressed; if not `is_whole`, it breaks off somewhere among its records."""

    raw: bytes
    is_whole: bool


def unpack(raw: bytes, most: int = MOST_BYTES) -> Plain:
    """The batch as it would be without compression. Raises what its codec raises, if its bytes are broken."""
    codec = _codec(raw)
    if codec is None:
        return Plain(raw, is_whole=True)
    records, is_whole = codec(raw[_HEADER_BYTES:], most)
    header = bytearray(raw[:_HEADER_BYTES])
    _LENGTH.pack_into(header, _LENGTH_AT, _HEADER_BYTES - _BEHIND_LENGTH + len(records))
    (attributes,) = _ATTRIBUTES.unpack_from(header, _ATTRIBUTES_AT)
    _ATTRIBUTES.pack_into(header, _ATTRIBUTES_AT, attributes & ~_CODEC)
    return Plain(bytes(header) + records, is_whole)


Codec = Callable[[bytes, int], tuple[bytes, bool]]
"""From what was packed to as much of it as may be unpacked, and whether that is all."""


def _codec(raw: bytes) -> Codec | None:
    """None for what is not compressed, and for what the library is to read, or to refuse, by itself."""
    if raw[_MAGIC_AT] < _V2:
        return None  # brokers write no such batch any more
    (attributes,) = _ATTRIBUTES.unpack_from(raw, _ATTRIBUTES_AT)
    return _CODECS.get(attributes & _CODEC)


def _gunzip(packed: bytes, most: int) -> tuple[bytes, bool]:
    pieces: list[bytes] = []
    room = most
    while packed:
        stream = zlib.decompressobj(wbits=31)
        piece = stream.decompress(packed, room + 1)
        if len(piece) > room:
            return b"".join((*pieces, piece[:room])), False
        if not stream.eof:
            raise CorruptRecordException("gzip: the stream ends too early")
        pieces.append(piece)
        room -= len(piece)
        packed = stream.unused_data
    return b"".join(pieces), True


def _into(decompress_into: Callable[[bytes, bytearray], int]) -> Codec:
    def unpack_into(packed: bytes, most: int) -> tuple[bytes, bool]:
        # JSON becomes a tenth or so; what shrinks more is given more room, up to all there may be
        room = min(most, max(_LEAST_ROOM, 16 * len(packed)))
        while True:
            space = bytearray(room)
            try:
                size = decompress_into(packed, space)
            except cramjam.DecompressionError as error:
                if str(error) != _TOO_SMALL:
                    raise
            else:
                return bytes(memoryview(space)[:size]), True
            if room == most:
                return bytes(space), False
            room = min(most, 8 * room)

    return unpack_into


_LEAST_ROOM: Final = 64 * 1024
_TOO_SMALL: Final = "failed to write whole buffer"
"""What the library says when it has filled all the room it was given."""


def _unsnap(packed: bytes, most: int) -> tuple[bytes, bool]:
    pieces: list[bytes] = []
    room = most
    for block in _snappy_blocks(packed):
        room -= cramjam.snappy.decompress_raw_len(block)
        if room < 0:
            return b"".join(pieces), False
        pieces.append(bytes(cramjam.snappy.decompress_raw(block)))
    return b"".join(pieces), True


def _snappy_blocks(packed: bytes) -> Iterator[bytes]:
    if not packed.startswith(_XERIAL):
        yield packed
        return
    at = _XERIAL_BYTES
    while at < len(packed):
        (length,) = _LENGTH.unpack_from(packed, at)
        at += _LENGTH.size
        if not 0 < length <= len(packed) - at:
            raise CorruptRecordException("snappy: a block of an impossible length")
        yield packed[at : at + length]
        at += length


_CODECS: Final[dict[int, Codec]] = {
    1: _gunzip,
    2: _unsnap,
    3: _into(cramjam.lz4.decompress_into),
    4: _into(cramjam.zstd.decompress_into),
}
