"""What got stuck is found: files that began to come in and never were in, and how much waits for its check, or was recalled.

Invariants: what is swept was never on record as a file; what may lie of it in either store is asked to be deleted before the
arrival is forgotten, in the same transaction.
"""

import asyncio
from typing import Final, Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from plumbing import jobs
from plumbing.faults import FaultInjected
from plumbing.postgres import Connection, Database, is_transient
from services.uploads.domain.records import Stray
from services.uploads.domain.submissions import Submission
from services.uploads.usecases.deleting import erase_job

log = structlog.get_logger(__name__)

WAITING: Final = Gauge("mitsyg_uploads_unchecked_files", "Files that are not checked yet.")
OLDEST: Final = Gauge("mitsyg_uploads_unchecked_oldest_seconds", "For how long the oldest of them has waited.")
# Of what the database holds: a process that is killed before it was asked for its counters has still told of these.
RECALLED: Final = Gauge(
    "mitsyg_uploads_recalled_files", "Documents that were stored as clean and called infected later."
)
SWEPT: Final = Counter("mitsyg_uploads_arrivals_swept", "Files that never came in whole and were forgotten.")
_AT_ONCE: Final = 100


class Uploads(Protocol):
    """Where arrivals are kept."""

    async def strays(self, connection: Connection, older_than_seconds: float, limit: int) -> list[Stray]: ...

    async def lock(
        self, connection: Connection, submission_id: UUID, citizen_id: UUID | None = None
    ) -> Submission | None: ...

    async def end_arrival(self, connection: Connection, file_id: UUID) -> bool: ...

    async def waiting(self, connection: Connection) -> tuple[int, float]: ...

    async def recalled(self, connection: Connection) -> int: ...


class Sweep:
    """Sweeps `every` so many seconds what is older than `patience_seconds`, until it is cancelled."""

    def __init__(self, database: Database, *, uploads: Uploads, patience_seconds: float, every: float) -> None:
        self._database = database
        self._uploads = uploads
        self._patience_seconds = patience_seconds
        self._every = every

    async def run(self) -> None:
        while True:
            try:
                await self.sweep()
            except Exception as error:
                if not (is_transient(error) or isinstance(error, FaultInjected)):
                    raise
                log.warning("nothing could be swept now", error=type(error).__name__)
            await asyncio.sleep(self._every)

    async def sweep(self) -> int:
        """How many were found."""
        async with self._database.acquire() as connection:
            number, oldest = await self._uploads.waiting(connection)
            recalled = await self._uploads.recalled(connection)
        RECALLED.set(recalled)
        WAITING.set(number)
        OLDEST.set(oldest)
        async with self._database.transaction() as connection:
            found = await self._uploads.strays(connection, self._patience_seconds, _AT_ONCE)
            for one in found:
                submission = await self._uploads.lock(connection, one.submission_id)
                assert submission is not None, "arrivals are of submissions"
                await jobs.add(connection, [erase_job(submission, one.file_id)])
                await self._uploads.end_arrival(connection, one.file_id)
        if found:
            SWEPT.inc(len(found))
            log.warning("files never came in whole", number=len(found))
        return len(found)
