"""The inbox: what has arrived, once, and what became of each record.

Invariants: a message id takes effect once, because its row is inserted first, in the effect's own transaction, and a
rival waits on the unique key; ids are inserted in sorted order, so that two batches never deadlock; each record, by
topic, partition and offset, has exactly one fate, and a redelivery leaves it as it is. A topic that was deleted and
made anew starts at offset 0 again: the fingerprint (of value and timestamp) keeps its records apart from the old ones.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum
from operator import itemgetter
from typing import NamedTuple
from zlib import crc32

from asyncpg import UniqueViolationError

from plumbing.bus.records import Record
from plumbing.postgres import Connection

SCHEMA = """
create table inbox_message (
    message_id text primary key,
    admitted_at timestamptz not null default clock_timestamp()
);
create table inbox_record (
    topic text not null,
    partition integer not null,
    "offset" bigint not null,
    fingerprint bigint not null,
    fate text not null check (fate in ('accepted', 'duplicate', 'rejected', 'parked', 'passed')),
    message_id text not null,
    reason text,
    settled_at timestamptz not null default clock_timestamp(),
    primary key (topic, partition, "offset", fingerprint)
);
grant select, insert on inbox_message, inbox_record to {role};
"""


# For services that took in the id of a message before their work refused it, as they do no more. What could not be read is
# named by where it stands, and nothing that is sent again has that name.
RELEASE_REFUSED = """
delete from inbox_message
using inbox_record
where inbox_record.message_id = inbox_message.message_id
  and inbox_record.fate = 'rejected'
  and not starts_with(inbox_record.message_id, inbox_record.topic || ':');
"""


class AlreadySettled(Exception):
    """A record has its fate already: whatever else the transaction did about it must not be done again."""


class Fate(StrEnum):
    """How a record ended: each record has exactly one."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    PARKED = "parked"
    PASSED = "passed"


class Settled(NamedTuple):
    """The fate of one record: `message_id` is the id it carries (of a duplicate: the id it repeats), `reason` a code."""

    record: Record
    message_id: str
    fate: Fate
    reason: str | None = None


def fingerprint(record: Record) -> int:
    """Tells a record from another one at the same position of a topic that was made anew."""
    return (record.timestamp_ms & 0x7FFF_FFFF) << 32 | crc32(record.value or b"")


def position_id(record: Record) -> str:
    """The identity of a record that carries none of its own."""
    return f"{record.topic}:{record.partition}:{record.offset}:{fingerprint(record):x}"


async def admit(connection: Connection, message_ids: Collection[str]) -> set[str]:
    """Insert the ids and return those that were not known; the first statement of a batch's transaction."""
    rows = await connection.fetch(_ADMIT, list(message_ids))
    return {row["message_id"] for row in rows}


async def unsettled(connection: Connection, records: Sequence[Record]) -> list[bool]:
    """Tells for each record whether it has no fate yet: what has one keeps it, whatever would be decided today."""
    rows = await connection.fetch(
        _FATES_OF,
        [record.topic for record in records],
        [record.partition for record in records],
        [record.offset for record in records],
        [fingerprint(record) for record in records],
    )
    known = {(row["topic"], row["partition"], row["offset"]) for row in rows}
    if not known:
        return [True] * len(records)
    return [(record.topic, record.partition, record.offset) not in known for record in records]


async def settle_news(connection: Connection, settled: Sequence[Settled]) -> None:
    """Write fates that are expected to be new; raises `AlreadySettled` where one is not, and the transaction is lost then."""
    rows = sorted(map(_row, settled), key=itemgetter(0, 1, 2))
    try:
        await connection.copy_records_to_table("inbox_record", columns=_COLUMNS, records=rows)
    except UniqueViolationError:
        raise AlreadySettled from None


async def settle(connection: Connection, settled: Sequence[Settled]) -> list[bool]:
    """Write the fates; tells for each whether it is new (False: a redelivery whose fate was written before)."""
    columns = zip(*map(_row, settled), strict=True)
    rows = await connection.fetch(_SETTLE, *map(list, columns)) if settled else []
    written = {(row["topic"], row["partition"], row["offset"]) for row in rows}
    return [(one.record.topic, one.record.partition, one.record.offset) in written for one in settled]


def _row(one: Settled) -> tuple[str, int, int, int, str, str, str | None]:
    at = one.record
    return at.topic, at.partition, at.offset, fingerprint(at), one.fate.value, one.message_id, one.reason


_COLUMNS = ("topic", "partition", "offset", "fingerprint", "fate", "message_id", "reason")

_ADMIT = """
insert into inbox_message (message_id)
select distinct id from unnest($1::text[]) as id order by id
on conflict do nothing
returning message_id
"""

_FATES_OF = """
select topic, partition, "offset"
from inbox_record
join unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[]) as asked (topic, partition, "offset", fingerprint)
     using (topic, partition, "offset", fingerprint)
"""

_SETTLE = """
insert into inbox_record (topic, partition, "offset", fingerprint, fate, message_id, reason)
select * from unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[])
order by 1, 2, 3
on conflict do nothing
returning topic, partition, "offset"
"""
