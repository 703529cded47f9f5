"""Transactions commit whole or not at all, and what may go away by itself is told from what never will."""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from plumbing.errors import Unavailable
from plumbing.postgres import Connection, Database, is_transient, migrations, schema
from stack import DatabaseAddresses, Stack
from stack.paths import ROOT
from stack.ports import free_port
from stack.waiting import run_in_thread
from tests.support.fixtures import PlainDatabaseFactory

# transactions -------------------------------------------------------------------------------------------------------------


async def test_a_transaction_whose_block_raises_leaves_nothing(pool: Database) -> None:
    async def fail() -> None:
        async with pool.transaction() as connection:
            await add(connection, "1")
            raise KeyError

    with pytest.raises(KeyError):
        await fail()

    assert await effects(pool) == []


async def test_a_transaction_that_is_cancelled_leaves_nothing_and_frees_its_connection(pool: Database) -> None:
    async def hang() -> None:
        async with pool.transaction() as connection:
            await add(connection, "1")
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(hang()) for _ in range(6)]
    await asyncio.sleep(0.3)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)

    async with contextlib.AsyncExitStack() as all_of_them:
        for _ in range(6):
            connection = await all_of_them.enter_async_context(pool.acquire())
            assert not connection.is_in_transaction()
    assert await effects(pool) == []


async def test_transactions_are_read_committed_in_utc_whatever_the_database_prefers(
    plumbing_tables: DatabaseAddresses, stack: Stack
) -> None:
    admin = await asyncpg.connect(stack.postgres_admin_dsn)
    name = plumbing_tables.name
    await admin.execute(f"alter database \"{name}\" set default_transaction_isolation = 'serializable'")
    await admin.execute(f"alter database \"{name}\" set timezone = 'Europe/Copenhagen'")
    opened = await Database.open(plumbing_tables.runtime_dsn, application_name="test")
    async with opened.transaction() as connection:
        isolation = await connection.fetchval("show transaction_isolation")
        zone = await connection.fetchval("show timezone")
    await opened.close()
    await admin.execute(f'alter database "{name}" reset all')
    await admin.close()

    assert (isolation, zone) == ("read committed", "UTC")


async def test_no_statement_lock_or_idle_transaction_hangs_for_ever(pool: Database) -> None:
    async with pool.acquire() as connection:
        limits = [
            await connection.fetchval("select setting::int from pg_settings where name = $1", name)
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        ]
    assert all(0 < limit <= 60_000 for limit in limits)


async def test_rows_are_found_by_their_keys_though_the_planner_has_never_looked_at_the_table(pool: Database) -> None:
    """What it believes of a table that it never looked at is that it is small, and small tables are read whole."""
    async with pool.acquire() as connection:
        await connection.execute("create temporary table grown (id bigint primary key, other bigint)")
        await connection.execute("insert into grown select nth, nth from generate_series(1, 50000) as nth")
        plan = await connection.fetch(
            "explain (costs off) select other from grown join unnest(array[1, 2, 3]::bigint[]) as one (id) using (id)"
        )
        everything = await connection.fetch("explain (costs off) select count(*) from grown where other = 7")
    told = "\n".join(row[0] for row in plan)
    assert "Index Scan using grown_pkey" in told
    assert "Seq Scan on grown" not in told
    assert "Seq Scan on grown" in "\n".join(row[0] for row in everything), "what has no index is read all the same"


async def test_a_ping_raises_when_the_server_is_not_there() -> None:
    with pytest.raises(ConnectionRefusedError):
        await Database.open(f"postgresql://x:y@127.0.0.1:{free_port()}/z", application_name="test")


async def test_the_pool_mends_itself_after_its_connections_were_cut(pool: Database, stack: Stack) -> None:
    await pool.ping()
    await cut(stack)
    async with asyncio.timeout(10):
        while True:
            try:
                return await pool.ping()
            except Exception as error:
                if not is_transient(error):
                    raise


