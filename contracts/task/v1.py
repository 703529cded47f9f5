"""`sygefravaer.task.v1`: the life of citizens' tasks, for everyone (spec section 2): metadata, no sensitive field."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.events import Event, Instant
from contracts.topics import TASK, Topic


class TaskKind(StrEnum):
    """What the citizen is asked to do (spec section 2's table)."""

    COMMENT_REPORTED_INFORMATION = "comment_reported_information"
    BENEFIT_REQUEST = "benefit_request"
    INFORMATION_FORM = "information_form"
    FAST_TRACK_CONSENT = "fast_track_consent"
    SUPPLEMENTARY_INFORMATION = "supplementary_information"
    PARTY_HEARING = "party_hearing"
    RELOCATION_CONSENT = "relocation_consent"


class ClosingReason(StrEnum):
    """Why a task ended without an answer of the citizen."""

    WITHDRAWN = "withdrawn"
    """The absence was withdrawn (tilbageført)."""
    SUPERSEDED = "superseded"
    """A newer task asks the same about what is told now."""


class _TaskEvent(Event):
    TOPIC: ClassVar[Topic] = TASK
    SOURCE: ClassVar[str] = "/mitsygefravaer/tasks"
    KEY: ClassVar[str] = "absence_id"

    task_id: UUID
    absence_id: UUID
    citizen_id: UUID
    kind: TaskKind
    letter_id: UUID = Field(description="The letter that tells the citizen about the task")


class TaskOpened(_TaskEvent):
    """The citizen has a task. It has no deadline before its letter is proven dispatched (T2)."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.task.opened.v1"

    order_in_letter: Annotated[int, Field(ge=1, le=100)] = Field(
        description="Order of solving within the letter, from 1 (T1)"
    )
    opened_at: Instant


class TaskDeadlineSet(_TaskEvent):
    """The letter was proven dispatched: the task's clock runs (T2)."""

    TYPE: ClassVar[str] = "dk.mitsygefravaer.task.deadline_set.v1"

    dispatched_at: Instant
    day_zero: date = Field(description="The day of dispatch, in Europe/Copenhagen")
    deadline_day: date = Field(description="The last day to answer in time")
    deadline_at: Instant = Field(description="The end of that day, exclusive: in time means before this instant")


class TaskClosed(_TaskEvent):
    """Nothing is asked by this task any more, without an answer (T20). Final, also where `deadline_set` is told after it: that
    tells of the letter. Letters sent about it stay sent.
    """

    TYPE: ClassVar[str] = "dk.mitsygefravaer.task.closed.v1"

    reason: ClosingReason
    closed_at: Instant
