"""Rows of `uploads`. Every statement runs in the caller's transaction.

Invariants: a submission is locked before anything about it or its files is decided; files, verdicts and attempts are added and
never rewritten by another's; who reads names the citizen, and what is somebody else's is not there.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from plumbing.postgres import Connection
from services.uploads.domain.content import MediaType
from services.uploads.domain.findings import Code
from services.uploads.domain.records import Arrival, Attempt, Known, Stray, Verdict
from services.uploads.domain.submissions import File, FileState, Scanned, Submission, SubmissionState


@dataclass(frozen=True, slots=True)
class Store:
    """All tables of the service but those of the plumbing."""

    # absences -----------------------------------------------------------------------------------------------------------------

    async def know(self, connection: Connection, absences: Sequence[Known]) -> None:
        """Absences that were heard of; one that was withdrawn stays so."""
        await connection.execute(
            _KNOW,
            [one.absence_id for one in absences],
            [one.citizen_id for one in absences],
            [one.is_withdrawn for one in absences],
        )

    async def is_theirs(self, connection: Connection, absence_id: UUID, citizen_id: UUID) -> bool:
        """Whether the citizen has that absence. One that is over, or taken back, may still be what a document is about."""
        found = await connection.fetchval(
            "select exists (select from absence where absence_id = $1 and citizen_id = $2)", absence_id, citizen_id
        )
        return bool(found)

    # submissions --------------------------------------------------------------------------------------------------------------

    async def add(self, connection: Connection, submission: Submission) -> bool:
        """Whether it was not there yet."""
        done = await connection.execute(
            _ADD,
            submission.submission_id,
            submission.citizen_id,
            submission.actor_id,
            submission.absence_id,
            submission.title,
            submission.reason,
            submission.state.value,
            submission.request_digest,
            submission.begun_at,
        )
        return bool(done == "INSERT 0 1")

    async def lock(
        self, connection: Connection, submission_id: UUID, citizen_id: UUID | None = None
    ) -> Submission | None:
        """The submission, until the transaction ends; None where it is not there or somebody else's."""
        row = await connection.fetchrow(_LOCK, submission_id)
        return None if row is None or citizen_id not in {None, row["citizen_id"]} else _submission(row)

    async def read(self, connection: Connection, submission_id: UUID, citizen_id: UUID) -> Submission | None:
        row = await connection.fetchrow(_READ, submission_id, citizen_id)
        return None if row is None else _submission(row)

    async def listed(
        self, connection: Connection, citizen_id: UUID, absence_id: UUID | None, limit: int
    ) -> list[Submission]:
        """The citizen's, newest first."""
        rows = await connection.fetch(_LISTED, citizen_id, absence_id, limit)
        return [_submission(row) for row in rows]

    async def save(self, connection: Connection, submission: Submission) -> None:
        await connection.execute(
            "update submission set state = $2, sent_at = $3, attempt_id = $4 where submission_id = $1",
            submission.submission_id,
            submission.state.value,
            submission.sent_at,
            submission.attempt_id,
        )

    # files --------------------------------------------------------------------------------------------------------------------

    async def files(self, connection: Connection, submission_ids: Collection[UUID]) -> dict[UUID, list[File]]:
        """Files of submissions, in the order in which they came, without those that were taken out."""
        rows = await connection.fetch(_FILES_OF, list(submission_ids))
        found: dict[UUID, list[File]] = {one: [] for one in submission_ids}
        for row in rows:
            found[row["submission_id"]].append(_file(row))
        return found

    async def file(self, connection: Connection, file_id: UUID) -> File | None:
        """Whether it was taken out or not."""
        row = await connection.fetchrow(_FILE, file_id)
        return None if row is None else _file(row)

    async def standing(self, connection: Connection, file_id: UUID) -> File | None:
        """A file that nobody took out."""
        row = await connection.fetchrow(_STANDING, file_id)
        return None if row is None else _file(row)

    async def lock_file(self, connection: Connection, file_id: UUID) -> File | None:
        """A file that nobody took out, until the transaction ends; its submission is locked before it."""
        row = await connection.fetchrow(_LOCK_FILE, file_id)
        return None if row is None else _file(row)

    async def add_file(self, connection: Connection, file: File) -> bool:
        """Whether it was not there yet."""
        return bool(await connection.execute(_ADD_FILE, *_columns(file)) == "INSERT 0 1")

    async def save_file(self, connection: Connection, file: File) -> None:
        await connection.execute(_SAVE_FILE, *_columns(file)[:1], *_changeable(file))

    async def remove_files(self, connection: Connection, file_ids: Collection[UUID]) -> None:
        """They were taken out; that they came in, and what they came to, stays."""
        await connection.execute("update file set is_removed = true where file_id = any ($1::uuid[])", list(file_ids))

    async def add_verdict(self, connection: Connection, verdict: Verdict) -> None:
        await connection.execute(
            "insert into verdict (file_id, digest, outcome, engine, signatures, name, at) values ($1, $2, $3, $4, $5, $6, $7)",
            verdict.file_id,
            verdict.digest,
            verdict.outcome,
            verdict.engine,
            verdict.signatures,
            verdict.name,
            verdict.at,
        )

    async def scanned_before(
        self, connection: Connection, engine: str, signatures: int | None, after: tuple[datetime, UUID], limit: int
    ) -> list[tuple[File, UUID]]:
        """Stored files that were last looked at by others than these, those that waited longest first; with their absences.
        Only those behind `after`, the time of a file's last scan and its id."""
        rows = await connection.fetch(_TO_SCAN_AGAIN, engine, signatures, *after, limit)
        return [(_file(row), row["absence_id"]) for row in rows]

    # coming in ----------------------------------------------------------------------------------------------------------------

    async def begin_arrival(
        self, connection: Connection, file_id: UUID, submission_id: UUID, citizen_id: UUID
    ) -> Arrival:
        """It comes in, now: an earlier try that has not ended gives its place to this one."""
        row = await connection.fetchrow(_BEGIN_ARRIVAL, file_id, submission_id, citizen_id)
        assert row is not None
        return Arrival(begun_at=row["begun_at"], came_before=row["came_before"])

    async def end_arrival(self, connection: Connection, file_id: UUID) -> bool:
        """Whether it was still coming in: it may have been given up as stuck."""
        return bool(await connection.execute("delete from arrival where file_id = $1", file_id) == "DELETE 1")

    async def forget_arrival(self, connection: Connection, file_id: UUID, begun_at: datetime) -> None:
        """It does not come in; unless it has begun to come once more since."""
        await connection.execute("delete from arrival where file_id = $1 and begun_at = $2", file_id, begun_at)

    async def is_arriving(self, connection: Connection, file_id: UUID) -> bool:
        found = await connection.fetchval("select exists (select from arrival where file_id = $1)", file_id)
        return bool(found)

    async def arriving(self, connection: Connection, submission_id: UUID, *, besides: UUID) -> int:
        """How many files of a submission are coming in, besides that one."""
        found = await connection.fetchval(
            "select count(*) from arrival where submission_id = $1 and file_id <> $2", submission_id, besides
        )
        return int(found)

    async def strays(self, connection: Connection, older_than_seconds: float, limit: int) -> list[Stray]:
        """Arrivals that never ended."""
        rows = await connection.fetch(_STRAYS, older_than_seconds, limit)
        return [Stray(file_id=row["file_id"], submission_id=row["submission_id"]) for row in rows]

    # quotas, attempts ---------------------------------------------------------------------------------------------------------

    async def spend(self, connection: Connection, citizen_id: UUID, day: date, number: int) -> int:
        """Count bytes; how many there are on that day with them. Others of the same citizen wait until the transaction ends."""
        found = await connection.fetchval(_SPEND, citizen_id, day, number)
        return int(found)

    async def add_attempt(self, connection: Connection, attempt: Attempt) -> bool:
        """Whether it was not there yet."""
        done = await connection.execute(
            "insert into attempt (attempt_id, submission_id, at, refused) values ($1, $2, $3, $4) on conflict do nothing",
            attempt.attempt_id,
            attempt.submission_id,
            attempt.at,
            list(attempt.refused),
        )
        return bool(done == "INSERT 0 1")

    async def attempt(self, connection: Connection, attempt_id: UUID) -> Attempt | None:
        row = await connection.fetchrow(_ATTEMPT, attempt_id)
        return None if row is None else _attempt(row)

    async def attempts(self, connection: Connection, submission_ids: Collection[UUID]) -> list[Attempt]:
        rows = await connection.fetch(_ATTEMPTS_OF, list(submission_ids))
        return [_attempt(row) for row in rows]

    async def waiting(self, connection: Connection) -> tuple[int, float]:
        """How many files are not checked yet, and for how many seconds the oldest has waited; outside a transaction."""
        row = await connection.fetchrow(_WAITING)
        assert row is not None
        return int(row["number"]), float(row["oldest"])

    async def recalled(self, connection: Connection) -> int:
        """How many files were ever recalled; outside a transaction."""
        return int(await connection.fetchval(_RECALLED))


