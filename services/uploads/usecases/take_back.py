"""A citizen takes a file out again, or all of a submission that has not gone on (U72).

Invariants: nothing that went on is taken back here; bytes of what was taken out are deleted by jobs that are added in the same
transaction: what was set aside by this service, what is in the clean store by who may erase there.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from contracts.citizen_token.v1 import Caller
from plumbing import audit, jobs
from plumbing.clock import Clock
from plumbing.jobs import Job
from plumbing.postgres import Connection, Database
from services.uploads.domain.submissions import (
    File,
    FileState,
    Refused,
    Submission,
    SubmissionState,
    may_change,
    object_key,
)
from services.uploads.usecases.auditing import entry, person
from services.uploads.usecases.deleting import drop_job, erase_job


class Uploads(Protocol):
    """Where submissions are kept."""

    async def lock(
        self, connection: Connection, submission_id: UUID, citizen_id: UUID | None = None
    ) -> Submission | None: ...

    async def files(self, connection: Connection, submission_ids: Sequence[UUID]) -> dict[UUID, list[File]]: ...

    async def save(self, connection: Connection, submission: Submission) -> None: ...

    async def remove_files(self, connection: Connection, file_ids: Sequence[UUID]) -> None: ...


class TakeBack:
    """Both verbs; each may be said twice."""

    def __init__(self, database: Database, *, uploads: Uploads, clock: Clock) -> None:
        self._database = database
        self._uploads = uploads
        self._clock = clock

    async def file(self, caller: Caller, submission_id: UUID, file_id: UUID) -> None:
        """Take a file out, checked or not; raises Refused."""
        async with self._database.transaction() as connection:
            submission, files = await self._found(connection, caller, submission_id)
            if submission.state is not SubmissionState.OPEN:
                raise Refused("not-open")
            chosen = [one for one in files if one.file_id == file_id]
            if not chosen:
                raise Refused("not-found")
            await self._remove(connection, caller, submission, chosen)

    async def submission(self, caller: Caller, submission_id: UUID) -> None:
        """Take all of it back; raises Refused where it went on already."""
        async with self._database.transaction() as connection:
            submission, files = await self._found(connection, caller, submission_id)
            if submission.state is SubmissionState.WITHDRAWN:
                return
            may_change(submission)
            await self._remove(connection, caller, submission, files)
            await self._uploads.save(connection, replace(submission, state=SubmissionState.WITHDRAWN))
            actor = person(caller.citizen_id, caller.actor_id)
            now = self._clock.now()
            await audit.put(
                connection,
                [entry("submission.withdrawn", caller.citizen_id, "submission", submission_id, now, actor=actor)],
            )

    async def _found(
        self, connection: Connection, caller: Caller, submission_id: UUID
    ) -> tuple[Submission, Sequence[File]]:
        submission = await self._uploads.lock(connection, submission_id, caller.citizen_id)
        if submission is None:
            raise Refused("not-found")
        return submission, (await self._uploads.files(connection, [submission_id]))[submission_id]

    async def _remove(
        self, connection: Connection, caller: Caller, submission: Submission, files: Sequence[File]
    ) -> None:
        now, actor = self._clock.now(), person(caller.citizen_id, caller.actor_id)
        await self._uploads.remove_files(connection, [one.file_id for one in files])
        await jobs.add(connection, [job for one in files for job in removal(submission, one)])
        await audit.put(
            connection,
            [entry("file.removed", caller.citizen_id, "file", one.file_id, now, actor=actor) for one in files],
        )


def removal(submission: Submission, file: File) -> list[Job]:
    """What deletes a file's bytes. One that waits for its check may have been put into the clean store by a look that died."""
    match file.state:
        case FileState.PENDING:
            aside = drop_job(file.file_id, object_key(submission.absence_id, file))
            return [aside, erase_job(submission, file.file_id)]
        case FileState.CLEAN | FileState.RECALLED:
            return [erase_job(submission, file.file_id)]
        case _:
            return []
