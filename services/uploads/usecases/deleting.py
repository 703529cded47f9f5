"""Bytes that are to be gone: of what was set aside by this service, of the clean store by who may erase there.

Both are jobs, added in the transaction in which it is decided that the bytes are of no use any more.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Final, Protocol
from uuid import UUID, uuid4

from plumbing import ids
from plumbing.faults import faultpoint
from plumbing.jobs import Again, Claim, Done, Job
from plumbing.jobs import Verdict as Outcome
from plumbing.postgres import Connection, Database
from services.uploads.domain.submissions import File, FileState, Submission

DROP_QUEUE: Final = "drop"
ERASE_QUEUE: Final = "erase"


def drop_job(file_id: UUID, key: str) -> Job:
    """To delete what was set aside."""
    return Job(job_id=ids.derive(file_id, "drop"), queue=DROP_QUEUE, payload=key.encode())


def erase_job(submission: Submission, file_id: UUID) -> Job:
    """To delete all there is of a file in either store but what is on record of it; only who may erase takes it.

    A job of its own each time: one in work may have passed what this one is asked for.
    """
    words = f"{submission.absence_id}/{file_id}/ {submission.submission_id}"
    return Job(job_id=uuid4(), queue=ERASE_QUEUE, payload=words.encode())


class Delete(Protocol):
    """Deletes an object; what is not there is fine. Raises Unavailable."""

    async def delete(self, key: str, *, version: str | None = None, past_its_lock: bool = False) -> None: ...


class DropInbound:
    """The work of the queue `drop`; its payload is a key of the inbound store."""

    def __init__(self, delete: Delete) -> None:
        self._delete = delete

    async def __call__(self, claim: Claim) -> Outcome:
        await self._delete.delete(claim.payload.decode())
        return Done()


class Erasing(Protocol):
    """Deletes every version of everything below a prefix, past its lock, but for these hashes; how many. Before each one it asks
    whether it still may, by `may_go_on`, which raises where not. Raises Unavailable."""

    async def erase(
        self, prefix: str, but: Collection[str] = (), *, may_go_on: Callable[[], Awaitable[object]]
    ) -> int: ...


class Uploads(Protocol):
    """Where submissions and files are kept."""

    async def lock(
        self, connection: Connection, submission_id: UUID, citizen_id: UUID | None = None
    ) -> Submission | None: ...

    async def standing(self, connection: Connection, file_id: UUID) -> File | None: ...

    async def is_arriving(self, connection: Connection, file_id: UUID) -> bool: ...


class Erase:
    """The work of the queue `erase`, by a process of its own with an account that the service has not; its payload is the prefix
    of a file's keys, and its submission.

    What stays is decided when it is deleted, not when that was asked for: the file may have come again since. While it comes in
    or waits for its check its bytes may be stored at any moment, so it is waited for; and with its submission locked it cannot
    begin.

    The lock outlasts the work: the store may be waited for `lock_seconds`, which has to be longer than an attempt may take, and
    before each deletion the database is asked once more, so that a lock that was lost is noticed while the bytes are there.
    """

    def __init__(
        self, database: Database, *, uploads: Uploads, inbound: Erasing, clean: Erasing, lock_seconds: float
    ) -> None:
        self._database = database
        self._uploads = uploads
        self._inbound = inbound
        self._clean = clean
        self._lock_seconds = lock_seconds

    async def __call__(self, claim: Claim) -> Outcome:
        prefix, submission_id = claim.payload.decode().split(" ")
        file_id = UUID(prefix.split("/")[1])
        async with self._database.transaction(idle_seconds=self._lock_seconds) as connection:

            async def lock() -> None:
                await self._uploads.lock(connection, UUID(submission_id))

            await lock()
            file = await self._uploads.standing(connection, file_id)
            is_pending = file is not None and file.state is FileState.PENDING
            if is_pending or await self._uploads.is_arriving(connection, file_id):
                return Again(reason="under-way")
            # What remains possible: a deletion that was cut here, by its time-out or the attempt's deadline, is done by the store
            # later on, when the lock is free; or the server of the database ends while one is under way. Where the same bytes
            # came again by then, the row names the version that goes: it is noticed when it is read or scanned again.
            stays = [file.digest] if file is not None and file.state is FileState.CLEAN else []
            await self._inbound.erase(prefix, may_go_on=lock)
            await self._clean.erase(prefix, stays, may_go_on=lock)
        faultpoint("uploads.after_erase")
        return Done()
