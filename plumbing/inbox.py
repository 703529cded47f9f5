"""The inbox: what has arrived, once, and what became of each record.

Invariants: a message id takes effect once, because its row is inserted first, in the effect's own transaction, and a
rival waits on the unique key; ids are inserted in sorted order, so that two batches never deadlock; each record, by
topic, partition and offset, has exactly one fate, and a redelivery leaves it as it is. A topic that was deleted and
made anew starts at offset 0 again: the fingerprint (of value and timestamp) keeps its records apart from the old ones.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

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


class Fate(StrEnum):
    """How a record ended: each record has exactly one."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    PARKED = "parked"
    PASSED = "passed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """The fate of one record: `message_id` is the id it carries (of a duplicate: the id it repeats), `reason` a code."""

    record: Record
    message_id: str
    fate: Fate
    reason: str | None = None


def fingerprint(record: Record) -> int:
    """Tells a record from another one at the same position of a topic that was made anew."""
    digest = blake2b(record.value or b"", digest_size=8, key=record.timestamp_ms.to_bytes(8, "big", signed=True))
    return int.from_bytes(digest.digest(), "big", signed=True)


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


async def settle_news(connection: Connection, settled: Sequence[Settled]) -> bool:
    """Write fates that are expected to be new, and tell whether all were; if not, the caller rolls back and looks closer."""
    status = await connection.execute(_SETTLE_NEWS, *_columns(settled))
    return int(status.rpartition(" ")[2]) == len(settled)


async def settle(connection: Connection, settled: Sequence[Settled]) -> list[bool]:
    """Write the fates; tells for each whether it is new (False: a redelivery whose fate was written before)."""
    rows = await connection.fetch(_SETTLE, *_columns(settled))
    written = {(row["topic"], row["partition"], row["offset"]) for row in rows}
    return [(one.record.topic, one.record.partition, one.record.offset) in written for one in settled]


def _columns(settled: Sequence[Settled]) -> tuple[list[object], ...]:
    records = [one.record for one in settled]
    return (
        [record.topic for record in records],
        [record.partition for record in records],
        [record.offset for record in records],
        [fingerprint(record) for record in records],
        [one.fate.value for one in settled],
        [one.message_id for one in settled],
        [one.reason for one in settled],
    )


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

_SETTLE_NEWS = """
insert into inbox_record (topic, partition, "offset", fingerprint, fate, message_id, reason)
select * from unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[])
order by 1, 2, 3
on conflict do nothing
"""

_SETTLE = _SETTLE_NEWS + 'returning topic, partition, "offset"'
