"""A message takes effect once and a record has one fate, however many batches hold them at once."""

import asyncio

import asyncpg
import pytest

from plumbing import inbox
from plumbing.bus import Record
from plumbing.inbox import Fate, Settled
from plumbing.postgres import Database

RECORD = Record(topic="t", partition=0, offset=7, key=None, value=b"v", headers=(), timestamp_ms=1_700_000_000_000)


async def admit(pool: Database, *ids: str) -> set[str]:
    async with pool.transaction() as connection:
        return await inbox.admit(connection, ids)


async def settle(pool: Database, *settled: Settled) -> list[bool]:
    async with pool.transaction() as connection:
        return await inbox.settle(connection, settled)


def accepted(record: Record, message_id: str = "m") -> Settled:
    return Settled(record=record, message_id=message_id, fate=Fate.ACCEPTED)


async def test_an_id_is_fresh_once(pool: Database) -> None:
    assert await admit(pool, "a", "b", "a") == {"a", "b"}
    assert await admit(pool, "b", "c") == {"c"}
    assert await admit(pool) == set()


async def test_an_id_of_a_transaction_that_rolled_back_is_fresh_again(pool: Database) -> None:
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        assert await inbox.admit(connection, ["a"]) == {"a"}
        await transaction.rollback()

    assert await admit(pool, "a") == {"a"}


@pytest.mark.parametrize("first_commits", [True, False])
async def test_of_two_transactions_at_once_the_second_waits_for_the_first(pool: Database, first_commits: bool) -> None:
    async with pool.acquire() as connection:
        first = connection.transaction()
        await first.start()
        assert await inbox.admit(connection, ["a", "b"]) == {"a", "b"}
        second = asyncio.create_task(admit(pool, "b", "c"))
        await asyncio.sleep(0.3)
        assert not second.done()
        await (first.commit() if first_commits else first.rollback())
        assert await second == ({"c"} if first_commits else {"b", "c"})


async def test_batches_with_the_same_ids_in_opposite_orders_never_deadlock(pool: Database) -> None:
    ids = [f"{nth:04d}" for nth in range(400)]

    async def take(batch: list[str]) -> set[str]:
        async with pool.transaction() as connection:
            fresh = await inbox.admit(connection, batch)
            await asyncio.sleep(0.01)
            return fresh

    results = await asyncio.gather(
        *(take(batch) for _ in range(3) for batch in (ids, ids[::-1])), return_exceptions=True
    )

    assert not [result for result in results if isinstance(result, BaseException)]
    assert sorted(message_id for result in results for message_id in result) == ids  # type: ignore[union-attr]  # as above


async def test_unsorted_inserts_would_deadlock(pool: Database) -> None:
    async def take(first: str, then: str) -> None:
        async with pool.transaction() as connection:
            await inbox.admit(connection, [first])
            await asyncio.sleep(0.3)
            await inbox.admit(connection, [then])

    results = await asyncio.gather(take("a", "b"), take("b", "a"), return_exceptions=True)

    assert [type(result) for result in results if result is not None] == [asyncpg.DeadlockDetectedError]


async def test_a_record_is_settled_once_and_keeps_its_first_fate(pool: Database) -> None:
    other = RECORD._replace(offset=8)
    assert await settle(pool, accepted(RECORD), accepted(other)) == [True, True]

    again = Settled(record=RECORD, message_id="m", fate=Fate.DUPLICATE)
    third = Settled(record=RECORD._replace(offset=9), message_id="n", fate=Fate.REJECTED, reason="empty")
    assert await settle(pool, again, third, accepted(other)) == [False, True, False]

    async with pool.acquire() as connection:
        rows = await connection.fetch('select "offset", fate, message_id, reason from inbox_record order by 1')
    assert [tuple(row) for row in rows] == [
        (7, "accepted", "m", None),
        (8, "accepted", "m", None),
        (9, "rejected", "n", "empty"),
    ]


@pytest.mark.parametrize(
    "other",
    [
        RECORD._replace(value=b"another"),
        RECORD._replace(timestamp_ms=RECORD.timestamp_ms + 1),
        RECORD._replace(partition=1),
        RECORD._replace(topic="u"),
    ],
    ids=["value", "time", "partition", "topic"],
)
async def test_a_record_of_a_topic_that_was_made_anew_is_no_redelivery(pool: Database, other: Record) -> None:
    assert await settle(pool, accepted(RECORD)) == [True]
    assert await settle(pool, accepted(other)) == [True]
    assert inbox.position_id(other) != inbox.position_id(RECORD)


async def test_a_redelivered_record_has_the_id_it_had(pool: Database) -> None:
    again = RECORD._replace(headers=(("not", b"part of it"),))
    assert inbox.position_id(again) == inbox.position_id(RECORD)
    assert await settle(pool, accepted(RECORD)) == [True]
    assert await settle(pool, accepted(again)) == [False]


async def test_the_service_may_neither_change_nor_forget_what_it_has_settled(pool: Database) -> None:
    await settle(pool, accepted(RECORD))
    for statement in (
        "update inbox_record set fate = 'accepted'",
        "delete from inbox_record",
        "delete from inbox_message",
        "truncate inbox_record",
    ):
        async with pool.acquire() as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
