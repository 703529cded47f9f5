"""Inflating with a bound: nothing is ever unpacked that would be larger than may be.

Invariants: one `Budget` holds for a whole file; a stage of a chain of filters is stopped within a piece of where the budget
ends, so that memory does not follow what a bomb wishes for.
"""

import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from services.uploads.domain.findings import Code
from services.uploads.domain.limits import Limits
from services.uploads.inspection.refusal import Refusal, malformed

_PIECE: Final = 1024 * 1024
_NOT_HEX: Final = re.compile(rb"[^0-9A-Fa-f]")
_CLEAR_TABLE, _END_OF_DATA, _FIRST_CODE, _MOST_CODES = 256, 257, 258, 4096


class Budget:
    """How much a file may still be inflated to. `packed` is the size of the file itself."""

    def __init__(self, limits: Limits, packed: int) -> None:
        self._limits = limits
        self._packed = max(1, packed)
        self.spent = 0

    def spend(self, number: int) -> None:
        """So many bytes came out; raises Refusal once they are too many, or suspiciously many for what went in."""
        self.spent += number
        is_bomb = self.spent > self._limits.unsuspicious_bytes and self.spent > self._limits.ratio * self._packed
        if self.spent > self._limits.inflated_bytes or is_bomb:
            raise Refusal(Code.DECOMPRESSION_LIMIT)


def inflate(data: bytes, budget: Budget, *, keep: bool = True, is_strict: bool = True) -> bytes:
    """zlib's deflate; raises Refusal where it comes to too much and, if strict, where it is damaged or cut off. Without `keep`
    only its size is looked at."""
    unpack, kept, left = zlib.decompressobj(), bytearray(), data
    while left and not unpack.eof:
        try:
            piece = unpack.decompress(left, _PIECE)
        except zlib.error:
            if is_strict:
                raise malformed() from None
            break
        budget.spend(len(piece))
        if keep:
            kept += piece
        left = unpack.unconsumed_tail
    if is_strict and data and not unpack.eof:
        raise malformed()
    return bytes(kept)


def unpacked(pieces: Iterable[bytes], budget: Budget) -> Iterator[bytes]:
    """What one zlib stream in several pieces comes to, bit by bit; raises Refusal where it is damaged, or does not end with the
    last piece."""
    unpack = zlib.decompressobj()
    for piece in pieces:
        if unpack.eof and piece:
            raise malformed()
        left = piece
        while left and not unpack.eof:
            try:
                told = unpack.decompress(left, _PIECE)
            except zlib.error:
                raise malformed() from None
            budget.spend(len(told))
            yield told
            left = unpack.unconsumed_tail
        if unpack.unused_data:
            raise malformed()
    if not unpack.eof:
        raise malformed()


def undo(name: str, data: bytes, budget: Budget, *, keep: bool = True) -> bytes:
    """One of a PDF's filters undone; raises Refusal, and KeyError for a filter that is none. Without `keep` only how much it
    comes to is looked at."""
    if name in _FLATE:
        return inflate(data, budget, keep=keep)
    return _FILTERS[name](data, budget)


def _hex(data: bytes, budget: Budget) -> bytes:
    digits = _NOT_HEX.sub(b"", data.partition(b">")[0])
    told = bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    budget.spend(len(told))
    return told


def _base85(data: bytes, budget: Budget) -> bytes:
    told, group = bytearray(), list[int]()
    for one in data.partition(b"~>")[0].lstrip(b"<~"):
        if one == 0x7A and not group:
            told += bytes(4)
        elif 0x21 <= one <= 0x75:
            group.append(one - 0x21)
            if len(group) == 5:
                told += _group(group)
                group = []
        elif one not in b" \t\n\r\f\0":
            raise malformed()
    if group:
        told += _group(group + [84] * (5 - len(group)))[: len(group) - 1]
    budget.spend(len(told))
    return bytes(told)


def _group(digits: list[int]) -> bytes:
    number = 0
    for digit in digits:
        number = number * 85 + digit
    return (number & 0xFFFFFFFF).to_bytes(4, "big")


def _run_length(data: bytes, budget: Budget) -> bytes:
    told, at, spent = bytearray(), 0, 0
    while at < len(data) and (length := data[at]) != 128:
        if length < 128:
            told += data[at + 1 : at + 2 + length]
            at += 2 + length
        else:
            told += data[at + 1 : at + 2] * (257 - length)
            at += 2
        if len(told) - spent > _PIECE:
            budget.spend(len(told) - spent)
            spent = len(told)
    budget.spend(len(told) - spent)
    return bytes(told)


def _lzw(data: bytes, budget: Budget) -> bytes:
    """LZW with early change, the usual one. Without it the size is a little off; what it comes to is not used."""
    told = bytearray()
    table: list[bytes] = []
    width, held, bits = 9, 0, 0
    before: bytes | None = None
    for one in data:
        held, bits = (held << 8) | one, bits + 8
        if bits < width:
            continue
        bits -= width
        code = (held >> bits) & ((1 << width) - 1)
        held &= (1 << bits) - 1
        if code == _CLEAR_TABLE:
            table, width, before = [], 9, None
            continue
        if code == _END_OF_DATA:
            break
        entry = _entry(code, table, before)
        budget.spend(len(entry))
        told += entry
        if before is not None and len(table) < _MOST_CODES - _FIRST_CODE:
            table.append(before + entry[:1])
        before = entry
        width = min(12, max(9, (len(table) + _FIRST_CODE + 1).bit_length()))
    return bytes(told)


def _entry(code: int, table: list[bytes], before: bytes | None) -> bytes:
    if code < _CLEAR_TABLE:
        return bytes([code])
    nth = code - _FIRST_CODE
    if nth < len(table):
        return table[nth]
    if nth == len(table) and before is not None:
        return before + before[:1]
    raise malformed()


_FLATE: Final = frozenset({"/FlateDecode", "/Fl"})
_FILTERS: Final = {
    "/ASCIIHexDecode": _hex,
    "/AHx": _hex,
    "/ASCII85Decode": _base85,
    "/A85": _base85,
    "/RunLengthDecode": _run_length,
    "/RL": _run_length,
    "/LZWDecode": _lzw,
    "/LZW": _lzw,
}
PICTURES: Final = frozenset({"/DCTDecode", "/DCT", "/JPXDecode", "/JBIG2Decode", "/CCITTFaxDecode", "/CCF"})
"""Filters that are not undone: what they come to is a picture, which nobody here shows."""
