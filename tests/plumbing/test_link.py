"""Through a link to real servers: a commit whose answer is lost was done, a record whose answer is lost was taken, and neither
has an effect twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from campaign.link import Links, open_links
from campaign.wires import Exchange
from deploy.kafka import TopicToMake
from plumbing import inbox, outbox
from plumbing.bus import Record, start_producer
from plumbing.outbox import Relay
from plumbing.postgres import Database, is_transient
from stack import Addresses, DatabaseAddresses, Stack
from stack.postgres_admin import describe
from stack.waiting import run
from tests.plumbing.helpers import Message, bus_settings, committed, fresh_group, member, produce, read_log, until
from tests.support.fixtures import new_run_dir

EFFECT = "create table effect (message_id text not null); grant select, insert on effect to {role};"


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Servers, the links that lead to them, and what the links told. `through` is where they are found by way of the links."""

    stack: Stack
    links: Links
    through: Addresses
    told: list[str]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    told: list[str] = []
    with new_run_dir() as run_dir, open_links(told.append) as links:
        stack = Stack.start(run_dir, second_listener=links.listener)
        yield Site(stack=stack, links=links, through=links.lead_to(stack), told=told)
        stack.stop()


@pytest.fixture(autouse=True)
def healed(site: Site) -> Iterator[None]:
    site.told.clear()
    yield
    site.links.heal()


@pytest.fixture
def name(request: pytest.FixtureRequest, site: Site) -> str:
    """Of a database with the tables of plumbing and one of effects."""
    suffix = f"_{abs(hash(request.node.name))}"
    addresses = site.stack.create_database("plain", suffix=suffix)
    run(_make_tables(addresses))
    return suffix


async def _make_tables(addresses: DatabaseAddresses) -> None:
    owner = await asyncpg.connect(addresses.owner_dsn)
    try:
        for schema in (inbox.SCHEMA, outbox.SCHEMA, EFFECT):
            await owner.execute(schema.replace("{role}", addresses.role))
    finally:
        await owner.close()


@pytest.fixture
async def base(site: Site, name: str) -> AsyncIterator[Database]:
    """Through the link, as a service reaches it."""
    addresses = describe(site.through.postgres_admin_dsn, "plain", suffix=name)
    opened = await Database.open(addresses.runtime_dsn, application_name="test")
    yield opened
    await opened.close()


@pytest.fixture
async def beside(site: Site, name: str) -> AsyncIterator[Database]:
    """Directly, as a judge reaches it."""
    opened = await Database.open(site.stack.database("plain", suffix=name).runtime_dsn, application_name="beside")
    yield opened
    await opened.close()


@pytest.fixture
def topic(site: Site) -> str:
    made = f"topic.{fresh_group()}"
    site.stack.make_topics(TopicToMake(name=made, partitions=2, config={}))
    return made


async def test_who_comes_through_the_link_is_sent_back_to_it(site: Site) -> None:
    for bootstrap in (site.through.kafka_bootstrap, site.stack.kafka_bootstrap):
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        [broker] = (await admin.describe_cluster())["brokers"]
        await admin.close()
        assert f"{broker['host']}:{broker['port']}" == bootstrap


async def test_a_commit_whose_answer_is_lost_was_done(site: Site, base: Database, beside: Database) -> None:
    async def work() -> None:
        async with base.transaction() as connection:
            await connection.execute("insert into effect values ('once')")
            site.links.postgres.lose_answer(Exchange.COMMIT)

    [error] = await asyncio.gather(work(), return_exceptions=True)
    assert error is not None
    assert is_transient(error)
    assert site.told == ["commit answer lost"]
    assert await effects(beside) == {"once": 1}


async def test_a_batch_whose_commit_nobody_heard_of_takes_effect_once(
    site: Site, base: Database, topic: str, beside: Database
) -> None:
    batches: list[int] = []

    async def work(records: Sequence[Record]) -> None:
        batches.append(len(records))
        async with base.transaction() as connection:
            fresh = await inbox.admit(connection, {inbox.position_id(record) for record in records})
            values = [(record.value or b"").decode() for record in records if inbox.position_id(record) in fresh]
            await connection.executemany("insert into effect values ($1)", [(value,) for value in values])
            if len(batches) % 3 == 1:
                site.links.postgres.lose_answer(Exchange.COMMIT)

    kafka, group = site.through.kafka_bootstrap, fresh_group()
    await produce(site.stack.kafka_bootstrap, topic, *(b"%d" % nth for nth in range(60)))
    async with member(kafka, topic, group, work, max_records=5):
        await until(lambda: is_committed(site, group, topic, 60))
    assert await effects(beside) == {str(nth): 1 for nth in range(60)}
    assert site.told.count("commit answer lost") > 2
    assert len(batches) > 12  # what was not heard of was done again


