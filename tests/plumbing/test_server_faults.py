"""Servers that are killed, paused and restarted under the relay and a subscription lose nothing and stop nobody for good."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence

import asyncpg
import pytest

from deploy.kafka import TopicToMake
from plumbing import inbox, outbox
from plumbing.bus import Record, start_producer
from plumbing.outbox import Relay
from plumbing.postgres import Database, is_transient
from stack import DatabaseAddresses, Stack
from stack.waiting import run
from tests.plumbing.helpers import Message, bus_settings, fresh_group, member, produce, read_log, until
from tests.support.fixtures import new_run_dir

EFFECT = "create table effect (message_id text not null); grant select, insert on effect to {role};"


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """Servers that these tests may kill."""
    with new_run_dir() as run_dir:
        started = Stack.start(run_dir)
        assert not started.is_borrowed, "addresses in the environment name servers that are not ours to kill"
        yield started
        started.stop()


@pytest.fixture
def tables(own: Stack, request: pytest.FixtureRequest) -> DatabaseAddresses:
    addresses = own.create_database("plain", suffix=f"_{abs(hash(request.node.name))}")

    async def make() -> None:
        owner = await asyncpg.connect(addresses.owner_dsn)
        for schema in (inbox.SCHEMA, outbox.SCHEMA, EFFECT):
            await owner.execute(schema.replace("{role}", addresses.role))
        await owner.close()

    run(make())
    return addresses


@pytest.fixture
async def base(tables: DatabaseAddresses) -> AsyncIterator[Database]:
    opened = await Database.open(tables.runtime_dsn, application_name="test", statement_seconds=2)
    yield opened
    await opened.close()


@pytest.fixture
def topic(own: Stack) -> str:
    name = f"topic.{fresh_group()}"
    own.make_topics(TopicToMake(name=name, partitions=3, config={}))
    return name


class Announcer:
    """Announces numbered messages under a few keys, and goes on announcing while the broker is away."""

    def __init__(self, base: Database, topic: str) -> None:
        self._base = base
        self._topic = topic
        self.announced = 0

    async def announce(self, number: int) -> None:
        for _ in range(number):
            message = Message(topic=self._topic, key=f"k{self.announced % 4}", value=b"%05d" % self.announced)
            async with self._base.transaction() as connection:
                await outbox.put(connection, [message])
            self.announced += 1


async def is_relayed(base: Database) -> bool:
    try:
        async with base.acquire() as connection:
            return not await connection.fetchval("select exists (select from outbox)")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False


async def assert_complete_and_in_order(kafka: str, topic: str, number: int) -> None:
    """Each message is there, and those of a key appear for the first time in their order."""
    firsts: dict[bytes | None, list[bytes | None]] = {}
    for record in await read_log(kafka, topic):
        values = firsts.setdefault(record.key, [])
        if record.value not in values:
            values.append(record.value)
    expected = {f"k{key}".encode(): [b"%05d" % nth for nth in range(key, number, 4)] for key in range(4)}
    assert firsts == expected


@pytest.mark.parametrize("fault", ["kill", "pause"])
async def test_a_relay_loses_nothing_when_the_broker_is(own: Stack, base: Database, topic: str, fault: str) -> None:
    relay = Relay(base, lambda: start_producer(bus_settings(own.kafka_bootstrap)), batch=20)
    relaying = asyncio.create_task(relay.run())
    announcer = Announcer(base, topic)
    await announcer.announce(50)

    if fault == "kill":
        await asyncio.to_thread(own.server("kafka").kill)
    else:
        await asyncio.to_thread(own.server("kafka").pause)
    await announcer.announce(50)
    await asyncio.sleep(2)
    if fault == "kill":
        await asyncio.to_thread(own.start_server, "kafka")
    else:
        await asyncio.to_thread(own.server("kafka").resume)
    await announcer.announce(50)
    await until(lambda: is_relayed(base), 30)
    relay.stop()
    await asyncio.wait_for(relaying, 10)

    await assert_complete_and_in_order(own.kafka_bootstrap, topic, 150)
    async with base.acquire() as connection:
        assert await connection.fetchval("select count(*) from outbox_parked_key") == 0


async def test_a_relay_goes_on_after_the_database_was_killed(own: Stack, base: Database, topic: str) -> None:
    relay = Relay(base, lambda: start_producer(bus_settings(own.kafka_bootstrap)), batch=20, lease_seconds=2)
    relaying = asyncio.create_task(relay.run())
    announcer = Announcer(base, topic)
    await announcer.announce(100)
    await asyncio.to_thread(own.server("postgres").kill)
    await asyncio.sleep(1)
    await asyncio.to_thread(own.start_server, "postgres")

    await until(lambda: is_relayed(base), 30)
    relay.stop()
    await asyncio.wait_for(relaying, 10)
    await assert_complete_and_in_order(own.kafka_bootstrap, topic, 100)


async def test_a_killed_database_raises_what_is_transient(own: Stack, base: Database) -> None:
    async def work() -> None:
        async with base.transaction() as connection:
            await connection.execute("select pg_sleep(1.5)")

    working = asyncio.create_task(work())
    await asyncio.sleep(0.3)
    await asyncio.to_thread(own.server("postgres").kill)
    errors = [await failure(working), await failure(asyncio.create_task(work()))]
    await asyncio.to_thread(own.start_server, "postgres")

    assert [error for error in errors if error is None or not is_transient(error)] == []


async def test_a_paused_database_frees_whoever_waits_for_it(own: Stack, base: Database) -> None:
    await asyncio.to_thread(own.server("postgres").pause)
    error = await failure(asyncio.create_task(base.ping()))
    await asyncio.to_thread(own.server("postgres").resume)

    assert error is not None
    assert is_transient(error)
    await until(lambda: is_relayed(base))


@pytest.mark.parametrize("server", ["postgres", "kafka"])
async def test_a_subscription_goes_on_after_a_server_was_killed(
    own: Stack, base: Database, topic: str, server: str
) -> None:
    async def work(records: Sequence[Record]) -> None:
        async with base.transaction() as connection:
            fresh = await inbox.admit(connection, {inbox.position_id(record) for record in records})
            values = [(record.value or b"").decode() for record in records if inbox.position_id(record) in fresh]
            await connection.executemany("insert into effect values ($1)", [(value,) for value in values])
            await asyncio.sleep(0.05)

    kafka, group = own.kafka_bootstrap, fresh_group()
    await produce(kafka, topic, *(b"%d" % nth for nth in range(60)))
    async with member(kafka, topic, group, work, max_records=5):
        await until(lambda: effects_are(base, 10, at_least=True))
        await asyncio.to_thread(own.server(server).kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(own.start_server, server)
        await produce(kafka, topic, *(b"%d" % nth for nth in range(60, 80)))
        await until(lambda: effects_are(base, 80), 40)

    async with base.acquire() as connection:
        counts = Counter(row[0] for row in await connection.fetch("select message_id from effect"))
    assert counts == {str(nth): 1 for nth in range(80)}


async def effects_are(base: Database, number: int, *, at_least: bool = False) -> bool:
    try:
        async with base.acquire() as connection:
            found: int = await connection.fetchval("select count(*) from effect")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return found >= number if at_least else found == number


async def failure(task: "asyncio.Task[None]") -> BaseException | None:
    await asyncio.wait({task}, timeout=20)
    return task.exception()
