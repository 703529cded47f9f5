"""A group is set back: what it has read of a topic since an instant it reads again.

Invariants: only backwards, so nothing is passed over; only while no process of the group runs, which the broker sees to; a
partition of which nothing was ever committed is left alone, for it is read from its beginning.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka import errors as kafka
from aiokafka.admin import AIOKafkaAdminClient

from plumbing.bus.broker import BusSettings
from plumbing.bus.log import told_as_unavailable


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the group stands in a partition, and where it would begin again."""

    partition: int
    stands_at: int
    begins_at: int

    @property
    def again(self) -> int:
        """Offsets that are read again."""
        return self.stands_at - self.begins_at


class StillRead(Exception):
    """A process of the group runs, and reads on from where it is."""


class Rewinding:
    """Open one with `open_rewinding`."""

    def __init__(self, consumer: Any, topic: str) -> None:
        self._consumer = consumer
        self._topic = topic

    async def plan(self, since: datetime | None) -> list[Place]:
        """The partitions in their order; `since` None: from their beginning, as far as the topic holds it. Raises Unavailable."""
        with told_as_unavailable():
            parts = sorted(self._consumer.assignment())
            begins = await self._consumer.beginning_offsets(parts)
            found: dict[TopicPartition, Any] = {}
            if since is not None:
                found = await self._consumer.offsets_for_times(dict.fromkeys(parts, int(since.timestamp() * 1000)))
            places = []
            for part in parts:
                stands_at = await self._consumer.committed(part)
                if stands_at is None:
                    continue
                # The first record of that instant or later; None where all are older.
                wanted = begins[part] if since is None else stands_at if found[part] is None else found[part].offset
                begins_at = min(stands_at, max(begins[part], wanted))
                places.append(Place(partition=part.partition, stands_at=stands_at, begins_at=begins_at))
        return places

    async def go_back(self, places: Sequence[Place]) -> None:
        """Commit where they begin. Raises StillRead, and Unavailable; then nothing is committed, or not known to be."""
        offsets = {TopicPartition(self._topic, place.partition): place.begins_at for place in places}
        if not offsets:
            return
        with told_as_unavailable():
            try:
                await self._consumer.commit(offsets)
            except (
                kafka.CommitFailedError,
                kafka.UnknownMemberIdError,
                kafka.IllegalGenerationError,
                kafka.RebalanceInProgressError,
            ) as error:
                raise StillRead from error


@asynccontextmanager
async def open_rewinding(settings: BusSettings, topic: str, group: str) -> AsyncIterator[Rewinding]:
    """A group's places in a topic; raises Unavailable while the broker or the topic is not there."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers,
        client_id=settings.client_id,
        group_id=group,
        enable_auto_commit=False,
    )
    try:
        with told_as_unavailable():
            await consumer.start()
            consumer.assign(await _partitions(settings, topic))  # by hand: nobody joins the group
        yield Rewinding(consumer, topic)
    finally:
        await consumer.stop()


async def _partitions(settings: BusSettings, topic: str) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers, client_id=settings.client_id)
    await admin.start()
    try:
        [described] = await admin.describe_topics([topic])
    finally:
        await admin.close()
    if described["error_code"]:
        raise kafka.for_code(described["error_code"])
    return [TopicPartition(topic, one["partition"]) for one in described["partitions"]]
