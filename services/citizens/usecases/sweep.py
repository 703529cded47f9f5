"""Sweep: month keys are destroyed 30 days after their month's end; erasures are forgotten when nothing can bring back what
was said before them."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import uuid4

import structlog

from plumbing import audit
from plumbing.audit import Entry
from plumbing.clock import Clock
from plumbing.postgres import Connection, Database, is_transient
from services.citizens.usecases.trail import VAULT

log = structlog.get_logger(__name__)

ERASURE_KEPT: Final = timedelta(days=90)
"""Longer than anything said before an erasure can come back: topics keep 7 days, dead letters can be opened for 61."""
CANDIDATE_KEPT: Final = timedelta(days=90)
"""Longer than a message waits for what it is about (60 days) and than a dead letter can be replayed."""
_CANDIDATES_AT_ONCE: Final = 5_000


class MonthKeys(Protocol):
    """What sweeping changes."""

    async def destroy(self, connection: Connection, now: datetime) -> list[str]: ...


class People(Protocol):
    """What sweeping removes."""

    async def forget_erasures(self, connection: Connection, before: datetime) -> int: ...


class Candidates(Protocol):
    """Cards that were proposed."""

    async def forget(self, connection: Connection, before: datetime, *, limit: int) -> int: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Swept:
    """What a sweep did."""

    month_keys: tuple[str, ...]
    erasures: int
    candidates: int = 0


class Sweep:
    """Done once by calling it, or every ten minutes by `run`."""

    def __init__(
        self,
        database: Database,
        month_keys: MonthKeys,
        people: People,
        candidates: Candidates,
        clock: Clock,
        *,
        every: float = 600.0,
    ) -> None:
        self._database = database
        self._month_keys = month_keys
        self._people = people
        self._candidates = candidates
        self._clock = clock
        self._every = every

    async def __call__(self) -> Swept:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            destroyed = await self._month_keys.destroy(connection, now)
            forgotten = await self._people.forget_erasures(connection, now - ERASURE_KEPT)
            await audit.put(connection, _entries(destroyed, forgotten, now))
        candidates = await self._forget_candidates(now)
        if destroyed or forgotten or candidates:
            log.info("swept", month_keys=sorted(destroyed), erasures=forgotten, candidates=candidates)
        return Swept(month_keys=tuple(sorted(destroyed)), erasures=forgotten, candidates=candidates)

    async def _forget_candidates(self, now: datetime) -> int:
        """Remove the cards that nobody confirmed: their messages were refused."""
        done = 0
        while True:
            async with self._database.transaction() as connection:
                few = await self._candidates.forget(connection, now - CANDIDATE_KEPT, limit=_CANDIDATES_AT_ONCE)
                if few:
                    await audit.put(connection, [_told(f"candidates.forgotten.{few}", "candidate", str(uuid4()), now)])
            done += few
            if few < _CANDIDATES_AT_ONCE:
                return done

    async def run(self) -> None:
        """Sweep until cancelled; while the database is away, the next round does it."""
        while True:
            try:
                await self()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("could not sweep now", error=type(error).__name__)
            await asyncio.sleep(self._every)


def _entries(destroyed: list[str], forgotten: int, now: datetime) -> list[Entry]:
    entries = [_told("month-key.destroyed", "month-key", key_id, now) for key_id in sorted(destroyed)]
    if forgotten:
        entries.append(_told(f"erasures.forgotten.{forgotten}", "erasure", str(uuid4()), now))
    return entries


def _told(action: str, object_type: str, object_id: str, now: datetime) -> Entry:
    return Entry(
        actor=VAULT,
        action=action,
        subject=None,
        object_type=object_type,
        object_id=object_id,
        purpose="retention-ended",
        at=now,
    )
