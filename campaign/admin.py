"""What an administrator can do to topics and groups by mistake, and on purpose (F057 to F059, F160, F161, F169)."""

import asyncio
import time
from collections.abc import Sequence
from enum import StrEnum
from random import Random

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from laws.evidence import LogRecord
from laws.names import group

_GONE_WITHIN_SECONDS = 20.0
_LARGEST_REQUEST = 16 * 1024 * 1024


class Where(StrEnum):
    """Where a group's offsets are set to."""

    BEGINNING = "beginning"
    END = "end"


async def move_group(bootstrap: str, service: str, topic: str, where: Where) -> None:
    """Sets all offsets of a service's group; none of its processes may run meanwhile."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group(service, topic), enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = await _partitions(bootstrap, topic)
        consumer.assign(partitions)
        found = consumer.beginning_offsets if where is Where.BEGINNING else consumer.end_offsets
        await consumer.commit(await found(partitions))
    finally:
        await consumer.stop()


async def _partitions(bootstrap: str, topic: str) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        [told] = await admin.describe_topics([topic])
        return [TopicPartition(topic, one["partition"]) for one in told["partitions"]]
    finally:
        await admin.close()


async def delete_topic(bootstrap: str, topic: str) -> None:
    """Deletes a topic and waits until it is gone; raises TimeoutError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
        until = time.monotonic() + _GONE_WITHIN_SECONDS
        while topic in await admin.list_topics():
            if time.monotonic() > until:
                raise TimeoutError(topic)
            await asyncio.sleep(0.2)
    finally:
        await admin.close()


async def say_again(bootstrap: str, records: Sequence[LogRecord], dice: Random) -> None:
    """Every record once more, byte for byte, into its own partition, in an order that is drawn."""
    again = list(records)
    dice.shuffle(again)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=_LARGEST_REQUEST)
    await producer.start()
    try:
        for one in again:
            await producer.send(one.topic, one.value, key=one.key, partition=one.partition, headers=list(one.headers))
        await producer.flush()
    finally:
        await producer.stop()


async def begin_and_abort(bootstrap: str, topic: str, values: Sequence[bytes]) -> None:
    """A transaction that writes these and is taken back: nobody may ever act upon them."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="reporter-who-takes-back")
    await producer.start()
    try:
        await producer.begin_transaction()
        for value in values:
            await producer.send(topic, value)
        await producer.flush()
        await producer.abort_transaction()
    finally:
        await producer.stop()
