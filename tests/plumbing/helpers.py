"""What the tests of plumbing share: a way to produce and to read raw records, to wait, and to listen with a subscription."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from faststream.kafka import KafkaBroker

from plumbing.bus import BusSettings, Record, Subscription, make_broker

Headers = Sequence[tuple[str, bytes | None]]
Work = Callable[[Sequence[Record]], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """Something to announce."""

    topic: str
    key: str = "key"
    value: bytes = b"value"
    headers: tuple[tuple[str, bytes], ...] = ()
    event_id: UUID = field(default_factory=uuid4)


async def until(is_so: Callable[[], bool | Awaitable[bool]], seconds: float = 40) -> None:
    """Wait until it is so; fail when it is not in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = is_so()
        if answer if isinstance(answer, bool) else await answer:
            return
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def producer(kafka: str, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    client = AIOKafkaProducer(bootstrap_servers=kafka, **options)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


async def produce(kafka: str, topic: str, *values: bytes | None, partition: int = 0, headers: Headers = ()) -> None:
    """Append records, one after the other, to one partition."""
    async with producer(kafka) as client:
        for value in values:
            await client.send_and_wait(topic, value, key=b"k", partition=partition, headers=list(headers))


async def read_log(kafka: str, topic: str) -> list[Record]:
    """Every record of the topic, partition by partition, as the log holds them now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        await consumer._client.force_metadata_update()
        await consumer._client._wait_on_metadata(topic)
        partitions = [TopicPartition(topic, nth) for nth in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[Record] = []
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                for raws in (await consumer.getmany(partition, timeout_ms=200)).values():
                    found += [Record.of(raw) for raw in raws]
        return found
    finally:
        await consumer.stop()


async def set_limit(kafka: str, topic: str, size: int) -> None:
    """Change how large a record the topic takes, in bytes."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        configs = {"max.message.bytes": str(size)}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=configs)])
    finally:
        await admin.close()


async def committed(kafka: str, group: str, topic: str, partition: int = 0) -> int | None:
    """The offset the group has committed."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        offset: int | None = await consumer.committed(TopicPartition(topic, partition))
        return offset
    finally:
        await consumer.stop()


async def committed_is(kafka: str, group: str, topic: str, wanted: int) -> bool:
    return await committed(kafka, group, topic) == wanted


@dataclass(kw_only=True, slots=True)
class Member:
    """A running member of a group."""

    broker: KafkaBroker
    subscription: Subscription


def fresh_group() -> str:
    return f"group.{secrets.token_hex(6)}"


def bus_settings(kafka: str, **changes: Any) -> BusSettings:
    options = {"session_timeout_ms": 2_000, "client_id": "test", **changes}
    return BusSettings(bootstrap_servers=kafka, **options)


@asynccontextmanager
async def member(
    kafka: str,
    topic: str,
    group: str,
    work: Work,
    *,
    patience: float = 60,
    revoke_seconds: float = 20,
    graceful_seconds: float = 1,
    apart: float = 0,
    **bus: Any,
) -> AsyncIterator[Member]:
    """Join the group and hand batches to `work`; leaves it at the end."""
    settings = bus_settings(kafka, **bus)
    broker = make_broker(settings, graceful_seconds=graceful_seconds)
    subscription = Subscription(
        broker,
        topic=topic,
        group=group,
        work=work,
        settings=settings,
        patience=patience,
        revoke_seconds=revoke_seconds,
        apart=apart,
    )
    await broker.start()
    try:
        yield Member(broker=broker, subscription=subscription)
    finally:
        subscription.stop_waiting()
        await broker.stop()


async def lag_is(subscription: Subscription, wanted: int) -> bool:
    return await subscription.lag() == wanted


class Recorder:
    """Work that keeps what it was handed, batch by batch, and fails as often as it is told to."""

    def __init__(self, *errors: Exception) -> None:
        self.batches: list[list[Record]] = []
        self._errors = list(errors)

    def fail(self, error: Exception) -> None:
        """With this, the next time."""
        self._errors.append(error)

    async def __call__(self, records: Sequence[Record]) -> None:
        self.batches.append(list(records))
        if self._errors:
            raise self._errors.pop(0)

    @property
    def values(self) -> list[bytes | None]:
        return [record.value for batch in self.batches for record in batch]
