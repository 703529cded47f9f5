"""Lets the client library read records whose header names are not UTF-8: they arrive backslash-escaped.

The library decodes header names while it unpacks what it fetched. One name that is not UTF-8 raises there, outside any
handler: the consumer then tries the same bytes again for ever, as fast as it can, and what it had unpacked of other
partitions by then is skipped by the next commit. So the class that the fetcher unpacks with is replaced, once per
process, by one that reads such a batch anew, record by record, with the library's slower reader.
"""

import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords
from typing_extensions import override


def install() -> None:
    """From now on, for every consumer of this process."""
    fetcher.MemoryRecords = _Batches


class _Batches:
    """The batches of a fetched partition, as the fetcher asks for them."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0
        self._batches = MemoryRecords(raw)

    def has_next(self) -> bool:
        return bool(self._batches.has_next())

    def size_in_bytes(self) -> int:
        return int(self._batches.size_in_bytes())

    def next_batch(self) -> "_Batch":
        begin, length = self._at, struct.unpack_from(">i", self._raw, self._at + 8)[0]
        self._at = begin + 12 + length
        return _Batch(self._batches.next_batch(), self._raw, begin, self._at)


class _Batch:
    """One batch: all that the library says about it, and its records whatever their headers are called."""

    def __init__(self, batch: Any, raw: bytes, begin: int, end: int) -> None:
        self._batch = batch
        self._raw = raw
        self._span = slice(begin, end)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                yield record
                read += 1
        except UnicodeDecodeError:
            yield from islice(_escaped(self._raw[self._span]), read, None)


def _escaped(raw: bytes) -> Iterator[Any]:
    batch = iter(_DefaultRecordBatchPy(raw))
    batch._buffer = _Escaping(batch._buffer)  # noqa: SLF001  # the reader has no setting for how names are decoded
    yield from batch


class _Escaping(bytearray):
    """Bytes whose pieces decode to something, always."""

    @override
    def __getitem__(self, key: Any) -> Any:
        piece = super().__getitem__(key)
        return _Escaping(piece) if isinstance(key, slice) else piece

    @override
    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return bytes(self).decode(encoding, errors)
