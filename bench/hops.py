"""Three hops over Kafka and nothing else: what the whole path's latency is compared with."""

import asyncio
import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.kafka import TopicToMake, create_topics

_HOPS = 3
_PARTITIONS = 6
_FIRST = 20 * _PARTITIONS
_SIZE = 1_000


async def latencies(bootstrap: str, *, rate: int, seconds: float) -> list[float]:
    """Seconds each of `rate * seconds` records took: produced, twice consumed and produced on, consumed.

    aiokafka alone, acknowledged by all replicas, nothing stored, no offset committed.
    """
    topics = [f"bench.hop.{secrets.token_hex(4)}" for _ in range(_HOPS)]
    await create_topics(bootstrap, [TopicToMake(name=topic, partitions=_PARTITIONS, config={}) for topic in topics])
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=0)
    await producer.start()
    consumers = [AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest") for topic in topics]
    with _unlogged():
        for consumer in consumers:
            await consumer.start()
    count = round(rate * seconds)
    found: list[float] = []
    passing = [
        asyncio.create_task(_pass_on(consumer, producer, topic))
        for consumer, topic in zip(consumers, topics[1:], strict=False)
    ]
    ending = None
    try:
        with _unlogged():  # the first to come to a partition that was just made wait until its leader is one
            for nth in range(_FIRST):
                await producer.send(topics[0], key=str(nth).encode(), value=_told())
            await asyncio.wait_for(_end(consumers[-1], [], _FIRST), 60)
        ending = asyncio.create_task(_end(consumers[-1], found, count))
        began = time.monotonic()
        for nth in range(count):
            pause = began + nth / rate - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            await producer.send(topics[0], key=str(nth).encode(), value=_told())
        await asyncio.wait_for(ending, 60)
    finally:
        tasks = passing if ending is None else [*passing, ending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for consumer in consumers:
            await consumer.stop()
        await producer.stop()
    return found


@contextmanager
def _unlogged() -> Iterator[None]:
    logger = logging.getLogger("aiokafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _told() -> bytes:
    return f"{time.time():.6f}".encode().ljust(_SIZE)


async def _pass_on(consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, topic: str) -> None:
    async for record in consumer:
        await producer.send(topic, key=record.key, value=record.value)


async def _end(consumer: AIOKafkaConsumer, found: list[float], count: int) -> None:
    async for record in consumer:
        found.append(time.time() - float(record.value))
        if len(found) == count:
            return