async def test_what_was_taken_into_the_void_is_announced_once(
    site: Site, base: Database, topic: str, beside: Database
) -> None:
    relay = Relay(base, lambda: start_producer(bus_settings(site.through.kafka_bootstrap)), batch=20)
    relaying = asyncio.create_task(relay.run())
    for nth in range(80):
        if nth % 20 == 0:
            site.links.kafka.lose_answer(Exchange.PRODUCE)
        async with base.transaction() as connection:
            await outbox.put(connection, [Message(topic=topic, key=f"k{nth % 4}", value=b"%03d" % nth)])
        await asyncio.sleep(0.02)
    await until(lambda: is_empty(beside))
    relay.stop()
    await asyncio.wait_for(relaying, 20)

    log = await read_log(site.stack.kafka_bootstrap, topic)
    assert site.told.count("produce answer lost") >= 2
    by_key: dict[bytes | None, list[bytes | None]] = {}
    for record in log:
        by_key.setdefault(record.key, []).append(record.value)
    # Not only each event at least once, and the first of each in its order: the idempotent producer asks again, and is known.
    assert by_key == {f"k{key}".encode(): [b"%03d" % nth for nth in range(key, 80, 4)] for key in range(4)}


async def test_offsets_whose_commit_never_came_are_committed_again_and_nothing_is_done_twice(
    site: Site, base: Database, topic: str, beside: Database
) -> None:
    async def work(records: Sequence[Record]) -> None:
        async with base.transaction() as connection:
            fresh = await inbox.admit(connection, {inbox.position_id(record) for record in records})
            values = [(record.value or b"").decode() for record in records if inbox.position_id(record) in fresh]
            await connection.executemany("insert into effect values ($1)", [(value,) for value in values])

    group = fresh_group()
    for _ in range(3):
        site.links.kafka.lose_request(Exchange.OFFSET_COMMIT)
    await produce(site.stack.kafka_bootstrap, topic, *(b"%d" % nth for nth in range(40)))
    async with member(site.through.kafka_bootstrap, topic, group, work, max_records=5):
        await until(lambda: is_committed(site, group, topic, 40))
    assert await effects(beside) == {str(nth): 1 for nth in range(40)}
    assert site.told == ["offset commit request lost"] * 3


@pytest.mark.parametrize("server", ["kafka", "postgres"])
async def test_after_every_kind_of_break_both_are_reached_again(
    site: Site, base: Database, topic: str, beside: Database, server: str
) -> None:
    link = site.links.kafka if server == "kafka" else site.links.postgres
    relay = Relay(base, lambda: start_producer(bus_settings(site.through.kafka_bootstrap)), batch=20)
    relaying = asyncio.create_task(relay.run())
    for nth, breaks in enumerate((link.cut, lambda: link.tear(20), link.stall, link.refuse)):
        async with beside.transaction() as connection:
            await outbox.put(connection, [Message(topic=topic, value=b"%d" % nth)])
        breaks()
        await asyncio.sleep(0.5)
        link.heal()
        await until(lambda: is_empty(beside))
    relay.stop()
    await asyncio.wait_for(relaying, 20)
    log = await read_log(site.stack.kafka_bootstrap, topic)
    assert list(dict.fromkeys(record.value for record in log)) == [b"0", b"1", b"2", b"3"]


async def is_committed(site: Site, group: str, topic: str, number: int) -> bool:
    return await committed(site.stack.kafka_bootstrap, group, topic) == number


async def is_empty(beside: Database) -> bool:
    async with beside.acquire() as connection:
        return not await connection.fetchval("select exists (select from outbox)")


async def effects(beside: Database) -> Counter[str]:
    async with beside.acquire() as connection:
        return Counter(row[0] for row in await connection.fetch("select message_id from effect"))
