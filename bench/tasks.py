"""The tasks service as it is deployed: both subscriptions, stages, relay and audit sealer.

Worked are the events about absences that intake told, and after those the dispatch of every letter that was asked for. The
letters are the same in every run, because their ids follow from the events'.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaProducer
from faststream import FastStream

from bench.child import Measured, Task, meter
from contracts.dead_letter.v1 import record as dead_letter
from contracts.events import Encoded, Reader, encode
from contracts.letter.v1 import Channel, DispatchProof, LetterDispatched, LetterRequested
from contracts.topics import ABSENCE, LETTER, LETTER_REQUEST, Topic, consumer_group
from plumbing import ids
from plumbing.audit import Sealer
from plumbing.bus import BusSettings, Record, Subscription, make_broker, start_producer
from plumbing.bus.log import open_log
from plumbing.clock import SystemClock
from plumbing.dead_letters import MonthKey, Undertaker
from plumbing.outbox import Relay
from plumbing.postgres import Database
from plumbing.service import memory
from plumbing.stage import Stage
from services.tasks.handlers import read_absence, read_letter
from services.tasks.store import Store
from services.tasks.usecases import FollowAbsences, StartClocks


async def _month_key(month: str) -> MonthKey:
    return MonthKey(key_id=f"bench/{month}", key=b"m" * 32)


def _undertaker(topic: Topic) -> Undertaker:
    group = consumer_group("tasks", topic.name)
    return Undertaker(fetch_key=_month_key, write=dead_letter, clock=SystemClock(), group=group)


class _Reading:
    """A subscription that ends when it has worked so many records."""

    def __init__(
        self, bus: BusSettings, topic: Topic, group: str, work: Callable[[Sequence[Record]], Awaitable[None]]
    ) -> None:
        self._broker = make_broker(bus)
        self._left = 0
        self._finished = asyncio.Event()
        self._work = work
        Subscription(self._broker, topic=topic.name, group=f"{group}.{topic.name}", work=self._count, settings=bus)

    async def _count(self, records: Sequence[Record]) -> None:
        meter.begin()
        await self._work(records)
        self._left -= len(records)
        if self._left <= 0:
            self._finished.set()

    async def read(self, count: int) -> None:
        """Work so many."""
        self._left = count
        app = FastStream(self._broker, logger=None)
        await app.start()
        try:
            await self._finished.wait()
        finally:
            await app.stop()


def working(*, letters: bool) -> Callable[[Task], Coroutine[Any, Any, Measured]]:
    """Works `task.count` events about absences, then the fate of their letters; from the first batch until nothing waits."""

    async def run(task: Task) -> Measured:
        database = await Database.open(task.dsn, application_name="bench")
        bus = BusSettings(bootstrap_servers=task.bootstrap, client_id=f"bench-{os.getpid()}")
        relay = Relay(database, lambda: start_producer(bus))
        store, clock = Store(), SystemClock()
        follow = Stage(
            database,
            read=read_absence,
            work=FollowAbsences(store, clock),
            undertaker=_undertaker(ABSENCE),
            after_commit=relay.wake,
        )
        start = Stage(
            database,
            read=read_letter,
            work=StartClocks(store, clock),
            undertaker=_undertaker(LETTER),
            after_commit=relay.wake,
        )
        relaying = asyncio.create_task(relay.run())
        aside = [asyncio.create_task(one) for one in (Sealer(database).run(), memory.tidy())]
        memory.settle()
        try:
            await _Reading(bus, ABSENCE, task.group, follow).read(task.count)
            if letters:
                await _Reading(bus, LETTER, task.group, start).read(await _number(database, "letter"))
            while await _number(database, "outbox"):
                await asyncio.sleep(0.02)
            return meter.end(task.count)
        finally:
            for one in aside:
                one.cancel()
            relay.stop()
            await relaying
            await database.close()

    return run


async def _number(database: Database, table: str) -> int:
    async with database.acquire() as connection:
        return int(await connection.fetchval(f"select count(*) from {table}"))  # noqa: S608 - our own, above


async def dispatch(bootstrap: str) -> int:
    """Tell that every letter that was asked for went out by Digital Post; how many."""
    bus = BusSettings(bootstrap_servers=bootstrap, client_id="bench-dispatch")
    reader = Reader(LetterRequested)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=20, compression_type="lz4")
    await producer.start()
    try:
        sent = []
        async with open_log(bus, LETTER_REQUEST.name) as log:
            async for record in log.read():
                one = _dispatched(reader.decode(record.headers, record.value).event)
                sent.append(
                    await producer.send(one.topic, key=one.key.encode(), value=one.value, headers=list(one.headers))
                )
        await asyncio.gather(*sent)
        return len(sent)
    finally:
        await producer.stop()


def _dispatched(letter: LetterRequested) -> Encoded:
    at = datetime.now(UTC) + timedelta(seconds=1)
    told = LetterDispatched(
        letter_id=letter.letter_id,
        version=letter.version,
        absence_id=letter.absence_id,
        citizen_id=letter.citizen_id,
        channel=Channel.DIGITAL_POST,
        dispatched_at=at,
        proof=DispatchProof(
            transmission_id=str(ids.derive(letter.letter_id)), status_code="Afleveret Digital Post", status_at=at
        ),
    )
    return encode(told, event_id=ids.derive(letter.letter_id, "dispatched"), time=at)
