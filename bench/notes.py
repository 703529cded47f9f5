"""What the notifier with an instant gateway notes of each letter it hands in, one a line, for whoever measures it."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self
from uuid import UUID


class Note(NamedTuple):
    """A letter was handed in at that instant (epoch seconds); building MeMo messages took so many CPU seconds until then."""

    message_uuid: UUID
    at: float
    memo_seconds: float

    @property
    def line(self) -> str:
        return f"{self.message_uuid} {self.at:.6f} {self.memo_seconds:.6f}\n"

    @classmethod
    def of(cls, line: str) -> Self:
        message_uuid, at, memo_seconds = line.split()
        return cls(UUID(message_uuid), float(at), float(memo_seconds))


def read(path: Path) -> list[Note]:
    """The notes so far, in their order; none while there is no file. A line that is being written does not count."""
    if not path.exists():
        return []
    whole, _, _ = path.read_text().rpartition("\n")
    return [Note.of(line) for line in whole.splitlines()]


def handed_in(notes: Sequence[Note]) -> dict[UUID, float]:
    """When each letter was handed in first."""
    return {note.message_uuid: note.at for note in reversed(notes)}


def memo_seconds(notes: Sequence[Note]) -> float:
    """CPU seconds that building MeMo messages took in all."""
    return notes[-1].memo_seconds if notes else 0.0
