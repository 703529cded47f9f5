"""Every row of every table, by the administrator's role: what a service says of itself is not asked."""

from collections.abc import Mapping, Sequence

import asyncpg

from laws.evidence import Row

# Of sealed bytes the beginning is enough to see that they are sealed; letters are large.
_SEALED_BYTES = 4_096

_HELD_BY_NOBODY = """
select count(*) from letter
where state = 'held' and not exists (
    select from letter_gate gate
    where gate.template = letter.template and gate.municipality_code in (letter.municipality_code, '*')
)
"""
_HELD = """
select count(*) from letter
where state = 'held' and exists (
    select from letter_gate gate
    where gate.template = letter.template and gate.municipality_code in (letter.municipality_code, '*')
)
"""

_WAITING = {
    "outbox": "select count(*) from outbox",
    "jobs": "select count(*) from job where state = 'waiting'",
    "audit entries not in the chain": (
        "select coalesce(sum(cardinality(entry_ids)), 0)::bigint from audit_unsealed_group"
    ),
    "letters without end": (
        "select count(*) from letter where state not in ('dispatched', 'returned', 'failed', 'unknown', 'held')"
    ),
    "letters held by nobody": _HELD_BY_NOBODY,
    "refused, and not buried": "select count(*) from waiting where refused is not null",
    "events that wait": "select count(event_id) from waiting",
    "files coming in": "select count(*) from arrival",
    "files not checked": "select count(*) from file where state = 'pending' and not is_removed",
    "submissions that wait": "select count(*) from submission where state = 'waiting'",
}
_GIVEN_UP = {
    "parked keys": "select count(*) from outbox_parked_key",
    "parked jobs": "select count(*) from job where state = 'parked'",
    "letters held": _HELD,
}
# The table that is asked, or the column, where tables of one name differ between services.
_TABLE_OF = {
    "outbox": "outbox",
    "jobs": "job",
    "audit entries not in the chain": "audit_unsealed_group",
    "letters without end": "letter",
    "letters held by nobody": "letter_gate",
    "refused, and not buried": "waiting.refused",
    "events that wait": "waiting.event_id",
    "files coming in": "arrival",
    "files not checked": "file",
    "submissions that wait": "submission",
    "parked keys": "outbox_parked_key",
    "parked jobs": "job",
    "letters held": "letter_gate",
}

_COLUMNS = """
select table_name, column_name, data_type
from information_schema.columns
where table_schema = 'public'
order by table_name, ordinal_position
"""


async def read_tables(dsn: str) -> dict[str, Sequence[Row]]:
    """Every table of a database, as it is in one snapshot."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return {
                table: [dict(row) for row in await connection.fetch(_select(table, columns))]
                for table, columns in (await _tables(connection)).items()
            }
    finally:
        await connection.close()


async def waiting_and_given_up(dsn: str) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """What a database says is under way, and what was given up; tables it does not have are left out."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await _tables(connection)
        there = {*tables, *(f"{table}.{name}" for table, columns in tables.items() for name, _ in columns)}
        waiting, given_up = [
            {name: await connection.fetchval(sql) for name, sql in asked.items() if _TABLE_OF[name] in there}
            for asked in (_WAITING, _GIVEN_UP)
        ]
        return waiting, given_up
    finally:
        await connection.close()


async def _tables(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for row in await connection.fetch(_COLUMNS):
        found.setdefault(row["table_name"], []).append((row["column_name"], row["data_type"]))
    return found


def _select(table: str, columns: Sequence[tuple[str, str]]) -> str:
    named = (
        f'substring("{name}" for {_SEALED_BYTES}) as "{name}"' if (name, kind) == ("sealed", "bytea") else f'"{name}"'
        for name, kind in columns
    )
    return f'select {", ".join(named)} from "{table}"'  # noqa: S608 - names from the server's own catalogue