# what may go away by itself ------------------------------------------------------------------------------------------------

Provoke = Callable[[Database, Stack], Awaitable[None]]


async def a_terminated_backend(pool: Database, stack: Stack) -> None:
    async with pool.transaction() as connection:
        pid = await connection.fetchval("select pg_backend_pid()")
        await cut(stack, pid)
        await connection.execute("select 1")


async def a_backend_terminated_while_it_works(pool: Database, stack: Stack) -> None:
    async with pool.transaction() as connection:
        pid = await connection.fetchval("select pg_backend_pid()")
        asyncio.get_running_loop().call_later(0.2, lambda: cutting.append(asyncio.ensure_future(cut(stack, pid))))
        await connection.execute("select pg_sleep(5)")


async def a_deadlock(pool: Database, _stack: Stack) -> None:
    async with pool.transaction() as connection:
        await connection.execute("insert into inbox_message (message_id) values ('a'), ('b')")

    async def lock(first: str, then: str) -> None:
        async with pool.transaction() as connection:
            await connection.execute("insert into inbox_message (message_id) values ($1)", first)
            await asyncio.sleep(0.3)
            await connection.execute("insert into inbox_message (message_id) values ($1)", then)

    results = await asyncio.gather(lock("x", "y"), lock("y", "x"), return_exceptions=True)
    raise next(result for result in results if isinstance(result, BaseException))


async def a_statement_that_takes_too_long(pool: Database, _stack: Stack) -> None:
    async with pool.transaction() as connection:
        await connection.execute("set local statement_timeout = '50ms'")
        await connection.execute("select pg_sleep(5)")


async def a_lock_that_is_not_given(pool: Database, _stack: Stack) -> None:
    async with pool.transaction() as holder, pool.transaction() as connection:
        await holder.execute("insert into inbox_message (message_id) values ('a')")
        await connection.execute("set local lock_timeout = '50ms'")
        await connection.execute("insert into inbox_message (message_id) values ('a')")


async def an_idle_transaction(pool: Database, _stack: Stack) -> None:
    async with pool.transaction() as connection:
        await connection.execute("set local idle_in_transaction_session_timeout = '50ms'")
        await asyncio.sleep(0.3)
        await connection.execute("select 1")


async def a_serialization_failure(pool: Database, _stack: Stack) -> None:
    async with pool.acquire() as one, pool.acquire() as two:
        await one.execute("begin isolation level repeatable read")
        await one.execute("select * from outbox_lease")
        await two.execute("insert into outbox_lease values (true, 'a', 1, clock_timestamp())")
        try:
            await one.execute(
                "insert into outbox_lease values (true, 'b', 1, clock_timestamp())"
                " on conflict (only_one) do update set owner = 'b'"
            )
        finally:
            await one.execute("rollback")


async def a_full_pool(pool: Database, _stack: Stack) -> None:
    async with contextlib.AsyncExitStack() as all_of_them:
        for _ in range(6):
            await all_of_them.enter_async_context(pool.acquire())
        async with pool._pool.acquire(timeout=0.1):
            pass


async def a_pool_that_was_closed(pool: Database, _stack: Stack) -> None:
    await pool.close()
    await pool.ping()


async def a_server_that_is_read_only(pool: Database, _stack: Stack) -> None:
    async with pool.transaction() as connection:
        await connection.execute("set transaction read only")
        await add(connection, "1")


async def a_plan_made_before_a_migration(pool: Database, _stack: Stack) -> None:
    async with pool.transaction() as connection:
        await connection.execute("create temporary table changing (a integer)")
        await connection.fetch("select * from changing")
        await connection.execute("alter table changing add b integer")
        await connection.fetch("select * from changing")


async def too_many_connections(_pool: Database, _stack: Stack) -> None:
    raise asyncpg.TooManyConnectionsError


async def something_else_that_is_away(_pool: Database, _stack: Stack) -> None:
    raise Unavailable("citizens")