def _submission(row: asyncpg.Record) -> Submission:
    return Submission(**{**dict(row), "state": SubmissionState(row["state"])})


def _attempt(row: asyncpg.Record) -> Attempt:
    return Attempt(**{**dict(row), "refused": tuple(row["refused"])})


def _file(row: asyncpg.Record) -> File:
    scanned = None
    if row["engine"] is not None:
        scanned = Scanned(engine=row["engine"], signatures=row["signatures"], at=row["scanned_at"])
    return File(
        file_id=row["file_id"],
        submission_id=row["submission_id"],
        name=row["name"],
        state=FileState(row["state"]),
        code=None if row["code"] is None else Code(row["code"]),
        media_type=MediaType(row["media_type"]),
        size=row["size"],
        digest=row["digest"],
        original_digest=row["original_digest"],
        received_from=row["received_from"],
        received_at=row["received_at"],
        object_version=row["object_version"],
        scanned=scanned,
    )


def _columns(file: File) -> list[object]:
    return [
        file.file_id,
        *_changeable(file),
        file.submission_id,
        file.name,
        file.media_type.value,
        file.original_digest,
        file.received_from,
        file.received_at,
    ]


def _changeable(file: File) -> list[object]:
    scanned = file.scanned
    return [
        file.state.value,
        None if file.code is None else file.code.value,
        file.size,
        file.digest,
        file.object_version,
        None if scanned is None else scanned.engine,
        None if scanned is None else scanned.signatures,
        None if scanned is None else scanned.at,
    ]


