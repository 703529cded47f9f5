"""`citizen` and `erasure`.

Rows are inserted and locked in the order of `lookup` by everyone, first those inserted, then those locked, so that two
batches never wait for each other in a ring.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from plumbing.postgres import Connection
from services.citizens.domain.keyring import WrappedKey
from services.citizens.domain.people import Citizen, DestroyedCitizen, NewCard

_NO_ID = UUID(int=0)


class People:
    """Who is known, and who was erased."""

    async def find(self, connection: Connection, lookups: Collection[bytes]) -> dict[bytes, Citizen]:
        """The citizens behind these lookups."""
        rows = await connection.fetch(_FIND, list(lookups))
        return {row["lookup"]: _citizen(row) for row in rows}

    async def erasures(self, connection: Connection, lookups: Collection[bytes]) -> dict[bytes, datetime]:
        """Which of these people were erased lately, and when."""
        rows = await connection.fetch(_ERASURES, list(lookups))
        return {row["lookup"]: row["erased_at"] for row in rows}

    async def add(self, connection: Connection, citizens: Sequence[Citizen], now: datetime) -> set[UUID]:
        """Insert citizens whose lookup nobody has; the ids of those inserted."""
        rows = await connection.fetch(
            _ADD,
            [one.citizen_id for one in citizens],
            [one.lookup for one in citizens],
            [one.key.master_key_id for one in citizens],
            [one.key.sealed for one in citizens],
            [one.sealed_cpr for one in citizens],
            [one.sealed_card for one in citizens],
            [one.card_said_at for one in citizens],
            now,
        )
        return {row["citizen_id"] for row in rows}

    async def replace_cards(self, connection: Connection, cards: Sequence[NewCard]) -> set[UUID]:
        """Put the cards in place where they still stand against what is there; the ids of those citizens."""
        rows = await connection.fetch(
            _REPLACE_CARDS,
            [one.lookup for one in cards],
            [one.sealed_card for one in cards],
            [one.said_at for one in cards],
            [one.against for one in cards],
        )
        return {row["citizen_id"] for row in rows}

    async def get(
        self, connection: Connection, citizen_ids: Collection[UUID]
    ) -> dict[UUID, Citizen | DestroyedCitizen]:
        """Who is, or was, behind these ids."""
        rows = await connection.fetch(_GET, list(citizen_ids))
        return {row["citizen_id"]: _citizen_or_destroyed(row) for row in rows}

    async def lock(self, connection: Connection, citizen_id: UUID) -> Citizen | DestroyedCitizen | None:
        """One citizen, locked until the transaction ends."""
        row = await connection.fetchrow(_LOCK, citizen_id)
        return None if row is None else _citizen_or_destroyed(row)

    async def destroy(self, connection: Connection, citizen: Citizen, now: datetime) -> None:
        """Remove everything of a citizen but the id, and note that the person was erased."""
        await connection.execute(_DESTROY, citizen.citizen_id, now)
        await connection.execute(_NOTE_ERASURE, citizen.lookup, now)

    async def forget_erasures(self, connection: Connection, before: datetime) -> int:
        """Remove the notes of erasures older than this; how many."""
        status = await connection.execute("delete from erasure where erased_at < $1", before)
        return int(status.rpartition(" ")[2])

    async def not_under(
        self, connection: Connection, master_key_id: str, *, after: UUID | None, limit: int
    ) -> dict[UUID, WrappedKey]:
        """The next citizens, by id, whose key is wrapped by another master key."""
        rows = await connection.fetch(_NOT_UNDER, master_key_id, after or _NO_ID, limit)
        return {row["citizen_id"]: _key(row) for row in rows}

    async def rewrap(
        self, connection: Connection, old: Mapping[UUID, WrappedKey], new: Mapping[UUID, WrappedKey]
    ) -> int:
        """Save newly wrapped keys where the old wrapping still stands; how many."""
        ids = list(new)
        status = await connection.execute(
            _REWRAP,
            ids,
            [old[one].sealed for one in ids],
            [new[one].master_key_id for one in ids],
            [new[one].sealed for one in ids],
        )
        return int(status.rpartition(" ")[2])


def _citizen_or_destroyed(row: asyncpg.Record) -> Citizen | DestroyedCitizen:
    return DestroyedCitizen(citizen_id=row["citizen_id"]) if row["lookup"] is None else _citizen(row)


def _citizen(row: asyncpg.Record) -> Citizen:
    return Citizen(
        citizen_id=row["citizen_id"],
        lookup=row["lookup"],
        key=_key(row),
        sealed_cpr=row["sealed_cpr"],
        sealed_card=row["sealed_card"],
        card_said_at=row["card_said_at"],
    )


def _key(row: asyncpg.Record) -> WrappedKey:
    return WrappedKey(master_key_id=row["master_key_id"], sealed=row["wrapped_key"])


_FIND = """
select citizen_id, lookup, master_key_id, wrapped_key, sealed_cpr, sealed_card, card_said_at
from citizen
where lookup = any ($1::bytea[])
"""

_ERASURES = "select lookup, erased_at from erasure where lookup = any ($1::bytea[])"

_ADD = """
insert into citizen
    (citizen_id, lookup, master_key_id, wrapped_key, sealed_cpr, sealed_card, card_said_at, created_at)
