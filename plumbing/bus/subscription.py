"""A batch subscription: hands records to `work` and acknowledges them only when it returned.

Invariants: `work` is called with one batch at a time; what it cannot do *now* (`Unavailable`, a lost connection, a
deadlock) is tried again in place with growing, jittered pauses for `patience` seconds, then raised, which rewinds
every partition of the batch; nothing is ever skipped. A fault of ours holds up the partitions of its batch, ever more
slowly and for as long as it lasts. Partitions are given up only after the batch in work has ended and its offsets are
committed (bounded), and a batch that is waiting to be tried again gives up waiting at once. Reading a record cannot
raise: the framework would drop the batch in silence, because its parser runs before anything could be acknowledged or
rewound.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final
from weakref import WeakKeyDictionary

import structlog
from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber
from faststream.message import AckStatus

from plumbing.bus import connecting, fetching
from plumbing.bus.broker import BusSettings
from plumbing.bus.records import Record
from plumbing.faults import FaultInjected, faultpoint
from plumbing.postgres import is_transient
from plumbing.telemetry import metrics

log = structlog.get_logger(__name__)

Work = Callable[[Sequence[Record]], Awaitable[None]]

_LOOK_SECONDS: Final = 0.01
"""So often it is looked what came for a batch that may not begin yet."""

connecting.install()
fetching.install()


@dataclass(kw_only=True, slots=True)
class _Pace:
    """Batches begin so many seconds apart at the least; what comes meanwhile is one batch. `idle` is clear while records are in
    hand: whoever gives up partitions waits for them."""

    apart: float
    idle: asyncio.Event
    began: float = 0.0

    async def gather(self, records: "list[ConsumerRecord[Any, Any]]", consumer: Any, most: int) -> None:
        """Add what comes until a batch may begin, or these are enough for one, or nothing may go with them."""
        self.idle.clear()
        try:
            while (
                (rest := self.began + self.apart - time.monotonic()) > 0
                and (room := most - len(records)) > 0
                and not fetching.is_enough(records)
            ):
                await asyncio.sleep(min(rest, _LOOK_SECONDS))
                if (more := await fetching.fetched(consumer, records, room)) is None:
                    break
                records += more
        except asyncio.CancelledError:  # nothing of this will be committed: it comes again
            self.idle.set()
            raise
        except Exception as error:  # raised on, it would drop what is in hand; it comes again if it matters
            log.warning("nothing more can be fetched now", error=type(error).__name__, exc_info=error)


_PACES: "WeakKeyDictionary[BatchSubscriber, _Pace]" = WeakKeyDictionary()


async def _next_records(self: BatchSubscriber, consumer: Any) -> tuple["ConsumerRecord[Any, Any]", ...]:
    """What came, as soon as anything did and a batch may begin. The framework's own, after each look that found nothing, sleeps
    as long as it looked, deaf to what comes: short looks burn CPU all day then, and long ones keep records waiting.

    What comes before its time is taken at once all the same: while something of a broker lies unread the client asks it for
    nothing more, so what came next would wait for two batches.
    """
    if (pace := _PACES.get(self)) is not None:
        pace.idle.set()  # nothing is in hand, whatever became of the batch before
    found = await consumer.getmany(timeout_ms=self.batch_timeout_ms, max_records=self.max_records)
    records = list(chain.from_iterable(found.values()))
    if records and pace is not None:
        await pace.gather(records, consumer, self.max_records or len(records))
    return tuple(records)


BatchSubscriber.get_msg = _next_records  # type: ignore[method-assign]


class Subscription(ConsumerRebalanceListener):  # type: ignore[misc]  # the client library has no types
    """One topic, one group, one `work`. Batches begin `apart` seconds from each other at the least: where nobody waits for what
    comes one by one, a batch's cost is shared."""

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
        apart: float = 0.0,
    ) -> None:
        self.topic = topic
        self.group = group
        self._work = work
        self._patience = patience
        self._revoke_seconds = revoke_seconds
        self._idle = asyncio.Event()
        self._idle.set()
        self._give_up = asyncio.Event()
        self._is_draining = False
        self._has_joined = False
        self._busy_since: float | None = None
        self._behind_since: float | None = None
        self._apart_since: float | None = None
        self._blind_since: float | None = None
        self._ends: dict[TopicPartition, int] = {}
        self._worked_seconds = 0.0
        self._standing: dict[TopicPartition, tuple[int, float]] = {}
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
            # a member that waits for its batch must not be taken for one that is gone
            rebalance_timeout_ms=max(settings.session_timeout_ms, int(revoke_seconds * 1000) + 10_000),
            max_poll_interval_ms=300_000,
            fetch_max_wait_ms=100,
        )
        self._pace = _PACES[self._subscriber] = _Pace(apart=apart, idle=self._idle)
        self._subscriber(self._handle)

    @property
    def is_assigned(self) -> bool:
        """Whether this member has its place in the group; where members outnumber partitions that may be an idle one."""
        consumer = self._subscriber.consumer
        return self._has_joined and consumer is not None and bool(consumer.partitions_for_topic(self.topic))

    async def lag(self) -> int | None:
        """Records between what was read and the log's end, over the assigned partitions; None while the broker is silent, or the
        subscription has not begun."""
        behind = await self._lag()
        if behind is not None:
            self._blind_since = None
        elif self._blind_since is None:
            self._blind_since = time.monotonic()
        if not behind or self._busy_since is not None:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = time.monotonic()
        if self._has_joined or behind is None:
            self._apart_since = None
        elif self._apart_since is None:
            self._apart_since = time.monotonic()
        return behind

    def is_stuck(self, seconds: float) -> bool:
        """Whether for longer than `seconds` one batch was in work, or none was though `lag` kept finding records to read, or the
        broker answered `lag` and yet had no place for this member."""
        since = self._busy_since or self._behind_since or self._apart_since
        return since is not None and time.monotonic() - since > seconds

    def blind_seconds(self) -> float:
        """For how long `lag` has not been known."""
        return 0.0 if self._blind_since is None else time.monotonic() - self._blind_since

    def standing_seconds(self) -> float:
        """For how long a partition that `lag` found records of has not moved, whatever others do; time in which a batch was in
        work does not count, since nothing is read then."""
        now = self._rested()
        return max((now - since for _, since in self._standing.values()), default=0.0)

    def _rested(self) -> float:
        """A clock that stands while a batch is in work."""
        return (self._busy_since or time.monotonic()) - self._worked_seconds

    def stop_waiting(self) -> None:
        """The service drains: whatever waits to be tried again is handed back to Kafka at once."""
        self._is_draining = True
        self._give_up.set()

    async def on_partitions_revoked(self, _revoked: Collection[TopicPartition]) -> None:
        """Awaited by the client before it joins anew: the batch in work ends first."""
        self._has_joined = False
        self._standing = {}
        if self._idle.is_set():
            return
        self._give_up.set()
        faultpoint("bus.revoked")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), self._revoke_seconds)

    async def on_partitions_assigned(self, _assigned: Collection[TopicPartition]) -> None:
        """A new generation begins: waiting is worth it again, unless the service is ending."""
        self._has_joined = True
        if not self._is_draining:
            self._give_up.clear()

    async def _handle(self, message: KafkaMessage) -> None:
        self._idle.clear()
        self._behind_since = None
        began = self._busy_since = self._pace.began = time.monotonic()
        try:
            records = [Record.of(raw) for raw in message.raw_message]
            faultpoint("bus.after_fetch")
            try:
                await self._persist(records, began)
            finally:
                took = time.monotonic() - began
                self._busy_since = None
                self._worked_seconds += took
                metrics.BATCH_SECONDS.labels(self.topic).observe(took)
            faultpoint("bus.before_offset_commit")
            await self._commit(message)
            metrics.BATCH_RECORDS.labels(self.topic).observe(len(records))
            metrics.CONSUMER_PROGRESS.labels(self.topic).set_to_current_time()
        except Exception:
            self._rewind(message)
            raise
        finally:
            message.clear_cache()  # itself is in there: all its records would stay until the collector comes
            self._idle.set()

    def _rewind(self, message: KafkaMessage) -> None:
        """To the first record of each partition, never forward, as the framework would: a topic that was made anew meanwhile is
        read from its beginning, and what is there before the old place is nobody else's to read."""
        firsts: dict[TopicPartition, int] = {}
        for raw in message.raw_message:
            place = TopicPartition(raw.topic, raw.partition)
            firsts[place] = min(raw.offset, firsts.get(place, raw.offset))
        for place, first in firsts.items():
            # None: it is another's by now, or it is about to be told where to begin.
            if (position := fetching.position(message.consumer, place)) is not None and position > first:
                message.consumer.seek(partition=place, offset=first)
        message.committed = AckStatus.NACKED

    async def _commit(self, message: KafkaMessage) -> None:
        """Here and not after the handler, as the framework would: whoever waits for this batch waits for its offsets too."""
        try:
            await message.ack()
        except KafkaError as error:  # the work is done: at worst its records come again and are known
            log.warning("offsets could not be committed", topic=self.topic, error=type(error).__name__)
            message.committed = AckStatus.ACKED

    async def _persist(self, records: Sequence[Record], began: float) -> None:
        attempt = 0
        while True:
            try:
                await self._work_once(records)
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

    async def _work_once(self, records: Sequence[Record]) -> None:
        try:
            await self._work(records)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody cancelled us: let through, it would end the framework's loop and leave the partitions to nobody.
            raise RuntimeError("the work was cancelled from within") from None

    async def _slow_down(self, error: Exception) -> None:
        """A fault of ours: it skips nothing, and neither burns the machine nor floods the log."""
        self._failures += 1
        log.error("batch failed by a fault of ours", topic=self.topic, exc_info=error, failures=self._failures)
        await self._given_up_within(min(30.0, 0.5 * 2 ** min(self._failures, 6)))

    async def _given_up_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._give_up.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _lag(self) -> int | None:
        consumer = self._subscriber.consumer
        if (
            consumer is None or not self._subscriber.running
        ):  # it may wait for its topic, and cannot be asked until it has it
            return None
        # All partitions, also those of others: when a topic was made anew they are dealt out anew. Asking after those of a topic
        # that is gone makes the client look for it, which by itself it would do at its next look at the metadata only.
        known = consumer.partitions_for_topic(self.topic)
        partitions = {TopicPartition(self.topic, nth) for nth in known} if known else set(self._ends)
        try:
            async with asyncio.timeout(2):
                ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
                self._look_at(ends)
                positions: dict[TopicPartition, int] = {
                    one: await consumer.position(one) for one in consumer.assignment()
                }
                behind = {one: at for one, at in positions.items() if ends.get(one, 0) > at}
                stood, now = self._standing, self._rested()
                self._standing = {
                    one: stood[one] if one in stood and stood[one][0] == at else (at, now) for one, at in behind.items()
                }
                return sum(ends[one] - at for one, at in behind.items())
        except (KafkaError, TimeoutError, AssertionError):  # the broker is away, or the partition was revoked meanwhile
            return None

    def _look_at(self, ends: dict[TopicPartition, int]) -> None:
        """An end that went back: the topic was deleted and made anew, or the broker lost records. Somebody has to be told."""
        went_back = sorted(one.partition for one, end in self._ends.items() if ends.get(one, 0) < end)
        self._ends = ends
        if went_back:
            metrics.TOPIC_WENT_BACK.labels(self.topic).inc(len(went_back))
            log.error("a topic ends before where it ended", topic=self.topic, partitions=went_back)


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


async def _undecoded(message: KafkaMessage) -> KafkaMessage:
    return message
