"""`card_candidate`: cards that were proposed, until they are confirmed, overtaken or too old.

Whoever inserts here holds a lock on the citizen, in the order of `citizen_id`, that destroying and confirming wait for: nothing
is left of a destroyed citizen, and no candidate appears between the looking and the deleting.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from plumbing.postgres import Connection
from services.citizens.domain.people import Candidate


class Candidates:
    """Cards that nobody may take for granted yet."""

    async def add(self, connection: Connection, candidates: Sequence[Candidate], now: datetime) -> set[UUID]:
        """Keep the candidates of citizens who are not destroyed; those citizens."""
        rows = await connection.fetch(
            _ADD,
            [one.citizen_id for one in candidates],
            [one.candidate_id for one in candidates],
            [one.said_at for one in candidates],
            [one.sealed_card for one in candidates],
            now,
        )
        return {row["citizen_id"] for row in rows}

    async def get(
        self, connection: Connection, wanted: Sequence[tuple[UUID, UUID]]
    ) -> dict[tuple[UUID, UUID], Candidate]:
        """The candidates of these names (citizen, candidate) that there are."""
        rows = await connection.fetch(_GET, [citizen for citizen, _ in wanted], [name for _, name in wanted])
        return {
            (row["citizen_id"], row["candidate_id"]): Candidate(
                citizen_id=row["citizen_id"],
                candidate_id=row["candidate_id"],
                sealed_card=row["sealed_card"],
                said_at=row["said_at"],
            )
            for row in rows
        }

    async def newest(self, connection: Connection, citizen_ids: Sequence[UUID]) -> dict[UUID, bytes]:
        """For each of these citizens the sealed card that was said last."""
        rows = await connection.fetch(_NEWEST, citizen_ids)
        return {row["citizen_id"]: row["sealed_card"] for row in rows}

    async def put_in_place(self, connection: Connection, chosen: Sequence[tuple[UUID, UUID]]) -> None:
        """Make these candidates, one of a citizen, the cards that stand; the citizens are locked, and were found to be there."""
        await connection.execute(_PUT_IN_PLACE, [citizen for citizen, _ in chosen], [name for _, name in chosen])

    async def remove(
        self, connection: Connection, confirmed: Sequence[tuple[UUID, UUID]], older_than: Mapping[UUID, datetime]
    ) -> None:
        """Remove those that were confirmed, and all of a citizen's that were said before the card that stands now."""
        await connection.execute(
            _REMOVE,
            [citizen for citizen, _ in confirmed],
            [name for _, name in confirmed],
            list(older_than),
            list(older_than.values()),
        )

    async def forget(self, connection: Connection, before: datetime, *, limit: int) -> int:
        """Remove candidates that have been kept since before then, `limit` at most; how many."""
        status = await connection.execute(_FORGET, before, limit)
        return int(status.rpartition(" ")[2])


_ADD = """
insert into card_candidate (citizen_id, candidate_id, said_at, sealed_card, kept_at)
select citizen.citizen_id, fresh.candidate_id, fresh.said_at, fresh.sealed_card, $5::timestamptz
from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bytea[])
     as fresh (citizen_id, candidate_id, said_at, sealed_card)
join citizen on citizen.citizen_id = fresh.citizen_id
where citizen.destroyed_at is null
order by citizen.citizen_id, fresh.candidate_id
for key share of citizen
on conflict (citizen_id, candidate_id) do update set kept_at = greatest(card_candidate.kept_at, excluded.kept_at)
returning citizen_id
"""

_GET = """
select candidate.citizen_id, candidate.candidate_id, candidate.said_at, candidate.sealed_card
from unnest($1::uuid[], $2::uuid[]) as wanted (citizen_id, candidate_id)
join card_candidate as candidate using (citizen_id, candidate_id)
"""

_NEWEST = """
select distinct on (citizen_id) citizen_id, sealed_card
from card_candidate
where citizen_id = any ($1::uuid[])
order by citizen_id, said_at desc, candidate_id
"""

_PUT_IN_PLACE = """
update citizen
set sealed_card = candidate.sealed_card, card_said_at = candidate.said_at
from unnest($1::uuid[], $2::uuid[]) as chosen (citizen_id, candidate_id)
join card_candidate as candidate using (citizen_id, candidate_id)
where citizen.citizen_id = chosen.citizen_id
"""

_REMOVE = """
with confirmed as (
    delete from card_candidate
    using unnest($1::uuid[], $2::uuid[]) as confirmed (citizen_id, candidate_id)
    where card_candidate.citizen_id = confirmed.citizen_id and card_candidate.candidate_id = confirmed.candidate_id
)
delete from card_candidate
using unnest($3::uuid[], $4::timestamptz[]) as standing (citizen_id, said_at)
where card_candidate.citizen_id = standing.citizen_id and card_candidate.said_at < standing.said_at
"""

_FORGET = """
delete from card_candidate
where (citizen_id, candidate_id) in (
    select citizen_id, candidate_id from card_candidate where kept_at < $1
    order by kept_at limit $2
    for update skip locked
)
"""
