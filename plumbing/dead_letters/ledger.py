"""Which dead letters were replayed, when, by whom, for what, and where the record stands now.

Invariants: the row is committed before anything is sent, and completed when Kafka has acknowledged it; so a row without
`sent_at` says "look for it in the topic, from `from_offset` on, before you send anything". One replay command works at a time per
database: rows are written on the very connection that holds the lock, so who has lost the lock writes nothing, and sends nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from plumbing import audit
from plumbing.dead_letters.letters import Position
from plumbing.errors import Unavailable
from plumbing.postgres import Connection, Database

REPLAY_SCHEMA = """
create table dead_letter_replay (
    dead_letter_id uuid not null,
    nth integer not null check (nth > 0),
    actor text not null,
    purpose text not null,
    topic text not null,
    partition integer not null,
    from_offset bigint not null,
    begun_at timestamptz not null default clock_timestamp(),
    sent_offset bigint,
    sent_at timestamptz,
    primary key (dead_letter_id, nth),
    check ((sent_offset is null) = (sent_at is null))
);
grant select, insert on dead_letter_replay to {role};
grant update (sent_offset, sent_at) on dead_letter_replay to {role};
"""

_ONE_AT_A_TIME = 0x7265706C61795F64
"""Advisory lock, per database."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """Who does it and why, as the audit trail tells it: an account and a code or case number."""

    actor: str
    purpose: str

    def entry(self, action: str, dead_letter_id: UUID, at: datetime) -> audit.Entry:
        """What the audit trail says of it."""
        return audit.Entry(
            actor=self.actor,
            action=action,
            subject=None,  # who a record is about is known to nobody who does not open it, and not always then
            object_type="dead-letter",
            object_id=str(dead_letter_id),
            purpose=self.purpose,
            at=at,
        )


class Replay(NamedTuple):
    """One replay of a dead letter; `sent_offset` and `sent_at` are None while nobody knows whether it was sent."""

    dead_letter_id: UUID
    nth: int
    actor: str
    purpose: str
    topic: str
    partition: int
    from_offset: int
    begun_at: datetime
    sent_offset: int | None
    sent_at: datetime | None

    @property
    def stands_at(self) -> Position | None:
        return None if self.sent_offset is None else Position(self.topic, self.partition, self.sent_offset)


async def replays(connection: Connection, dead_letter_id: UUID) -> list[Replay]:
    """The replays of a letter, oldest first."""
    return [Replay(*row) for row in await connection.fetch(_REPLAYS, dead_letter_id)]


async def replayed(connection: Connection, dead_letter_ids: list[UUID]) -> set[UUID]:
    """Those of these letters that were replayed, or whose replay was begun."""
    return {row["dead_letter_id"] for row in await connection.fetch(_REPLAYED, dead_letter_ids)}


@asynccontextmanager
async def one_at_a_time(database: Database) -> AsyncIterator[Connection]:
    """The connection to write replays on; raises Unavailable while somebody else replays."""
    async with database.acquire() as connection:
        if not await connection.fetchval("select pg_try_advisory_lock($1)", _ONE_AT_A_TIME):
            raise Unavailable("replay", "another one is at work on this service's dead letters")
        try:
            yield connection
        finally:
            if not connection.is_closed():
                await connection.execute("select pg_advisory_unlock($1)", _ONE_AT_A_TIME)


async def begin(connection: Connection, replay: Replay) -> None:
    """Write down that it is going to be sent; in the caller's transaction, which is committed before the sending."""
    await connection.execute(
        _BEGIN,
        replay.dead_letter_id,
        replay.nth,
        replay.actor,
        replay.purpose,
        replay.topic,
        replay.partition,
        replay.from_offset,
    )


async def finish(connection: Connection, replay: Replay, offset: int) -> None:
    """Write down where it stands."""
    await connection.execute(_FINISH, replay.dead_letter_id, replay.nth, offset)


_REPLAYS = """
select dead_letter_id, nth, actor, purpose, topic, partition, from_offset, begun_at, sent_offset, sent_at
from dead_letter_replay
where dead_letter_id = $1
order by nth
"""

_REPLAYED = "select distinct dead_letter_id from dead_letter_replay where dead_letter_id = any ($1::uuid[])"

_BEGIN = """
insert into dead_letter_replay (dead_letter_id, nth, actor, purpose, topic, partition, from_offset)
values ($1, $2, $3, $4, $5, $6, $7)
"""

_FINISH = """
update dead_letter_replay
set sent_offset = $3, sent_at = clock_timestamp()
where dead_letter_id = $1 and nth = $2 and sent_at is null
"""
