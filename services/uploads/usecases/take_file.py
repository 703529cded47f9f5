"""A citizen's file comes in: it is written down that it does, received, looked at, stored, and on record, in this order.

Invariants: before a byte of it is stored anywhere it stands in `arrival`, so what a crash leaves behind is found, and whoever was
given up as stuck writes nothing any more; of what came before under the same key, and was never on record, no byte is left;
infected bytes are stored nowhere; nothing is put into the clean store but what was found clean; row, verdict and job are one
transaction, written only while its submission is open; its id follows from submission and key, so that a repeat is the same file.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO, Final, Protocol, assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

from prometheus_client import Counter

from contracts.citizen_token.v1 import Caller
from contracts.document.v1 import NAME_SEALING_FIELD
from plumbing import audit, ids, jobs
from plumbing.clock import Clock
from plumbing.errors import Unavailable
from plumbing.faults import faultpoint
from plumbing.jobs import Job
from plumbing.objects import Stored
from plumbing.postgres import Connection, Database
from plumbing.sealing import seal_text
from services.uploads.domain.content import MediaType
from services.uploads.domain.limits import Limits
from services.uploads.domain.records import Arrival, Verdict
from services.uploads.domain.submissions import (
    File,
    FileState,
    Refused,
    Submission,
    found_at_fault,
    found_clean,
    may_take_another,
    object_key,
)
from services.uploads.usecases.auditing import entry, person
from services.uploads.usecases.deleting import erase_job
from services.uploads.usecases.incoming import Incoming, accepted
from services.uploads.usecases.inspect import AtFault, Finding, Kept, NotChecked

CHECK_QUEUE: Final = "check"
DENMARK: Final = ZoneInfo("Europe/Copenhagen")
TAKEN: Final = Counter("mitsyg_uploads_files", "Files that came in whole, by what they came to.", ("state",))
for _state in FileState:
    TAKEN.labels(_state.value)


class Uploads(Protocol):
    """Where submissions and files are kept."""

    async def lock(
        self, connection: Connection, submission_id: UUID, citizen_id: UUID | None = None
    ) -> Submission | None: ...

    async def files(self, connection: Connection, submission_ids: Sequence[UUID]) -> dict[UUID, list[File]]: ...

    async def file(self, connection: Connection, file_id: UUID) -> File | None: ...

    async def add_file(self, connection: Connection, file: File) -> bool: ...

    async def add_verdict(self, connection: Connection, verdict: Verdict) -> None: ...

    async def begin_arrival(
        self, connection: Connection, file_id: UUID, submission_id: UUID, citizen_id: UUID
    ) -> Arrival: ...

    async def end_arrival(self, connection: Connection, file_id: UUID) -> bool: ...

    async def forget_arrival(self, connection: Connection, file_id: UUID, begun_at: datetime) -> None: ...

    async def arriving(self, connection: Connection, submission_id: UUID, *, besides: UUID) -> int: ...

    async def spend(self, connection: Connection, citizen_id: UUID, day: date, number: int) -> int: ...


class Keys(Protocol):
    """Citizens' keys. Raises Unavailable; Refused for one who was erased."""

    async def key(self, citizen_id: UUID) -> bytes: ...


class Bucket(Protocol):
    """A place for bytes. Raises Unavailable."""

    async def put(self, key: str, body: BinaryIO, *, size: int, digest: str, media_type: str) -> Stored: ...


class Inspecting(Protocol):
    """Looks at a file."""

    async def __call__(
        self, body: BinaryIO, beside: BinaryIO, media_type: MediaType, *, size: int, digest: str
    ) -> Finding: ...


class _Overtaken(Exception):
    """Another try of the same file is on record, or it was given up as stuck."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a file is to go. `known`: it came before, under the same key, and is on record; otherwise there is an `arrival`, and
    where that came before something of it may be stored."""

    file_id: UUID
    submission: Submission
    known: File | None
    arrival: Arrival | None = None


