"""The outbox table and its lease.

Invariants: a row is written in the transaction of the effect it announces and only while its aggregate is locked, so
the order of `seq` within one key is the order of the effects; a row is deleted only by the holder of the lease, under
its epoch, by its own number, never by a high-water mark (numbers are handed out before commit: a lower one may appear
later). A row that Kafka could never take is refused here, when it is made. The column names are those that Debezium's
outbox router can be pointed at.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from plumbing.postgres import Connection

SCHEMA = """
create table outbox (
    seq bigint generated always as identity primary key,
    id uuid not null,
    aggregatetype text not null,
    aggregateid text not null,
    headers bytea not null,
    payload bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    failures smallint not null default 0
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000);
create table outbox_lease (
    only_one boolean primary key default true check (only_one),
    owner text not null,
    epoch bigint not null,
    expires_at timestamptz not null
);
create table outbox_parked_key (
    aggregatetype text not null,
    aggregateid text not null,
    reason text not null,
    parked_at timestamptz not null default clock_timestamp(),
    primary key (aggregatetype, aggregateid)
);
grant select, insert, update, delete on outbox, outbox_lease, outbox_parked_key to {role};
"""

# Kafka's default topic limit is 1 MiB with the batch's own overhead; past it an idempotent producer is of no use any more.
MAX_MESSAGE_BYTES = 960 * 1024
_READ_BYTES = 4 * 1024 * 1024


class Oversized(Exception):
    """A message is larger than a topic takes; carries its size and topic, not its content."""

    def __init__(self, topic: str, size: int) -> None:
        super().__init__(f"a message of {size} bytes for {topic}; at most {MAX_MESSAGE_BYTES} are taken")
        self.topic = topic
        self.size = size


class Outgoing(Protocol):
    """A message to produce: `event_id` is derived by whoever makes it, `key` decides partition and order."""

    @property
    def event_id(self) -> UUID: ...
    @property
    def topic(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]: ...
    @property
    def value(self) -> bytes: ...


class Row(NamedTuple):
    """A message that waits in the outbox."""

    seq: int
    topic: str
    key: str
    headers: list[tuple[str, bytes]]
    value: bytes
    failures: int


async def put(connection: Connection, messages: Sequence[Outgoing]) -> None:
    """Write the messages, in this order, in the caller's transaction; raises Oversized."""
    if not messages:
        return
    rows = []
    for message in messages:
        headers = _written(message.headers)
        size = len(message.value) + len(message.key) + len(headers) + 8 * len(message.headers)
        if size > MAX_MESSAGE_BYTES:
            raise Oversized(message.topic, size)
        rows.append((message.event_id, message.topic, message.key, headers, message.value))
    await connection.copy_records_to_table("outbox", columns=_COLUMNS, records=rows)


async def hold_lease(connection: Connection, owner: str, seconds: float) -> int | None:
    """Take or renew the lease; its epoch, or None while somebody else holds it."""
    epoch: int | None = await connection.fetchval(_LEASE, owner, seconds)
    return epoch


async def release_lease(connection: Connection, owner: str) -> None:
    """Let the next one begin at once."""
    await connection.execute("update outbox_lease set expires_at = clock_timestamp() where owner = $1", owner)


async def read(
    connection: Connection, limit: int, *, resting: Collection[str] = (), parked_seconds: float = 300.0
) -> list[Row]:
    """The oldest waiting messages, `limit` at most and no more than a few megabytes, without those of `resting` topics and
    of keys parked within `parked_seconds`.
    """
    rows = await connection.fetch(_READ, limit, _READ_BYTES, list(resting), parked_seconds)
    return [
        Row(seq, topic, key, _read_back(headers), payload, failures)
        for seq, topic, key, headers, payload, failures in rows
    ]


async def delete(connection: Connection, seqs: Sequence[int], owner: str, epoch: int) -> int:
    """Remove what was produced; how many went (0 when the lease is somebody else's by now)."""
    status = await connection.execute(_DELETE, list(seqs), owner, epoch)
    return int(status.rpartition(" ")[2])


