"""One pool of connections to one database.

Invariants: every transaction is READ COMMITTED; no statement, lock wait or idle transaction can hang for ever; the
session's time zone is UTC; SQL's own `now()` is never asked for by a rule. Sessions keep no state between users, so
nothing is reset on release.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Self

import asyncpg
from typing_extensions import override

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    _Base = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    _Base = asyncpg.Connection


_PLANS: Final = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
}
"""A service asks for few rows by their keys, out of however many there are. What the planner knows of a table is as old as the
last look at it, and a prepared statement keeps its plan: one made while a table was empty reads all of it ever after. So rows are
found by indexes, whatever the table looked like; what has no index is read through all the same. And each statement has one plan,
made once: for arrays of one or two keys a plan of their own looked cheaper, and was made anew every time. (Decision 0053.)"""

_IDLE: Final = "select set_config('idle_in_transaction_session_timeout', $1, true)"


class _Stateless(_Base):
    @override
    def get_reset_query(self) -> str:
        return ""  # nobody here sets session state; the usual reset is a round trip per use


class Database:
    """A pool, and transactions on it."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    @classmethod
    async def open(cls, dsn: str, *, application_name: str, max_size: int = 8, statement_seconds: int = 20) -> Self:
        """Connect; raises what `is_transient` knows while the server is not there."""
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=max_size,
            timeout=10,
            command_timeout=statement_seconds + 5,
            max_inactive_connection_lifetime=60,
            connection_class=_Stateless,
            server_settings={
                "application_name": application_name,
                "timezone": "UTC",
                "default_transaction_isolation": "read committed",
                "statement_timeout": f"{statement_seconds}s",
                "lock_timeout": "10s",
                "idle_in_transaction_session_timeout": "30s",
                "tcp_keepalives_idle": "20",
                "tcp_keepalives_interval": "10",
                "tcp_keepalives_count": "3",
                **_PLANS,
            },
        )
        return cls(pool)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["Connection"]:
        """A connection outside a transaction; waits ten seconds at most for one."""
        async with self._pool.acquire(timeout=10) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self, *, idle_seconds: float | None = None) -> AsyncIterator["Connection"]:
        """A transaction that commits when the block ends and rolls back when it raises.

        `idle_seconds`: for how long nothing need be asked in it, where what is done elsewhere under its locks takes longer than
        usual.
        """
        async with self._pool.acquire(timeout=10) as connection, connection.transaction():
            if idle_seconds is not None:
                await connection.execute(_IDLE, f"{round(idle_seconds * 1000)}ms")
            yield connection

    async def ping(self) -> None:
        """Raise unless the database answers."""
        async with self.acquire() as connection:
            await connection.execute("select 1", timeout=5)

    async def close(self) -> None:
        """Give the connections back; those still busy after ten seconds are cut."""
        try:
            async with asyncio.timeout(10):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()