select citizen_id, lookup, master_key_id, wrapped_key, sealed_cpr, sealed_card, card_said_at, $8::timestamptz
from unnest($1::uuid[], $2::bytea[], $3::text[], $4::bytea[], $5::bytea[], $6::bytea[], $7::timestamptz[])
     as one (citizen_id, lookup, master_key_id, wrapped_key, sealed_cpr, sealed_card, card_said_at)
order by lookup
on conflict (lookup) do nothing
returning citizen_id
"""

# The lock waits for a rival and then looks again, so the newest card is compared with what truly stands there.
_REPLACE_CARDS = """
with standing as (
    select citizen.citizen_id, card.sealed_card, card.said_at
    from unnest($1::bytea[], $2::bytea[], $3::timestamptz[], $4::bytea[])
         as card (lookup, sealed_card, said_at, against)
    join citizen on citizen.lookup = card.lookup
    where citizen.card_said_at is null
       or citizen.card_said_at < card.said_at
       or (citizen.card_said_at = card.said_at and citizen.sealed_card = card.against)
    order by citizen.lookup
    for update of citizen
)
update citizen
set sealed_card = standing.sealed_card, card_said_at = standing.said_at
from standing
where citizen.citizen_id = standing.citizen_id
returning citizen.citizen_id
"""

_GET = """
select citizen_id, lookup, master_key_id, wrapped_key, sealed_cpr, sealed_card, card_said_at
from citizen
where citizen_id = any ($1::uuid[])
"""

_LOCK = """
select citizen_id, lookup, master_key_id, wrapped_key, sealed_cpr, sealed_card, card_said_at
from citizen
where citizen_id = $1
for update
"""

_DESTROY = """
update citizen
set lookup = null, master_key_id = null, wrapped_key = null, sealed_cpr = null, sealed_card = null,
    card_said_at = null, destroyed_at = $2
where citizen_id = $1
"""

_NOTE_ERASURE = """
insert into erasure (lookup, erased_at) values ($1, $2)
on conflict (lookup) do update set erased_at = greatest(erasure.erased_at, excluded.erased_at)
"""

_NOT_UNDER = """
select citizen_id, master_key_id, wrapped_key
from citizen
where citizen_id > $2 and master_key_id <> $1
order by citizen_id
limit $3
"""

_REWRAP = """
with standing as (
    select citizen.citizen_id, fresh.master_key_id, fresh.sealed
    from unnest($1::uuid[], $2::bytea[], $3::text[], $4::bytea[]) as fresh (citizen_id, old, master_key_id, sealed)
    join citizen on citizen.citizen_id = fresh.citizen_id and citizen.wrapped_key = fresh.old
    order by citizen.lookup
    for update of citizen
)
update citizen
set master_key_id = standing.master_key_id, wrapped_key = standing.sealed
from standing
where citizen.citizen_id = standing.citizen_id
"""
