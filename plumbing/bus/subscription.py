"""A batch subscription: hands records to `work` and acknowledges them only when it returned.

Invariants: `work` is called with one batch at a time; what it cannot do *now* (`Unavailable`, a lost connection, a
deadlock) is tried again in place with growing, jittered pauses for `patience` seconds, then raised, which rewinds
every partition of the batch; nothing is ever skipped. Partitions are given up only after the batch in work has ended
(bounded), and a batch that is waiting to be tried again gives up waiting at once. Reading a record cannot raise: the
framework would drop the batch in silence, because its parser runs before anything could be acknowledged or rewound.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage

from plumbing.bus.broker import BusSettings
from plumbing.bus.records import Record
from plumbing.faults import FaultInjected, faultpoint
from plumbing.postgres import is_transient
from plumbing.telemetry import metrics

log = structlog.get_logger(__name__)

Work = Callable[[Sequence[Record]], Awaitable[None]]


class Subscription(ConsumerRebalanceListener):  # type: ignore[misc]  # the client library has no types
    """One topic, one group, one `work`."""

    def __init__(
        self,
        broker: KafkaBroker,
        *,
        topic: str,
        group: str,
        work: Work,
        settings: BusSettings,
        patience: float = 60.0,
        revoke_seconds: float = 20.0,
    ) -> None:
        self.topic = topic
        self.group = group
        self._work = work
        self._patience = patience
        self._revoke_seconds = revoke_seconds
        self._idle = asyncio.Event()
        self._idle.set()
        self._give_up = asyncio.Event()
        self._busy_since: float | None = None
        self._last_progress = time.monotonic()
        self._failures = 0
        self._subscriber = broker.subscriber(
            topic,
            group_id=group,
            batch=True,
            max_records=settings.max_records,
            batch_timeout_ms=settings.batch_timeout_ms,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            no_reply=True,
            listener=self,
            parser=_never_raising,
            decoder=_undecoded,
            isolation_level="read_committed",
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.heartbeat_interval_ms,
            max_poll_interval_ms=300_000,
            fetch_max_wait_ms=100,
        )
        self._subscriber(self._handle)

    @property
    def is_assigned(self) -> bool:
        """Whether this member of the group has been given partitions."""
        return bool(self._assignment())

    async def lag(self) -> int:
        """Records between what was fetched and the end of the log, over the assigned partitions, as last seen."""
        consumer = self._subscriber.consumer
        behind = 0
        for partition in self._assignment():
            end = consumer.highwater(partition) if consumer is not None else None
            if consumer is None or end is None:  # nothing was fetched from it yet
                continue
            with contextlib.suppress(Exception):  # it was revoked meanwhile
                behind += max(0, end - await asyncio.wait_for(consumer.position(partition), 1))
        return behind

    def is_stuck(self, seconds: float) -> bool:
        """Whether a batch has been in work for longer than `seconds`."""
        return self._busy_since is not None and time.monotonic() - self._busy_since > seconds

    def stop_waiting(self) -> None:
        """The service drains: whatever waits to be tried again is handed back to Kafka at once."""
        self._give_up.set()

    async def on_partitions_revoked(self, _revoked: Collection[TopicPartition]) -> None:
        """Awaited by the client before it joins anew: the batch in work ends first."""
        if self._idle.is_set():
            return
        self._give_up.set()
        faultpoint("bus.revoked")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), self._revoke_seconds)

    async def on_partitions_assigned(self, _assigned: Collection[TopicPartition]) -> None:
        """A new generation begins: waiting is worth it again."""
        self._give_up.clear()

    async def _handle(self, raws: Sequence["ConsumerRecord[Any, Any]"]) -> None:
        self._idle.clear()
        began = self._busy_since = time.monotonic()
        try:
            records = [Record.of(raw) for raw in raws]
            faultpoint("bus.after_fetch")
            await self._persist(records, began)
            faultpoint("bus.before_offset_commit")
            metrics.BATCH_RECORDS.labels(self.topic).observe(len(records))
            metrics.CONSUMER_PROGRESS.labels(self.topic).set_to_current_time()
        finally:
            metrics.BATCH_SECONDS.labels(self.topic).observe(time.monotonic() - began)
            self._busy_since = None
            self._idle.set()

    async def _persist(self, records: Sequence[Record], began: float) -> None:
        attempt = 0
        while True:
            try:
                await self._work(records)
            except Exception as error:
                attempt += 1
                metrics.BATCH_RETRIES.labels(self.topic, type(error).__name__).inc()
                if not (is_transient(error) or isinstance(error, FaultInjected)):
                    await self._slow_down(error)
                    raise
                if self._give_up.is_set() or time.monotonic() - began > self._patience:
                    raise
                pause = min(5.0, 0.05 * 2**attempt) * random.uniform(0.5, 1.0)
                log.warning("batch is tried again", topic=self.topic, cause=type(error).__name__, attempt=attempt)
                if await self._given_up_within(pause):
                    raise
            else:
                self._failures = 0
                return

    async def _slow_down(self, error: Exception) -> None:
        """A fault of ours: it blocks its partition, never skips it, and neither burns the machine nor floods the log."""
        self._failures += 1
        log.error("batch failed by a fault of ours", topic=self.topic, exc_info=error, failures=self._failures)
        await self._given_up_within(min(30.0, 0.5 * 2**self._failures))

    async def _given_up_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._give_up.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _assignment(self) -> Collection[TopicPartition]:
        consumer = self._subscriber.consumer
        return consumer.assignment() if consumer is not None else ()


async def _never_raising(
    raws: tuple["ConsumerRecord[Any, Any]", ...],
    original: Callable[[tuple["ConsumerRecord[Any, Any]", ...]], Awaitable[KafkaMessage]],
) -> KafkaMessage:
    """The framework's own parser decodes every header and loses the batch at the first that is not UTF-8 or null.

    It is given one record without headers, to build the message, and the true records are put in behind it:
    acknowledging and rewinding read nothing else.
    """
    message = await original((replace(raws[0], headers=(), value=b""),))
    message.raw_message = raws
    message.body = raws
    return message


async def _undecoded(message: KafkaMessage) -> Any:
    return message.raw_message
