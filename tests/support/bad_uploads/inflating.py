"""Little that becomes much: compressed data of any inflated size, put together from blocks in milliseconds."""

import struct
import zlib
from random import Random
from typing import Final

from tests.support.bad_uploads.case import MIB

_BLOCK: Final = 4 * MIB
_ADLER: Final = 65521


def deflated(times: int, *, of: bytes = b"\0", before: bytes = b"", then: bytes = b"") -> bytes:
    """A zlib stream: `before`, then so many times `of`, then `then`.

    One block is compressed and repeated: after a full flush it depends on nothing before it. The checksum is reckoned.
    """
    in_block = max(_BLOCK // len(of), 1)
    whole, rest = divmod(times, in_block)
    block = _flushed(of * in_block) if whole else b""
    tail = zlib.compressobj(9, wbits=-15)
    end = tail.compress(of * rest + then) + tail.flush()
    checksum = zlib.adler32(then, _adler_after(zlib.adler32(before), of, times))
    return b"\x78\xda" + _flushed(before) + block * whole + end + checksum.to_bytes(4, "big")


def hardly_packed(size: int) -> bytes:
    """A zlib stream of so many bytes, whole 4 MiB, of which a fifteenth is left: a ratio that is not suspicious."""
    noise = Random(size).randbytes(65_535)
    zeros = bytes(_BLOCK - 4 * len(noise))
    # stored as it is, as noise that is repeated would be found
    stored = b"\0" + struct.pack("<HH", len(noise), 0) + noise
    times = size // _BLOCK
    checksum = 1
    for _ in range(times):
        checksum = zlib.adler32(noise * 4 + zeros, checksum)
    return b"\x78\x9c" + (stored * 4 + _flushed(zeros)) * times + b"\x01\0\0\xff\xff" + checksum.to_bytes(4, "big")


def _flushed(data: bytes) -> bytes:
    packing = zlib.compressobj(9, wbits=-15)
    return packing.compress(data) + packing.flush(zlib.Z_FULL_FLUSH)


def _adler_after(start: int, unit: bytes, times: int) -> int:
    low, high = start & 0xFFFF, start >> 16
    length, total = len(unit), sum(unit)
    weighted = sum((length - at) * byte for at, byte in enumerate(unit))
    high += times * (length * low + weighted) + length * total * (times * (times - 1) // 2)
    return (high % _ADLER) << 16 | (low + times * total) % _ADLER


def run_lengths(size: int) -> bytes:
    """RunLength of zeros: 128 out of two bytes."""
    return b"\x81\0" * (size // 128) + b"\x80"


def lzw_for_pdf(size: int) -> bytes:
    """LZW of at least so many zeros as PDF packs it: 7 MB out of a table of 5 kB, as often as it takes."""
    inflated, codes = _lzw_table(clear=256, early=1)
    table = "".join(f"{code:0{width}b}" for code, width in codes)
    start = f"{256:09b}"
    bits = table * 8
    rounds = size // (8 * inflated) + 1
    return _packed(start * 8) + _packed(bits) * rounds + _packed(f"{257:09b}".ljust(16, "0"))


def lzw_for_gif(size: int) -> bytes:
    """The same as GIF packs it, for a minimum code size of 7; without the blocks around it."""
    inflated, codes = _lzw_table(clear=128, early=0)
    # the lowest bit comes first there: everything is written the other way round
    table = "".join(f"{code:0{width}b}"[::-1] for code, width in codes)
    start = f"{128:08b}"[::-1]
    rounds = size // (8 * inflated) + 1
    return _packed_low(start) + _packed_low(table * 8) * rounds + _packed_low(f"{129:08b}"[::-1])


def _lzw_table(*, clear: int, early: int) -> tuple[int, list[tuple[int, int]]]:
    """What a table of zeros inflates to, and its codes with their widths: 0, then always the entry just being made."""
    first = clear + 2
    entries = range(first, 4094)
    codes = [(0, (first + early).bit_length())]
    codes += [(entry, (entry + early).bit_length()) for entry in entries]
    codes.append((clear, 12))
    length = len(entries) + 1
    return length * (length + 1) // 2, codes


def _packed(bits: str) -> bytes:
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _packed_low(bits: str) -> bytes:
    return int(bits[::-1], 2).to_bytes(len(bits) // 8, "little")
