"""The letter that a notification makes, and what is told of its tasks.

Invariants: every id is derived from the cause, so a repeat makes the same tasks and the same letter; one notification makes one
letter at most, about all the tasks it opens (M1).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from contracts.events import encode
from contracts.letter.v1 import LetterRequested, LetterTask
from contracts.task.v1 import ClosingReason, TaskClosed, TaskKind, TaskOpened
from plumbing import ids
from plumbing.outbox import Outgoing
from services.tasks.domain import clocks
from services.tasks.domain.absence import Absence
from services.tasks.domain.demands import Demand, Task
from services.tasks.domain.records import NewLetter, NewTask

FIRST_VERSION: Final = 1


def letter_about(
    opens: Sequence[Demand], absence: Absence, *, cause: str, notification_id: UUID, now: datetime
) -> NewLetter:
    """The one letter about all the tasks that a notification opens."""
    assert absence.municipality_code is not None  # what is known has one
    return NewLetter(
        letter_id=ids.derive(cause, "letter"),
        version=FIRST_VERSION,
        absence_id=absence.absence_id,
        citizen_id=absence.citizen_id,
        notification_id=notification_id,
        municipality_code=absence.municipality_code,
        cause_id=cause,
        planned_deadline_day=clocks.planned_deadline_day(clocks.civil_day(now)),
        requested_at=now,
        tasks=tuple(
            NewTask(task_id=ids.derive(cause, "task", demand.kind), demand=demand, order_in_letter=place)
            for place, demand in enumerate(opens, start=1)
        ),
    )


def opened(letter: NewLetter) -> list[Outgoing]:
    """What tells of the tasks of a letter, and what asks for it."""
    tasks: list[Outgoing] = [
        encode(
            TaskOpened(
                task_id=task.task_id,
                absence_id=letter.absence_id,
                citizen_id=letter.citizen_id,
                kind=TaskKind(task.demand.kind.value),
                letter_id=letter.letter_id,
                order_in_letter=task.order_in_letter,
                opened_at=letter.requested_at,
            ),
            event_id=ids.derive(task.task_id, "opened"),
            time=letter.requested_at,
        )
        for task in letter.tasks
    ]
    requested = LetterRequested(
        letter_id=letter.letter_id,
        version=letter.version,
        absence_id=letter.absence_id,
        citizen_id=letter.citizen_id,
        municipality_code=letter.municipality_code,
        planned_day=clocks.civil_day(letter.requested_at),
        planned_deadline_day=letter.planned_deadline_day,
        tasks=tuple(LetterTask(task_id=task.task_id, kind=TaskKind(task.demand.kind.value)) for task in letter.tasks),
        requested_at=letter.requested_at,
    )
    request = encode(
        requested, event_id=ids.derive(letter.letter_id, letter.version, "requested"), time=letter.requested_at
    )
    return [*tasks, request]


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