_KNOW = """
insert into absence (absence_id, citizen_id, is_withdrawn)
select absence_id, citizen_id, is_withdrawn
from unnest($1::uuid[], $2::uuid[], $3::boolean[]) as heard (absence_id, citizen_id, is_withdrawn)
order by absence_id
on conflict (absence_id) do update set is_withdrawn = absence.is_withdrawn or excluded.is_withdrawn
where excluded.is_withdrawn and not absence.is_withdrawn
"""

_ADD = """
insert into submission (submission_id, citizen_id, actor_id, absence_id, title, reason, state, request_digest, begun_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (submission_id) do nothing
"""

_SUBMISSIONS = """
select submission_id, citizen_id, actor_id, absence_id, title, reason, state, begun_at, request_digest, sent_at, attempt_id
from submission
"""

_LOCK = _SUBMISSIONS + "where submission_id = $1\nfor update\n"

_READ = _SUBMISSIONS + "where submission_id = $1 and citizen_id = $2\n"

_LISTED = (
    _SUBMISSIONS
    + """
where citizen_id = $1 and ($2::uuid is null or absence_id = $2)
order by begun_at desc, submission_id
limit $3
"""
)

_FILES = """
select file_id, submission_id, name, state, code, media_type, size, digest, original_digest, received_from, received_at,
       object_version, engine, signatures, scanned_at
from file
"""

_FILE = _FILES + "where file_id = $1\n"

_STANDING = _FILES + "where file_id = $1 and not is_removed\n"

_LOCK_FILE = _STANDING + "for update\n"

_FILES_OF = _FILES + "where submission_id = any ($1::uuid[]) and not is_removed\norder by nth\n"

_ADD_FILE = """
insert into file (file_id, state, code, size, digest, object_version, engine, signatures, scanned_at, submission_id, name,
                  media_type, original_digest, received_from, received_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
on conflict (file_id) do nothing
"""

_SAVE_FILE = """
update file
set state = $2, code = $3, size = $4, digest = $5, object_version = $6, engine = $7, signatures = $8, scanned_at = $9
where file_id = $1
"""

_TO_SCAN_AGAIN = """
select file.*, submission.absence_id
from file join submission using (submission_id)
where file.state = 'clean' and not file.is_removed and (file.engine, file.signatures) is distinct from ($1, $2::bigint)
  and (file.scanned_at, file.file_id) > ($3, $4)
order by file.scanned_at, file.file_id
limit $5
"""

_BEGIN_ARRIVAL = """
insert into arrival (file_id, submission_id, citizen_id) values ($1, $2, $3)
on conflict (file_id) do update set begun_at = clock_timestamp()
returning begun_at, xmax::text <> '0' as came_before
"""

_STRAYS = """
select file_id, submission_id
from arrival
where begun_at < clock_timestamp() - make_interval(secs => $1)
order by begun_at
limit $2
"""

_SPEND = """
insert into quota (citizen_id, day, bytes) values ($1, $2, $3)
on conflict (citizen_id, day) do update set bytes = quota.bytes + excluded.bytes
returning bytes
"""

_ATTEMPT = "select attempt_id, submission_id, at, refused from attempt where attempt_id = $1"

_ATTEMPTS_OF = """
select attempt_id, submission_id, at, refused from attempt where submission_id = any ($1::uuid[]) order by at
"""

_RECALLED = "select count(*) from file where state = 'recalled'"

_WAITING = """
select count(*) as number, coalesce(extract(epoch from clock_timestamp() - min(received_at)), 0) as oldest
from file
where state = 'pending' and not is_removed
"""
