"""The real servers as tests get them."""

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import UnknownTopicOrPartitionError

from stack import Stack
from tests.support.fixtures import PlainDatabaseFactory, TopicFactory


async def test_what_is_produced_to_a_fresh_topic_is_consumed_from_it(kafka: str, topics: TopicFactory) -> None:
    topic = topics("letters", partitions=3)
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, b"value", key=b"key")
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=kafka, auto_offset_reset="earliest", group_id=topic
    ) as consumer:
        record = await consumer.getone()
        assert (record.key, record.value) == (b"key", b"value")
        assert consumer.partitions_for_topic(topic) == {0, 1, 2}


async def test_a_topic_nobody_declared_is_not_made_by_writing_to_it(kafka: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka, request_timeout_ms=1000) as producer:
        with pytest.raises(UnknownTopicOrPartitionError):
            await producer.send_and_wait("nobody.declared.this", b"value")


async def test_the_run_time_role_has_only_what_it_was_granted(plain_database: PlainDatabaseFactory) -> None:
    addresses = plain_database()
    owner = await asyncpg.connect(addresses.owner_dsn)
    await owner.execute(
        f"create table letter (id int); create table secret (id int); grant select on letter to {addresses.role}"
    )
    runtime = await asyncpg.connect(addresses.runtime_dsn)
    assert await runtime.fetch("select * from letter") == []
    for forbidden in ("insert into letter values (1)", "select * from secret", "create table mine (id int)"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await runtime.execute(forbidden)
    await runtime.close()
    await owner.close()


async def test_a_service_cannot_enter_the_database_of_another(
    plain_database: PlainDatabaseFactory, stack: Stack
) -> None:
    theirs = plain_database()
    ours = stack.create_database("other", suffix=theirs.name.removeprefix("mitsyg_plain"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(ours.runtime_dsn.replace(ours.name, theirs.name))
    stack.drop_database(ours.name)


async def test_a_wrong_password_is_refused(plain_database: PlainDatabaseFactory) -> None:
    addresses = plain_database()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(addresses.runtime_dsn, password="guessed")


async def test_a_commit_is_as_durable_as_in_production(stack: Stack) -> None:
    admin = await asyncpg.connect(stack.postgres_admin_dsn)
    assert await admin.fetchval("select current_setting('server_version_num')::int") >= 150000
    for setting, value in (
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
    ):
        assert await admin.fetchval("select current_setting($1)", setting) == value
    await admin.close()


async def test_each_test_gets_a_database_of_its_own(plain_database: PlainDatabaseFactory) -> None:
    first, second = plain_database(), plain_database()
    assert first.name != second.name
    connection = await asyncpg.connect(first.owner_dsn)
    await connection.execute("create table mark (id int)")
    await connection.close()
    other = await asyncpg.connect(second.owner_dsn)
    assert await other.fetchval("select to_regclass('mark')") is None
    await other.close()
