"""What `uploads` tells the world: records of `sygefravaer.document.v1`, their ids derived from what they tell of."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from contracts.document.v1 import (
    Document,
    DocumentRecalled,
    DocumentsSubmitted,
    DocumentType,
    RefusedFile,
    SubmissionRefused,
)
from contracts.document.v1 import Scanned as ToldScanned
from contracts.events import encode
from plumbing import ids
from plumbing.outbox import Outgoing
from services.uploads.domain.submissions import File, Scanned, Submission, object_key


def submitted(submission: Submission, files: Sequence[File], now: datetime) -> Outgoing:
    """All of a submission goes on."""
    assert submission.sent_at is not None
    event = DocumentsSubmitted(
        submission_id=submission.submission_id,
        absence_id=submission.absence_id,
        citizen_id=submission.citizen_id,
        actor_id=submission.actor_id,
        title=submission.title,
        reason=submission.reason,
        documents=tuple(_document(submission.absence_id, one) for one in files),
        received_from=min(one.received_from for one in files),
        sent_at=submission.sent_at,
        stored_at=max(_scanned(one).at for one in files),
    )
    return encode(event, event_id=ids.derive(submission.submission_id, "submitted"), time=now)


def held_back(
    submission: Submission, refused: Sequence[File], attempt_id: UUID, sent_at: datetime, now: datetime
) -> Outgoing:
    """The citizen sent, and nothing of it went on."""
    event = SubmissionRefused(
        submission_id=submission.submission_id,
        absence_id=submission.absence_id,
        citizen_id=submission.citizen_id,
        actor_id=submission.actor_id,
        title=submission.title,
        refused=tuple(
            RefusedFile(
                file_id=one.file_id,
                sealed_name=one.name,
                code="malformed" if one.code is None else one.code.value,
                received_at=one.received_at,
            )
            for one in refused
        ),
        sent_at=sent_at,
        refused_at=now,
    )
    return encode(event, event_id=attempt_id, time=now)


def recalled(submission: Submission, file: File, now: datetime) -> Outgoing:
    """A document that went on turned out to be infected."""
    event = DocumentRecalled(
        submission_id=submission.submission_id,
        absence_id=submission.absence_id,
        citizen_id=submission.citizen_id,
        document_id=file.file_id,
        sha256=file.digest,
        scanned=_told(_scanned(file)),
        recalled_at=now,
    )
    return encode(event, event_id=ids.derive(file.file_id, "recalled"), time=now)


def _document(absence_id: UUID, file: File) -> Document:
    return Document(
        document_id=file.file_id,
        sealed_name=file.name,
        media_type=DocumentType(file.media_type.value),
        size=file.size,
        sha256=file.digest,
        original_sha256=file.original_digest,
        object_key=object_key(absence_id, file),
        object_version=file.object_version,
        scanned=_told(_scanned(file)),
    )


def _scanned(file: File) -> Scanned:
    assert file.scanned is not None, "a clean file was scanned"
    return file.scanned


def _told(scanned: Scanned) -> ToldScanned:
    return ToldScanned(engine=scanned.engine, signatures=scanned.signatures, at=scanned.at)
