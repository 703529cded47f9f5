"""The same valid notifications for both sides of a comparison, already on a topic of their own."""

import asyncio
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaProducer

from deploy.kafka import TopicToMake
from simulators.nemrefusion.traffic import Mix, generate
from stack import Stack

PARTITIONS = 6


def preload(stack: Stack, topic: str, count: int, *, seed: int) -> int:
    """Put `count` valid, distinct notifications on a fresh topic; their size in bytes."""
    stack.make_topics(TopicToMake(name=topic, partitions=PARTITIONS, config={"retention.ms": "-1"}))
    return asyncio.run(_produce(stack.kafka_bootstrap, topic, count, seed))


async def _produce(bootstrap: str, topic: str, count: int, seed: int) -> int:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", linger_ms=20, max_batch_size=262_144, compression_type="lz4"
    )
    await producer.start()
    size = 0
    try:
        yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
        mix = Mix(bad=0, duplicates=0, odd=0, conflicts=0, second_employers=0)
        futures = []
        for sent in generate(seed=seed, count=count, as_of=yesterday, mix=mix):
            value = sent.value or b""
            size += len(value)
            futures.append(await producer.send(topic, key=sent.key, value=value))
        await asyncio.gather(*futures)
    finally:
        await producer.stop()
    return size
