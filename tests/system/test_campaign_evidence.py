"""The laws take the evidence as it lies, on real servers: every record, every lag, every row."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from laws.reading import kafka as reading
from laws.reading.tables import read_tables, waiting_and_given_up
from stack import Stack
from tests.support.fixtures import DatabaseFactory, TopicFactory


@pytest.fixture
async def producer(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    made = AIOKafkaProducer(bootstrap_servers=kafka, max_request_size=16 * 1024 * 1024)
    await made.start()
    yield made
    await made.stop()


async def test_every_record_is_read_as_it_lies(kafka: str, topics: TopicFactory, producer: AIOKafkaProducer) -> None:
    large = {"max.message.bytes": str(12 * 1024 * 1024)}
    topic, empty = topics("evidence", partitions=3, config=large), topics("evidence.empty")
    odd = [("h", b"L\xf8n"), ("h", None), ("", b"")]
    await producer.send_and_wait(topic, b"x" * (5 * 1024 * 1024), partition=0)
    await producer.send_and_wait(topic, None, key=b"k", partition=2, headers=odd)
    for number in range(700):
        await producer.send(topic, str(number).encode(), partition=1)
    await producer.flush()
    log = await reading.read_log(kafka)
    records = log[topic]
    assert [(one.partition, one.offset) for one in records[:2]] == [(0, 0), (1, 0)]
    assert len(records[0].value or b"") == 5 * 1024 * 1024
    assert [one.value for one in records if one.partition == 1] == [str(number).encode() for number in range(700)]
    assert (records[-1].key, records[-1].value, records[-1].headers) == (b"k", None, tuple(odd))
    assert log[empty] == []


async def test_lag_is_what_the_group_has_not_committed(
    kafka: str, topics: TopicFactory, producer: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = topics("lagging", partitions=2)
    monkeypatch.setattr("laws.names.CONSUMERS", ((topic, "tasks"),))
    for partition in (0, 0, 0, 1):
        await producer.send_and_wait(topic, b"x", partition=partition)
    assert await reading.group_lags(kafka) == {f"tasks on {topic}": 4}
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=f"mitsyg.tasks.{topic}", enable_auto_commit=False)
    await consumer.start()
    consumer.assign([TopicPartition(topic, 0)])
    await consumer.commit({TopicPartition(topic, 0): 2})
    await consumer.stop()
    assert await reading.group_lags(kafka) == {f"tasks on {topic}": 2}


async def test_every_table_is_read_and_what_is_sealed_only_at_its_beginning(
    stack: Stack, database: DatabaseFactory
) -> None:
    name = database("notifier").name
    dsn = f"{stack.postgres_admin_dsn.rpartition('/')[0]}/{name}"
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "insert into dead_letter_original (id, key_id, sealed) values (gen_random_uuid(), 'k', $1)", b"s" * 100_000
    )
    await connection.execute("insert into audit_unsealed_group (entry_ids) values (array[1])")
    await connection.execute(
        "insert into outbox_parked_key (aggregatetype, aggregateid, reason) values ('t', 'k', 'r')"
    )
    await connection.close()
    tables = await read_tables(dsn)
    assert {"letter", "inbox_record", "job", "outbox", "audit_chain"} <= tables.keys()
    assert len(tables["dead_letter_original"][0]["sealed"]) == 4_096
    under_way, given_up = await waiting_and_given_up(dsn)
    assert under_way == {
        "outbox": 0,
        "jobs": 0,
        "audit entries not in the chain": 1,
        "letters without end": 0,
        "letters held by nobody": 0,
    }
    assert given_up == {"parked keys": 1, "parked jobs": 0, "letters held": 0}


async def test_letters_behind_a_shut_gate_are_given_up_and_those_behind_none_wait(
    stack: Stack, database: DatabaseFactory
) -> None:
    name = database("notifier").name
    dsn = f"{stack.postgres_admin_dsn.rpartition('/')[0]}/{name}"
    connection = await asyncpg.connect(dsn)
    for state, municipality, template in (
        ("held", "0751", "report"),
        ("held", "0751", "hearing"),
        ("held", "0101", "report"),
        ("prepared", "0751", "report"),
        ("returned", "0751", "report"),
        ("unknown", "0751", "report"),
    ):
        proven = ("t", "Modtaget Post Danmark", datetime.now(UTC), "paper") if state == "returned" else (None,) * 4
        await connection.execute(
            "insert into letter (letter_id, version, gateway_id, absence_id, citizen_id, municipality_code, planned_day,"
            " planned_deadline_day, task_ids, kinds, requested_at, digest, template, state, transmission_id, status_code,"
            " dispatched_at, proof_channel) values (gen_random_uuid(), 1, gen_random_uuid(), gen_random_uuid(),"
            " gen_random_uuid(), $2, current_date, current_date, '{}', '{}', now(), '', $3, $1, $4, $5, $6, $7)",
            state,
            municipality,
            template,
            *proven,
        )
    under_way, given_up = await waiting_and_given_up(dsn)
    assert (under_way["letters without end"], under_way["letters held by nobody"], given_up["letters held"]) == (
        1,
        3,
        0,
    )
    for gate in (("0751", "report"), ("*", "hearing")):
        await connection.execute("insert into letter_gate values ($1, $2, 'somebody', 'too-many')", *gate)
    under_way, given_up = await waiting_and_given_up(dsn)
    assert (under_way["letters without end"], under_way["letters held by nobody"], given_up["letters held"]) == (
        1,
        1,
        2,
    )
    await connection.close()
