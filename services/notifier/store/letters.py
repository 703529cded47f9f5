"""Letters and their sendings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import asyncpg

from plumbing.postgres import Connection
from plumbing.postgres.columns import shared
from services.notifier import domain
from services.notifier.domain import (
    Channel,
    Letter,
    LetterName,
    LetterState,
    NewLetter,
    Pace,
    PastSending,
    Proof,
    Request,
)
from services.notifier.store.names import columns_of, name_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Open:
    """Letters that are neither dispatched nor failed, in one state, and the age of the oldest."""

    state: LetterState
    number: int
    oldest_seconds: float


class _Standing(NamedTuple):
    """How a letter stands, but for what is its own: many that move together stand alike. All or none of them have a proof."""

    state: str
    repeats_recognised: bool | None
    awaits_status: bool
    failure: str | None
    sending: int
    channel: str | None
    may_be_taken: bool
    proof_channel: str | None
    proof_code: str | None


class Letters:
    """How far each letter is, and the bytes of its sendings."""

    async def add(self, connection: Connection, letters: Sequence[NewLetter]) -> set[LetterName]:
        """Insert those that are not known yet; their names."""
        rows = await connection.fetch(
            _ADD,
            [one.request.name.letter_id for one in letters],
            shared([one.request.name.version for one in letters]),
            [one.request.absence_id for one in letters],
            [one.request.citizen_id for one in letters],
            shared([one.request.municipality_code for one in letters]),
            shared([one.request.planned_day for one in letters]),
            shared([one.request.planned_deadline_day for one in letters]),
            # unnest would flatten arrays of arrays
            [",".join(map(str, one.task_ids)) for one in letters],
            shared([",".join(one.request.kinds) for one in letters]),
            shared([one.request.requested_at for one in letters]),
            [one.digest for one in letters],
            shared([domain.template(one.request.kinds) for one in letters]),
            [one.gateway_id for one in letters],
        )
        return {name_of(row) for row in rows}

    async def digests(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, bytes]:
        """What was asked for under these names."""
        rows = await connection.fetch(_DIGESTS, *columns_of(names))
        return {name_of(row): row["digest"] for row in rows}

    async def read(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, Letter]:
        """The letters, without locking them."""
        return await self._letters(connection, _READ, names)

    async def lock(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, Letter]:
        """The letters, locked until the transaction ends."""
        return await self._letters(connection, _LOCK, names)

    async def lock_by_gateway_id(
        self, connection: Connection, gateway_ids: Sequence[str]
    ) -> tuple[dict[str, LetterName], dict[LetterName, Letter]]:
        """Which letter each id is about, by a sending of now or of before, and those letters, locked."""
        names = {row["gateway_id"]: name_of(row) for row in await connection.fetch(_BY_GATEWAY_ID, list(gateway_ids))}
        return names, await self.lock(connection, list(set(names.values())))

    async def lock_overdue(
        self, connection: Connection, *, digital_seconds: float, paper_seconds: float, limit: int
    ) -> list[Letter]:
        """Letters that have waited for a status for longer than that, locked; those somebody else has are left to them."""
        rows = await connection.fetch(_OVERDUE, digital_seconds, paper_seconds, limit)
        return list((await self._with_past(connection, rows)).values())

    async def lock_held(self, connection: Connection, pace: Pace, limit: int) -> list[Letter]:
        """Held letters of that key that no other shut gate holds, the longest waiting first."""
        if pace.municipality_code == domain.COUNTRY:
            rows = await connection.fetch(_HELD_IN_COUNTRY, pace.template, limit)
        else:
            rows = await connection.fetch(_HELD, pace.template, limit, pace.municipality_code)
        return list((await self._with_past(connection, rows)).values())

    async def in_state(self, connection: Connection, state: LetterState, limit: int) -> list[Letter]:
        """Letters in that state, the longest waiting first; outside a transaction."""
        rows = await connection.fetch(_IN_STATE[state], limit)
        return list((await self._with_past(connection, rows)).values())

    async def under_way(self, connection: Connection) -> list[Open]:
        """The letters that are under way; outside a transaction."""
        return [
            Open(state=LetterState(row["state"]), number=row["number"], oldest_seconds=float(row["oldest"]))
            for row in await connection.fetch(_OPEN)
        ]

    async def in_vain(self, connection: Connection) -> dict[LetterState, int]:
        """How many letters failed, and how many came back; outside a transaction."""
        return {LetterState(row["state"]): row["number"] for row in await connection.fetch(_IN_VAIN)}

    async def save(self, connection: Connection, letters: Sequence[Letter]) -> None:
        """Write how far the letters are, each named once; the caller holds their locks. Who stands alike is one statement."""
        alike: dict[_Standing, list[Letter]] = {}
        for letter in letters:
            alike.setdefault(_standing(letter), []).append(letter)
        for standing, those in alike.items():
            proofs = [letter.proof for letter in those if letter.proof is not None]
            await connection.execute(
                _SAVE,
                *columns_of([letter.request.name for letter in those]),
                [letter.gateway_id for letter in those],
                [proof.transmission_id for proof in proofs],
                [proof.at for proof in proofs],
                *standing,
            )
        past = [(letter.request.name, one) for letter in letters for one in letter.past]
        if past:
            await connection.execute(
                _SAVE_PAST,
                *columns_of([name for name, _ in past]),
                [one.number for _, one in past],
                [one.channel.value for _, one in past],
                [one.gateway_id for _, one in past],
                [one.code for _, one in past],
                [one.proof.transmission_id if one.proof else None for _, one in past],
                [one.proof.status_code if one.proof else None for _, one in past],
                [one.proof.at if one.proof else None for _, one in past],
            )

    async def add_lookups(self, connection: Connection, found: Mapping[LetterName, bool]) -> None:
        """Keep what the register said of the letters' citizens."""
        await connection.copy_records_to_table(
            "letter_lookup",
            columns=("letter_id", "version", "registered"),
            records=[(name.letter_id, name.version, registered) for name, registered in found.items()],
        )

    async def add_requests(self, connection: Connection, requests: Sequence[tuple[Letter, bytes]]) -> None:
        """Fix the bytes of the letters' sendings, which are sealed, for ever; fails where a sending has some."""
        await connection.copy_records_to_table(
            "letter_request",
            columns=("letter_id", "version", "sending", "channel", "sealed"),
            records=[
                (letter.request.name.letter_id, letter.request.name.version, letter.sending, letter.channel, sealed)
                for letter, sealed in requests
            ],
        )

    async def requests_of(self, connection: Connection, letters: Sequence[Letter]) -> dict[LetterName, bytes]:
        """The bytes of the letters' sendings, sealed, as far as they are fixed."""
        names, sendings = columns_of([one.request.name for one in letters]), [one.sending for one in letters]
        return {name_of(row): row["sealed"] for row in await connection.fetch(_REQUESTS, *names, sendings)}

    async def _letters(self, connection: Connection, sql: str, names: Sequence[LetterName]) -> dict[LetterName, Letter]:
        return await self._with_past(connection, await connection.fetch(sql, *columns_of(names)))

    async def _with_past(self, connection: Connection, rows: Sequence[asyncpg.Record]) -> dict[LetterName, Letter]:
        """The letters, with the sendings before where there were any; those of a locked letter cannot change."""
        past: dict[LetterName, list[PastSending]] = {}
        if several := [name_of(row) for row in rows if row["sending"] > 1]:
            for row in await connection.fetch(_PAST, *columns_of(several)):
                past.setdefault(name_of(row), []).append(_past(row))
        return {(name := name_of(row)): _letter(row, past.get(name, ())) for row in rows}


