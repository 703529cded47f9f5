"""The raw log, every record of every topic, and how far each consumer group is behind it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from laws import names
from laws.evidence import LogRecord

_LARGEST_FETCH = 16 * 1024 * 1024
_COORDINATOR_SECONDS = 30

Partitions = Mapping[str, Sequence[TopicPartition]]


async def read_log(bootstrap: str) -> dict[str, Sequence[LogRecord]]:
    """All records that stand in the log now, by topic, in the order of partition and offset."""
    async with _admin(bootstrap) as admin, _consumer(bootstrap) as consumer:
        topics = await _partitions(admin)
        return {topic: await _read_topic(consumer, partitions) for topic, partitions in topics.items()}


async def group_lags(bootstrap: str) -> Mapping[str, int]:
    """Records behind the end of the log for each group and topic of ours, by the offsets that Kafka keeps for the group."""
    async with _admin(bootstrap) as admin, _consumer(bootstrap) as consumer:
        topics = await _partitions(admin)
        lags = {}
        for topic, service in names.CONSUMERS:
            done = await _committed(admin, names.group(service, topic))
            ends = await consumer.end_offsets(topics[topic])
            begins = await consumer.beginning_offsets(topics[topic])
            # A group may stand beyond the end of a topic that was made anew: that is no work left, and told by the law on gaps.
            lags[f"{service} on {topic}"] = sum(
                max(0, ends[one] - max(begins[one], done.get(one, begins[one]))) for one in topics[topic]
            )
        return lags


async def committed_offsets(bootstrap: str) -> Mapping[tuple[str, str], Mapping[int, int]]:
    """How far each service of ours says it is, by topic and service: partition to offset."""
    async with _admin(bootstrap) as admin:
        return {
            (topic, service): {
                one.partition: offset
                for one, offset in (await _committed(admin, names.group(service, topic))).items()
                if one.topic == topic
            }
            for topic, service in names.CONSUMERS
        }


async def _committed(admin: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, int]:
    """What the group has committed; a broker that has just come up makes its coordinator first."""
    async with asyncio.timeout(_COORDINATOR_SECONDS):
        while True:
            try:
                kept = await admin.list_consumer_group_offsets(group)
            except GroupCoordinatorNotAvailableError:
                await asyncio.sleep(0.2)
            else:
                return {one: found.offset for one, found in kept.items() if found.offset >= 0}


async def _read_topic(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> list[LogRecord]:
    consumer.assign(partitions)
    ends = await consumer.end_offsets(partitions)
    begins = await consumer.beginning_offsets(partitions)
    for partition in partitions:
        consumer.seek(partition, begins[partition])
    found: list[LogRecord] = []
    left = {partition for partition in partitions if ends[partition] > begins[partition]}
    while left:
        for partition, batch in (await consumer.getmany(timeout_ms=1_000)).items():
            found += [_record(raw) for raw in batch if raw.offset < ends[partition]]
        left = {partition for partition in left if await consumer.position(partition) < ends[partition]}
    return sorted(found, key=lambda record: (record.partition, record.offset))


async def _partitions(admin: AIOKafkaAdminClient) -> Partitions:
    return {
        told["topic"]: [TopicPartition(told["topic"], one["partition"]) for one in told["partitions"]]
        for told in await admin.describe_topics()
        if not told["is_internal"]
    }


def _record(raw: Any) -> LogRecord:
    return LogRecord(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        key=raw.key,
        value=raw.value,
        headers=tuple(raw.headers),
        timestamp_ms=raw.timestamp,
    )


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


@asynccontextmanager
async def _consumer(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",  # what a producer took back was never said (F169)
        max_partition_fetch_bytes=_LARGEST_FETCH,
        fetch_max_bytes=2 * _LARGEST_FETCH,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()