async def note_failure(connection: Connection, row: Row, reason: str, park_at: int) -> bool:
    """Count a message that Kafka refused; from the `park_at`th time on its key is parked anew: tells whether it is."""
    failures = await connection.fetchval(
        "update outbox set failures = least(failures + 1, 30000) where seq = $1 returning failures", row.seq
    )
    if failures is None or failures < park_at:
        return False
    await connection.execute(_PARK, row.topic, row.key, reason)
    return True


async def release(connection: Connection, rows: Sequence[Row]) -> None:
    """The keys of these messages are parked no longer."""
    await connection.executemany(
        "delete from outbox_parked_key where aggregatetype = $1 and aggregateid = $2",
        [(row.topic, row.key) for row in rows],
    )


async def depth(connection: Connection) -> tuple[int, float, int]:
    """Waiting messages, age of the oldest in seconds, parked keys."""
    row = await connection.fetchrow(_DEPTH)
    assert row is not None
    return row["waiting"], float(row["oldest"]), row["parked"]


def _written(headers: tuple[tuple[str, bytes], ...]) -> bytes:
    """Name, value, name, value …, one a line; neither holds a line break (see the envelope's codec)."""
    pieces: list[bytes] = []
    for name, value in headers:
        pieces.append(name.encode())
        pieces.append(value)
    written = b"\n".join(pieces)
    if headers and written.count(b"\n") != 2 * len(headers) - 1:
        raise ValueError("a header holds a line break")
    return written


def _read_back(written: bytes) -> list[tuple[str, bytes]]:
    if not written:
        return []
    lines = iter(written.split(b"\n"))
    return list(zip(map(bytes.decode, lines), lines, strict=True))  # one after the other from the same


# Copied rather than inserted: at a thousand rows that is a fifth of the client's time and half of the whole.
_COLUMNS = ("id", "aggregatetype", "aggregateid", "headers", "payload")

# A lease that is a minute longer than ours was written before the clock was turned back: whoever has it may be long gone.
_LEASE = """
insert into outbox_lease (owner, epoch, expires_at)
values ($1, 1, clock_timestamp() + make_interval(secs => $2))
on conflict (only_one) do update
set owner = excluded.owner,
    expires_at = excluded.expires_at,
    epoch = outbox_lease.epoch + (outbox_lease.owner <> excluded.owner)::integer
where outbox_lease.owner = excluded.owner or outbox_lease.expires_at < clock_timestamp()
   or outbox_lease.expires_at > clock_timestamp() + make_interval(secs => $2 + 60)
returning epoch
"""

# The sum is over what stands before each row, so that one row always comes, however large.
_READ = """
select seq, aggregatetype, aggregateid, headers, payload, failures
from (
    select *, coalesce(sum(octet_length(payload)) over (
        order by seq rows between unbounded preceding and 1 preceding), 0) as bytes_before
    from (
        select seq, aggregatetype, aggregateid, headers, payload, failures
        from outbox
        where aggregatetype <> all ($3::text[])
          and not exists (
            select from outbox_parked_key parked
            where parked.aggregatetype = outbox.aggregatetype and parked.aggregateid = outbox.aggregateid
              and parked.parked_at > clock_timestamp() - make_interval(secs => $4)
        )
        order by seq
        limit $1
    ) oldest
) counted
where bytes_before < $2
order by seq
"""

# The one commit here that need not wait for the disk: what a crash of the server brings back is sent once more, and
# recognised by everybody as a repeat.
_DELETE = """
delete from outbox
using (select set_config('synchronous_commit', 'off', true)) as unhurried
where seq = any ($1::bigint[])
  and exists (select from outbox_lease where owner = $2 and epoch = $3)
"""

_PARK = """
insert into outbox_parked_key (aggregatetype, aggregateid, reason) values ($1, $2, $3)
on conflict (aggregatetype, aggregateid) do update set reason = excluded.reason, parked_at = excluded.parked_at
"""

# In the order of the index, and so by it: what was deleted and not yet cleared away is passed over there, and would be read
# otherwise, a hundred megabytes of it after a minute at full load.
_DEPTH = """
select count(*) as waiting,
       coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0) as oldest,
       (select count(*) from outbox_parked_key) as parked
from (select created_at from outbox order by seq) as waiting
"""
