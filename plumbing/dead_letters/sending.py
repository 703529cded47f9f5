"""Sends an original back to its topic, as it was: the same key, value and headers, the same partition if there is one still.

Not through the outbox, which holds what a service says: an original may be larger than anything an outbox takes, have no key or
value, or header values that are no text.
"""

import contextlib
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka
from aiokafka.errors import KafkaError

from plumbing.bus import BusSettings
from plumbing.bus.partitioning import by_crc32
from plumbing.dead_letters.letters import Position
from plumbing.dead_letters.opening import Original
from plumbing.errors import Unavailable

# The topic's own limit is the broker's to hold; what was taken once, compressed by its sender, may be large unpacked.
_LARGEST_BYTES = 128 * 1024 * 1024
_NEVER = (kafka.MessageSizeTooLargeError, kafka.RecordListTooLargeError, kafka.InvalidTopicError)


class Refused(Exception):
    """Kafka will not take this record, whenever it is asked."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Send(Protocol):
    """Produces a record to one partition and waits for the acknowledgement: the offset. Raises Refused and Unavailable."""

    async def __call__(self, original: Original, *, topic: str, partition: int) -> int: ...


class Sender:
    """Sends with everything acknowledged; close it."""

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings
        self._producer: Any = None

    async def __call__(self, original: Original, *, topic: str, partition: int) -> int:
        """See `Send`."""
        try:
            producer = await self._started()
            stands = await producer.send_and_wait(
                topic, original.value, key=original.key, partition=partition, headers=original.headers
            )
        except _NEVER as error:
            await self.close()  # an idempotent producer that was refused once refuses its partition for ever
            raise Refused(type(error).__name__) from None
        except KafkaError as error:
            await self.close()
            raise Unavailable("kafka", type(error).__name__) from None
        return int(stands.offset)

    async def close(self) -> None:
        """End the connection."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(KafkaError):
                await producer.stop()

    async def _started(self) -> Any:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self._settings.bootstrap_servers,
                client_id=self._settings.client_id,
                acks="all",
                enable_idempotence=True,
                compression_type="lz4",
                max_request_size=_LARGEST_BYTES,
            )
            await self._producer.start()
        return self._producer


def partition_for(record: Position, original: Original, partitions: tuple[int, ...]) -> int:
    """Where the record stood, so that it stays beside the others of its key; a partition of its key where that is gone."""
    return record.partition if record.partition in partitions else by_crc32(original.key, partitions, partitions)
