"""Does the audit trail still say what it said? Recomputes the chain from its first block and tells every place that differs.

Invariants: reads one snapshot and changes nothing; the memory it takes does not grow with the trail. Findings name blocks and
entries by number, never what they hold.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import asyncpg

from plumbing.audit.chain import FIRST_PREVIOUS, VANISHED, Anchor, block_hash, split
from plumbing.audit.entries import WAITING, digest, entry_of
from plumbing.postgres import Connection

_MOST_FINDINGS: Final = 1_000


class FindingKind(StrEnum):
    """What was found."""

    ENTRY_CHANGED = "entry_changed"
    ENTRY_MISSING = "entry_missing"
    ENTRY_UNSEALED = "entry_unsealed"
    """Neither in the chain nor waiting for it."""
    ENTRY_SEALED_TWICE = "entry_sealed_twice"
    BLOCK_MISSING = "block_missing"
    BLOCK_CHANGED = "block_changed"
    """Its hash does not follow from what it holds and the block before it."""
    ANCHOR_DIFFERS = "anchor_differs"
    """The block is not the one that was told outside: the chain was made anew, or cut."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One place that differs."""

    kind: FindingKind
    block: int | None = None
    entry: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the whole trail looks like; at most a thousand findings are kept."""

    blocks: int
    entries: int
    waiting: int
    findings: tuple[Finding, ...]
    head: Anchor | None

    @property
    def is_intact(self) -> bool:
        return not self.findings


async def verify(connection: Connection, anchor: Anchor | None = None) -> Verdict:
    """Recompute the chain; `connection` must not be in a transaction."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        walk = _Walk(anchor=anchor)
        async for block in connection.cursor(_BLOCKS, prefetch=10):
            await walk.step(connection, block)
        walk.end()
        for row in await connection.fetch(_SEALED_TWICE, _MOST_FINDINGS):
            walk.found(FindingKind.ENTRY_SEALED_TWICE, entry=row["entry_id"])
        for row in await connection.fetch(_UNSEALED, _MOST_FINDINGS):
            walk.found(FindingKind.ENTRY_UNSEALED, entry=row["entry_id"])
        waiting = await connection.fetchval(WAITING)
    return Verdict(
        blocks=walk.blocks, entries=walk.entries, waiting=waiting, findings=tuple(walk.findings), head=walk.head
    )


@dataclass(kw_only=True, slots=True)
class _Walk:
    """Goes from block to block and remembers what it saw."""

    anchor: Anchor | None
    blocks: int = 0
    entries: int = 0
    head: Anchor | None = None
    findings: list[Finding] = field(default_factory=list)
    _anchor_seen: bool = field(default=False, init=False)

    def found(self, kind: FindingKind, *, block: int | None = None, entry: int | None = None) -> None:
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(Finding(kind=kind, block=block, entry=entry))

    async def step(self, connection: Connection, block: asyncpg.Record) -> None:
        number, entry_ids, digests = block["number"], block["entry_ids"], block["digests"]
        expected = self.head.number + 1 if self.head is not None else 1
        for missing in range(expected, min(number, expected + _MOST_FINDINGS)):
            self.found(FindingKind.BLOCK_MISSING, block=missing)
        # Behind a missing block the link cannot be recomputed; the hole itself is the finding.
        previous = self.head.hash if self.head is not None else FIRST_PREVIOUS
        if number == expected and block["hash"] != block_hash(number, previous, block["sealed_at"], entry_ids, digests):
            self.found(FindingKind.BLOCK_CHANGED, block=number)
        await self._entries(connection, number, dict(zip(entry_ids, split(digests), strict=True)))
        if self.anchor is not None and number == self.anchor.number:
            self._anchor_seen = block["hash"] == self.anchor.hash
        self.blocks += 1
        self.entries += len(entry_ids)
        self.head = Anchor(number=number, hash=block["hash"])

    async def _entries(self, connection: Connection, number: int, sealed: dict[int, bytes]) -> None:
        rows = await connection.fetch("select * from audit_entry where id = any ($1::bigint[])", list(sealed))
        present = {row["id"]: digest(row["id"], entry_of(row)) for row in rows}
        for entry_id, expected in sealed.items():
            if entry_id not in present or expected == VANISHED:
                self.found(FindingKind.ENTRY_MISSING, block=number, entry=entry_id)
            elif present[entry_id] != expected:
                self.found(FindingKind.ENTRY_CHANGED, block=number, entry=entry_id)

    def end(self) -> None:
        if self.anchor is not None and not self._anchor_seen:
            self.found(FindingKind.ANCHOR_DIFFERS, block=self.anchor.number)


_BLOCKS = "select number, entry_ids, digests, sealed_at, hash from audit_chain order by number"

_SEALED_TWICE = """
select entry_id
from (select unnest(entry_ids) as entry_id from audit_chain) as sealed
group by entry_id having count(*) > 1
order by entry_id limit $1
"""

_UNSEALED = """
select id as entry_id from audit_entry
except select unnest(entry_ids) from audit_chain
except select unnest(entry_ids) from audit_unsealed_group
order by entry_id limit $1
"""
