"""The tables of `notifier`: letters, their sealed requests, the statuses told of them. All the SQL of this service.

Invariants: a letter is read `for update` before anything about it is decided; rows are inserted and locked in the order of
their ids; requests and statuses are only ever added. `awaiting_since` is real time, by the database's clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from plumbing.postgres import Connection
from services.notifier.domain import Hearing, Letter, LetterName, LetterState, NewLetter, Proof, Request, Status

DIGITAL_POST = "digital_post"


@dataclass(frozen=True, kw_only=True, slots=True)
class Open:
    """Letters that are neither dispatched nor failed, in one state, and the age of the oldest."""

    state: LetterState
    number: int
    oldest_seconds: float


class Store:
    """Every call is inside the caller's transaction, except where it says otherwise."""

    async def add(self, connection: Connection, letters: Sequence[NewLetter]) -> set[LetterName]:
        """Insert those that are not known yet; their names."""
        rows = await connection.fetch(
            _ADD,
            [one.request.name.letter_id for one in letters],
            [one.request.name.version for one in letters],
            [one.message_uuid for one in letters],
            [one.request.absence_id for one in letters],
            [one.request.citizen_id for one in letters],
            [one.request.municipality_code for one in letters],
            [one.request.planned_day for one in letters],
            [one.request.planned_deadline_day for one in letters],
            # unnest would flatten arrays of arrays
            [",".join(map(str, one.task_ids)) for one in letters],
            [",".join(one.request.kinds) for one in letters],
            [one.request.requested_at for one in letters],
            [one.digest for one in letters],
        )
        return {_name(row) for row in rows}

    async def digests(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, bytes]:
        """What was asked for under these names."""
        rows = await connection.fetch(_DIGESTS, [one.letter_id for one in names], [one.version for one in names])
        return {_name(row): row["digest"] for row in rows}

    async def read(self, connection: Connection, name: LetterName) -> Letter | None:
        """The letter, without locking it."""
        row = await connection.fetchrow(_READ, name.letter_id, name.version)
        return None if row is None else _letter(row)

    async def lock(self, connection: Connection, name: LetterName) -> Letter | None:
        """The letter, locked until the transaction ends."""
        row = await connection.fetchrow(_READ + "for update", name.letter_id, name.version)
        return None if row is None else _letter(row)

    async def lock_by_message(self, connection: Connection, message_uuid: UUID) -> Letter | None:
        """The letter the gateway knows under that id, locked until the transaction ends."""
        row = await connection.fetchrow(_BY_MESSAGE, message_uuid)
        return None if row is None else _letter(row)

    async def lock_overdue(self, connection: Connection, seconds: float, limit: int) -> list[Letter]:
        """Letters that have waited for a status for longer than that, locked; those somebody else has are left to them."""
        return [_letter(row) for row in await connection.fetch(_OVERDUE, seconds, limit)]

    async def save(self, connection: Connection, letter: Letter) -> None:
        """Write how far the letter is; the caller holds its lock."""
        await connection.execute(
            _SAVE,
            letter.request.name.letter_id,
            letter.request.name.version,
            letter.state.value,
            letter.repeats_recognised,
            letter.state.awaits_status,
            letter.proof.transmission_id if letter.proof else None,
            letter.proof.status_code if letter.proof else None,
            letter.proof.at if letter.proof else None,
            letter.failure,
        )

    async def add_request(self, connection: Connection, name: LetterName, sealed: bytes) -> None:
        """Fix the letter's bytes for ever."""
        await connection.execute(_ADD_REQUEST, name.letter_id, name.version, DIGITAL_POST, sealed)

    async def request_of(self, connection: Connection, name: LetterName) -> bytes | None:
        """The letter's bytes, sealed."""
        sealed: bytes | None = await connection.fetchval(
            "select sealed from letter_request where letter_id = $1 and version = $2", name.letter_id, name.version
        )
        return sealed

    async def add_status(
        self, connection: Connection, status: Status, name: LetterName | None, hearing: Hearing
    ) -> None:
        """Keep a status."""
        await connection.execute(
            _ADD_STATUS,
            status.besked_id,
            status.message_uuid,
            name.letter_id if name else None,
            name.version if name else None,
            status.transmission_id,
            status.status_code,
            status.error_code,
            status.at,
            hearing.value,
            status.dispatch_id,
            status.channel,
            [event.code for event in status.events],
            [event.at for event in status.events],
        )

    async def has_status(self, connection: Connection, besked_id: UUID) -> bool:
        """Whether this very message came before."""
        return bool(
            await connection.fetchval("select exists (select from letter_status where besked_id = $1)", besked_id)
        )

    async def open_letters(self, connection: Connection) -> list[Open]:
        """The letters that are under way; outside a transaction."""
        return [
            Open(state=LetterState(row["state"]), number=row["number"], oldest_seconds=float(row["oldest"]))
            for row in await connection.fetch(_OPEN)
        ]


