"""The guard: how many letters were asked for, and the gates that hold them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from plumbing.postgres import Connection
from services.notifier import domain
from services.notifier.domain import Pace


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """A gate that is shut, by whom and why, and the letters it may hold."""

    pace: Pace
    shut_by: str
    reason: str
    shut_at: datetime
    held: int


class Gates:
    """Counts and gates, by municipality and template."""

    async def count(self, connection: Connection, asked: Mapping[Pace, int]) -> dict[Pace, tuple[int, int]]:
        """Count letters that were asked for; how many there are by now in this hour and on this day.

        Others who count under the same key wait until the transaction ends.
        """
        # The country last: everybody waits for that one.
        ordered = sorted(asked, key=lambda pace: (pace.municipality_code == domain.COUNTRY, pace))
        rows = await connection.fetch(_COUNT, *_keys(ordered), [asked[pace] for pace in ordered])
        return {_pace(row): (row["in_hour"], row["in_day"]) for row in rows}

    async def shut_keys(self, connection: Connection) -> frozenset[Pace]:
        """The keys whose letters are held."""
        rows = await connection.fetch("select municipality_code, template from letter_gate")
        return frozenset(map(_pace, rows))

    async def shut(self, connection: Connection, paces: Sequence[Pace], actor: str, reason: str) -> None:
        """Shut gates; those that are shut stay as they are."""
        await connection.execute(_SHUT, *_keys(paces), actor, reason)

    async def open(self, connection: Connection, pace: Pace) -> bool:
        """Open a gate and count anew; whether it was shut."""
        await connection.execute("delete from letter_pace where (municipality_code, template) = ($1, $2)", *pace)
        done = await connection.execute("delete from letter_gate where (municipality_code, template) = ($1, $2)", *pace)
        return bool(done != "DELETE 0")

    async def gates(self, connection: Connection) -> list[Gate]:
        """The gates that are shut; outside a transaction."""
        return [
            Gate(
                pace=_pace(row),
                shut_by=row["shut_by"],
                reason=row["reason"],
                shut_at=row["shut_at"],
                held=row["held"],
            )
            for row in await connection.fetch(_GATES)
        ]

    async def held_by_nobody(self, connection: Connection) -> list[Pace]:
        """The keys of letters that are held though no gate is shut for them."""
        return [_pace(row) for row in await connection.fetch(_HELD_BY_NOBODY)]

    async def forget_paces(self, connection: Connection) -> None:
        """Drop counts of days that are over."""
        await connection.execute("delete from letter_pace where hour < clock_timestamp() - interval '2 days'")


def _keys(paces: Sequence[Pace]) -> tuple[list[str], list[str]]:
    return [pace.municipality_code for pace in paces], [pace.template for pace in paces]


def _pace(row: asyncpg.Record) -> Pace:
    return Pace(row["municipality_code"], row["template"])


_COUNT = """
with counted as (
    insert into letter_pace (municipality_code, template, hour, number)
    select municipality_code, template, date_trunc('hour', clock_timestamp(), 'UTC'), number
    from unnest($1::text[], $2::text[], $3::integer[]) with ordinality as asked (municipality_code, template, number, nth)
    order by nth
    on conflict (municipality_code, template, hour) do update set number = letter_pace.number + excluded.number
    returning municipality_code, template, hour, number
)
select counted.municipality_code, counted.template, counted.number as in_hour,
       counted.number + coalesce(sum(earlier.number), 0)::integer as in_day
from counted
left join letter_pace earlier
    on earlier.municipality_code = counted.municipality_code and earlier.template = counted.template
    and earlier.hour >= date_trunc('day', counted.hour, 'UTC') and earlier.hour < counted.hour
group by counted.municipality_code, counted.template, counted.number
"""

_SHUT = """
insert into letter_gate (municipality_code, template, shut_by, reason)
select municipality_code, template, $3, $4
from unnest($1::text[], $2::text[]) as shut (municipality_code, template)
on conflict (municipality_code, template) do nothing
"""

_GATES = """
select municipality_code, template, shut_by, reason, shut_at,
       (select count(*) from letter
        where state = 'held' and letter.template = gate.template
          and gate.municipality_code in (letter.municipality_code, '*')) as held
from letter_gate gate
order by shut_at, municipality_code, template
"""

_HELD_BY_NOBODY = """
select distinct municipality_code, template
from letter
where state = 'held'
  and not exists (
      select from letter_gate gate
      where gate.template = letter.template and gate.municipality_code in (letter.municipality_code, '*')
  )
"""
