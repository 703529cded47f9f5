"""The relay: moves the outbox to Kafka, in order, at least once.

Invariants: one relay per database at a time, by a lease; no transaction is open while producing; messages are handed
to the producer in the order of `seq` and deleted, by number and under the lease's epoch, only when Kafka has
acknowledged them. If one is not acknowledged, nothing behind it in its topic is deleted, the producer is thrown away (an
idempotent producer that lost one sequence number refuses its partition for ever) and the topic's *lane* begins anew
there. Lanes do not wait for each other: where one topic is gone, closed to us or takes less than it should, its messages
stay and all others go out. Messages travel together and are refused together, so after a refusal ever fewer of the topic
are sent at once, until one is refused alone; one that was so five times parks its key, loudly, and the others go on; what
is parked is tried again now and then. A broker or a topic that is away, slow or forbids is no refusal, and is waited for.
A pending acknowledgement is never timed out: it may still come.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

import structlog
from aiokafka import errors as kafka
from aiokafka.errors import KafkaError

from plumbing.faults import FaultInjected, faultpoint
from plumbing.outbox import store
from plumbing.outbox.store import Row
from plumbing.postgres import Connection, Database, is_transient
from plumbing.telemetry.metrics import OUTBOX_CLOSED, OUTBOX_PARKED_KEYS, OUTBOX_PRODUCED

log = structlog.get_logger(__name__)

# What says that the topic is not there for us.
_CLOSED = (
    kafka.UnknownTopicOrPartitionError,
    kafka.TopicAuthorizationFailedError,  # an operator's mistake, mended by an operator: it must not park a key
)
# What says nothing about the message, though the library does not call it retriable.
_NOT_NOW = (
    kafka.KafkaTimeoutError,
    kafka.KafkaUnavailableError,
    kafka.BrokerNotAvailableError,
    kafka.ClusterAuthorizationFailedError,
    kafka.AuthenticationFailedError,
    kafka.SaslAuthenticationFailed,
    kafka.ProducerClosed,
    kafka.ProducerFenced,
    kafka.InvalidProducerEpoch,
    kafka.InvalidProducerIdMapping,
    kafka.UnknownProducerId,
    kafka.OutOfOrderSequenceNumber,  # follows from an earlier failure; the next producer begins anew
    kafka.DuplicateSequenceNumber,
)


class Producer(Protocol):
    """What the relay needs of aiokafka's producer."""

    async def send(self, rows: Sequence[Row]) -> "list[asyncio.Future[Any]]":
        """Hand over the messages, those with the same key in their order; for each an acknowledgement to wait for, or why it
        was refused. Never raises."""
        ...

    async def has(self, topic: str) -> bool:
        """Whether the topic is there; raises Unavailable when nobody can say."""
        ...

    async def stop(self) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class _Failure:
    row: Row
    error: BaseException


@dataclass(kw_only=True, slots=True)
class _Lane:
    """A topic that fails: how many of its messages are sent at once, and until when none is (monotonic seconds)."""

    at_once: int
    rests_until: float = 0.0
    is_closed: bool = False


