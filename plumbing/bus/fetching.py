"""Mends how the client library unpacks what it fetched, where one sender's or one wire's bytes would harm the others.

* A header name that is not UTF-8 raises outside any handler, again and again, as fast as the machine can. Such a batch
  is read anew, record by record, and the name arrives backslash-escaped.
* Whatever else cannot be unpacked (damaged bytes, a codec that is missing) raises too, and what was unpacked of *other*
  partitions by then is stepped over by the next commit. Here only the partition itself waits, loudly, and is fetched
  again; nothing is skipped.
* A compressed batch is unpacked whole, however much that is. Here it is unpacked up to a bound (see `unpacking`), and
  the records behind it are handed on unread, by their places; and no more bytes are handed on at once than a batch of
  work should hold.

All is done by replacing two classes that the fetcher uses, once per process. Tests on a real broker hold them.
"""

import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import structlog
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy, _DefaultRecordPy
from aiokafka.record.memory_records import MemoryRecords
from typing_extensions import override

from plumbing.bus.records import UNREAD
from plumbing.bus.unpacking import unpack
from plumbing.telemetry import metrics

log = structlog.get_logger(__name__)

_REFETCH_AFTER_SECONDS = 5.0
MOST_BYTES_AT_ONCE: Final = 16 * 1024 * 1024
"""Of one partition; the record that goes beyond it is the last."""
ENOUGH_BYTES: Final = 1024 * 1024


def is_enough(records: Iterable[Any]) -> bool:
    """Whether these are so many bytes that nothing need be waited for to come with them: what comes may be as much again, of each
    partition."""
    return sum(map(_size, records)) >= ENOUGH_BYTES


async def fetched(consumer: Any, held: Sequence[Any], most: int) -> list[Any] | None:
    """What has come by now behind the records that are `held`, without waiting; None where nothing may go with them.

    That is where partitions are dealt out anew (the client would let nobody go who asks, until that is done, and it may be done
    only when what is held has been worked), and where one was told to begin elsewhere: the same places would come twice.
    """
    if consumer._subscription.reassignment_in_progress:  # noqa: SLF001  # nothing else tells
        return None
    for place, last in {TopicPartition(one.topic, one.partition): one.offset for one in held}.items():
        if (following := position(consumer, place)) is None or following <= last:
            return None
    found = await consumer.getmany(timeout_ms=0, max_records=most)
    return [record for records in found.values() for record in records]


def position(consumer: Any, partition: Any) -> int | None:
    """The offset that is read next; None where the partition is not this member's, or has no place yet. What the client offers
    waits until it has."""
    assignment = consumer._subscription.subscription.assignment  # noqa: SLF001  # it waits
    if assignment is None or partition not in assignment.tps:
        return None
    state = assignment.state_value(partition)
    return int(state.position) if state.has_valid_position else None


def install() -> None:
    """From now on, for every consumer of this process."""
    fetcher.MemoryRecords = _Batches
    fetcher.FetchResult = _FetchResult


class _FetchResult(fetcher.FetchResult):  # type: ignore[misc]  # the client library has no types
    """What was fetched of one partition; while it is kept here, the fetcher asks for no more of it."""

    _partition_records: Any
    _refetch_at: float | None = None

    def __init__(self, tp: Any, *, assignment: Any, partition_records: Any, backoff: float) -> None:
        super().__init__(tp, assignment=assignment, partition_records=partition_records, backoff=backoff)
        partition_records._records.begin_at(partition_records.next_fetch_offset)  # noqa: SLF001  # it is our `_Batches`

    @override
    def getall(self, max_records: int | None = None) -> list[Any]:
        if self._refetch_at is not None:
            if time.monotonic() >= self._refetch_at:
                self._partition_records = None
            return []
        if not self.check_assignment(self._topic_partition) or not self.has_more():
            return []
        try:
            return self._some(max_records)
        except Exception as error:  # noqa: BLE001  # raised on, it would take the other partitions' records with it
            log.error(
                "a partition cannot be unpacked", partition=str(self._topic_partition), error=type(error).__name__
            )
            metrics.PARTITION_UNREADABLE.labels(self._topic_partition.topic).inc()
            self._refetch_at = time.monotonic() + _REFETCH_AFTER_SECONDS
            return []

    def _some(self, max_records: int | None) -> list[Any]:
        some: list[Any] = []
        size = 0
        for record in self._partition_records:
            some.append(record)
            size += _size(record)
            if len(some) == max_records or size >= MOST_BYTES_AT_ONCE:
                self._update_position()
                break
        else:
            self._update_position()
            self._partition_records = None
        return some


class _Batches:
    """The batches of a fetched partition, as the fetcher asks for them."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0
        self._first = 0
        self._batches = MemoryRecords(raw)

    def begin_at(self, offset: int) -> None:
        """Nobody asks for what is before it."""
        self._first = offset

    def has_next(self) -> bool:
        return bool(self._batches.has_next())

    def size_in_bytes(self) -> int:
        return int(self._batches.size_in_bytes())

    def next_batch(self) -> "_Batch":
        begin, length = self._at, struct.unpack_from(">i", self._raw, self._at + 8)[0]
        self._at = begin + 12 + length
        return _Batch(self._batches.next_batch(), self._raw[begin : self._at], self._first)


class _Batch:
    """One batch: all that the library says about it, and its records whatever their headers are called."""

    def __init__(self, batch: Any, raw: bytes, first: int) -> None:
        self._batch = batch
        self._raw = raw
        self._first = first

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        raw, is_whole = unpack(self._raw)
        if raw is self._raw:
            yield from _read(self._batch, raw)
            return
        read = 0
        try:
            for record in _read(DefaultRecordBatch(raw), raw):
                yield record
                read += 1
        except CorruptRecordException:
            if is_whole:
                raise
        if not is_whole:
            log.warning("a batch unfolds to more than is unpacked", offset=self._batch.base_offset, read=read)
            yield from self._unread(self._batch.base_offset + read)

    def _unread(self, begin: int) -> Iterator[Any]:
        """The records from `begin` on. What producers send is numbered without gaps, and these topics are never compacted."""
        for offset in range(max(begin, self._first), self._batch.next_offset):
            yield _DefaultRecordPy(offset, self._batch.first_timestamp, self._batch.timestamp_type, None, UNREAD, [])


def _size(record: Any) -> int:
    """Bytes of key, value and headers."""
    size: int = record.serialized_key_size + record.serialized_value_size
    if record.headers:
        size += sum(len(name) + len(value or b"") for name, value in record.headers)
    return size


def _read(batch: Any, raw: bytes) -> Iterator[Any]:
    read = 0
    try:
        for record in batch:
            yield record
            read += 1
    except UnicodeDecodeError:
        yield from islice(_escaped(raw), read, None)


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
