"""How we talk to Kafka: the settings that keep a message from being lost or taken for read, in one place.

Each differs from the library's default for a reason: automatic commit loses what was in work; `latest` loses what was
there before a group's first join; acks=1 loses what a dying leader had; auto-created topics get nobody's partitions
and retention.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker

from plumbing.bus import connecting, packing
from plumbing.bus.partitioning import by_crc32
from plumbing.errors import Unavailable
from plumbing.outbox.relay import Producer
from plumbing.outbox.store import Row

connecting.install()
packing.install()

_STOP_SECONDS: Final = 4.0
"""Of the five that the runner leaves to a start it cuts off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BusSettings:
    """What a deployment may set; `session_timeout_ms` bounds how long a dead member's partitions stay unread, `batch_timeout_ms`
    how long a look for records lasts where none come: they are handed on at once when they do.
    """

    bootstrap_servers: str
    client_id: str
    session_timeout_ms: int = 30_000
    max_records: int = 500
    batch_timeout_ms: int = 1_000

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


async def start_whole(app: FastStream) -> None:
    """Start every subscription, or none: of those that began before one could not, the next try would start a second consumer,
    and the framework has both acknowledge by the newer one. Raises what the start raised."""
    try:
        await app.start()
    except BaseException:
        with contextlib.suppress(Exception):  # what kept it from starting may keep it from stopping
            await asyncio.wait_for(app.stop(), _STOP_SECONDS)
        raise


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
    """The client's producer, handed whole batches, since it makes much ado of each message alone; and a question that it has no
    answer to: it would look for a missing topic for 40 seconds."""

    def __init__(self, producer: Any) -> None:
        self.stop = producer.stop
        self._producer = producer
        self._client = producer.client

    async def send(self, rows: Sequence[Row]) -> "list[asyncio.Future[Any]]":
        """One acknowledgement for each; those of a batch share it. What cannot be handed over has its error there."""
        everywhere = {topic: self._partitions(topic) for topic in {row.topic for row in rows}}
        batches: dict[tuple[str, int], list[Any]] = {}
        places = []
        for row in rows:
            key = row.key.encode()
            partitions = everywhere[row.topic]
            place = row.topic, by_crc32(key, partitions, partitions)
            standing = batches.setdefault(place, [])
            if not standing or not _append(standing[-1], key, row):
                standing.append(self._producer.create_batch())
                _append(standing[-1], key, row)  # whatever comes first fits in
            places.append((place, len(standing) - 1))
        handed = await asyncio.gather(*[self._hand_over(*place, standing) for place, standing in batches.items()])
        acknowledged = dict(zip(batches, handed, strict=True))
        return [acknowledged[place][nth] for place, nth in places]

    async def _hand_over(self, topic: str, partition: int, batches: Sequence[Any]) -> "list[asyncio.Future[Any]]":
        """One after the other: each is taken when the one before is on its way."""
        acknowledged: list[asyncio.Future[Any]] = []
        for batch in batches:
            try:
                acknowledged.append(await self._producer.send_batch(batch, topic, partition=partition))
            except KafkaError as error:
                acknowledged.append(asyncio.get_running_loop().create_future())
                acknowledged[-1].set_exception(error)
        return acknowledged

    def _partitions(self, topic: str) -> list[int]:
        return sorted(self._client.cluster.partitions_for_topic(topic) or (0,))

    async def has(self, topic: str) -> bool:
        """Whether the topic is there; raises Unavailable when nobody can say."""
        if self._client.cluster.partitions_for_topic(topic) is None:
            self._client.add_topic(topic)
            if not await self._client.force_metadata_update():
                raise Unavailable("kafka", "no metadata")
        return self._client.cluster.partitions_for_topic(topic) is not None


def _append(batch: Any, key: bytes, row: Row) -> bool:
    """Whether there was room."""
    return batch.append(timestamp=None, key=key, value=row.value, headers=row.headers) is not None
