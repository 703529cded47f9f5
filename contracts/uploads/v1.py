"""The HTTP interface of `uploads`, version 1: documents of a citizen (spec section 3), asked for by the portal.

Every request carries `authorization: Bearer <citizen token>` (`contracts.citizen_token`). What is somebody else's, or not there,
is `not-found`. A submission (D1) is begun with title and reason, gets its files one request each, and is sent: then all
of its documents go on, or none does (D3). Refusals are problem+json, with a code and, for a file, a text in both languages.

    POST   /v1/submissions                                  begin one                    201
    GET    /v1/submissions?absence_id=…                     the citizen's, newest first  200
    GET    /v1/submissions/{id}                             one, with its files          200
    DELETE /v1/submissions/{id}                             take back what was not sent  204
    POST   /v1/submissions/{id}/files                       multipart, one part `file`   201 clean, 202 not checked yet
    DELETE /v1/submissions/{id}/files/{file}                take a file out again        204
    GET    /v1/submissions/{id}/files/{file}/content        the stored bytes             200
    POST   /v1/submissions/{id}/send                        save and send                200 sent, 202 waits for the check

POSTs carry `idempotency-key`, a UUID made by whoever asks: the same request again gets the same answer and has no further effect;
the same key with another request is `key-conflict`. A part `sha256` before `file` (64 hexadecimal digits) is compared with what
came in.
"""

from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.document.v1 import DocumentType
from contracts.events import Instant

SUBMISSIONS_PATH: Final = "/v1/submissions"
KEY_HEADER: Final = "idempotency-key"
AUDIENCE: Final = "uploads"


class Body(BaseModel):
    """Immutable, without lax coercion; fields added later are passed over, and errors never quote the input."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)


class SubmissionState(StrEnum):
    """How far a submission is."""

    OPEN = "open"
    WAITING = "waiting"
    """The citizen has sent it; a file is not checked yet. The instant of sending is kept (T10)."""
    SENT = "sent"
    WITHDRAWN = "withdrawn"


class FileState(StrEnum):
    """What a file came to. Of the last three no bytes are kept."""

    PENDING = "pending"
    CLEAN = "clean"
    RECALLED = "recalled"
    """It was clean, and signatures that came later say otherwise."""
    INFECTED = "infected"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


class Text(Body):
    """What is to be said to a citizen: what happened, and what to do now."""

    what: str
    next: str


class Texts(Body):
    """The same in both languages."""

    da: Text
    en: Text


class NewSubmission(Body):
    """What a submission begins with."""

    absence_id: UUID = Field(strict=False)
    title: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)] = Field(repr=False)
    reason: Annotated[str, StringConstraints(max_length=2_000)] | None = Field(default=None, repr=False)


class File(Body):
    """A file of a submission. `code` says why it was not taken."""

    file_id: UUID
    name: str = Field(repr=False)
    state: FileState
    code: str | None = None
    media_type: DocumentType | None = None
    size: int
    sha256: str | None = None
    received_at: Instant
    texts: Texts | None = None


class Receiving(Body):
    """A file that is coming in just now, as far as this process knows."""

    received_bytes: int


class Attempt(Body):
    """The citizen sent, and it was held back: the receipt of that (D3)."""

    at: Instant
    refused: tuple[UUID, ...]


class Submission(Body):
    """A submission as its citizen sees it."""

    submission_id: UUID
    absence_id: UUID
    title: str = Field(repr=False)
    reason: str | None = Field(default=None, repr=False)
    state: SubmissionState
    files: tuple[File, ...]
    receiving: tuple[Receiving, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    begun_at: Instant
    sent_at: Instant | None = None


class Submissions(Body):
    """A citizen's submissions, newest first."""

    submissions: tuple[Submission, ...]


class Problem(Body):
    """Why something is not done. `reference` is what the log knows it by."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    reference: str
    fields: tuple[str, ...] = ()
    file: File | None = None
    texts: Texts | None = None


PROBLEMS: Final[dict[str, tuple[int, str]]] = {
    "unauthorized": (401, "No valid citizen token"),
    "not-found": (404, "There is no such thing, or it is somebody else's"),
    "method-not-allowed": (405, "Not by this method"),
    "invalid": (400, "The request is not of the form it has to have"),
    "encoding-not-accepted": (400, "Contents are sent as they are, neither packed nor encoded"),
    "key-missing": (400, "A POST needs an idempotency-key, a UUID"),
    "key-conflict": (409, "The same key was used for another request"),
    "busy": (409, "The same request is being worked on"),
    "not-open": (409, "The submission was sent or taken back already"),
    "no-files": (409, "There is nothing to send"),
    "has-refused-files": (409, "A file was refused: take it out first"),
    "quota": (409, "More than may be sent: files in a submission, or bytes on a day"),
    "too-many": (429, "Too many uploads of the same citizen at once"),
    "too-slow": (408, "Nothing came in for too long"),
    "not-resumable": (422, "A file is sent whole; parts are not taken"),
    "empty": (400, "The file is empty"),
    "too-large": (413, "The file is larger than may be"),
    "name-not-accepted": (400, "The file's name cannot be used"),
    "type-not-accepted": (400, "Only PDF, PNG, JPEG and GIF are taken"),
    "content-type-mismatch": (400, "The declared type is not the content's"),
    "extension-mismatch": (400, "The name's extension does not fit the content"),
    "hash-mismatch": (422, "What came in has another SHA-256 than was told"),
    "infected": (422, "The file seems to be infected"),
    "malformed": (422, "The file is damaged or not what it says"),
    "encrypted": (422, "The file is locked with a password"),
    "active-content": (422, "The file holds something that acts when it is opened"),
    "embedded-file": (422, "The file holds another file"),
    "trailing-data": (422, "Something stands behind the file's end"),
    "second-format": (422, "The file is of two kinds at once"),
    "decompression-limit": (422, "The file unpacks to more than may be"),
    "too-many-pixels": (422, "The picture is larger than may be"),
    "too-many-pages": (422, "The document has more pages than may be"),
    "too-many-frames": (422, "The picture has more frames than may be"),
    "recalled": (410, "The document was recalled: it seems to be infected"),
    "no-room": (507, "There is no room to take a file in just now"),
    "unavailable": (503, "Not now: try again"),
    "internal": (500, "A fault of ours"),
}
"""Every code, with its HTTP status and what it says. A code of a file is the one its `File` has."""
