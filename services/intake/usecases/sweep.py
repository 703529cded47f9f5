"""What waited in vain: notifications that cannot join their absence, or whose absence never came, are buried and counted.

Invariants: nobody gets a second receipt (a waiting message was answered when it came); what is buried stops waiting in
the same transaction, and its id is free again; the originals of people who were erased are not opened by anybody and are
dropped with them, as is one whose row was damaged, after it was told of. How many wait, and for how long, is always visible.
Reports that repeat another absence waited for nothing: they were answered as duplicates, stay known as such, and are let go
without a word.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from contracts.nemrefusion.v1 import ReasonCode
from plumbing import audit, outbox
from plumbing.audit import Entry
from plumbing.clock import Clock
from plumbing.dead_letters import Reason, Undertaker
from plumbing.faults import FaultInjected, faultpoint
from plumbing.postgres import Connection, Database, is_transient
from services.intake.domain import Absence, Citizen, Kept
from services.intake.domain.absence import let_go
from services.intake.usecases.announcements import ACTOR
from services.intake.usecases.joining import record_of

log = structlog.get_logger(__name__)

WAITING: Final = Gauge("mitsyg_intake_waiting_notifications", "Notifications that wait for their absence.")
OLDEST: Final = Gauge("mitsyg_intake_oldest_waiting_seconds", "For how long the oldest of them has waited.")
BURIED: Final = Counter("mitsyg_intake_waiting_buried", "Notifications that waited in vain, by reason.", ("reason",))

_AT_ONCE: Final = 200


class Keys(Protocol):
    """The keys under which the waiting are sealed."""

    async def keys(self, citizen_ids: Collection[UUID]) -> dict[UUID, bytes]:
        """Those that are there still: none for a citizen who was erased. Raises Unavailable."""
        ...


class Waiting(Protocol):
    """Who waits."""

    async def ended(self, connection: Connection, before: datetime, limit: int) -> list[Kept]: ...

    async def lock_waiting(self, connection: Connection, notification_ids: Collection[UUID]) -> list[Kept]: ...

    async def end_waiting(self, connection: Connection, notification_ids: Collection[UUID]) -> None: ...

    async def lock_absences(self, connection: Connection, absence_ids: Collection[UUID]) -> dict[UUID, Absence]: ...

    async def save_absences(self, connection: Connection, absences: Sequence[Absence]) -> None: ...

    async def forget(self, connection: Connection, ids: Collection[UUID]) -> None: ...

    async def waiting(self, connection: Connection) -> tuple[int, datetime | None]: ...


class Sweeper:
    """Sweeps `every` so many seconds until it is cancelled."""

    def __init__(
        self,
        database: Database,
        *,
        waiting: Waiting,
        keys: Keys,
        undertaker: Undertaker,
        clock: Clock,
        patience: timedelta,
        every: float = 5.0,
    ) -> None:
        self._database = database
        self._waiting = waiting
        self._keys = keys
        self._undertaker = undertaker
        self._clock = clock
        self._patience = patience
        self._every = every
        for code in ReasonCode:
            BURIED.labels(code)  # there from the start, at 0: what begins with a one shows no increase

    async def run(self) -> None:
        """Sweep; what cannot be done now is done the next time."""
        while True:
            try:
                while await self.sweep() == _AT_ONCE:
                    pass
            except Exception as error:
                if not (is_transient(error) or isinstance(error, FaultInjected)):
                    raise
                log.warning("waiting notifications could not be swept now", error=type(error).__name__)
            await asyncio.sleep(self._every)

    async def sweep(self) -> int:
        """Bury those whose waiting is over, and let repeats go, up to a batch; how many."""
        now = self._clock.now()
        async with self._database.acquire() as connection:
            number, since = await self._waiting.waiting(connection)
            ended = await self._waiting.ended(connection, now - self._patience, _AT_ONCE)
        WAITING.set(number)
        OLDEST.set((now - since).total_seconds() if since is not None else 0)
        if not ended:
            return 0
        keys = await self._keys.keys({one.citizen_id for one in ended})
        await self._undertaker.prepare()
        faultpoint("intake.before_sweep")
        async with self._database.transaction() as connection:
            # Another sweeper, or a join, may have been quicker.
            locked = await self._waiting.lock_waiting(connection, [one.notification_id for one in ended])
            still = [one for one in locked if one.refused is not None or one.waits_since < now - self._patience]
            over = [one for one in still if one.repeat_key is None]
            await self._bury(connection, over, keys, now)
            await self._let_go(connection, [one for one in still if one.repeat_key is not None])
            faultpoint("intake.before_sweep_commit")
        for one in over:
            BURIED.labels(_code(one).value).inc()
        if over:
            log.error("notifications waited in vain", number=len(over), reasons=sorted({_code(one) for one in over}))
        return len(ended)

    async def _bury(
        self, connection: Connection, over: Collection[Kept], keys: dict[UUID, bytes], now: datetime
    ) -> None:
        graves = []
        for one in over:
            key = keys.get(one.citizen_id)
            record = None if key is None else record_of(one, Citizen(citizen_id=one.citizen_id, key=key))
            if record is not None:
                graves.append((record, [Reason(field="absence_reference", code=_code(one))]))
        letters = await self._undertaker.bury(connection, graves)
        gone = [one.notification_id for one in over]
        await self._waiting.end_waiting(connection, gone)
        await self._waiting.forget(connection, gone)
        await outbox.put(connection, letters)
        await audit.put(
            connection,
            [
                Entry(
                    actor=ACTOR,
                    action="notification.buried",
                    subject=one.citizen_id,
                    object_type="absence",
                    object_id=str(one.absence_id),
                    purpose="case-handling",
                    at=now,
                )
                for one in over
            ],
        )

    async def _let_go(self, connection: Connection, repeats: Sequence[Kept]) -> None:
        if repeats:
            absences = await self._waiting.lock_absences(connection, [one.absence_id for one in repeats])
            await self._waiting.end_waiting(connection, [one.notification_id for one in repeats])
            await self._waiting.save_absences(connection, [let_go(one) for one in absences.values()])


def _code(one: Kept) -> ReasonCode:
    return one.refused or ReasonCode.NEVER_JOINED
