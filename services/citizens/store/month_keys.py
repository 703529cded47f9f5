"""`month_key`."""

from collections.abc import Mapping
from datetime import datetime

from plumbing.postgres import Connection
from services.citizens.domain.keyring import WrappedKey


class MonthKeys:
    """The keys of callers and months."""

    async def get(self, connection: Connection, key_id: str) -> WrappedKey | None:
        """A month's key; None where there is none, be it not made or destroyed."""
        row = await connection.fetchrow(_GET, key_id)
        return None if row is None else WrappedKey(master_key_id=row["master_key_id"], sealed=row["wrapped_key"])

    async def add(
        self, connection: Connection, key_id: str, key: WrappedKey, *, ends_at: datetime, now: datetime
    ) -> bool:
        """Insert a month's key unless there is, or was, one; whether it was inserted."""
        status = await connection.execute(_ADD, key_id, ends_at, key.master_key_id, key.sealed, now)
        return status == "INSERT 0 1"

    async def destroy(self, connection: Connection, now: datetime) -> list[str]:
        """Destroy the keys whose time is over; their ids."""
        return [row["key_id"] for row in await connection.fetch(_DESTROY, now)]

    async def lock_not_under(self, connection: Connection, master_key_id: str) -> dict[str, WrappedKey]:
        """The keys that are wrapped by another master key, locked until the transaction ends."""
        rows = await connection.fetch(_LOCK_NOT_UNDER, master_key_id)
        return {
            row["key_id"]: WrappedKey(master_key_id=row["master_key_id"], sealed=row["wrapped_key"]) for row in rows
        }

    async def rewrap(self, connection: Connection, keys: Mapping[str, WrappedKey]) -> None:
        """Save newly wrapped keys."""
        wrapped = list(keys.values())
        await connection.execute(
            _REWRAP, list(keys), [one.master_key_id for one in wrapped], [one.sealed for one in wrapped]
        )


_GET = "select master_key_id, wrapped_key from month_key where key_id = $1 and destroyed_at is null"

_ADD = """
insert into month_key (key_id, ends_at, master_key_id, wrapped_key, created_at) values ($1, $2, $3, $4, $5)
on conflict (key_id) do nothing
"""

_DESTROY = """
update month_key
set master_key_id = null, wrapped_key = null, destroyed_at = $1
where destroyed_at is null and ends_at <= $1
returning key_id
"""

_LOCK_NOT_UNDER = """
select key_id, master_key_id, wrapped_key
from month_key
where destroyed_at is null and master_key_id <> $1
order by key_id
for update
"""

_REWRAP = """
update month_key
set master_key_id = fresh.master_key_id, wrapped_key = fresh.sealed
from unnest($1::text[], $2::text[], $3::bytea[]) as fresh (key_id, master_key_id, sealed)
where month_key.key_id = fresh.key_id
"""