class TakeFile:
    """`begin` before its bytes come, `finish` with them, `abandon` where they never came."""

    def __init__(
        self,
        database: Database,
        *,
        uploads: Uploads,
        keys: Keys,
        inspect: Inspecting,
        inbound: Bucket,
        clean: Bucket,
        clock: Clock,
        limits: Limits,
        verdict_seconds: float,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._uploads = uploads
        self._keys = keys
        self._inspect = inspect
        self._inbound = inbound
        self._clean = clean
        self._clock = clock
        self._limits = limits
        self._verdict_seconds = verdict_seconds
        self._wake = wake

    async def begin(self, caller: Caller, submission_id: UUID, key: UUID) -> Place:
        """Whether it may come; raises Refused."""
        file_id = ids.derive(submission_id, "file", key)
        async with self._database.transaction() as connection:
            submission = await self._uploads.lock(connection, submission_id, caller.citizen_id)
            if submission is None:
                raise Refused("not-found")
            known = await self._uploads.file(connection, file_id)
            if known is None:
                files = (await self._uploads.files(connection, [submission_id]))[submission_id]
                arriving = await self._uploads.arriving(connection, submission_id, besides=file_id)
                may_take_another(submission, files, arriving, self._limits)
                if await self._spent(connection, submission, 0) >= self._limits.day_bytes:
                    raise Refused("quota")
                arrival = await self._uploads.begin_arrival(connection, file_id, submission_id, caller.citizen_id)
                return Place(file_id=file_id, submission=submission, known=None, arrival=arrival)
        return Place(file_id=file_id, submission=submission, known=known)

    async def abandon(self, place: Place) -> None:
        """Its bytes did not come, or are of no use; nothing of it was stored.

        Of an earlier try something may be, and nobody else would find it: then it is swept, unless it comes again before that.
        """
        if place.arrival is not None and not place.arrival.came_before:
            async with self._database.acquire() as connection:
                await self._uploads.forget_arrival(connection, place.file_id, place.arrival.begun_at)

    async def finish(self, caller: Caller, place: Place, incoming: Incoming) -> File:
        """What it came to; raises Refused, NotAccepted, and Unavailable where it cannot be kept just now."""
        if place.known is not None:
            if place.known.original_digest != incoming.digest:
                raise Refused("key-conflict")
            return place.known
        name, media_type = accepted(incoming, self._limits)
        citizen_id = place.submission.citizen_id
        key = await self._keys.key(citizen_id)
        file = File(
            file_id=place.file_id,
            submission_id=place.submission.submission_id,
            name=seal_text(key, name, owner=str(citizen_id), field=NAME_SEALING_FIELD),
            state=FileState.PENDING,
            code=None,
            media_type=media_type,
            size=incoming.size,
            digest=incoming.digest,
            original_digest=incoming.digest,
            received_from=incoming.received_from,
            received_at=incoming.received_at,
        )
        finding = await self._found(file, incoming)
        faultpoint("uploads.before_store")
        stored = await stored_by(
            finding, file, place.submission.absence_id, incoming, inbound=self._inbound, clean=self._clean
        )
        faultpoint("uploads.after_store")
        try:
            await self._write(caller, place, stored, finding, incoming.size)
        except _Overtaken as overtaken:
            await self._leave_nothing(place)
            raise Unavailable("database", str(overtaken)) from None
        TAKEN.labels(stored.state.value).inc()
        return stored

    async def _found(self, file: File, incoming: Incoming) -> Finding:
        try:
            async with asyncio.timeout(self._verdict_seconds):
                return await self._inspect(
                    incoming.body, incoming.beside, file.media_type, size=file.size, digest=file.digest
                )
        except TimeoutError:
            return NotChecked(reason="too-slow")

    async def _write(self, caller: Caller, place: Place, file: File, finding: Finding, size: int) -> None:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            submission = await self._uploads.lock(connection, place.submission.submission_id, caller.citizen_id)
            if submission is None:
                raise Refused("not-found")
            files = (await self._uploads.files(connection, [file.submission_id]))[file.submission_id]
            may_take_another(submission, files, 0, self._limits)
            if await self._spent(connection, submission, size) > self._limits.day_bytes:
                raise Refused("quota")
            if not await self._uploads.add_file(connection, file):
                raise _Overtaken("somebody else received the same")
            await self._uploads.add_verdict(connection, verdict(file, finding, now))
            actor = person(caller.citizen_id, caller.actor_id)
            await audit.put(
                connection,
                [entry(f"file.{file.state}", submission.citizen_id, "file", file.file_id, now, actor=actor)],
            )
            if file.state is FileState.PENDING:
                await jobs.add(connection, [check_job(file.file_id)])
            if place.arrival is not None and place.arrival.came_before:
                await jobs.add(connection, [erase_job(submission, file.file_id)])
            if not await self._uploads.end_arrival(connection, file.file_id):
                raise _Overtaken("it was given up as stuck, and what is stored of it is being erased")
            faultpoint("uploads.before_commit")
        faultpoint("uploads.after_commit")
        self._wake()

    async def _leave_nothing(self, place: Place) -> None:
        """What this try has stored may have come after the deletion that somebody else asked for."""
        async with self._database.transaction() as connection:
            await jobs.add(connection, [erase_job(place.submission, place.file_id)])

    async def _spent(self, connection: Connection, submission: Submission, number: int) -> int:
        day = self._clock.now().astimezone(DENMARK).date()
        return await self._uploads.spend(connection, submission.citizen_id, day, number)


async def stored_by(
    finding: Finding, file: File, absence_id: UUID, incoming: Incoming, *, inbound: Bucket, clean: Bucket
) -> File:
    """The file as it stands after what was found, its bytes where they belong: clean, set aside to be checked, or nowhere."""
    match finding:
        case AtFault(code=code, scanned=scanned):
            return found_at_fault(file, code, scanned)
        case NotChecked():
            await inbound.put(
                object_key(absence_id, file),
                incoming.body,
                size=file.size,
                digest=file.digest,
                media_type=file.media_type.value,
            )
            return file
        case Kept() as kept:
            return await put_clean(kept, file, absence_id, clean)
        case _:
            assert_never(finding)


async def put_clean(kept: Kept, file: File, absence_id: UUID, clean: Bucket) -> File:
    """The file found clean, and its bytes in the clean store."""
    found = found_clean(file, kept.scanned, size=kept.size, digest=kept.digest, object_version=None)
    stored = await clean.put(
        object_key(absence_id, found), kept.body, size=kept.size, digest=kept.digest, media_type=file.media_type.value
    )
    return found_clean(file, kept.scanned, size=kept.size, digest=kept.digest, object_version=stored.version)


def verdict(file: File, finding: Finding, now: datetime) -> Verdict:
    """What is kept of a look."""
    reason = f"not-scanned:{finding.reason}" if isinstance(finding, NotChecked) else None
    scanned = file.scanned
    return Verdict(
        file_id=file.file_id,
        digest=file.original_digest,
        outcome=reason or (file.code.value if file.code is not None else file.state.value),
        engine=None if scanned is None else scanned.engine,
        signatures=None if scanned is None else scanned.signatures,
        name=finding.signature if isinstance(finding, AtFault) else None,
        at=now,
    )


def check_job(file_id: UUID) -> Job:
    """To look at a file that could not be looked at when it came."""
    return Job(job_id=ids.derive(file_id, "check"), queue=CHECK_QUEUE, payload=str(file_id).encode())
