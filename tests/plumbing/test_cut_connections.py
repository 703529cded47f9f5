"""A server that cuts connections, again and again, never looks like a fault of ours: whatever it raises is worth a repeat."""

import asyncio
import time

import asyncpg
import pytest

from plumbing.postgres import Database, is_transient
from stack import Stack
from tests.support.fixtures import PlainDatabaseFactory

SECONDS = 3.0


@pytest.mark.parametrize(
    "error", [asyncpg.InternalClientError("cannot switch to state 12"), asyncpg.InterfaceError("connection is closed")]
)
def test_what_the_client_library_calls_its_own_error_is_a_cut_connection(error: Exception) -> None:
    assert is_transient(error)


async def test_whatever_a_cut_connection_raises_is_transient(
    stack: Stack, plain_database: PlainDatabaseFactory
) -> None:
    addresses = plain_database()
    database = await Database.open(addresses.runtime_dsn, application_name="cut", max_size=8)
    cutter = await asyncpg.connect(stack.postgres_admin_dsn)
    until = time.monotonic() + SECONDS
    raised: list[Exception] = []

    async def work() -> None:
        while time.monotonic() < until:
            try:
                async with database.transaction() as connection:
                    await connection.execute("select 1")
                    await connection.fetchval("select count(*) from pg_class where oid > $1", 1)
            except Exception as error:  # noqa: BLE001 - each kind is looked at below
                raised.append(error)

    async def cut() -> None:
        while time.monotonic() < until:
            await cutter.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cut'"
            )
            await asyncio.sleep(0.05)

    await asyncio.gather(cut(), *(work() for _ in range(8)))
    await cutter.close()
    await database.close()
    assert raised
    assert {type(error).__name__ for error in raised if not is_transient(error)} == set()
