"""Stored documents are scanned again when the scanner or its signatures change; one that turns out bad is recalled (U76).

Invariants: a recall is written, announced and its erasure asked for in one transaction; a document that could not be scanned
again keeps the verdict it had and comes again; nothing that is stored is given out once it is recalled.
"""

import asyncio
from collections.abc import Callable
from typing import BinaryIO, Final, Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter

from plumbing import audit, jobs, outbox
from plumbing.clock import Clock
from plumbing.errors import Unavailable
from plumbing.faults import FaultInjected
from plumbing.objects import Altered, NotThere
from plumbing.postgres import Connection, Database, is_transient
from services.uploads.domain.records import Verdict
from services.uploads.domain.submissions import (
    File,
    FileState,
    Submission,
    SubmissionState,
    found_clean,
    object_key,
    recalled,
)
from services.uploads.usecases import announcements
from services.uploads.usecases.auditing import entry
from services.uploads.usecases.deleting import erase_job
from services.uploads.usecases.inspect import AtFault, Finding, Kept
from services.uploads.usecases.show import Clean
from services.uploads.usecases.take_file import Inspecting, verdict
from services.uploads.usecases.watch_scanner import Scanner

log = structlog.get_logger(__name__)

AGAIN: Final = Counter(
    "mitsyg_uploads_scanned_again", "Stored documents that were scanned again, by outcome.", ("outcome",)
)
LOST: Final = Counter("mitsyg_uploads_stored_lost", "Stored documents that were not there, or not what they were.")
for _outcome in ("clean", "recalled", "later"):
    AGAIN.labels(_outcome)
_AT_ONCE: Final = 20


class Uploads(Protocol):
    """Where files are kept."""

    async def scanned_before(
        self, connection: Connection, engine: str, signatures: int | None, limit: int
    ) -> list[tuple[File, UUID]]: ...

    async def lock(
        self, connection: Connection, submission_id: UUID, citizen_id: UUID | None = None
    ) -> Submission | None: ...

    async def lock_file(self, connection: Connection, file_id: UUID) -> File | None: ...

    async def save_file(self, connection: Connection, file: File) -> None: ...

    async def add_verdict(self, connection: Connection, verdict: Verdict) -> None: ...


class ScanAgain:
    """Looks for what was scanned by others than the scanner that is in service, until cancelled."""

    def __init__(
        self,
        database: Database,
        *,
        uploads: Uploads,
        scanner: Scanner,
        inspect: Inspecting,
        clean: Clean,
        clock: Clock,
        spool: Callable[[], BinaryIO],
        wake: Callable[[], None],
        every: float,
    ) -> None:
        self._database = database
        self._uploads = uploads
        self._scanner = scanner
        self._inspect = inspect
        self._clean = clean
        self._clock = clock
        self._spool = spool
        self._wake = wake
        self._every = every

    async def run(self) -> None:
        while True:
            try:
                done = await self.some()
            except Exception as error:
                if not (is_transient(error) or isinstance(error, FaultInjected)):
                    raise
                log.warning("stored documents could not be scanned again now", error=type(error).__name__)
                done = 0
            if not done:
                await asyncio.sleep(self._every)

    async def some(self) -> int:
        """Scan some; how many were. Raises Unavailable where no scanner is in service."""
        version = await self._scanner.version()
        async with self._database.acquire() as connection:
            found = await self._uploads.scanned_before(connection, version.engine, version.signatures, _AT_ONCE)
        done = 0
        for file, absence_id in found:
            finding = await self._look(file, absence_id)
            if isinstance(finding, Kept | AtFault):
                await self._write(file, finding)
                done += 1
            else:
                AGAIN.labels("later").inc()
        return done

    async def _look(self, file: File, absence_id: UUID) -> Finding | None:
        with self._spool() as body, self._spool() as beside:
            try:
                key = object_key(absence_id, file)
                await self._clean.fetch(key, body, size=file.size, digest=file.digest, version=file.object_version)
            except (NotThere, Altered) as error:
                LOST.inc()
                log.error("a stored document is not what it was", file=str(file.file_id), error=type(error).__name__)
                return None
            except Unavailable:
                return None
            return await self._inspect(body, beside, file.media_type, size=file.size, digest=file.digest)

    async def _write(self, file: File, finding: Kept | AtFault) -> None:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            submission = await self._uploads.lock(connection, file.submission_id)
            standing = await self._uploads.lock_file(connection, file.file_id)
            if submission is None or standing is None or standing.state is not FileState.CLEAN:
                return
            after = _after(standing, finding)
            await self._uploads.save_file(connection, after)
            await self._uploads.add_verdict(connection, verdict(after, finding, now))
            if after.state is FileState.RECALLED:
                await self._recall(connection, submission, after)
        AGAIN.labels(after.state.value).inc()
        self._wake()

    async def _recall(self, connection: Connection, submission: Submission, file: File) -> None:
        now = self._clock.now()
        log.error("a stored document is recalled", file=str(file.file_id))
        await jobs.add(connection, [erase_job(submission, file.file_id)])
        await audit.put(connection, [entry("file.recalled", submission.citizen_id, "file", file.file_id, now)])
        if submission.state is SubmissionState.SENT:
            await outbox.put(connection, [announcements.recalled(submission, file, now)])


def _after(file: File, finding: Kept | AtFault) -> File:
    """Only what a scanner finds recalls: rules about structure may have changed since it was taken, and took it then."""
    scanned = finding.scanned
    assert scanned is not None
    if isinstance(finding, AtFault) and finding.signature is not None:
        return recalled(file, scanned)
    return found_clean(file, scanned, size=file.size, digest=file.digest, object_version=file.object_version)
