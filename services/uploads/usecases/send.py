"""Save and send: all of a submission goes on, waits for its check, or is held back (D3).

Invariants: what goes on is announced in the transaction in which it is decided, once; the instant at which the citizen sent is
written down at the first asking and never moved; whatever is held back is on record as an attempt, whose id follows from
submission and key, also when it waited first: a repeat of it changes nothing, whatever became of the submission since.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol, assert_never
from uuid import UUID

from prometheus_client import Counter

from contracts.citizen_token.v1 import Caller
from plumbing import audit, ids, outbox
from plumbing.clock import Clock
from plumbing.faults import faultpoint
from plumbing.postgres import Connection, Database
from services.uploads.domain.records import Attempt
from services.uploads.domain.submissions import (
    File,
    HeldBack,
    Refused,
    Sent,
    Submission,
    SubmissionState,
    Waits,
    may_send,
    sent,
)
from services.uploads.usecases import announcements
from services.uploads.usecases.auditing import SERVICE, entry, person

SENT = Counter("mitsyg_uploads_submissions", "Submissions that were sent, by what came of it.", ("outcome",))
for _outcome in ("sent", "waits", "held_back"):
    SENT.labels(_outcome)


class Outcomes(Protocol):
    """Where it is kept what came of sending."""

    async def save(self, connection: Connection, submission: Submission) -> None: ...

    async def add_attempt(self, connection: Connection, attempt: Attempt) -> bool: ...


class Uploads(Outcomes, Protocol):
    """Where submissions are kept."""

    async def lock(
        self, connection: Connection, submission_id: UUID, citizen_id: UUID | None = None
    ) -> Submission | None: ...

    async def files(self, connection: Connection, submission_ids: Sequence[UUID]) -> dict[UUID, list[File]]: ...

    async def attempt(self, connection: Connection, attempt_id: UUID) -> Attempt | None: ...


class Send:
    """Sends a citizen's submission."""

    def __init__(self, database: Database, *, uploads: Uploads, clock: Clock, wake: Callable[[], None]) -> None:
        self._database = database
        self._uploads = uploads
        self._clock = clock
        self._wake = wake

    async def __call__(self, caller: Caller, submission_id: UUID, key: UUID) -> Sent | Waits | HeldBack:
        """What came of it; sent already, it is as it was, and held back under this key, it stays so. Raises Refused."""
        attempt_id = ids.derive(submission_id, "attempt", key)
        async with self._database.transaction() as connection:
            submission = await self._uploads.lock(connection, submission_id, caller.citizen_id)
            if submission is None:
                raise Refused("not-found")
            # Before the state: what was at fault may have been taken out since, and who repeats this has not asked anew.
            if (attempt := await self._uploads.attempt(connection, attempt_id)) is not None:
                files = (await self._uploads.files(connection, [submission_id]))[submission_id]
                return HeldBack(submission=submission, refused=[one for one in files if one.file_id in attempt.refused])
            if submission.state is SubmissionState.SENT:
                return Sent(submission=submission)
            if submission.state is SubmissionState.WAITING:
                return Waits(submission=submission)
            files = (await self._uploads.files(connection, [submission_id]))[submission_id]
            may_send(submission, files)
            now = self._clock.now()
            outcome = sent(replace(submission, attempt_id=attempt_id), files, now)
            await settle(
                connection,
                self._uploads,
                outcome,
                files,
                attempt_id=attempt_id,
                asked_at=now,
                now=now,
                actor=person(caller.citizen_id, caller.actor_id),
            )
            faultpoint("uploads.before_send_commit")
        self._wake()
        return outcome


async def settle(
    connection: Connection,
    uploads: Outcomes,
    outcome: Sent | Waits | HeldBack,
    files: Sequence[File],
    *,
    attempt_id: UUID,
    asked_at: datetime,
    now: datetime,
    actor: str = SERVICE,
) -> None:
    """Write what came of sending, and announce it."""
    submission = outcome.submission
    await uploads.save(connection, submission)
    match outcome:
        case Sent():
            action = "submission.sent"
            await outbox.put(connection, [announcements.submitted(submission, files, now)])
        case Waits():
            action = "submission.waits"
        case HeldBack(refused=refused):
            action = "submission.held_back"
            attempt = Attempt(
                attempt_id=attempt_id,
                submission_id=submission.submission_id,
                at=asked_at,
                refused=tuple(one.file_id for one in refused),
            )
            if await uploads.add_attempt(connection, attempt):
                told = announcements.held_back(submission, refused, attempt_id, asked_at, now)
                await outbox.put(connection, [told])
        case _:
            assert_never(outcome)
    await audit.put(
        connection, [entry(action, submission.citizen_id, "submission", submission.submission_id, now, actor=actor)]
    )
    SENT.labels(action.removeprefix("submission.")).inc()
