"""What citizens see of their submissions, and their documents given back to them.

Invariants: nobody sees but who it belongs to; that it was looked at is in the audit trail before anything leaves (fail closed);
bytes are compared with what was stored before the first of them goes out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol
from uuid import UUID

from contracts.citizen_token.v1 import Caller
from contracts.document.v1 import NAME_SEALING_FIELD, REASON_SEALING_FIELD, TITLE_SEALING_FIELD
from plumbing import audit
from plumbing.clock import Clock
from plumbing.postgres import Connection, Database
from plumbing.sealing import open_text
from services.uploads.domain.records import Attempt
from services.uploads.domain.submissions import File, FileState, Refused, Submission, object_key
from services.uploads.usecases.auditing import entry, person
from services.uploads.usecases.take_file import Keys

MOST_LISTED = 100


class Uploads(Protocol):
    """Where submissions are kept."""

    async def read(self, connection: Connection, submission_id: UUID, citizen_id: UUID) -> Submission | None: ...

    async def listed(
        self, connection: Connection, citizen_id: UUID, absence_id: UUID | None, limit: int
    ) -> list[Submission]: ...

    async def files(self, connection: Connection, submission_ids: Sequence[UUID]) -> dict[UUID, list[File]]: ...

    async def attempts(self, connection: Connection, submission_ids: Sequence[UUID]) -> list[Attempt]: ...


class Clean(Protocol):
    """Where clean bytes lie. Raises NotThere, Altered, Unavailable."""

    async def fetch(self, key: str, into: BinaryIO, *, size: int, digest: str, version: str | None = None) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A submission with its words readable."""

    submission: Submission
    title: str = field(repr=False)
    reason: str | None = field(repr=False)
    files: Sequence[tuple[File, str]] = field(repr=False)
    attempts: Sequence[Attempt]


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenOut:
    """A document's bytes, in a file without a name, and what it is called."""

    body: BinaryIO
    file: File
    name: str = field(repr=False)


class Show:
    """Looks things up for a citizen."""

    def __init__(
        self,
        database: Database,
        *,
        uploads: Uploads,
        keys: Keys,
        clean: Clean,
        clock: Clock,
        spool: Callable[[], BinaryIO],
    ) -> None:
        self._database = database
        self._uploads = uploads
        self._keys = keys
        self._clean = clean
        self._clock = clock
        self._spool = spool

    async def one(self, caller: Caller, submission_id: UUID) -> Shown:
        """Raises Refused and Unavailable."""
        async with self._database.acquire() as connection:
            submission = await self._uploads.read(connection, submission_id, caller.citizen_id)
        if submission is None:
            raise Refused("not-found")
        [shown] = await self._shown(caller, [submission])
        return shown

    async def all(self, caller: Caller, absence_id: UUID | None) -> list[Shown]:
        """The citizen's, newest first, a hundred at most."""
        async with self._database.acquire() as connection:
            found = await self._uploads.listed(connection, caller.citizen_id, absence_id, MOST_LISTED)
        return await self._shown(caller, found)

    async def content(self, caller: Caller, submission_id: UUID, file_id: UUID) -> GivenOut:
        """A stored document; raises Refused, Unavailable, and what the store says of bytes that are not what they were."""
        shown = await self.one(caller, submission_id)
        found = next((pair for pair in shown.files if pair[0].file_id == file_id), None)
        if found is None or found[0].state not in {FileState.CLEAN, FileState.RECALLED}:
            raise Refused("not-found")
        file, name = found
        if file.state is FileState.RECALLED:
            raise Refused("recalled")
        await self._note(caller, "file.given_out", "file", file_id)
        body = self._spool()
        try:
            await self._clean.fetch(
                object_key(shown.submission.absence_id, file),
                body,
                size=file.size,
                digest=file.digest,
                version=file.object_version,
            )
        except BaseException:
            body.close()
            raise
        return GivenOut(body=body, file=file, name=name)

    async def _shown(self, caller: Caller, found: Sequence[Submission]) -> list[Shown]:
        if not found:
            return []
        key = await self._keys.key(caller.citizen_id)
        owner = str(caller.citizen_id)
        names = [one.submission_id for one in found]
        async with self._database.transaction() as connection:
            files = await self._uploads.files(connection, names)
            attempts = await self._uploads.attempts(connection, names)
            now, actor = self._clock.now(), person(caller.citizen_id, caller.actor_id)
            await audit.put(
                connection,
                [entry("submission.seen", caller.citizen_id, "submission", one, now, actor=actor) for one in names],
            )
        return [
            Shown(
                submission=one,
                title=open_text(key, one.title, owner=owner, field=TITLE_SEALING_FIELD),
                reason=None
                if one.reason is None
                else open_text(key, one.reason, owner=owner, field=REASON_SEALING_FIELD),
                files=[
                    (file, open_text(key, file.name, owner=owner, field=NAME_SEALING_FIELD))
                    for file in files[one.submission_id]
                ],
                attempts=[attempt for attempt in attempts if attempt.submission_id == one.submission_id],
            )
            for one in found
        ]

    async def _note(self, caller: Caller, action: str, what: str, object_id: UUID) -> None:
        actor = person(caller.citizen_id, caller.actor_id)
        async with self._database.transaction() as connection:
            noted = entry(action, caller.citizen_id, what, object_id, self._clock.now(), actor=actor)
            await audit.put(connection, [noted])
