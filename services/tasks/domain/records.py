"""What is kept beside absences and their tasks."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from services.tasks.domain.demands import Demand, TaskKind


class NewTask(NamedTuple):
    """A task that was just opened."""

    task_id: UUID
    demand: Demand
    order_in_letter: int


class NewLetter(NamedTuple):
    """A letter that is asked for, the tasks it tells of, and the notification they are about."""

    letter_id: UUID
    version: int
    absence_id: UUID
    citizen_id: UUID
    notification_id: UUID
    municipality_code: str
    cause_id: str
    planned_day: date
    planned_deadline_day: date
    requested_at: datetime
    tasks: tuple[NewTask, ...]


class TaskOfLetter(NamedTuple):
    """A task whose letter's fate was told."""

    task_id: UUID
    letter_id: UUID
    kind: TaskKind


class Waiting(NamedTuple):
    """An event as it is kept while it waits for its absence; `value` is what was sent, sealed fields and all."""

    event_id: str
    absence_id: UUID
    version: int
    type: str
    value: bytes


class Notice(NamedTuple):
    """What a reporter sent beside the report, to be shown to the citizen; `reported` is sealed."""

    notification_id: UUID
    absence_id: UUID
    kind: str
    version: int
    sent_at: datetime
    reported: str
