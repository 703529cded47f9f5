"""Sends traffic to Kafka as a careful reporter does: acknowledged by all replicas, again until there is an answer, in
order per key.

A record whose outcome is unknown is sent again, as the contract tells reporters to. No record overtakes an earlier one
with its key: it waits until that one is acknowledged. What the broker refuses for its size is given up, and told. After
any failure the producer is thrown away, because an idempotent one can't go on behind a refused record.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from simulators.nemrefusion.ledger import Acknowledged, Ledger
from simulators.nemrefusion.sent import Sent

_SURELY_NOT_WRITTEN: Final = (
    MessageSizeTooLargeError,
    InvalidTopicError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
_MOST_IN_FLIGHT: Final = 5_000
_SHORTEST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 5.0
_LARGEST_REQUEST: Final = 16 * 1024 * 1024

Producer = Any
"""aiokafka's producer, which has no types."""


class Undeliverable(Exception):
    """Some records could not be delivered in all their attempts; the ledger tells which."""


@dataclass(kw_only=True, slots=True)
class Tally:
    """How it went. `unknown` counts attempts, the others records; `refused` ones were too large for the topic."""

    ok: int = 0
    refused: int = 0
    unknown: int = 0
    by_expected: dict[str, int] = field(default_factory=dict)


def kafka_producer(bootstrap_servers: str) -> Callable[[], Producer]:
    """Makes producers that keep order and are acknowledged by all in-sync replicas."""
    return lambda: AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers,
        client_id="nemrefusion-simulator",
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        compression_type="lz4",
        max_request_size=_LARGEST_REQUEST,
    )


class Sender:
    """Sends records to one topic and writes the ledger. Use as `async with`."""

    def __init__(
        self, make_producer: Callable[[], Producer], *, topic: str, ledger: Ledger, attempts: int = 20, rate: float = 0
    ) -> None:
        self._make_producer = make_producer
        self._producer: Producer = None
        self._topic = topic
        self._ledger = ledger
        self._attempts = attempts
        self._rate = rate
        self._in_flight: dict[asyncio.Future[Any], tuple[Sent, int]] = {}
        self._keys_in_flight: set[bytes] = set()
        self._again: list[tuple[Sent, int]] = []
        self._producer_is_spent = False
        self.tally = Tally()

    async def __aenter__(self) -> Self:
        await self._renew_producer()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def send_all(self, records: Iterable[Sent], *, stopping: asyncio.Event | None = None) -> Tally:
        """Sends at the rate, if there is one, until the end or until told to stop; returns when all is settled."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number, sent in enumerate(records):
            if stopping is not None and stopping.is_set():
                break
            if self._rate and (ahead := began + number / self._rate - loop.time()) > 0:
                await asyncio.sleep(ahead)
            if sent.key in self._keys_in_flight or self._producer_is_spent or len(self._in_flight) >= _MOST_IN_FLIGHT:
                await self._settle()
            name = type(sent.expected).__name__
            self.tally.by_expected[name] = self.tally.by_expected.get(name, 0) + 1
            await self._attempt(sent, 1)
        await self._settle()
        return self.tally

    async def _attempt(self, sent: Sent, attempt: int) -> None:
        self._ledger.invoke(sent, attempt)
        try:
            future = await self._producer.send(self._topic, sent.value, key=sent.key, headers=list(sent.headers))
        except KafkaError as error:
            # before it was put into a batch: too large for the client, or no room in its buffer
            self._failed(sent, attempt, error, surely=True)
            return
        self._in_flight[future] = (sent, attempt)
        if sent.key is not None:
            self._keys_in_flight.add(sent.key)
        future.add_done_callback(self._ended)

    def _ended(self, future: "asyncio.Future[Any]") -> None:
        sent, attempt = self._in_flight.pop(future)
        self._keys_in_flight.discard(sent.key or b"")
        if future.cancelled():
            self._failed(sent, attempt, asyncio.CancelledError(), surely=False)
        elif error := future.exception():
            self._failed(sent, attempt, error, surely=isinstance(error, _SURELY_NOT_WRITTEN))
        else:
            written = future.result()
            self.tally.ok += 1
            self._ledger.ok(sent, attempt, Acknowledged(partition=written.partition, offset=written.offset))

    def _failed(self, sent: Sent, attempt: int, error: BaseException, *, surely: bool) -> None:
        name = type(error).__name__
        if surely:
            self._ledger.fail(sent, attempt, name)
        else:
            self.tally.unknown += 1
            self._ledger.info(sent, attempt, name)
        self._producer_is_spent = True
        if isinstance(error, MessageSizeTooLargeError):
            self.tally.refused += 1
        else:
            self._again.append((sent, attempt))

    async def _settle(self) -> None:
        """Waits for every answer, and sends again, in order, what has none; raises Undeliverable."""
        await self._answers()
        while self._producer_is_spent:
            await self._reconnect()
            again, self._again = sorted(self._again, key=lambda each: each[0].sequence), []
            if lost := [sent for sent, attempt in again if attempt >= self._attempts]:
                raise Undeliverable(f"{len(lost)} records, first {lost[0].sequence}")
            for sent, attempt in again:
                await self._attempt(sent, attempt + 1)
                await self._answers()

    async def _reconnect(self) -> None:
        """A new producer, however long the broker is away within the attempts; raises Undeliverable."""
        pause = _SHORTEST_PAUSE_SECONDS
        for number in range(self._attempts):
            if self._again or number:
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            try:
                await self._renew_producer()
            except KafkaError:
                continue
            return
        raise Undeliverable("the broker is away")

    async def _answers(self) -> None:
        if self._in_flight:
            await asyncio.wait(self._in_flight)
        # the callbacks of the last futures run in the turn after they are done
        while self._in_flight:
            await asyncio.sleep(0)

    async def _renew_producer(self) -> None:
        if self._producer is not None:
            await self._producer.stop()
        self._producer = self._make_producer()
        await self._producer.start()
        self._producer_is_spent = False
