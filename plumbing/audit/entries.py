"""Audit entries, and how one is told in bytes.

Invariants: an entry is written in the transaction of the effect it tells of, so neither is there without the other, and who
cannot be audited is not served; the run-time role can add entries, never change or remove them. Entries hold ids and codes,
never a name, a number or a text of a person.

`audit_unsealed_group` names the entries that the chain does not hold yet and their digests, those that were written together in
one row. It is a list of its own, not a high-water mark, because numbers are handed out before commit: a lower one may appear
later. Before there were groups, `audit_unsealed` had a row for each.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from plumbing.postgres import Connection
from plumbing.postgres.columns import shared

SCHEMA = """
create table audit_entry (
    id bigint generated always as identity primary key,
    actor text not null,
    action text not null,
    subject uuid,
    object_type text not null,
    object_id text not null,
    purpose text not null,
    at timestamptz not null check (isfinite(at))
);
create table audit_unsealed (
    entry_id bigint primary key
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
create table audit_chain (
    number bigint primary key check (number > 0),
    entry_ids bigint[] not null check (cardinality(entry_ids) > 0),
    digests bytea not null check (octet_length(digests) = 32 * cardinality(entry_ids)),
    sealed_at timestamptz not null,
    hash bytea not null check (octet_length(hash) = 32)
);
revoke all on audit_entry, audit_unsealed, audit_chain from public, {role};
grant select, insert on audit_entry, audit_chain to {role};
grant select, insert, delete on audit_unsealed to {role};
"""

# A row for each entry, entered and taken out again, cost as much as the entry itself. Processes of the version before still write
# such rows, which are sealed as well.
UNSEALED_IN_GROUPS = """
create table audit_unsealed_group (
    group_id bigint generated always as identity primary key,
    entry_ids bigint[] not null check (cardinality(entry_ids) > 0)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
revoke all on audit_unsealed_group from public, {role};
grant select, insert, delete on audit_unsealed_group to {role};
"""

# Reckoned as an entry is written, when all of it is at hand: the sealer looked up every entry again, and what was changed
# before it came was sealed as changed. Processes of the version before still list entries without digests. `audit_unsealed` is
# emptied and no longer read; the version before takes rows off it, so it is dropped with the next.
DIGESTS_IN_GROUPS = """
alter table audit_unsealed_group add column digests bytea check (octet_length(digests) = 32 * cardinality(entry_ids));
lock table audit_unsealed;
insert into audit_unsealed_group (entry_ids) select array_agg(entry_id) from audit_unsealed having count(*) > 0;
delete from audit_unsealed;
revoke insert on audit_unsealed from {role};
"""

# How many wait.
WAITING: Final = "select coalesce(sum(cardinality(entry_ids)), 0)::bigint from audit_unsealed_group"

# Made once: `json.dumps` makes an encoder anew at each call that asks for another form than its usual one.
_SPELT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Entry(NamedTuple):
    """One thing seen or done. `at` is domain time; `subject` is the person concerned, if it was one person's data."""

    actor: str
    action: str
    subject: UUID | None
    object_type: str
    object_id: str
    purpose: str
    at: datetime


async def put(connection: Connection, entries: Sequence[Entry]) -> None:
    """Write the entries, in this order, in the caller's transaction."""
    if not entries:
        return
    await connection.execute(
        _PUT,
        shared([entry.actor for entry in entries]),
        shared([entry.action for entry in entries]),
        [entry.subject for entry in entries],
        shared([entry.object_type for entry in entries]),
        shared([entry.object_id for entry in entries]),
        shared([entry.purpose for entry in entries]),
        shared([entry.at for entry in entries]),
    )


def digest(entry_id: int, entry: Entry) -> bytes:
    """SHA-256 of the entry as a JSON array without spaces, in UTF-8: [id, actor, action, subject or null, object type,
    object id, purpose, time]; the time in UTC as `2026-11-23T09:30:00.000000Z`."""
    told = [
        entry_id,
        entry.actor,
        entry.action,
        None if entry.subject is None else str(entry.subject),
        entry.object_type,
        entry.object_id,
        entry.purpose,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z",
    ]
    return sha256(_SPELT(told).encode()).digest()


# The same in SQL, for rows of `audit_entry` called `entry`, null where there is no row.
DIGEST: Final = """
sha256(convert_to(
    '[' || entry.id || ',' || to_json(entry.actor) || ',' || to_json(entry.action)
    || ',' || coalesce(to_json(entry.subject)::text, 'null') || ',' || to_json(entry.object_type)
    || ',' || to_json(entry.object_id) || ',' || to_json(entry.purpose)
    || ',' || to_json(to_char(entry.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) || ']',
    'UTF8'))
"""


def entry_of(row: asyncpg.Record) -> Entry:
    """An entry as it stands in the table."""
    return Entry(
        actor=row["actor"],
        action=row["action"],
        subject=row["subject"],
        object_type=row["object_type"],
        object_id=row["object_id"],
        purpose=row["purpose"],
        at=row["at"],
    )


# Arrays shorter than that of the subjects stand for one value in every row: unnest fills up with null.
_PUT = f"""
with written as (
    insert into audit_entry (actor, action, subject, object_type, object_id, purpose, at)
    select coalesce(actor, $1[1]), coalesce(action, $2[1]), subject, coalesce(object_type, $4[1]),
           coalesce(object_id, $5[1]), coalesce(purpose, $6[1]), coalesce(at, $7[1])
    from unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
         with ordinality as entry (actor, action, subject, object_type, object_id, purpose, at, nth)
    order by nth
    returning *
)
insert into audit_unsealed_group (entry_ids, digests)
select array_agg(entry.id), string_agg({DIGEST}, '') from written as entry
"""  # noqa: S608  # made of constants
