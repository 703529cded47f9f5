"""The job table and its few statements.

Invariants: a job is added once, by its id, in the transaction of what it follows from; it is claimed by writing a fresh token
and the end of the lease, committed before the work begins; whoever writes a result names the token and changes nothing where it
no longer holds; rows of several jobs are held in the order of `seq` before anything is done to them; jobs with the same order key
are claimed one at a time, in the order in which they were added, and a parked one holds up those behind it. Leases and pauses are
real time, by the database's clock, never domain time. A payload holds ids and codes: what is sensitive stays sealed where it
belongs.

`available_at` is both: when a waiting job may be tried, and when the lease of a claimed one ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from plumbing.postgres import Connection
from plumbing.postgres.columns import shared, sparse

SCHEMA = """
create table job (
    seq bigint generated always as identity primary key,
    job_id uuid not null unique,
    queue text not null,
    order_key text,
    payload bytea not null check (octet_length(payload) <= 65536),
    state text not null default 'waiting' check (state in ('waiting', 'parked')),
    available_at timestamptz not null default clock_timestamp(),
    token uuid,
    attempts integer not null default 0,
    reason text,
    created_at timestamptz not null default clock_timestamp()
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000);
create index job_available on job (queue, available_at, seq) where state = 'waiting';
create index job_in_order on job (queue, order_key, seq) where order_key is not null;
grant select, insert, update, delete on job to {role};
"""


class LeaseLost(Exception):
    """The claim is somebody else's by now, or the job is gone: whatever was about to be written must not be."""


class Job(NamedTuple):
    """Work to be done, `pause_seconds` from now at the earliest. `job_id` is derived from its cause, so that a repeat adds
    nothing."""

    job_id: UUID
    queue: str
    payload: bytes
    order_key: str | None = None
    pause_seconds: float = 0.0


class Claim(NamedTuple):
    """A job in this worker's hands until its lease ends; `attempt` counts claims, this one included.

    `was_abandoned`: whoever claimed it before never said how that ended.
    """

    seq: int
    job_id: UUID
    payload: bytes
    attempt: int
    token: UUID
    was_abandoned: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ParkedJob:
    """A job that nobody tries any more, and why."""

    job_id: UUID
    payload: bytes
    attempts: int
    reason: str | None
    created_at: datetime


async def add(connection: Connection, jobs: Sequence[Job]) -> None:
    """Add the jobs, in this order, in the caller's transaction; those already there stay as they are."""
    if not jobs:
        return
    await connection.execute(
        _ADD,
        [job.job_id for job in jobs],
        shared([job.queue for job in jobs]),
        sparse([job.order_key for job in jobs]),
        [job.payload for job in jobs],
        shared([job.pause_seconds for job in jobs]),
    )


async def claim(connection: Connection, queue: str, *, limit: int, lease_seconds: float) -> list[Claim]:
    """Take up to `limit` jobs, the longest waiting first; call it outside a transaction, so that the claim is committed."""
    rows = await connection.fetch(_CLAIM, queue, limit, lease_seconds)
    claims = [
        Claim(
            seq=row["seq"],
            job_id=row["job_id"],
            payload=row["payload"],
            attempt=row["attempts"],
            token=row["token"],
            was_abandoned=row["was_abandoned"],
        )
        for row in rows
    ]
    return sorted(claims, key=lambda one: one.seq)


async def hold(connection: Connection, claims: Sequence[Claim]) -> set[Claim]:
    """Those of the claims that still hold: they do so until the transaction ends."""
    return _holding(await connection.fetch(_HOLD, *_named(claims)), claims)


async def finish_held(connection: Connection, claims: Sequence[Claim]) -> set[Claim]:
    """Hold and finish in one statement: those of the claims that held; their jobs are over."""
    return _holding(await connection.fetch(_FINISH_HELD, *_named(claims)), claims)


async def finish(connection: Connection, claims: Sequence[Claim]) -> None:
    """The jobs are over; raises LeaseLost unless every claim holds."""
    _all_held(await connection.execute(_FINISH, *_named(claims)), claims)


async def put_back(
    connection: Connection,
    claims: Sequence[Claim],
    reasons: Sequence[str],
    are_abandoned: Sequence[bool],
    pauses: Sequence[float],
) -> None:
    """Let each be tried again after its pause, seconds from now; raises LeaseLost unless every claim holds.

    Whoever claims one that `is_abandoned` next is told so: it was given back, but what was done is not known.
    """
    told = (list(reasons), list(are_abandoned), list(pauses))
    _all_held(await connection.execute(_PUT_BACK, *_named(claims), *told), claims)


async def park(
    connection: Connection, claims: Sequence[Claim], reasons: Sequence[str], are_abandoned: Sequence[bool]
) -> None:
    """Let nobody try them until they are released; raises LeaseLost unless every claim holds. `are_abandoned`: as above."""
    _all_held(await connection.execute(_PARK, *_named(claims), list(reasons), list(are_abandoned)), claims)


