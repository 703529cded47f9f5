"""Mends how the client library unpacks what it fetched, where one sender's or one wire's bytes would harm the others.

* A header name that is not UTF-8 raises outside any handler, again and again, as fast as the machine can. Such a batch
  is read anew, record by record, and the name arrives backslash-escaped.
* Whatever else cannot be unpacked (damaged bytes, a codec that is missing) raises too, and what was unpacked of *other*
  partitions by then is stepped over by the next commit. Here only the partition itself waits, loudly, and is fetched
  again; nothing is skipped.

Both are done by replacing two classes that the fetcher uses, once per process. Tests on a real broker hold them.
"""

import struct
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import structlog
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords
from typing_extensions import override

log = structlog.get_logger(__name__)

_REFETCH_AFTER_SECONDS = 5.0


def install() -> None:
    """From now on, for every consumer of this process."""
    fetcher.MemoryRecords = _Batches
    fetcher.FetchResult = _FetchResult


class _FetchResult(fetcher.FetchResult):  # type: ignore[misc]  # the client library has no types
    """What was fetched of one partition; while it is kept here, the fetcher asks for no more of it."""

    _refetch_at: float | None = None

    @override
    def getall(self, max_records: int | None = None) -> list[Any]:
        if self._refetch_at is not None:
            if time.monotonic() >= self._refetch_at:
                self._partition_records = None
            return []
        try:
            records: list[Any] = super().getall(max_records)
        except Exception as error:  # noqa: BLE001  # raised on, it would take the other partitions' records with it
            log.error(
                "a partition cannot be unpacked", partition=str(self._topic_partition), error=type(error).__name__
            )
            self._refetch_at = time.monotonic() + _REFETCH_AFTER_SECONDS
            return []
        return records


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
