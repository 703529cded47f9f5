"""`sygefravaer.document.v1`: documents that citizens sent (spec section 3): each clean when it was stored, never here itself.

A submission is one *save and send*: all its documents go on together or none does (D3). Title, reason and names are the citizen's
own words, sealed under the citizen's key. The bytes lie in the clean store under `object_key`, and whoever fetches them
compares them with `sha256`.
"""

from enum import StrEnum
from typing import Annotated, ClassVar, Final
from uuid import UUID

from pydantic import Field

from contracts.events import Code, Event, Instant, Part
from contracts.topics import DOCUMENT, Topic

TITLE_SEALING_FIELD: Final = "document.title"
REASON_SEALING_FIELD: Final = "document.reason"
NAME_SEALING_FIELD: Final = "document.name"
"""The field names that sealing binds the citizen's words to, beside the citizen's id."""

Sealed = Annotated[str, Field(min_length=1, max_length=20_000)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class DocumentType(StrEnum):
    """The four kinds of file that are taken, told by content."""

    PDF = "application/pdf"
    PNG = "image/png"
    JPEG = "image/jpeg"
    GIF = "image/gif"


class Scanned(Part):
    """Which scanner found it clean. `signatures` is the number of the signature database, where the scanner told one."""

    engine: Annotated[str, Field(min_length=1, max_length=60)]
    signatures: int | None = None
    at: Instant


class Document(Part):
    """One stored file."""

    document_id: UUID
    sealed_name: Sealed = Field(description="The file's name as it is shown")
    media_type: DocumentType
    size: Annotated[int, Field(ge=1)]
    sha256: Sha256 = Field(description="Of the bytes that are stored")
    original_sha256: Sha256 = Field(
        description="Of the bytes that were sent; other than `sha256` where a picture's position was left out"
    )
    object_key: Annotated[str, Field(pattern=r"^[0-9a-f/-]{1,300}$")]
    object_version: Annotated[str, Field(max_length=200)] | None = None
    scanned: Scanned


class _DocumentEvent(Event):
    TOPIC: ClassVar[Topic] = DOCUMENT
    SOURCE: ClassVar[str] = "/mitsygefravaer/uploads"
    KEY: ClassVar[str] = "absence_id"

    submission_id: UUID
    absence_id: UUID
    citizen_id: UUID


class DocumentsSubmitted(_DocumentEvent):
    """A citizen sent documents, and every one of them was found clean and stored."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.document.submitted.v1"

    actor_id: UUID | None = Field(default=None, description="The proxy, where one acted for the citizen (T18)")
    title: Sealed
    reason: Sealed | None = None
    documents: Annotated[tuple[Document, ...], Field(min_length=1, max_length=10)]
    received_from: Instant = Field(description="When the first byte of the first file came in")
    sent_at: Instant = Field(description="When the citizen asked for it to be sent: this instant may count (T10)")
    stored_at: Instant = Field(description="When the last of the documents was found clean")


class RefusedFile(Part):
    """A file that was refused; its bytes are kept nowhere."""

    file_id: UUID
    sealed_name: Sealed
    code: Code = Field(description="`infected`, or what is wrong with the content")
    received_at: Instant


class SubmissionRefused(_DocumentEvent):
    """A citizen asked for documents to be sent, and one or more were refused: nothing of it was sent (D3). The receipt of the
    attempt is made of this."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.document.submission_refused.v1"

    actor_id: UUID | None = None
    title: Sealed
    refused: Annotated[tuple[RefusedFile, ...], Field(min_length=1, max_length=10)]
    sent_at: Instant = Field(description="When the citizen asked for it to be sent")
    refused_at: Instant


class DocumentRecalled(_DocumentEvent):
    """A stored document was found infected by signatures that came later: whoever has it must not open it, and tells those
    they gave it to."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.document.recalled.v1"

    document_id: UUID
    sha256: Sha256
    scanned: Scanned
    recalled_at: Instant
