"""The tables of `notifier`: letters, their sealed requests, the statuses told of them. All the SQL of this service.

Invariants: a letter is read `for update` before anything about it is decided; rows are inserted and locked in the order of
their ids, a status in that of its message's; requests and statuses are only ever added. `awaiting_since` is real time, by the
database's clock.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from plumbing.postgres import Connection
from services.notifier.domain import HeardStatus, Letter, LetterName, LetterState, NewLetter, Proof, Request, Status

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
        rows = await connection.fetch(_DIGESTS, *_named(names))
        return {_name(row): row["digest"] for row in rows}

    async def read(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, Letter]:
        """The letters, without locking them."""
        return {_name(row): _letter(row) for row in await connection.fetch(_READ, *_named(names))}

    async def lock(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, Letter]:
        """The letters, locked until the transaction ends."""
        return {_name(row): _letter(row) for row in await connection.fetch(_LOCK, *_named(names))}

    async def lock_by_message(self, connection: Connection, message_uuids: Sequence[UUID]) -> dict[UUID, Letter]:
        """The letters the gateway knows under those ids, locked until the transaction ends."""
        return {row["message_uuid"]: _letter(row) for row in await connection.fetch(_BY_MESSAGE, list(message_uuids))}

    async def lock_overdue(self, connection: Connection, seconds: float, limit: int) -> list[Letter]:
        """Letters that have waited for a status for longer than that, locked; those somebody else has are left to them."""
        return [_letter(row) for row in await connection.fetch(_OVERDUE, seconds, limit)]

    async def save(self, connection: Connection, letters: Sequence[Letter]) -> None:
        """Write how far the letters are, each named once; the caller holds their locks."""
        await connection.execute(
            _SAVE,
            *_named([letter.request.name for letter in letters]),
            [letter.state.value for letter in letters],
            [letter.repeats_recognised for letter in letters],
            [letter.state.awaits_status for letter in letters],
            [letter.proof.transmission_id if letter.proof else None for letter in letters],
            [letter.proof.status_code if letter.proof else None for letter in letters],
            [letter.proof.at if letter.proof else None for letter in letters],
            [letter.failure for letter in letters],
        )

    async def add_requests(self, connection: Connection, requests: Mapping[LetterName, bytes]) -> None:
        """Fix the letters' bytes, which are sealed, for ever; fails where a letter has some."""
        await connection.copy_records_to_table(
            "letter_request",
            columns=("letter_id", "version", "channel", "sealed"),
            records=[(name.letter_id, name.version, DIGITAL_POST, sealed) for name, sealed in requests.items()],
        )

    async def requests_of(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, bytes]:
        """The letters' bytes, sealed, as far as they are fixed."""
        return {_name(row): row["sealed"] for row in await connection.fetch(_REQUESTS, *_named(names))}

    async def add_statuses(self, connection: Connection, heard: Sequence[HeardStatus]) -> set[UUID]:
        """Keep statuses; the messages that were not there yet."""
        ordered = sorted(heard, key=lambda one: one.status.besked_id)
        names = [one.name for one in ordered]
        rows = await connection.fetch(
            _ADD_STATUSES,
            [one.status.besked_id for one in ordered],
            [one.status.message_uuid for one in ordered],
            [name.letter_id if name else None for name in names],
            [name.version if name else None for name in names],
            [one.status.transmission_id for one in ordered],
            [one.status.status_code for one in ordered],
            [one.status.error_code for one in ordered],
            [one.status.at for one in ordered],
            [one.hearing.value for one in ordered],
            [one.status.dispatch_id for one in ordered],
            [one.status.channel for one in ordered],
            [_told_events(one.status) for one in ordered],
        )
        return {row["besked_id"] for row in rows}

    async def known_statuses(self, connection: Connection, besked_ids: Sequence[UUID]) -> set[UUID]:
        """Those of the messages that came before."""
        rows = await connection.fetch(
            "select besked_id from letter_status where besked_id = any ($1::uuid[])", list(besked_ids)
        )
        return {row["besked_id"] for row in rows}

    async def open_letters(self, connection: Connection) -> list[Open]:
        """The letters that are under way; outside a transaction."""
        return [
            Open(state=LetterState(row["state"]), number=row["number"], oldest_seconds=float(row["oldest"]))
            for row in await connection.fetch(_OPEN)
        ]


def _told_events(status: Status) -> str:
    """As JSON, since unnest would flatten arrays of arrays."""
    return json.dumps([[event.code, None if event.at is None else event.at.isoformat()] for event in status.events])


def _named(names: Sequence[LetterName]) -> tuple[list[UUID], list[int]]:
    return [name.letter_id for name in names], [name.version for name in names]


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

_READ = _COLUMNS + "join unnest($1::uuid[], $2::integer[]) as wanted (letter_id, version) using (letter_id, version)\n"

_LOCK = _READ + "order by letter_id, version\nfor update of letter\n"

_BY_MESSAGE = _COLUMNS + "where message_uuid = any ($1::uuid[])\norder by letter_id, version\nfor update\n"

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
set awaiting_since = case when not new.awaits_status then null when letter.state = new.state then letter.awaiting_since
                     else clock_timestamp() end,
    state = new.state,
    repeats_recognised = new.repeats_recognised,
    transmission_id = new.transmission_id,
    status_code = new.status_code,
    dispatched_at = new.dispatched_at,
    failure = new.failure
from unnest($1::uuid[], $2::integer[], $3::text[], $4::boolean[], $5::boolean[], $6::text[], $7::text[], $8::timestamptz[],
            $9::text[])
     as new (letter_id, version, state, repeats_recognised, awaits_status, transmission_id, status_code, dispatched_at, failure)
where letter.letter_id = new.letter_id and letter.version = new.version
"""

_REQUESTS = """
select letter_id, version, sealed
from letter_request join unnest($1::uuid[], $2::integer[]) as wanted (letter_id, version) using (letter_id, version)
"""

_ADD_STATUSES = """
insert into letter_status (besked_id, message_uuid, letter_id, version, transmission_id, status_code, error_code, at, hearing,
                           dispatch_id, channel, event_codes, event_times)
select besked_id, message_uuid, letter_id, version, transmission_id, status_code, error_code, at, hearing, dispatch_id, channel,
       array(select event ->> 0 from jsonb_array_elements(events::jsonb) as event),
       array(select (event ->> 1)::timestamptz from jsonb_array_elements(events::jsonb) as event)
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
            $9::text[], $10::text[], $11::text[], $12::text[]) with ordinality
     as heard (besked_id, message_uuid, letter_id, version, transmission_id, status_code, error_code, at, hearing, dispatch_id,
               channel, events, nth)
order by nth
on conflict (besked_id) do nothing
returning besked_id
"""

_OPEN = """
select state, count(*) as number, extract(epoch from clock_timestamp() - min(taken_in_at)) as oldest
from letter
where state not in ('dispatched', 'failed')
group by state
"""
