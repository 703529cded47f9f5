"""`outside_key`: by id, the keys outside the database that something inside depends on; and which rows each lookup key finds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from plumbing.postgres import Connection
from services.citizens.domain.keyring import WrappedKey

Purpose = Literal["lookup", "master"]
_NO_ID = UUID(int=0)


class ToRekey(NamedTuple):
    """A citizen who is found under another lookup key than the current one."""

    lookup: bytes
    key: WrappedKey
    sealed_cpr: bytes


class OutsideKeys:
    """What this database cannot be read without."""

    async def ids(self, connection: Connection, purpose: Purpose) -> set[str]:
        """The keys that something depends on."""
        rows = await connection.fetch("select key_id from outside_key where purpose = $1", purpose)
        return {row["key_id"] for row in rows}

    async def note_master(self, connection: Connection, key_id: str, now: datetime) -> None:
        """From now on something may be wrapped by this master key."""
        await connection.execute(_NOTE_MASTER, key_id, now)

    async def hold_master(self, connection: Connection, key_id: str, now: datetime) -> None:
        """As `note_master`, and until the transaction ends nobody releases it: what it wraps is to be seen first."""
        while (
            await connection.fetchval(_HOLD_MASTER, key_id) is None
        ):  # it was released, while this process has it still
            await self.note_master(connection, key_id, now)

    async def note_first_lookup(self, connection: Connection, key_id: str, now: datetime) -> None:
        """Where there is no lookup key yet, this one is current from now on."""
        await connection.execute(_NOTE_FIRST_LOOKUP, key_id, now)

    async def release_master_keys(self, connection: Connection, *, but: str) -> list[str]:
        """Forget the master keys, but this one, that wrap nothing any more; their ids. Reads every citizen.

        Waits for those who are wrapping by one at this moment, and looks at what they wrapped.
        """
        await connection.execute(_LOCK_MASTERS, but)
        return [row["key_id"] for row in await connection.fetch(_RELEASE_MASTER_KEYS, but)]

    async def make_current(self, connection: Connection, key_id: str, now: datetime) -> bool:
        """Make this lookup key the one under which people are made known; whether it was another one before.

        Waits for those who are making people known at this moment.
        """
        held = await connection.fetch(_LOCK_LOOKUPS)
        if any(row["key_id"] == key_id and row["is_current"] for row in held):
            return False
        await connection.execute(_NONE_CURRENT)
        await connection.execute(_MAKE_CURRENT, key_id, now)
        return True

    async def not_found_under(
        self, connection: Connection, key_id: str, *, after: UUID | None, limit: int
    ) -> dict[UUID, ToRekey]:
        """The next citizens, by id, who are found under another lookup key."""
        rows = await connection.fetch(_NOT_FOUND_UNDER, key_id, after or _NO_ID, limit)
        return {
            row["citizen_id"]: ToRekey(
                lookup=row["lookup"],
                key=WrappedKey(master_key_id=row["master_key_id"], sealed=row["wrapped_key"]),
                sealed_cpr=row["sealed_cpr"],
            )
            for row in rows
        }

    async def rekey(
        self, connection: Connection, key_id: str, old: Mapping[UUID, bytes], new: Mapping[UUID, bytes]
    ) -> int:
        """Let citizens be found under this lookup key where the old value still stands; how many."""
        status = await connection.execute(_REKEY, list(new), [old[one] for one in new], list(new.values()), key_id)
        return int(status.rpartition(" ")[2])

    async def release_lookup_keys(self, connection: Connection) -> list[str]:
        """Forget the lookup keys, but the current one, under which nothing is found; their ids. Reads every citizen."""
        return [row["key_id"] for row in await connection.fetch(_RELEASE_LOOKUP_KEYS)]

    async def last_erasure_not_under(self, connection: Connection, key_id: str) -> datetime | None:
        """When the last person was erased whose erasure is noted under another lookup key."""
        last: datetime | None = await connection.fetchval(
            "select max(erased_at) from erasure where lookup_key_id <> $1", key_id
        )
        return last


_NOTE_MASTER = """
insert into outside_key (purpose, key_id, since) values ('master', $1, $2) on conflict do nothing
"""

_HOLD_MASTER = "select true from outside_key where purpose = 'master' and key_id = $1 for key share"

_LOCK_MASTERS = "select from outside_key where purpose = 'master' and key_id <> $1 order by key_id for update"

_NOTE_FIRST_LOOKUP = """
insert into outside_key (purpose, key_id, since)
select 'lookup', $1, $2 where not exists (select from outside_key where purpose = 'lookup')
on conflict do nothing
"""

_RELEASE_MASTER_KEYS = """
delete from outside_key
where purpose = 'master' and key_id <> $1
  and not exists (select from citizen where citizen.master_key_id = outside_key.key_id)
  and not exists (select from month_key where month_key.master_key_id = outside_key.key_id)
returning key_id
"""

_LOCK_LOOKUPS = "select key_id, is_current from outside_key where purpose = 'lookup' order by key_id for update"

_NONE_CURRENT = "update outside_key set is_current = false where purpose = 'lookup' and is_current"

_MAKE_CURRENT = """
insert into outside_key (purpose, key_id, since, is_current) values ('lookup', $1, $2, true)
on conflict (purpose, key_id) do update set is_current = true
"""

_NOT_FOUND_UNDER = """
select citizen_id, lookup, master_key_id, wrapped_key, sealed_cpr
from citizen
where citizen_id > $2 and lookup_key_id <> $1 and destroyed_at is null
order by citizen_id
limit $3
"""

_REKEY = """
with standing as (
    select citizen.citizen_id, fresh.lookup
    from unnest($1::uuid[], $2::bytea[], $3::bytea[]) as fresh (citizen_id, old, lookup)
    join citizen on citizen.citizen_id = fresh.citizen_id and citizen.lookup = fresh.old
    order by citizen.citizen_id
    for update of citizen
)
update citizen
set lookup = standing.lookup, lookup_key_id = $4
from standing
where citizen.citizen_id = standing.citizen_id
"""

_RELEASE_LOOKUP_KEYS = """
delete from outside_key
where purpose = 'lookup' and not is_current
  and not exists (select from citizen where citizen.lookup_key_id = outside_key.key_id and destroyed_at is null)
  and not exists (select from erasure where erasure.lookup_key_id = outside_key.key_id)
returning key_id
"""
