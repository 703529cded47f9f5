"""Files that could not be looked at when they came are looked at now: the work of a job, with the same look and the same ends.

Invariants: what was set aside is deleted only after what became of it is committed; a file that was taken out meanwhile, or
whose submission was taken back, is written nothing about, and no byte of it is left; the last file of a submission that waits
sends it, or holds it back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol
from uuid import UUID

import structlog

from plumbing import audit, ids, jobs
from plumbing.clock import Clock
from plumbing.faults import faultpoint
from plumbing.jobs import Again, Claim, Done, Parked
from plumbing.jobs import Verdict as Outcome
from plumbing.objects import Altered, NotThere
from plumbing.postgres import Connection, Database
from services.uploads.domain.records import Attempt, Verdict
from services.uploads.domain.submissions import (
    File,
    FileState,
    Submission,
    SubmissionState,
    found_at_fault,
    object_key,
    sent,
)
from services.uploads.usecases.auditing import entry
from services.uploads.usecases.deleting import drop_job, erase_job
from services.uploads.usecases.inspect import AtFault, Kept, NotChecked
from services.uploads.usecases.send import settle
from services.uploads.usecases.take_file import Bucket, Inspecting, put_clean, verdict

log = structlog.get_logger(__name__)

Spool = Callable[[], BinaryIO]
"""A new file without a name."""


class Uploads(Protocol):
    """Where submissions and files are kept."""

    async def lock(
        self, connection: Connection, submission_id: UUID, citizen_id: UUID | None = None
    ) -> Submission | None: ...

    async def file(self, connection: Connection, file_id: UUID) -> File | None: ...

    async def standing(self, connection: Connection, file_id: UUID) -> File | None: ...

    async def lock_file(self, connection: Connection, file_id: UUID) -> File | None: ...

    async def files(self, connection: Connection, submission_ids: Sequence[UUID]) -> dict[UUID, list[File]]: ...

    async def save(self, connection: Connection, submission: Submission) -> None: ...

    async def save_file(self, connection: Connection, file: File) -> None: ...

    async def add_verdict(self, connection: Connection, verdict: Verdict) -> None: ...

    async def add_attempt(self, connection: Connection, attempt: Attempt) -> bool: ...


class Inbound(Bucket, Protocol):
    """Where what is not checked yet lies."""

    async def fetch(self, key: str, into: BinaryIO, *, size: int, digest: str, version: str | None = None) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class _Placed:
    file: File
    submission: Submission


class CheckPending:
    """The work of the queue `check`; its payload is a file's id."""

    def __init__(
        self,
        database: Database,
        *,
        uploads: Uploads,
        inspect: Inspecting,
        inbound: Inbound,
        clean: Bucket,
        clock: Clock,
        spool: Spool,
    ) -> None:
        self._database = database
        self._uploads = uploads
        self._inspect = inspect
        self._inbound = inbound
        self._clean = clean
        self._clock = clock
        self._spool = spool

    async def __call__(self, claim: Claim) -> Outcome:
        file_id = UUID(claim.payload.decode())
        placed = await self._read(file_id)
        if placed is None or placed.file.state is not FileState.PENDING:
            return self._over(file_id)
        file, absence_id = placed.file, placed.submission.absence_id
        key = object_key(absence_id, file)
        with self._spool() as body, self._spool() as beside:
            try:
                await self._inbound.fetch(key, body, size=file.size, digest=file.digest)
            except (NotThere, Altered) as error:
                if await self._read(file_id) is None:  # it was taken out just now, and its bytes with it
                    return self._over(file_id)
                log.error("what was set aside is not what it was", file=str(file_id), error=type(error).__name__)
                return Parked(reason=f"inbound-{type(error).__name__.lower()}")
            finding = await self._inspect(body, beside, file.media_type, size=file.size, digest=file.digest)
            if isinstance(finding, NotChecked):
                return Again(reason=finding.reason)
            checked = await self._checked(finding, file, absence_id)
        faultpoint("uploads.after_check")

        async def write(connection: Connection) -> None:
            found = verdict(checked, finding, self._clock.now())
            await self._write(connection, checked, found, key)

        return Done(write=write)

    def _over(self, file_id: UUID) -> Done:
        """Nothing is to be found out any more. A try that died may have put it into the clean store, after that was emptied."""

        async def write(connection: Connection) -> None:
            file = await self._uploads.file(connection, file_id)
            submission = None if file is None else await self._uploads.lock(connection, file.submission_id)
            if submission is not None:
                await jobs.add(connection, [erase_job(submission, file_id)])

        return Done(write=write)

    async def _read(self, file_id: UUID) -> _Placed | None:
        async with self._database.acquire() as connection:
            file = await self._uploads.standing(connection, file_id)
            if file is None:
                return None
            submission = await self._uploads.lock(connection, file.submission_id)
        return None if submission is None else _Placed(file=file, submission=submission)

    async def _checked(self, finding: Kept | AtFault, file: File, absence_id: UUID) -> File:
        if isinstance(finding, AtFault):
            return found_at_fault(file, finding.code, finding.scanned)
        return await put_clean(finding, file, absence_id, self._clean)

    async def _write(self, connection: Connection, checked: File, found: Verdict, key: str) -> None:
        now = self._clock.now()
        submission = await self._uploads.lock(connection, checked.submission_id)
        await jobs.add(connection, [drop_job(checked.file_id, key)])
        standing = await self._uploads.lock_file(connection, checked.file_id)
        if submission is not None and (standing is None or checked.state is not FileState.CLEAN):
            # It was put into the clean store a moment ago, or by an earlier try that is not on record.
            await jobs.add(connection, [erase_job(submission, checked.file_id)])
        if submission is None or standing is None or standing.state is not FileState.PENDING:
            return
        await self._uploads.save_file(connection, checked)
        await self._uploads.add_verdict(connection, found)
        await audit.put(
            connection, [entry(f"file.{checked.state}", submission.citizen_id, "file", checked.file_id, now)]
        )
        if submission.state is SubmissionState.WAITING:
            files = (await self._uploads.files(connection, [submission.submission_id]))[submission.submission_id]
            outcome = sent(submission, files, now)
            assert submission.sent_at is not None
            # None where it was sent before the id was kept: then one that follows from when that was.
            attempt_id = submission.attempt_id or ids.derive(
                submission.submission_id, "attempt", submission.sent_at.isoformat()
            )
            if outcome.submission != submission:
                await settle(
                    connection,
                    self._uploads,
                    outcome,
                    files,
                    attempt_id=attempt_id,
                    asked_at=submission.sent_at,
                    now=now,
                )
        faultpoint("uploads.before_check_commit")
