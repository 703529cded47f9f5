"""The chain: every second the entries written since are sealed into one more block, which holds their digests.

Invariants: one sealer works at a time, however many processes run one (a lock of the transaction, and the block's number is
the key); an entry goes into exactly one block, in the transaction that takes it off the list of the unsealed; a block's hash
covers the block before it. Entries wait, and nothing is lost, while no sealer runs.

A block's hash is SHA-256 of: number (8 bytes), the previous block's hash (32; zeros for the first), `sealed_at` in
microseconds since 1970 (8), then for each entry its id (8) and its digest (32); integers are big-endian.

A chain shows that history was changed by somebody who could not rewrite all of it since. Whoever could is found by an
*anchor*: the newest hash is logged with each block, and logs leave the database. It is spelt in the letters a to p, because
logs black out long runs of digits.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

import structlog
from prometheus_client import Counter, Gauge

from plumbing.audit.entries import DIGEST
from plumbing.faults import FaultInjected, faultpoint
from plumbing.postgres import Connection, Database, is_transient

log = structlog.get_logger(__name__)

SEALED: Final = Counter("mitsyg_audit_entries_sealed", "Audit entries that were put into the chain.")
FAILURES: Final = Counter("mitsyg_audit_seal_failures", "Rounds of the audit sealer that failed.")
UNSEALED: Final = Gauge("mitsyg_audit_unsealed_entries", "Audit entries that are not in the chain yet.")
OLDEST: Final = Gauge(
    "mitsyg_audit_unsealed_oldest_seconds", "For how long this process has seen the oldest of them wait."
)

FIRST_PREVIOUS: Final = bytes(32)
VANISHED: Final = bytes(32)
"""Stands for the digest of an entry that was listed without one and was not there: the hole stays on record."""
_DIGEST_BYTES: Final = 32

ONE_SEALER: Final = 0x61756469745F6368
"""Advisory lock, per database."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HEX_TO_LETTERS: Final = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """A block's number and hash, known from outside the database. `spelt` is how the log tells the hash."""

    number: int
    hash: bytes

    @property
    def spelt(self) -> str:
        return self.hash.hex().translate(_HEX_TO_LETTERS)


def block_hash(number: int, previous: bytes, sealed_at: datetime, entry_ids: Sequence[int], digests: bytes) -> bytes:
    """See the module's docstring; `digests` one after the other. Raises ValueError if they are not one for each id."""
    instant = (sealed_at - _EPOCH) // timedelta(microseconds=1)
    told = [number.to_bytes(8), previous, instant.to_bytes(8)]
    for entry_id, entry_digest in zip(entry_ids, split(digests), strict=True):
        told += (entry_id.to_bytes(8), entry_digest)
    return sha256(b"".join(told)).digest()


def split(digests: bytes) -> list[bytes]:
    """The digests of a block, one by one."""
    return [digests[start : start + _DIGEST_BYTES] for start in range(0, len(digests), _DIGEST_BYTES)]


class Sealer:
    """Chains a database's audit entries until it is cancelled."""

    def __init__(self, database: Database, *, every: float = 1.0, most: int = 5_000) -> None:
        self._database = database
        self._every = every
        self._most = most

    async def run(self) -> None:
        """Seal every second; whatever the database is too busy for is done later."""
        while True:
            try:
                while await self.seal() >= self._most:
                    pass
            except Exception as error:
                if not (is_transient(error) or isinstance(error, FaultInjected)):
                    raise
                FAILURES.inc()
                log.warning("audit entries could not be sealed now", error=type(error).__name__)
            await asyncio.sleep(self._every)

    async def seal(self) -> int:
        """Seal what waits, up to the group that fills a block; how many entries that were (0 also while another sealer works)."""
        async with self._database.transaction() as connection:
            if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", ONE_SEALER):
                return 0
            taken = await connection.fetch(_TAKE, self._most, VANISHED)
            entry_ids = [entry_id for group in taken for entry_id in group["entry_ids"]]
            anchor = (
                await _append(connection, entry_ids, b"".join(group["digests"] for group in taken)) if taken else None
            )
            faultpoint("audit.before_seal_commit")
        if anchor is not None:
            SEALED.inc(len(entry_ids))
            log.info("audit entries sealed", block=anchor.number, entries=len(entry_ids), head=anchor.spelt)
        return len(entry_ids)

    async def watch(self, every: float = 5.0) -> None:
        """Keep the gauges until cancelled, whoever seals and whether anybody can; while the database is away they keep their last
        value. Not told by the sealing itself: one that never gets to its end would tell nothing."""
        oldest, since = None, time.monotonic()
        while True:
            with contextlib.suppress(Exception):
                async with self._database.acquire() as connection:
                    waiting = await connection.fetchrow(_WAITING)
                assert waiting is not None
                now = time.monotonic()
                if waiting["oldest"] is None or waiting["oldest"] != oldest:
                    oldest, since = waiting["oldest"], now
                UNSEALED.set(waiting["entries"])
                OLDEST.set(now - since)
            await asyncio.sleep(every)


async def _append(connection: Connection, entry_ids: Sequence[int], digests: bytes) -> Anchor:
    last = await connection.fetchrow("select number, hash from audit_chain order by number desc limit 1")
    number, previous = (last["number"] + 1, last["hash"]) if last is not None else (1, FIRST_PREVIOUS)
    sealed_at = datetime.now(UTC)
    hashed = block_hash(number, previous, sealed_at, entry_ids, digests)
    await connection.execute(
        "insert into audit_chain (number, entry_ids, digests, sealed_at, hash) values ($1, $2, $3, $4, $5)",
        number,
        entry_ids,
        digests,
        sealed_at,
        hashed,
    )
    return Anchor(number=number, hash=hashed)


_WAITING = """
select coalesce(sum(cardinality(entry_ids)), 0)::bigint as entries, min(group_id) as oldest
from audit_unsealed_group
"""

# Groups up to the one that fills a block. What the version before listed has no digests yet.
_TAKE = f"""
with groups as (
    delete from audit_unsealed_group
    where group_id = any (array(
        select group_id
        from (
            select group_id, sum(cardinality(entry_ids)) over (order by group_id) - cardinality(entry_ids) as entries_before
            from (select group_id, entry_ids from audit_unsealed_group order by group_id limit $1) as oldest
        ) as counted
        where entries_before < $1
    ))
    returning group_id, entry_ids, digests
)
select entry_ids, coalesce(digests, (
    select string_agg(coalesce({DIGEST}, $2::bytea), '' order by nth)
    from unnest(entry_ids) with ordinality as listed (entry_id, nth)
         left join audit_entry as entry on entry.id = listed.entry_id
)) as digests
from groups
order by group_id
"""  # noqa: S608  # made of constants