def _name(row: asyncpg.Record) -> LetterName:
    return LetterName(letter_id=row["letter_id"], version=row["version"])


def _letter(row: asyncpg.Record) -> Letter:
    proof = None
    if row["dispatched_at"] is not None:
        proof = Proof(transmission_id=row["transmission_id"], status_code=row["status_code"], at=row["dispatched_at"])
    return Letter(
        request=Request(
            name=_name(row),
            absence_id=row["absence_id"],
            citizen_id=row["citizen_id"],
            municipality_code=row["municipality_code"],
            planned_day=row["planned_day"],
            planned_deadline_day=row["planned_deadline_day"],
            kinds=tuple(row["kinds"]),
            requested_at=row["requested_at"],
        ),
        message_uuid=row["message_uuid"],
        state=LetterState(row["state"]),
        repeats_recognised=row["repeats_recognised"],
        proof=proof,
        failure=row["failure"],
    )


_ADD = """
insert into letter (letter_id, version, message_uuid, absence_id, citizen_id, municipality_code, planned_day,
                    planned_deadline_day, task_ids, kinds, requested_at, digest, state)
select letter_id, version, message_uuid, absence_id, citizen_id, municipality_code, planned_day, planned_deadline_day,
       string_to_array(task_ids, ',')::uuid[], string_to_array(kinds, ','), requested_at, digest, 'requested'
from unnest($1::uuid[], $2::integer[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::date[], $8::date[], $9::text[],
            $10::text[], $11::timestamptz[], $12::bytea[])
     as new (letter_id, version, message_uuid, absence_id, citizen_id, municipality_code, planned_day,
             planned_deadline_day, task_ids, kinds, requested_at, digest)
order by letter_id, version
on conflict do nothing
returning letter_id, version
"""

_DIGESTS = """
select letter.letter_id, letter.version, letter.digest
from letter join unnest($1::uuid[], $2::integer[]) as wanted (letter_id, version) using (letter_id, version)
"""

_COLUMNS = """
select letter_id, version, message_uuid, absence_id, citizen_id, municipality_code, planned_day, planned_deadline_day, kinds,
       requested_at, state, repeats_recognised, transmission_id, status_code, dispatched_at, failure
from letter
"""

_READ = _COLUMNS + "where letter_id = $1 and version = $2\n"

_BY_MESSAGE = _COLUMNS + "where message_uuid = $1\nfor update\n"

_OVERDUE = (
    _COLUMNS
    + """
where state in ('in_doubt', 'handed_over') and awaiting_since < clock_timestamp() - make_interval(secs => $1)
order by letter_id, version
limit $2
for update skip locked
"""
)

_SAVE = """
update letter
set awaiting_since = case when not $5 then null when state = $3 then awaiting_since else clock_timestamp() end,
    state = $3,
    repeats_recognised = $4,
    transmission_id = $6,
    status_code = $7,
    dispatched_at = $8,
    failure = $9
where letter_id = $1 and version = $2
"""

_ADD_REQUEST = """
insert into letter_request (letter_id, version, channel, sealed) values ($1, $2, $3, $4)
"""

_ADD_STATUS = """
insert into letter_status (besked_id, message_uuid, letter_id, version, transmission_id, status_code, error_code, at, hearing,
                           dispatch_id, channel, event_codes, event_times)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (besked_id) do nothing
"""

_OPEN = """
select state, count(*) as number, extract(epoch from clock_timestamp() - min(taken_in_at)) as oldest
from letter
where state not in ('dispatched', 'failed')
group by state
"""
