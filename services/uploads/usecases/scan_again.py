"""Stored documents are scanned again when the scanner or its signatures change; one that turns out bad is recalled (U76).

Invariants: a recall is written, announced and its erasure asked for in one transaction; a document that could not be scanned
again, for whatever reason, keeps the verdict it had, comes again in the next pass, and keeps no other waiting until then: a
scanner that is busy or configured otherwise since must not erase what it called clean; nothing that is stored is given out once
it is recalled.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import BinaryIO, Final, Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from plumbing import audit, jobs, outbox
from plumbing.clock import Clock
from plumbing.errors import Unavailable
from plumbing.faults import FaultInjected
from plumbing.objects import Altered, NotThere
from plumbing.postgres import Connection, Database, is_transient
from services.uploads.domain.findings import Code
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
from services.uploads.usecases.inspect import AtFault, Finding, Kept, NotChecked
from services.uploads.usecases.show import Clean
from services.uploads.usecases.take_file import Inspecting, verdict
from services.uploads.usecases.watch_scanner import Scanner

log = structlog.get_logger(__name__)

AGAIN: Final = Counter(
    "mitsyg_uploads_scanned_again", "Stored documents that were scanned again, by outcome.", ("outcome",)
)
LOST: Final = Counter("mitsyg_uploads_stored_lost", "Stored documents that were not there, or not what they were.")
OLDEST: Final = Gauge(
    "mitsyg_uploads_scan_again_oldest_seconds",
    "How long ago that stored document was scanned last which has waited longest for newer signatures; 0 where none waits.",
)
for _outcome in ("clean", "recalled", "later"):
    AGAIN.labels(_outcome)
_AT_ONCE: Final = 20
_BEGINNING: Final = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
"""Before all documents."""


class Uploads(Protocol):
    """Where files are kept."""

    async def scanned_before(
        self, connection: Connection, engine: str, signatures: int | None, after: tuple[datetime, UUID], limit: int
    ) -> list[tuple[File, UUID]]: ...

    async def lock(
        self, connection: Connection, submission_id: UUID, citizen_id: UUID | None = None
    ) -> Submission | None: ...

    async def standing(self, connection: Connection, file_id: UUID) -> File | None: ...

    async def lock_file(self, connection: Connection, file_id: UUID) -> File | None: ...

    async def save_file(self, connection: Connection, file: File) -> None: ...

    async def add_verdict(self, connection: Connection, verdict: Verdict) -> None: ...


class ScanAgain:
    """Looks for what was scanned by others than the scanner that is in service, until cancelled.

    It goes through all of it in passes, in the order of their last scans: whatever cannot be scanned now keeps nobody behind it
    waiting, and has its turn again in the next pass.
    """

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
        self._passed = _BEGINNING
        self._oldest: datetime | None = None

    async def run(self) -> None:
        while True:
            try:
                done = await self.some()
            except Exception as error:
                if not (is_transient(error) or isinstance(error, FaultInjected)):
                    raise
                log.warning("stored documents could not be scanned again now", error=type(error).__name__)
                done = 0
            if not done or self._passed == _BEGINNING:
                await asyncio.sleep(self._every)

    async def some(self) -> int:
        """Scan the next few of a pass; of how many there is something to say, those that are lost included. Raises Unavailable
        where no scanner is in service."""
        version = await self._scanner.version()
        async with self._database.acquire() as connection:
            found = await self._uploads.scanned_before(
                connection, version.engine, version.signatures, self._passed, _AT_ONCE
            )
        self._tell_oldest(found)
        done = 0
        for file, absence_id in found:
            self._passed = _place(file)  # before anything: what fails here must not come first each time
            finding = await self._look(file, absence_id)
            if isinstance(finding, Kept | AtFault):
                await self._write(file, finding)
            else:
                AGAIN.labels("later").inc()
            done += not isinstance(finding, NotChecked)
        if len(found) < _AT_ONCE:
            self._passed = _BEGINNING
        return done

    def _tell_oldest(self, found: Sequence[tuple[File, UUID]]) -> None:
        """By the first of the pass that is under way."""
        if self._passed == _BEGINNING:
            self._oldest = _place(found[0][0])[0] if found else None
        OLDEST.set(0 if self._oldest is None else (self._clock.now() - self._oldest).total_seconds())

    async def _look(self, file: File, absence_id: UUID) -> Finding | None:
        """None where it is lost."""
        with self._spool() as body, self._spool() as beside:
            try:
                key = object_key(absence_id, file)
                await self._clean.fetch(key, body, size=file.size, digest=file.digest, version=file.object_version)
            except (NotThere, Altered) as error:
                if not await self._is_stored(file):
                    return NotChecked(reason="taken-back")
                LOST.inc()
                log.error("a stored document is not what it was", file=str(file.file_id), error=type(error).__name__)
                return None
            except Unavailable:
                return NotChecked(reason="store-away")
            finding = await self._inspect(body, beside, file.media_type, size=file.size, digest=file.digest)
        if isinstance(finding, AtFault) and finding.signature is not None and finding.code is not Code.INFECTED:
            log.warning("a document cannot be scanned any more", file=str(file.file_id), said=finding.signature)
            return NotChecked(reason="not-looked-into")
        return finding

    async def _is_stored(self, file: File) -> bool:
        """Whether it is still: others are scanned before its turn comes, and it may have been taken back or recalled since."""
        async with self._database.acquire() as connection:
            standing = await self._uploads.standing(connection, file.file_id)
        return standing is not None and standing.state is FileState.CLEAN

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


def _place(file: File) -> tuple[datetime, UUID]:
    """Where it stands in a pass."""
    assert file.scanned is not None
    return file.scanned.at, file.file_id


def _after(file: File, finding: Kept | AtFault) -> File:
    """Only a virus recalls: rules about structure may have changed since it was taken, and took it then."""
    scanned = finding.scanned
    assert scanned is not None
    if isinstance(finding, AtFault) and finding.code is Code.INFECTED:
        return recalled(file, scanned)
    return found_clean(file, scanned, size=file.size, digest=file.digest, object_version=file.object_version)
