"""The raw log, every record of every topic, and how far each consumer group is behind it."""

from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from laws import names
from laws.evidence import LogRecord

_LARGEST_FETCH = 16 * 1024 * 1024


async def read_log(bootstrap: str) -> dict[str, Sequence[LogRecord]]:
    """All records that stand in the log now, by topic, in the order of partition and offset."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_LARGEST_FETCH,
        fetch_max_bytes=2 * _LARGEST_FETCH,
    )
    await consumer.start()
    try:
        topics = sorted(topic for topic in await consumer.topics() if not topic.startswith("__"))
        found: dict[str, Sequence[LogRecord]] = {}
        for topic in topics:
            found[topic] = await _read_topic(consumer, topic)
        return found
    finally:
        await consumer.stop()


async def _read_topic(consumer: AIOKafkaConsumer, topic: str) -> list[LogRecord]:
    partitions = [TopicPartition(topic, number) for number in sorted(await _partitions(consumer, topic))]
    consumer.assign(partitions)
    ends = await consumer.end_offsets(partitions)
    await consumer.seek_to_beginning(*partitions)
    found: list[LogRecord] = []
    left = {partition for partition in partitions if ends[partition] > await consumer.position(partition)}
    while left:
        for partition, batch in (await consumer.getmany(timeout_ms=1_000)).items():
            found += [_record(raw) for raw in batch if raw.offset < ends[partition]]
        left = {partition for partition in left if await consumer.position(partition) < ends[partition]}
    return sorted(found, key=lambda record: (record.partition, record.offset))


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    found: set[int] | None = consumer.partitions_for_topic(topic)
    return found or set()


def _record(raw: object) -> LogRecord:
    return LogRecord(
        topic=raw.topic,  # type: ignore[attr-defined] # the client library has no types
        partition=raw.partition,  # type: ignore[attr-defined]
        offset=raw.offset,  # type: ignore[attr-defined]
        key=raw.key,  # type: ignore[attr-defined]
        value=raw.value,  # type: ignore[attr-defined]
        headers=tuple(raw.headers),  # type: ignore[attr-defined]
        timestamp_ms=raw.timestamp,  # type: ignore[attr-defined]
    )


async def group_lags(bootstrap: str) -> Mapping[str, int]:
    """Records behind the end of the log for each group and topic of ours, by the offsets that Kafka keeps for the group."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        await admin.start()
        await consumer.topics()
        lags = {}
        for topic, service in names.CONSUMERS:
            committed = await admin.list_consumer_group_offsets(names.group(service, topic))
            partitions = [TopicPartition(topic, number) for number in await _partitions(consumer, topic)]
            ends, begins = await consumer.end_offsets(partitions), await consumer.beginning_offsets(partitions)
            lags[f"{service} on {topic}"] = sum(
                ends[one] - (committed[one].offset if one in committed and committed[one].offset >= 0 else begins[one])
                for one in partitions
            )
        return lags
    finally:
        await admin.close()
        await consumer.stop()