async def parked(connection: Connection, queue: str) -> list[ParkedJob]:
    """All parked jobs, oldest first: who counts on seeing them must see every one."""
    rows = await connection.fetch(_PARKED, queue)
    return [ParkedJob(**dict(row)) for row in rows]


async def release(connection: Connection, queue: str, job_ids: Sequence[UUID]) -> int:
    """Let parked jobs be tried again, from the first attempt on; how many there were."""
    status = await connection.execute(_RELEASE, queue, list(job_ids))
    return int(status.rpartition(" ")[2])


async def withdraw(connection: Connection, job_id: UUID) -> bool:
    """Take the job out if it is parked; False where it waits or is in work. Nobody begins it meanwhile."""
    state = await connection.fetchval("select state from job where job_id = $1 for update", job_id)
    if state == "waiting":
        return False
    if state == "parked":
        await connection.execute("delete from job where job_id = $1", job_id)
    return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Depth:
    """How much waits in a queue, for how long the oldest, and how much is parked."""

    waiting: int
    oldest_seconds: float
    parked: int


async def depth(connection: Connection, queue: str) -> Depth:
    """The queue's state."""
    row = await connection.fetchrow(_DEPTH, queue)
    assert row is not None
    return Depth(waiting=row["waiting"], oldest_seconds=float(row["oldest"]), parked=row["parked"])


def _named(claims: Sequence[Claim]) -> tuple[list[int], list[UUID]]:
    return [claim.seq for claim in claims], [claim.token for claim in claims]


def _holding(rows: Sequence[asyncpg.Record], claims: Sequence[Claim]) -> set[Claim]:
    """By their tokens: a job's claim that is over may be named beside the one that holds."""
    held = {row["token"] for row in rows}
    return {claim for claim in claims if claim.token in held}


def _all_held(status: str, claims: Sequence[Claim]) -> None:
    if int(status.rpartition(" ")[2]) != len(claims):
        raise LeaseLost


_ADD = """
insert into job (job_id, queue, order_key, payload, available_at)
select job_id, coalesce(queue, $2[1]), order_key, payload, clock_timestamp() + make_interval(secs => coalesce(pause, $5[1]))
from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::float8[]) with ordinality
     as job (job_id, queue, order_key, payload, pause, nth)
order by nth
on conflict (job_id) do nothing
"""

# now() is when this statement began, since it is a transaction of its own; being stable, it lets the index be used.
_CLAIM = """
with chosen as (
    select seq, token is not null as was_abandoned
    from job
    where queue = $1
      and state = 'waiting'
      and available_at <= now()
      and (order_key is null or not exists (
          select from job earlier
          where earlier.queue = job.queue and earlier.order_key = job.order_key and earlier.seq < job.seq
      ))
    order by available_at, seq
    limit $2
    for update skip locked
)
update job
set token = gen_random_uuid(),
    available_at = clock_timestamp() + make_interval(secs => $3),
    attempts = job.attempts + 1
from chosen
where job.seq = chosen.seq
returning job.seq, job.job_id, job.payload, job.attempts, job.token, chosen.was_abandoned
"""

# A token is one claim's, of one job: what is among both is a claim that holds. Not joined, because the table is empty whenever
# an analyze looks at it, and would be read whole for each group once thousands wait.
_HOLD = """
select seq, token
from job
where seq = any ($1::bigint[]) and token = any ($2::uuid[])
order by seq
for update
"""

_FINISH_HELD = f"""
with held as ({_HOLD})
delete from job where seq = any (array(select seq from held))
returning token
"""  # noqa: S608  # made of constants

_FINISH = "delete from job where seq = any ($1::bigint[]) and token = any ($2::uuid[])"

# A token that nobody has keeps out the claim that is over, and tells the next one that nobody said how it ended.
_PUT_BACK = """
update job
set token = case when claim.is_abandoned then gen_random_uuid() end, reason = claim.reason,
    available_at = clock_timestamp() + make_interval(secs => claim.pause)
from unnest($1::bigint[], $2::uuid[], $3::text[], $4::boolean[], $5::float8[])
     as claim (seq, token, reason, is_abandoned, pause)
where job.seq = claim.seq and job.token = claim.token
"""

_PARK = """
update job
set token = case when claim.is_abandoned then gen_random_uuid() end, reason = claim.reason, state = 'parked'
from unnest($1::bigint[], $2::uuid[], $3::text[], $4::boolean[]) as claim (seq, token, reason, is_abandoned)
where job.seq = claim.seq and job.token = claim.token
"""

_PARKED = """
select job_id, payload, attempts, reason, created_at
from job
where queue = $1 and state = 'parked'
order by seq
"""

_RELEASE = """
update job
set state = 'waiting', attempts = 0, available_at = clock_timestamp()
where queue = $1 and state = 'parked' and job_id = any ($2::uuid[])
"""

# In the order of the index, and so by it, as the outbox's.
_DEPTH = """
select count(*) filter (where state = 'waiting') as waiting,
       coalesce(extract(epoch from clock_timestamp() - min(created_at) filter (where state = 'waiting')), 0) as oldest,
       count(*) filter (where state = 'parked') as parked
from (select state, created_at from job where queue = $1 order by seq) as job
"""
