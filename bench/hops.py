"""Three hops over Kafka and nothing else: what the whole path's latency is compared with."""

import asyncio
import secrets
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

_HOPS = 3
_SIZE = 1_000


async def latencies(bootstrap: str, *, rate: int, seconds: float) -> list[float]:
    """Seconds each of `rate * seconds` records took: produced, twice consumed and produced on, consumed.

    aiokafka alone, acknowledged by all replicas, nothing stored, no offset committed.
    """
    topics = [f"bench.hop.{secrets.token_hex(4)}" for _ in range(_HOPS)]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 6, 1) for topic in topics])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=0)
    await producer.start()
    consumers = [AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest") for topic in topics]
    for consumer in consumers:
        await consumer.start()
    count = round(rate * seconds)
    found: list[float] = []
    passing = [
        asyncio.create_task(_pass_on(consumer, producer, topic))
        for consumer, topic in zip(consumers, topics[1:], strict=False)
    ]
    ending = asyncio.create_task(_end(consumers[-1], found, count))
    try:
        began = time.monotonic()
        for nth in range(count):
            pause = began + nth / rate - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            told = f"{time.time():.6f}".encode().ljust(_SIZE)
            await producer.send(topics[0], key=str(nth).encode(), value=told)
        await asyncio.wait_for(ending, 60)
    finally:
        for task in (*passing, ending):
            task.cancel()
        await asyncio.gather(*passing, ending, return_exceptions=True)
        for consumer in consumers:
            await consumer.stop()
        await producer.stop()
    return found


async def _pass_on(consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, topic: str) -> None:
    async for record in consumer:
        await producer.send(topic, key=record.key, value=record.value)


async def _end(consumer: AIOKafkaConsumer, found: list[float], count: int) -> None:
    async for record in consumer:
        found.append(time.time() - float(record.value))
        if len(found) == count:
            return
