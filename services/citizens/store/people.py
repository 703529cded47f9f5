"""`citizen` and `erasure`.

Rows are inserted in the order of `lookup` and locked in the order of `citizen_id` by everyone, first those inserted, then
those locked, so that two batches never wait for each other in a ring.

People are made known under the *current* lookup key, which the database names: an insert that finds another one there makes
nobody known, and one that finds the person under the other key of two doesn't either. So while a lookup key is changed, no
rival and no replica with other settings makes anybody known twice.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from plumbing.postgres import Connection
from services.citizens.domain.keyring import WrappedKey
from services.citizens.domain.people import Citizen, DestroyedCitizen, NewCard, NewCitizen

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

    async def add(
        self, connection: Connection, citizens: Sequence[NewCitizen], lookup_key_ids: Sequence[str], now: datetime
    ) -> set[UUID]:
        """Insert citizens whom nobody knows under any of these keys, their own all wrapped by one; the ids of those inserted."""
        ones = [new.citizen for new in citizens]
        rows = await connection.fetch(
            _ADD,
            [one.citizen_id for one in ones],
            [new.lookups[0] for new in citizens],
            [new.lookups[-1] for new in citizens],
            lookup_key_ids[0],
            lookup_key_ids[-1],
            [one.key.master_key_id for one in ones],
            [one.key.sealed for one in ones],
            [one.sealed_cpr for one in ones],
            [one.sealed_card for one in ones],
            [one.card_said_at for one in ones],
            now,
            ones[0].key.master_key_id,
        )
        return {row["citizen_id"] for row in rows}

    async def replace_cards(self, connection: Connection, cards: Sequence[NewCard]) -> set[UUID]:
        """Put the cards in place where they still stand against what is there; the ids of those citizens."""
        rows = await connection.fetch(
            _REPLACE_CARDS,
            [one.citizen_id for one in cards],
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

    async def lock(
        self, connection: Connection, citizen_ids: Collection[UUID]
    ) -> dict[UUID, Citizen | DestroyedCitizen]:
        """Who is, or was, behind these ids, locked until the transaction ends."""
        rows = await connection.fetch(_LOCK, list(citizen_ids))
        return {row["citizen_id"]: _citizen_or_destroyed(row) for row in rows}

    async def destroy(self, connection: Connection, citizen: Citizen, now: datetime) -> None:
        """Remove everything of a citizen but the id, and note that the person was erased."""
        await connection.execute(_NOTE_ERASURE, citizen.citizen_id, now)
        await connection.execute(_DESTROY, citizen.citizen_id, now)

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
    return DestroyedCitizen(citizen_id=row["citizen_id"]) if row["wrapped_key"] is None else _citizen(row)


def _citizen(row: asyncpg.Record) -> Citizen:
    return Citizen(
        citizen_id=row["citizen_id"],
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

# The current key is locked, so that it doesn't become another while people are made known under it. Where it became another
# just now, nothing is inserted and the caller looks again. So is the master key, or it could be released beside this.
_ADD = """
with current as (
    select key_id from outside_key where purpose = 'lookup' and is_current and key_id in ($4, $5) for share
), held as (
    select key_id from outside_key where purpose = 'master' and key_id = $12 for key share
), fresh as (
    select one.*, current.key_id,
           case current.key_id when $4 then one.first else one.second end as lookup,
           case current.key_id when $4 then one.second else one.first end as other
    from unnest($1::uuid[], $2::bytea[], $3::bytea[], $6::text[], $7::bytea[], $8::bytea[], $9::bytea[], $10::timestamptz[])
         as one (citizen_id, first, second, master_key_id, wrapped_key, sealed_cpr, sealed_card, card_said_at)
         cross join current
         cross join held
)
insert into citizen
    (citizen_id, lookup, lookup_key_id, master_key_id, wrapped_key, sealed_cpr, sealed_card, card_said_at, created_at)
select citizen_id, lookup, key_id, master_key_id, wrapped_key, sealed_cpr, sealed_card, card_said_at, $11::timestamptz
from fresh
where not exists (select from citizen where citizen.lookup = fresh.other)
order by lookup
on conflict (lookup) do nothing
returning citizen_id
"""

# The lock waits for a rival and then looks again, so the newest card is compared with what truly stands there.
_REPLACE_CARDS = """
with standing as (
    select citizen.citizen_id, card.sealed_card, card.said_at
    from unnest($1::uuid[], $2::bytea[], $3::timestamptz[], $4::bytea[])
         as card (citizen_id, sealed_card, said_at, against)
    join citizen on citizen.citizen_id = card.citizen_id
    where citizen.destroyed_at is null
      and (citizen.card_said_at is null
           or citizen.card_said_at < card.said_at
           or (citizen.card_said_at = card.said_at and citizen.sealed_card = card.against))
    order by citizen.citizen_id
    for no key update of citizen
)
update citizen
set sealed_card = standing.sealed_card, card_said_at = standing.said_at
from standing
where citizen.citizen_id = standing.citizen_id
returning citizen.citizen_id
"""

_GET = """
select citizen_id, master_key_id, wrapped_key, sealed_cpr, sealed_card, card_said_at
from citizen
where citizen_id = any ($1::uuid[])
"""

_LOCK = """
select citizen_id, master_key_id, wrapped_key, sealed_cpr, sealed_card, card_said_at
from citizen
where citizen_id = any ($1::uuid[])
order by citizen_id
for update
"""

_DESTROY = """
with candidates as (delete from card_candidate where citizen_id = $1)
update citizen
set lookup = null, lookup_key_id = null, master_key_id = null, wrapped_key = null, sealed_cpr = null, sealed_card = null,
    card_said_at = null, destroyed_at = $2
where citizen_id = $1
"""

_NOTE_ERASURE = """
insert into erasure (lookup, lookup_key_id, erased_at)
select lookup, lookup_key_id, $2::timestamptz from citizen where citizen_id = $1
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
    order by citizen.citizen_id
    for no key update of citizen
)
update citizen
set master_key_id = standing.master_key_id, wrapped_key = standing.sealed
from standing
where citizen.citizen_id = standing.citizen_id
"""
