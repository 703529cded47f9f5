"""What use cases hand to the store beside submissions and files."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """An absence, and whose it is."""

    absence_id: UUID
    citizen_id: UUID
    is_withdrawn: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What one look at a file came to; kept for ever. `outcome` is an end or `not-scanned:…`, `name` a signature's."""

    file_id: UUID
    digest: str
    outcome: str
    engine: str | None
    signatures: int | None
    name: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """The citizen sent, and it was held back because of these files."""

    attempt_id: UUID
    submission_id: UUID
    at: datetime
    refused: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """A file that comes in. `came_before`: so did an earlier try of it, which never said how it ended."""

    begun_at: datetime
    came_before: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Stray:
    """A file that began to come in and never was in."""

    file_id: UUID
    submission_id: UUID