def _standing(letter: Letter) -> _Standing:
    proof = letter.proof
    return _Standing(
        letter.state.value,
        letter.repeats_recognised,
        letter.state.awaits_status,
        letter.failure,
        letter.sending,
        letter.channel.value if letter.channel else None,
        letter.may_be_taken,
        proof.channel.value if proof else None,
        proof.status_code if proof else None,
    )


def _letter(row: asyncpg.Record, past: Sequence[PastSending]) -> Letter:
    return Letter(
        request=Request(
            name=name_of(row),
            absence_id=row["absence_id"],
            citizen_id=row["citizen_id"],
            municipality_code=row["municipality_code"],
            planned_day=row["planned_day"],
            planned_deadline_day=row["planned_deadline_day"],
            kinds=tuple(row["kinds"]),
            requested_at=row["requested_at"],
        ),
        state=LetterState(row["state"]),
        sending=row["sending"],
        channel=Channel(row["channel"]) if row["channel"] else None,
        gateway_id=row["gateway_id"],
        repeats_recognised=row["repeats_recognised"],
        may_be_taken=row["may_be_taken"],
        past=tuple(past),
        proof=_proof(row, row["proof_channel"]),
        failure=row["failure"],
    )


def _past(row: asyncpg.Record) -> PastSending:
    return PastSending(
        number=row["sending"],
        channel=Channel(row["channel"]),
        gateway_id=row["gateway_id"],
        code=row["code"],
        proof=_proof(row, row["channel"]),
    )


def _proof(row: asyncpg.Record, channel: str) -> Proof | None:
    if row["dispatched_at"] is None:
        return None
    return Proof(
        channel=Channel(channel),
        transmission_id=row["transmission_id"],
        status_code=row["status_code"],
        at=row["dispatched_at"],
    )


