"""A submission, its files, and what becomes of them: pure decisions (D1 to D5).

A submission is open until the citizen sends it. Sent, it goes on whole as soon as every file is clean, or it is held back: it is
open again, and the attempt is on record. What is not checked yet holds it up, and the instant of sending stays what it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.uploads.domain.content import MediaType
from services.uploads.domain.findings import END_OF, Code, End
from services.uploads.domain.limits import Limits


class SubmissionState(StrEnum):
    """How far a submission is."""

    OPEN = "open"
    WAITING = "waiting"
    SENT = "sent"
    WITHDRAWN = "withdrawn"


class FileState(StrEnum):
    """What a file came to; `recalled`: clean once, and not any more."""

    PENDING = "pending"
    CLEAN = "clean"
    RECALLED = "recalled"
    INFECTED = "infected"
    REFUSED = "refused"
    UNREADABLE = "unreadable"

    @property
    def holds_back(self) -> bool:
        """Nothing of a submission goes on while such a file is in it."""
        return self not in {FileState.PENDING, FileState.CLEAN}


@dataclass(frozen=True, kw_only=True, slots=True)
class Scanned:
    """Which scanner said so, and when. `signatures` is None where it has local ones only."""

    engine: str
    signatures: int | None
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file that came in whole. `name` is sealed. `digest` is of what is kept, `original_digest` of what was sent."""

    file_id: UUID
    submission_id: UUID
    name: str
    state: FileState
    code: Code | None
    media_type: MediaType
    size: int
    digest: str
    original_digest: str
    received_from: datetime
    received_at: datetime
    object_version: str | None = None
    scanned: Scanned | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """One *save and send*. `title` and `reason` are sealed; `request_digest` tells a repeated request from another one.

    `attempt_id` is of the sending by which it waits, or went on; None where it was sent before that was kept.
    """

    submission_id: UUID
    citizen_id: UUID
    actor_id: UUID | None
    absence_id: UUID
    title: str
    reason: str | None
    state: SubmissionState
    begun_at: datetime
    request_digest: bytes
    sent_at: datetime | None = None
    attempt_id: UUID | None = None


class Refused(Exception):
    """What was asked for is not done; `code` is one of the HTTP interface's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """All of it goes on."""

    submission: Submission


@dataclass(frozen=True, kw_only=True, slots=True)
class Waits:
    """Something is not checked yet."""

    submission: Submission


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldBack:
    """Nothing of it goes on, because of these; of an earlier attempt, those that were not taken out since."""

    submission: Submission
    refused: Sequence[File]


def object_key(absence_id: UUID, file: File) -> str:
    """Under which key a file's bytes lie: nothing of a person in it, and another key for other bytes."""
    return f"{absence_id}/{file.file_id}/{file.digest}"


def may_take_another(submission: Submission, files: Sequence[File], arriving: int, limits: Limits) -> None:
    """Whether a file may be added, beside those that are coming in just now; raises Refused."""
    _is_open(submission)
    if len(files) + arriving >= limits.files:
        raise Refused("quota")


def may_send(submission: Submission, files: Sequence[File]) -> None:
    """Whether it can be asked for at all; raises Refused."""
    _is_open(submission)
    if not files:
        raise Refused("no-files")


def may_change(submission: Submission) -> None:
    """Whether files can be taken out, or all of it be taken back; raises Refused."""
    if submission.state not in {SubmissionState.OPEN, SubmissionState.WAITING}:
        raise Refused("not-open")


def sent(submission: Submission, files: Sequence[File], now: datetime) -> Sent | Waits | HeldBack:
    """What comes of sending; of one that waits, whenever a file of it was checked."""
    asked = replace(submission, state=SubmissionState.WAITING, sent_at=submission.sent_at or now)
    if bad := [one for one in files if one.state.holds_back]:
        opened = replace(asked, state=SubmissionState.OPEN, sent_at=None, attempt_id=None)
        return HeldBack(submission=opened, refused=bad)
    if any(one.state is FileState.PENDING for one in files):
        return Waits(submission=asked)
    return Sent(submission=replace(asked, state=SubmissionState.SENT))


def found_clean(file: File, scanned: Scanned, *, size: int, digest: str, object_version: str | None) -> File:
    """The file after every byte of it was looked at. Size and digest are those of what is kept."""
    return replace(
        file,
        state=FileState.CLEAN,
        code=None,
        scanned=scanned,
        size=size,
        digest=digest,
        object_version=object_version,
    )


def found_at_fault(file: File, code: Code, scanned: Scanned | None) -> File:
    """The file after something was found that keeps it out."""
    return replace(file, state=_STATES[END_OF[code]], code=code, scanned=scanned)


def recalled(file: File, scanned: Scanned) -> File:
    """A stored file that turned out to be infected."""
    return replace(file, state=FileState.RECALLED, code=Code.INFECTED, scanned=scanned)


def _is_open(submission: Submission) -> None:
    if submission.state is not SubmissionState.OPEN:
        raise Refused("not-open")


_STATES = {
    End.INFECTED: FileState.INFECTED,
    End.REFUSED: FileState.REFUSED,
    End.UNREADABLE: FileState.UNREADABLE,
    End.CLEAN: FileState.CLEAN,
    End.PENDING: FileState.PENDING,
}
