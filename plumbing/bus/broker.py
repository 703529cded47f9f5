"""How we talk to Kafka: the settings that keep a message from being lost or taken for read, in one place.

Each differs from the library's default for a reason: automatic commit loses what was in work; `latest` loses what was
there before a group's first join; acks=1 loses what a dying leader had; auto-created topics get nobody's partitions
and retention.
"""

import logging
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from plumbing.bus.partitioning import by_crc32
from plumbing.errors import Unavailable
from plumbing.outbox.relay import Producer


@dataclass(frozen=True, kw_only=True, slots=True)
class BusSettings:
    """What a deployment may set; `session_timeout_ms` bounds how long a dead member's partitions stay unread."""

    bootstrap_servers: str
    client_id: str
    session_timeout_ms: int = 30_000
    max_records: int = 500
    batch_timeout_ms: int = 20

    @property
    def heartbeat_interval_ms(self) -> int:
        """A tenth of the session, so that one lost heartbeat costs nothing."""
        return max(300, self.session_timeout_ms // 10)


def make_broker(settings: BusSettings, *, graceful_seconds: float = 20.0) -> KafkaBroker:
    """The framework's broker: nothing is acknowledged before the handler has returned, and nothing when it raised."""
    return KafkaBroker(
        settings.bootstrap_servers,
        client_id=settings.client_id,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        allow_auto_create_topics=False,
        metadata_max_age_ms=30_000,  # how long a topic that was deleted and made anew stays unread
        acks="all",
        enable_idempotence=True,
        graceful_timeout=graceful_seconds,
        apply_types=False,
        # not the framework's own logger, which brings a handler of its own that writes in another form
        logger=logging.getLogger("plumbing.bus.framework"),
        log_level=logging.DEBUG,
    )


async def start_producer(settings: BusSettings) -> Producer:
    """A producer that keeps order per partition and is acknowledged by all in-sync replicas; raises Unavailable."""
    client = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers,
        client_id=settings.client_id,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=131_072,
        compression_type="lz4",
        partitioner=by_crc32,
        request_timeout_ms=15_000,  # so long may messages to a topic that vanishes on the way hold up those to others
    )
    try:
        await client.start()
    except BaseException as error:
        await client.stop()
        if not isinstance(error, Exception):
            raise
        raise Unavailable("kafka", type(error).__name__) from error
    structlog.get_logger(__name__).debug("producer started")
    return _Producer(client)


class _Producer:
    """The client's producer, and a question that it has no answer to: `send` would look for a missing topic for 40 seconds."""

    def __init__(self, client: Any) -> None:
        self.send = client.send
        self.stop = client.stop
        self._client = client.client

    async def has(self, topic: str) -> bool:
        """Whether the topic is there; raises Unavailable when nobody can say."""
        if self._client.cluster.partitions_for_topic(topic) is None:
            self._client.add_topic(topic)
            if not await self._client.force_metadata_update():
                raise Unavailable("kafka", "no metadata")
        return self._client.cluster.partitions_for_topic(topic) is not None