_ADD = """
insert into letter (letter_id, version, gateway_id, absence_id, citizen_id, municipality_code, planned_day, planned_deadline_day,
                    task_ids, kinds, requested_at, digest, template, state)
select letter_id, coalesce(version, $2[1]), gateway_id, absence_id, citizen_id, coalesce(municipality_code, $5[1]),
       coalesce(planned_day, $6[1]), coalesce(planned_deadline_day, $7[1]), string_to_array(task_ids, ',')::uuid[],
       string_to_array(coalesce(kinds, $9[1]), ','), coalesce(requested_at, $10[1]), digest, coalesce(template, $12[1]),
       'requested'
from unnest($1::uuid[], $2::integer[], $3::uuid[], $4::uuid[], $5::text[], $6::date[], $7::date[], $8::text[], $9::text[],
            $10::timestamptz[], $11::bytea[], $12::text[], $13::text[])
     as new (letter_id, version, absence_id, citizen_id, municipality_code, planned_day, planned_deadline_day, task_ids, kinds,
             requested_at, digest, template, gateway_id)
order by letter_id, 2
on conflict do nothing
returning letter_id, version
"""

_DIGESTS = """
select letter.letter_id, letter.version, letter.digest
from letter join unnest($1::uuid[], $2::integer[]) as wanted (letter_id, version) using (letter_id, version)
"""

_COLUMNS = """
select letter_id, version, absence_id, citizen_id, municipality_code, planned_day, planned_deadline_day, kinds, requested_at,
       state, sending, channel, gateway_id, repeats_recognised, transmission_id, status_code, dispatched_at, proof_channel,
       failure, may_be_taken
from letter
"""

_READ = _COLUMNS + "join unnest($1::uuid[], $2::integer[]) as wanted (letter_id, version) using (letter_id, version)\n"

_LOCK = _READ + "order by letter_id, version\nfor update of letter\n"

# An id never leaves its letter: whichever of the two it is found in, the letter is the same once it is locked.
_BY_GATEWAY_ID = """
select gateway_id, letter_id, version from letter where gateway_id = any ($1::text[])
union all
select gateway_id, letter_id, version from letter_past_sending where gateway_id = any ($1::text[])
"""

_OVERDUE = (
    _COLUMNS
    + """
where state in ('in_doubt', 'handed_over')
  and awaiting_since < clock_timestamp() - make_interval(secs => case channel when 'paper' then $2::float8 else $1::float8 end)
order by letter_id, version
limit $3
for update skip locked
"""
)

_LONGEST_WAITING_HELD = """
  and not exists (
      select from letter_gate gate
      where gate.template = letter.template and gate.municipality_code in (letter.municipality_code, '*')
  )
order by taken_in_at, letter_id, version
limit $2
for update skip locked
"""

# Two and not one whose municipality may be null: the one plan of that reads the held letters of all municipalities.
_HELD_IN_COUNTRY = _COLUMNS + "where state = 'held' and template = $1" + _LONGEST_WAITING_HELD

_HELD = _COLUMNS + "where state = 'held' and template = $1 and municipality_code = $3" + _LONGEST_WAITING_HELD

# One for each state and not one that is given it: its one plan could use no index that holds the letters of some states.
_IN_STATE = {
    state: _COLUMNS + f"where state = '{state.value}'\norder by taken_in_at, letter_id, version\nlimit $1\n"
    for state in LetterState
}

_OPEN = """
select state, count(*) as number, extract(epoch from clock_timestamp() - min(taken_in_at)) as oldest
from letter
where state not in ('dispatched', 'returned', 'failed')
group by state
"""

_IN_VAIN = """
select state, count(*) as number
from letter
where state in ('returned', 'failed')
group by state
"""

_PAST = """
select letter_id, version, sending, channel, gateway_id, code, transmission_id, status_code, dispatched_at
from letter_past_sending join unnest($1::uuid[], $2::integer[]) as wanted (letter_id, version) using (letter_id, version)
order by letter_id, version, sending
"""

_SAVE = """
update letter
set awaiting_since = case when not $8::boolean then null when letter.state = $6 then letter.awaiting_since
                     else clock_timestamp() end,
    state = $6,
    repeats_recognised = $7,
    failure = $9,
    sending = $10,
    channel = $11,
    may_be_taken = $12,
    proof_channel = $13,
    status_code = $14,
    gateway_id = new.gateway_id,
    transmission_id = new.transmission_id,
    dispatched_at = new.dispatched_at
from unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::timestamptz[])
     as new (letter_id, version, gateway_id, transmission_id, dispatched_at)
where letter.letter_id = new.letter_id and letter.version = new.version
"""

_SAVE_PAST = """
insert into letter_past_sending (letter_id, version, sending, channel, gateway_id, code, transmission_id, status_code,
                                 dispatched_at)
select * from unnest($1::uuid[], $2::integer[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                     $9::timestamptz[])
on conflict (letter_id, version, sending) do update
set transmission_id = excluded.transmission_id, status_code = excluded.status_code, dispatched_at = excluded.dispatched_at
where letter_past_sending.dispatched_at is null and excluded.dispatched_at is not null
"""

_REQUESTS = """
select letter_id, version, sealed
from letter_request
join unnest($1::uuid[], $2::integer[], $3::integer[]) as wanted (letter_id, version, sending)
    using (letter_id, version, sending)
"""