class Relay:
    """Runs until stopped; `wake()` after a commit spares the wait for the next poll. After a round that moved something the next
    begins `apart` seconds after it began at the earliest, unless it was full: what comes one by one shares a round's cost."""

    def __init__(
        self,
        database: Database,
        start_producer: Callable[[], Awaitable[Producer]],
        *,
        batch: int = 1000,
        lease_seconds: float = 10.0,
        park_at: int = 5,
        parked_seconds: float = 300.0,
        rest_seconds: float = 0.5,
        closed_seconds: float = 5.0,
        apart: float = 0.0,
    ) -> None:
        self._database = database
        self._start_producer = start_producer
        self._owner = uuid4().hex
        self._epoch: int | None = None
        self._renew_at = 0.0
        self._batch = batch
        self._lease_seconds = lease_seconds
        self._park_at = park_at
        self._parked_seconds = parked_seconds
        self._rest_seconds = rest_seconds
        self._closed_seconds = closed_seconds
        self._apart = apart
        self._lanes: dict[str, _Lane] = {}
        self._producer: Producer | None = None
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()

    def wake(self) -> None:
        """There may be something to relay."""
        self._wake.set()

    def stop(self) -> None:
        """Relay what waits, once more, then return from `run`."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Relay until stopped; whatever fails is tried again."""
        pause = 0.02
        try:
            while True:
                self._wake.clear()
                last_round = self._stopping.is_set()
                began = time.monotonic()
                try:
                    moved = await self._round()
                except Exception as error:
                    if not (is_transient(error) or isinstance(error, KafkaError | FaultInjected)):
                        raise
                    log.warning("outbox relay could not go on", error=type(error).__name__)
                    moved = 0
                    self._epoch = None
                    await self._discard_producer()
                    await self._rest(self._rest_seconds)
                if last_round and not moved:
                    return
                if moved:
                    pause = 0.02
                    if moved < self._batch and (rest := began + self._apart - time.monotonic()) > 0:
                        await self._rest(rest)
                elif not self._wake.is_set():
                    await self._sleep(pause)
                    pause = min(pause * 1.5, 0.1)
        finally:
            await self._leave()

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    async def _rest(self, seconds: float) -> None:
        """Sleep that new messages do not cut short."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _round(self) -> int:
        async with self._database.acquire() as connection:
            epoch = await self._hold_lease(connection)
            rows = [] if epoch is None else self._at_once(await self._read(connection))
        if epoch is None:
            self._lanes.clear()  # another relay knows now
            OUTBOX_CLOSED.set(0)
            await self._rest(self._lease_seconds / 10)
            return 0
        if not rows:
            return 0
        faultpoint("relay.after_read")
        delivered, failures = await self._produce(rows)
        faultpoint("relay.after_ack")
        if delivered:
            async with self._database.acquire() as connection:
                if released := [row for row in delivered if row.failures >= self._park_at]:
                    await store.release(connection, released)
                deleted = await store.delete(connection, [row.seq for row in delivered], self._owner, epoch)
            OUTBOX_PRODUCED.inc(len(delivered))
            if deleted < len(delivered):
                self._epoch = None
                log.warning("outbox lease was lost while producing", produced=len(delivered), deleted=deleted)
        if self._lanes or failures:
            await self._mend(failures, Counter(row.topic for row in rows))
        return len(delivered)

    async def _read(self, connection: Connection) -> list[Row]:
        now = time.monotonic()
        resting = [topic for topic, lane in self._lanes.items() if lane.rests_until > now]
        return await store.read(connection, self._batch, resting=resting, parked_seconds=self._parked_seconds)

    def _at_once(self, rows: list[Row]) -> list[Row]:
        """Of each topic as many as may go together."""
        if not self._lanes:
            return rows
        taken: Counter[str] = Counter()
        found = []
        for row in rows:
            lane = self._lanes.get(row.topic)
            if lane is None or taken[row.topic] < lane.at_once:
                taken[row.topic] += 1
                found.append(row)
        return found

    async def _hold_lease(self, connection: Connection) -> int | None:
        """The lease's epoch, asked for anew only when a third of the lease is over: it is a write."""
        now = time.monotonic()
        if self._epoch is None or now >= self._renew_at:
            self._epoch = await store.hold_lease(connection, self._owner, self._lease_seconds)
            self._renew_at = now + self._lease_seconds / 3
        return self._epoch

    async def _produce(self, rows: list[Row]) -> tuple[list[Row], dict[str, _Failure]]:
        """Send in order and wait for all: those acknowledged before the first of their topic that was not, and each first."""
        if self._producer is None:
            self._producer = await self._start_producer()
        failures: dict[str, _Failure] = {}
        firsts = {row.topic: row for row in reversed(rows)}
        for topic, row in firsts.items():
            if not await self._producer.has(topic):
                failures[topic] = _Failure(row=row, error=kafka.UnknownTopicOrPartitionError())
        sent = [row for row in rows if row.topic not in failures]
        futures = await self._producer.send(sent)
        delivered = []
        for row, result in zip(sent, await self._acknowledgements(futures), strict=True):
            failure = failures.get(row.topic)
            is_first = failure is None or row.seq < failure.row.seq
            if is_first and isinstance(result, BaseException):
                failures[row.topic] = _Failure(row=row, error=result)
            elif is_first:
                delivered.append(row)
        return delivered, failures

    async def _acknowledgements(self, futures: list["asyncio.Future[Any]"]) -> list[Any]:
        """Wait as long as it takes, keeping the lease meanwhile."""
        if not futures:
            return []
        everything = asyncio.gather(*futures, return_exceptions=True)
        while True:
            done, _ = await asyncio.wait({everything}, timeout=self._lease_seconds / 3)
            if done:
                return list(everything.result())
            with contextlib.suppress(Exception):  # a lease that cannot be renewed is lost, which the epoch tells
                async with self._database.acquire() as connection:
                    await store.hold_lease(connection, self._owner, self._lease_seconds)

    async def _mend(self, failures: Mapping[str, _Failure], sent: Mapping[str, int]) -> None:
        """Slow down what failed, and let what did not go faster again."""
        if failures:
            await self._discard_producer()
        for topic in sent.keys() - failures.keys() & self._lanes.keys():
            lane = self._lanes[topic]
            if lane.is_closed:
                log.info("outbox topic is open again", topic=topic)
            lane.is_closed = False
            lane.at_once *= 2
            if lane.at_once >= self._batch:
                del self._lanes[topic]
        for topic, failure in failures.items():
            await self._slow_down(self._lanes.setdefault(topic, _Lane(at_once=self._batch)), failure, sent[topic])
        OUTBOX_CLOSED.set(sum(lane.is_closed for lane in self._lanes.values()))

    async def _slow_down(self, lane: _Lane, failure: _Failure, sent_at_once: int) -> None:
        row, error = failure.row, failure.error
        if not isinstance(error, KafkaError):
            raise error
        name = type(error).__name__
        if isinstance(error, _CLOSED):
            if not lane.is_closed:
                log.error("outbox topic is closed", topic=row.topic, error=name)
            lane.is_closed = True
            lane.rests_until = time.monotonic() + self._closed_seconds
            return
        log.warning("Kafka did not take a message", topic=row.topic, seq=row.seq, error=name)
        if error.retriable or isinstance(error, _NOT_NOW):
            lane.rests_until = time.monotonic() + self._rest_seconds
            return
        if sent_at_once > 1:
            lane.at_once = max(1, sent_at_once // 4)
            return
        async with self._database.transaction() as connection:
            parked = await store.note_failure(connection, row, name, self._park_at)
        if parked:
            OUTBOX_PARKED_KEYS.inc()
            log.error("outbox key is parked", topic=row.topic, seq=row.seq, error=name)
        else:
            lane.rests_until = time.monotonic() + self._rest_seconds

    async def _discard_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(Exception):  # it is of no use any more, whatever it says
                await asyncio.wait_for(producer.stop(), 5)

    async def _leave(self) -> None:
        await self._discard_producer()
        with contextlib.suppress(Exception):  # the lease runs out by itself
            async with self._database.acquire() as connection:
                await store.release_lease(connection, self._owner)
