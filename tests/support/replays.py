"""A stage that listens to a topic of its own on a real broker, and the desk at which its dead letters are replayed."""

import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import structlog

from contracts.dead_letter.v1 import DeadLetter
from contracts.dead_letter.v1 import record as dead_letter
from contracts.envelope import BadEnvelope
from contracts.events import BadEvent, Event, Reader, UnknownEventType, encode
from contracts.topics import consumer_group, dead_letter_topic
from deploy.kafka import TopicToMake
from plumbing.bus import start_producer
from plumbing.dead_letters import Undertaker, desk
from plumbing.dead_letters.undertaker import FetchKey
from plumbing.outbox import Relay
from plumbing.postgres import Database
from plumbing.stage import Stage
from services.citizens.domain.rights import Caller
from stack import DatabaseAddresses, Stack
from tests.integration.citizens.running import HandClock
from tests.plumbing.helpers import bus_settings, fresh_group, member, producer, until
from tests.support.fixtures import TopicFactory

_SIGNED = ("--send", "--actor", "kbh", "--purpose", "INC-42")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The vault's log would stand between the lines of the command: both are in this process."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@dataclass(kw_only=True)
class Listening:
    """What is sent to it is worked; what it refuses can be replayed."""

    kafka: str
    topic: str
    database: Database
    desk: desk.Desk
    capsys: pytest.CaptureFixture[str]

    async def hears(self, event: Event, event_id: UUID) -> None:
        """Behind whatever came before; returns when its fate is written."""
        sent = encode(event, event_id=event_id, time=self.desk.clock.now(), topic=self.topic)
        before = len(await self.fates())
        async with producer(self.kafka) as client:
            await client.send_and_wait(self.topic, sent.value, key=sent.key.encode(), headers=list(sent.headers))
        await self.has_settled(before + 1)

    async def replays(self, *wanted: str) -> str:
        """What the command tells; returns when what it sent has its fate. Dead letters are relayed before it."""
        await self._relay()
        before = len(await self.fates())
        assert await self._run("replay", *wanted, *_SIGNED) == 0
        told = self.capsys.readouterr().out
        await self.has_settled(before + told.count("  sent, stands at"))
        return told

    async def dead_letters(self) -> list[str]:
        """Their ids, oldest first."""
        await self._relay()
        assert await self._run("list", "--json") == 0
        return [json.loads(line)["id"] for line in self.capsys.readouterr().out.splitlines()]

    async def has_settled(self, number: int) -> None:
        async def enough() -> bool:
            return len(await self.fates()) >= number

        await until(enough)

    async def fates(self) -> list[str]:
        """In the order of the log."""
        rows = await self.rows('select fate from inbox_record where topic = $1 order by "offset"', self.topic)
        return [row["fate"] for row in rows]

    async def rows(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        async with self.database.acquire() as connection:
            return list(await connection.fetch(sql, *arguments))

    async def _run(self, *arguments: str) -> int:
        self.capsys.readouterr()
        return await desk.run(self.desk, arguments)

    async def _relay(self) -> None:
        relay = Relay(self.database, lambda: start_producer(bus_settings(self.kafka)))
        relay.stop()
        await relay.run()


@asynccontextmanager
async def listening(
    caller: Caller,
    *,
    stack: Stack,
    topics: TopicFactory,
    addresses: DatabaseAddresses,
    fetch_key: FetchKey,
    clock: HandClock,
    make_stage: Callable[[Database, Undertaker], Stage[Any]],
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Listening]:
    """`make_stage` is given the service's database and who buries what its stage refuses."""
    stack.create_topics()  # where it announces what it does
    topic = topics(f"{caller.value}.hears")
    group = consumer_group(caller.value, topic)
    stack.make_topics(TopicToMake(name=dead_letter_topic(group), partitions=1, config={}))
    undertaker = Undertaker(fetch_key=fetch_key, write=dead_letter, clock=clock, group=group)
    async with AsyncExitStack() as opened:
        database = await Database.open(addresses.runtime_dsn, application_name="test")
        opened.push_async_callback(database.close)
        await opened.enter_async_context(
            member(stack.kafka_bootstrap, topic, fresh_group(), make_stage(database, undertaker))
        )
        yield Listening(
            kafka=stack.kafka_bootstrap,
            topic=topic,
            database=database,
            desk=desk.Desk(
                service=caller.value,
                bus=bus_settings(stack.kafka_bootstrap),
                database_url=addresses.runtime_dsn,
                migrations=f"services.{caller.value}.migrations",
                topics=[dead_letter_topic(group)],
                decode=Reader(DeadLetter).decode,
                faults=(BadEnvelope, BadEvent, UnknownEventType),
                fetch_key=fetch_key,
                clock=clock,
            ),
            capsys=capsys,
        )


def ids(letters: Sequence[str]) -> list[str]:
    """The arguments that name these dead letters."""
    return [word for one in letters for word in ("--id", one)]
