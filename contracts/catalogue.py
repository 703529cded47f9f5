"""Every message that has a published schema: what it is, whose, on which topic, and who must survive whose changes.

What others send us (`input`) must stay readable: a newer reader takes every old message. What we send (`event`) is also
read by old consumers, and old events are replayed to new ones: there both directions hold.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import override

from contracts.absence.v1 import (
    AbsenceAmended,
    AbsenceRecovered,
    AbsenceReported,
    AbsenceWithdrawn,
    FastTrackRequested,
    RefundRequested,
)
from contracts.dead_letter.v1 import DeadLetter
from contracts.document.v1 import DocumentRecalled, DocumentsSubmitted, SubmissionRefused
from contracts.events import SCHEMA_PREFIX, Event, schema_id
from contracts.letter.v1 import LetterDispatched, LetterFailed, LetterRequested, LetterReturned
from contracts.nemrefusion.v1 import Notification, Receipt
from contracts.task.v1 import TaskClosed, TaskDeadlineSet, TaskOpened
from contracts.topics import NEMREFUSION_NOTIFICATION

ROOT: Final = Path(__file__).parent
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
Direction = Literal["input", "event"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One published message. `name` names its schema file, its examples and, behind a fixed prefix, its `dataschema`."""

    name: str
    owner: str
    topic: str
    direction: Direction
    reader: TypeAdapter[Any]
    event: type[Event] | None

    @property
    def schema_file(self) -> Path:
        return ROOT / self.owner / "schemas" / f"{self.name}.json"

    @property
    def released_file(self) -> Path:
        """The schema as it was last released: what changes are measured against."""
        return ROOT / self.owner / "schemas" / "released" / f"{self.name}.json"

    @property
    def examples(self) -> tuple[Path, ...]:
        """Golden examples, in order of their names; read by the tests of producers and consumers alike."""
        return tuple(sorted((ROOT / self.owner / "examples").glob(f"{self.name}*.json")))

    def example_name(self, path: Path) -> str:
        """What an example shows, `amended.full`; empty where a message has one only."""
        return path.stem.removeprefix(self.name).removeprefix(".")

    def schema(self) -> dict[str, Any]:
        """The JSON Schema that the model gives today."""
        schema = self.reader.json_schema(schema_generator=_WithoutTitles)
        return {"$schema": DIALECT, "$id": SCHEMA_PREFIX + self.name, **schema}


class _WithoutTitles(GenerateJsonSchema):
    """Field names are titles enough."""

    @override
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _event(owner: str, event: type[Event]) -> Message:
    topic = event.TOPIC.name if hasattr(event, "TOPIC") else "<group>.dlq"
    name = schema_id(event).removeprefix(SCHEMA_PREFIX)
    return Message(name=name, owner=owner, topic=topic, direction="event", reader=TypeAdapter(event), event=event)


NOTIFICATION: Final = Message(
    name=NEMREFUSION_NOTIFICATION.name,
    owner="nemrefusion",
    topic=NEMREFUSION_NOTIFICATION.name,
    direction="input",
    reader=TypeAdapter(Notification),
    event=None,
)
MESSAGES: Final[tuple[Message, ...]] = (
    NOTIFICATION,
    _event("nemrefusion", Receipt),
    _event("absence", AbsenceReported),
    _event("absence", AbsenceAmended),
    _event("absence", RefundRequested),
    _event("absence", FastTrackRequested),
    _event("absence", AbsenceRecovered),
    _event("absence", AbsenceWithdrawn),
    _event("task", TaskOpened),
    _event("task", TaskDeadlineSet),
    _event("task", TaskClosed),
    _event("letter", LetterRequested),
    _event("letter", LetterDispatched),
    _event("letter", LetterFailed),
    _event("letter", LetterReturned),
    _event("document", DocumentsSubmitted),
    _event("document", SubmissionRefused),
    _event("document", DocumentRecalled),
    _event("dead_letter", DeadLetter),
)


def as_file(document: dict[str, Any]) -> str:
    """A schema as it is committed: readable, with the same bytes on every machine."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
