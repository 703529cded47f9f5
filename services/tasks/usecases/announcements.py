"""The letter that a notification makes, and what is told of its tasks.

Invariants: every id is derived from the cause, so a repeat makes the same tasks and the same letter; one notification makes one
letter at most, about all the tasks it opens (M1).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from contracts.events import encode
from contracts.letter.writing import letter_requested
from contracts.task.v1 import ClosingReason, TaskClosed, TaskKind
from contracts.task.writing import task_deadline_set, task_opened
from plumbing import ids
from plumbing.outbox import Outgoing
from services.tasks.domain import clocks, demands
from services.tasks.domain.absence import Absence
from services.tasks.domain.clocks import Letter
from services.tasks.domain.demands import Demand, Task
from services.tasks.domain.records import NewLetter, NewTask, TaskOfLetter

FIRST_VERSION: Final = 1
_TOLD: Final = {kind: TaskKind(kind.value) for kind in demands.TaskKind}


def letter_about(
    opens: Sequence[Demand], absence: Absence, *, cause: str, notification_id: UUID, now: datetime
) -> NewLetter:
    """The one letter about all the tasks that a notification opens."""
    assert absence.municipality_code is not None  # what is known has one
    planned_day = clocks.civil_day(now)
    return NewLetter(
        letter_id=ids.derive(cause, "letter"),
        version=FIRST_VERSION,
        absence_id=absence.absence_id,
        citizen_id=absence.citizen_id,
        notification_id=notification_id,
        municipality_code=absence.municipality_code,
        cause_id=cause,
        planned_day=planned_day,
        planned_deadline_day=clocks.planned_deadline_day(planned_day),
        requested_at=now,
        tasks=tuple(
            NewTask(task_id=ids.derive(cause, "task", demand.kind), demand=demand, order_in_letter=place)
            for place, demand in enumerate(opens, start=1)
        ),
    )


def opened(letter: NewLetter) -> list[Outgoing]:
    """What tells of the tasks of a letter, and what asks for it."""
    letter_id, absence_id, citizen_id = str(letter.letter_id), str(letter.absence_id), str(letter.citizen_id)
    tasks: list[Outgoing] = [
        task_opened(
            event_id=ids.derive(task.task_id, "opened"),
            task_id=task.task_id,
            absence_id=absence_id,
            citizen_id=citizen_id,
            kind=_TOLD[task.demand.kind],
            letter_id=letter_id,
            order_in_letter=task.order_in_letter,
            opened_at=letter.requested_at,
        )
        for task in letter.tasks
    ]
    request = letter_requested(
        event_id=ids.derive(letter_id, letter.version, "requested"),
        letter_id=letter_id,
        version=letter.version,
        absence_id=absence_id,
        citizen_id=citizen_id,
        municipality_code=letter.municipality_code,
        planned_day=letter.planned_day,
        planned_deadline_day=letter.planned_deadline_day,
        tasks=[(task.task_id, _TOLD[task.demand.kind]) for task in letter.tasks],
        requested_at=letter.requested_at,
    )
    return [*tasks, request]


def deadlines(
    letter: Letter, tasks: Sequence[TaskOfLetter], *, cause: str, dispatched_at: datetime, now: datetime
) -> list[Outgoing]:
    """What tells of the deadline that a letter's dispatch, proven by `cause`, gave its tasks."""
    deadline = letter.deadline
    assert deadline is not None
    letter_id, absence_id, citizen_id = str(letter.letter_id), str(letter.absence_id), str(letter.citizen_id)
    return [
        task_deadline_set(
            event_id=ids.derive(cause, task.task_id, "deadline"),
            time=now,
            task_id=task.task_id,
            absence_id=absence_id,
            citizen_id=citizen_id,
            kind=_TOLD[task.kind],
            letter_id=letter_id,
            dispatched_at=dispatched_at,
            day_zero=deadline.day_zero,
            deadline_day=deadline.day,
            deadline_at=deadline.at,
        )
        for task in tasks
    ]


def closed(task: Task, absence: Absence, now: datetime) -> Outgoing:
    """What tells that a task is asked for no more; its state says why."""
    return encode(
        TaskClosed(
            task_id=task.task_id,
            absence_id=absence.absence_id,
            citizen_id=absence.citizen_id,
            kind=TaskKind(task.kind.value),
            letter_id=task.letter_id,
            reason=ClosingReason(task.state.value),
            closed_at=now,
        ),
        event_id=ids.derive(task.task_id, "closed"),
        time=now,
    )