@pytest.mark.parametrize(
    "provoke",
    [
        a_terminated_backend,
        a_backend_terminated_while_it_works,
        a_deadlock,
        a_statement_that_takes_too_long,
        a_lock_that_is_not_given,
        an_idle_transaction,
        a_serialization_failure,
        a_full_pool,
        a_pool_that_was_closed,
        a_server_that_is_read_only,
        a_plan_made_before_a_migration,
        too_many_connections,
        something_else_that_is_away,
    ],
    ids=lambda provoke: provoke.__name__,
)
async def test_is_transient(pool: Database, stack: Stack, provoke: Provoke) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011  # which one it is, is what the driver decides
        await provoke(pool, stack)
    assert is_transient(raised.value), repr(raised.value)


async def a_repeated_key(pool: Database, _stack: Stack) -> None:
    async with pool.transaction() as connection:
        for _ in range(2):
            await connection.execute("insert into inbox_message (message_id) values ('a')")


async def a_table_that_is_not_there(pool: Database, _stack: Stack) -> None:
    async with pool.transaction() as connection:
        await connection.execute("select * from nowhere")


async def a_value_of_the_wrong_type(pool: Database, _stack: Stack) -> None:
    async with pool.transaction() as connection:
        await connection.execute("select $1::integer", "abc")


async def a_text_with_a_nul(pool: Database, _stack: Stack) -> None:
    async with pool.transaction() as connection:
        await add(connection, "a\x00b")


async def a_right_that_was_not_granted(pool: Database, _stack: Stack) -> None:
    async with pool.transaction() as connection:
        await connection.execute("delete from inbox_record")


async def a_bug_of_ours(_pool: Database, _stack: Stack) -> None:
    raise KeyError


@pytest.mark.parametrize(
    "provoke",
    [
        a_repeated_key,
        a_table_that_is_not_there,
        a_value_of_the_wrong_type,
        a_text_with_a_nul,
        a_right_that_was_not_granted,
        a_bug_of_ours,
    ],
    ids=lambda provoke: provoke.__name__,
)
async def test_is_not_transient(pool: Database, stack: Stack, provoke: Provoke) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011  # as above
        await provoke(pool, stack)
    assert not is_transient(raised.value), repr(raised.value)


# migrations ---------------------------------------------------------------------------------------------------------------

FIRST = """
from plumbing.postgres import migrations
revision, down_revision = "0001", None
def upgrade():
    migrations.apply("create table thing (a integer); grant select on thing to {role};")
"""
SECOND = """
from plumbing.postgres import migrations
revision, down_revision = "0002", "0001"
def upgrade():
    migrations.apply("alter table thing add b integer;")
"""
BROKEN = """
from plumbing.postgres import migrations
revision, down_revision = "0003", "0002"
def upgrade():
    migrations.apply("create table half (a integer)")
    migrations.apply("select * from nowhere")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`package(FIRST, SECOND)`: an importable package of these migrations."""

    def make(*versions: str) -> str:
        name = f"migrations_{tmp_path.name.replace('-', '_')}_{len(versions)}"
        directory = tmp_path / name
        (directory / "versions").mkdir(parents=True)
        (directory / "__init__.py").touch()
        (directory / "env.py").write_text("from plumbing.postgres import migrations\n\nmigrations.run()\n")
        for nth, text in enumerate(versions, start=1):
            (directory / "versions" / f"{nth:04d}_step.py").write_text(text)
        return name

    monkeypatch.syspath_prepend(tmp_path)
    return make


@pytest.fixture
async def empty(plain_database: PlainDatabaseFactory) -> AsyncIterator[tuple[DatabaseAddresses, Database]]:
    addresses = plain_database()
    opened = await Database.open(addresses.runtime_dsn, application_name="test")
    yield addresses, opened
    await opened.close()


