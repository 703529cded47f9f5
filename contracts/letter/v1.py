"""Letters: `sygefravaer.letter-request.v1` asks for one, `sygefravaer.letter.v1` tells what became of it (spec M1,
M3, M4).

A letter is named by `letter_id` and `version`; one request makes one letter. Only a proven dispatch starts deadlines
(T2).
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.events import Code, Event, Instant, MunicipalityCode, Part
from contracts.task.v1 import TaskKind
from contracts.topics import LETTER, LETTER_REQUEST, Topic


class Channel(StrEnum):
    """How a letter travels."""

    DIGITAL_POST = "digital_post"
    PAPER = "paper"


class LetterTask(Part):
    """A task the letter tells about."""

    task_id: UUID
    kind: TaskKind


class _LetterEvent(Event):
    KEY: ClassVar[str] = "absence_id"

    letter_id: UUID
    version: Annotated[int, Field(ge=1)]
    absence_id: UUID
    citizen_id: UUID


class LetterRequested(_LetterEvent):
    """A letter is to be sent. The notifier needs no other event to make it."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.letter.requested.v1"
    TOPIC: ClassVar[Topic] = LETTER_REQUEST
    SOURCE: ClassVar[str] = "/mitsygefravaer/tasks"

    municipality_code: MunicipalityCode
    planned_day: date = Field(description="The day it is expected to be dispatched")
    planned_deadline_day: date = Field(
        description="Planned day + 8, which the letter prints; the binding deadline is never earlier"
    )
    tasks: Annotated[tuple[LetterTask, ...], Field(min_length=1, max_length=100)] = Field(
        description="In the order of solving"
    )
    requested_at: Instant


class DispatchProof(Part):
    """The gateway's own status message that proves the dispatch."""

    transmission_id: Annotated[str, Field(min_length=1, max_length=100)]
    status_code: Annotated[str, Field(min_length=1, max_length=100)]
    status_at: Instant


class LetterDispatched(_LetterEvent):
    """The gateway proved takeover (Digital Post) or posting (paper)."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.letter.dispatched.v1"
    TOPIC: ClassVar[Topic] = LETTER
    SOURCE: ClassVar[str] = "/mitsygefravaer/notifier"

    channel: Channel
    dispatched_at: Instant = Field(description="The instant the gateway proves, not the one we heard of it")
    proof: DispatchProof


class LetterFailed(_LetterEvent):
    """The letter definitively did not go out by this channel, or nobody can tell. It starts nothing."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.letter.failed.v1"
    TOPIC: ClassVar[Topic] = LETTER
    SOURCE: ClassVar[str] = "/mitsygefravaer/notifier"

    channel: Channel
    reason: Code = Field(description="A code, never free text")
    at: Instant


class LetterReturned(_LetterEvent):
    """The post brought a posted letter back. What its dispatch started stands; somebody has to find the citizen."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.letter.returned.v1"
    TOPIC: ClassVar[Topic] = LETTER
    SOURCE: ClassVar[str] = "/mitsygefravaer/notifier"

    channel: Channel
    dispatched_at: Instant = Field(description="The proven dispatch, which stands")
    at: Instant = Field(description="When we heard of it")
