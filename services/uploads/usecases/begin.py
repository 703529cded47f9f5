"""A citizen begins a submission: which absence, a title, a reason (D1)."""

import hmac
from typing import Protocol
from uuid import UUID

from contracts.citizen_token.v1 import Caller
from contracts.document.v1 import REASON_SEALING_FIELD, TITLE_SEALING_FIELD
from plumbing import audit, ids
from plumbing.clock import Clock
from plumbing.postgres import Connection, Database
from plumbing.sealing import seal_text
from services.uploads.domain.submissions import Refused, Submission, SubmissionState
from services.uploads.usecases.auditing import entry, person
from services.uploads.usecases.take_file import Keys


class Uploads(Protocol):
    """Where submissions are kept."""

    async def is_theirs(self, connection: Connection, absence_id: UUID, citizen_id: UUID) -> bool: ...

    async def add(self, connection: Connection, submission: Submission) -> bool: ...

    async def lock(
        self, connection: Connection, submission_id: UUID, citizen_id: UUID | None = None
    ) -> Submission | None: ...


class Begin:
    """The same key with the same words is the same submission; with other words it is a conflict."""

    def __init__(self, database: Database, *, uploads: Uploads, keys: Keys, clock: Clock) -> None:
        self._database = database
        self._uploads = uploads
        self._keys = keys
        self._clock = clock

    async def __call__(
        self, caller: Caller, key: UUID, *, absence_id: UUID, title: str, reason: str | None
    ) -> tuple[Submission, bool]:
        """The submission, and whether it is new; raises Refused and Unavailable."""
        sealing_key = await self._keys.key(caller.citizen_id)
        owner = str(caller.citizen_id)
        words = f"{absence_id}\0{title}\0{reason or ''}".encode()
        wanted = Submission(
            submission_id=ids.derive(caller.citizen_id, "submission", key),
            citizen_id=caller.citizen_id,
            actor_id=caller.actor_id,
            absence_id=absence_id,
            title=seal_text(sealing_key, title, owner=owner, field=TITLE_SEALING_FIELD),
            reason=seal_text(sealing_key, reason, owner=owner, field=REASON_SEALING_FIELD) if reason else None,
            state=SubmissionState.OPEN,
            begun_at=self._clock.now(),
            # Keyed: a bare hash of a few words could be guessed.
            request_digest=hmac.digest(sealing_key, words, "sha256"),
        )
        async with self._database.transaction() as connection:
            if not await self._uploads.is_theirs(connection, absence_id, caller.citizen_id):
                raise Refused("not-found")
            if await self._uploads.add(connection, wanted):
                actor = person(caller.citizen_id, caller.actor_id)
                begun = entry(
                    "submission.begun",
                    caller.citizen_id,
                    "submission",
                    wanted.submission_id,
                    wanted.begun_at,
                    actor=actor,
                )
                await audit.put(connection, [begun])
                return wanted, True
            known = await self._uploads.lock(connection, wanted.submission_id, caller.citizen_id)
        if known is None or not hmac.compare_digest(known.request_digest, wanted.request_digest):
            raise Refused("key-conflict")
        return known, False