def upgrade(package: str, addresses: DatabaseAddresses, dsn: str | None = None) -> None:
    run_in_thread(lambda: migrations.upgrade(package, dsn or addresses.owner_dsn, role=addresses.role))


async def test_a_database_is_at_head_after_its_migrations_and_not_before(
    empty: tuple[DatabaseAddresses, Database], package: Callable[..., str]
) -> None:
    addresses, database = empty
    name = package(FIRST, SECOND)

    assert not await schema.is_at_head(name, database)
    upgrade(name, addresses)
    assert await schema.is_at_head(name, database)
    upgrade(name, addresses)  # once more is nothing
    assert await schema.is_at_head(name, database)
    async with database.acquire() as connection:
        assert await connection.fetch("select a, b from thing") == []


async def test_a_release_lives_on_a_later_schema_and_not_on_an_earlier_one(
    empty: tuple[DatabaseAddresses, Database], package: Callable[..., str]
) -> None:
    addresses, database = empty
    old, new = package(FIRST), package(FIRST, SECOND)

    upgrade(old, addresses)
    assert not await schema.is_at_head(new, database)
    upgrade(new, addresses)
    assert await schema.is_at_head(old, database)


async def test_two_migration_jobs_at_once_both_succeed(
    empty: tuple[DatabaseAddresses, Database], package: Callable[..., str], tmp_path: Path
) -> None:
    addresses, database = empty
    name = package(FIRST.replace("create", "select pg_sleep(2); create"))
    job = "import os, sys; from plumbing.postgres.migrations import upgrade; upgrade(sys.argv[1], os.environ['D'], role='plain')"
    environment = {**os.environ, "D": addresses.owner_dsn, "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    jobs = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", job, name, env=environment, stderr=PIPE)
        for _ in range(3)
    ]
    said = await asyncio.wait_for(asyncio.gather(*(one.communicate() for one in jobs)), 30)

    assert [one.returncode for one in jobs] == [0, 0, 0], said
    assert await schema.is_at_head(name, database)


async def test_migrations_are_done_all_or_none(
    empty: tuple[DatabaseAddresses, Database], package: Callable[..., str]
) -> None:
    addresses, database = empty
    with pytest.raises(asyncpg.UndefinedTableError):
        upgrade(package(FIRST, SECOND, BROKEN), addresses)

    assert not await schema.is_at_head(package(FIRST), database)
    async with database.acquire() as connection:
        assert await connection.fetchval("select to_regclass('thing') is null and to_regclass('half') is null")


async def test_the_owner_s_address_may_hold_options(
    empty: tuple[DatabaseAddresses, Database], package: Callable[..., str]
) -> None:
    addresses, database = empty
    upgrade(package(FIRST), addresses, f"{addresses.owner_dsn}?sslmode=prefer&application_name=migrate")

    assert await schema.is_at_head(package(FIRST, SECOND)[:-1] + "1", database)


@pytest.mark.parametrize("dsn", ["postgresql://h/db", 'postgresql://a"b:c@h/db', "postgresql://a;b@h/db"])
def test_an_address_without_a_plain_role_is_refused(dsn: str) -> None:
    with pytest.raises(ValueError, match="DATABASE_URL"):
        migrations.role_of(dsn)


# helpers ------------------------------------------------------------------------------------------------------------------

cutting: list[asyncio.Future[None]] = []


async def add(connection: Connection, message_id: str) -> None:
    await connection.execute("insert into effect (message_id) values ($1)", message_id)


async def effects(pool: Database) -> list[str]:
    async with pool.acquire() as connection:
        return [row["message_id"] for row in await connection.fetch("select message_id from effect order by 1")]


async def cut(stack: Stack, pid: int | None = None) -> None:
    """Terminate one back end, or all of the run-time role's."""
    admin = await asyncpg.connect(stack.postgres_admin_dsn)
    if pid is None:
        await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'plain'")
    else:
        await admin.execute("select pg_terminate_backend($1)", pid)
    await admin.close()
