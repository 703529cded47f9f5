"""One topic's log, read by a command from where it is told to where the log ends now: no group, nothing committed.

Invariants: reading ends, whatever is appended meanwhile; a log that gives nothing more before its end is not taken for
one that has ended, but raises `Unavailable`, as everything does that Kafka cannot answer now.
"""

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from plumbing.bus import fetching
from plumbing.bus.broker import BusSettings
from plumbing.bus.records import Record
from plumbing.errors import Unavailable

_PATIENCE_SECONDS = 30.0

fetching.install()


class Log:
    """Open one with `open_log`."""

    def __init__(self, consumer: Any, topic: str) -> None:
        self._consumer = consumer
        self.topic = topic
        self.partitions = tuple(sorted(partition.partition for partition in consumer.assignment()))

    async def ends(self) -> dict[int, int]:
        """The offset behind the last record of each partition."""
        with told_as_unavailable():
            found: dict[TopicPartition, int] = await self._consumer.end_offsets(self._assigned())
        return {partition.partition: end for partition, end in found.items()}

    async def begins(self) -> dict[int, int]:
        """The offset of the first record that each partition still holds."""
        with told_as_unavailable():
            found: dict[TopicPartition, int] = await self._consumer.beginning_offsets(self._assigned())
        return {partition.partition: begin for partition, begin in found.items()}

    async def read(self, since: Mapping[int, int] | None = None) -> AsyncIterator[Record]:
        """The records of all partitions, or of those in `since` from the offsets given there, one partition after the other."""
        begins, ends = await self.begins(), await self.ends()
        for partition in self.partitions if since is None else since:
            begin = max(begins[partition], since[partition] if since is not None else 0)
            async for record in self._read(partition, begin, ends[partition]):
                yield record

    async def at(self, partition: int, offset: int) -> Record | None:
        """The record that stands there; None where it is gone."""
        begin, end = (await self.begins())[partition], (await self.ends())[partition]
        if not begin <= offset < end:
            return None
        async for record in self._read(partition, offset, offset + 1):
            return record
        return None

    async def _read(self, partition: int, begin: int, end: int) -> AsyncIterator[Record]:
        if begin >= end:
            return
        here = TopicPartition(self.topic, partition)
        with told_as_unavailable():
            self._consumer.seek(here, begin)
            last = time.monotonic()
            while await self._consumer.position(here) < end:
                raws = (await self._consumer.getmany(here, timeout_ms=500)).get(here, [])
                if raws:
                    last = time.monotonic()
                elif time.monotonic() - last > _PATIENCE_SECONDS:
                    raise Unavailable("kafka", "a log gives nothing more before its end")
                for raw in raws:
                    if raw.offset < end:
                        yield Record.of(raw)

    def _assigned(self) -> list[TopicPartition]:
        return [TopicPartition(self.topic, partition) for partition in self.partitions]


@asynccontextmanager
async def open_log(settings: BusSettings, topic: str) -> AsyncIterator[Log]:
    """The log of a topic; raises Unavailable while the broker or the topic is not there."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=settings.bootstrap_servers,
        client_id=settings.client_id,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=100,
    )
    try:
        with told_as_unavailable():
            await consumer.start()
        yield Log(consumer, topic)
    finally:
        await consumer.stop()


@contextmanager
def told_as_unavailable() -> Iterator[None]:
    """What Kafka cannot answer now is raised as Unavailable."""
    try:
        yield
    except KafkaError as error:
        raise Unavailable("kafka", type(error).__name__) from None
