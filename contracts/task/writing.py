"""Task events written as text at once, for whoever tells thousands: making a model, checking it and having it written takes
four times as long.

Invariant: the same bytes as `encode` makes of the model, which `tests/contracts/test_writing.py` holds each function to. Nothing
is checked here: who calls has typed values. Ids that several events tell are given as text, spelt once.
"""

from datetime import date, datetime
from uuid import UUID

from contracts.envelope import spelt
from contracts.events import Encoded, written
from contracts.task.v1 import TaskDeadlineSet, TaskKind, TaskOpened


def task_opened(
    *,
    event_id: UUID,
    task_id: UUID,
    absence_id: str,
    citizen_id: str,
    kind: TaskKind,
    letter_id: str,
    order_in_letter: int,
    opened_at: datetime,
) -> Encoded:
    """`TaskOpened`, at the time when the task was opened."""
    value = (
        f'{{"task_id":"{task_id}","absence_id":"{absence_id}","citizen_id":"{citizen_id}","kind":"{kind}",'
        f'"letter_id":"{letter_id}","order_in_letter":{order_in_letter},"opened_at":"{spelt(opened_at)}"}}'
    )
    return written(TaskOpened, event_id=event_id, key=absence_id, time=opened_at, value=value)


def task_deadline_set(
    *,
    event_id: UUID,
    time: datetime,
    task_id: UUID,
    absence_id: str,
    citizen_id: str,
    kind: TaskKind,
    letter_id: str,
    dispatched_at: datetime,
    day_zero: date,
    deadline_day: date,
    deadline_at: datetime,
) -> Encoded:
    """`TaskDeadlineSet`."""
    value = (
        f'{{"task_id":"{task_id}","absence_id":"{absence_id}","citizen_id":"{citizen_id}","kind":"{kind}",'
        f'"letter_id":"{letter_id}","dispatched_at":"{spelt(dispatched_at)}","day_zero":"{day_zero.isoformat()}",'
        f'"deadline_day":"{deadline_day.isoformat()}","deadline_at":"{spelt(deadline_at)}"}}'
    )
    return written(TaskDeadlineSet, event_id=event_id, key=absence_id, time=time, value=value)
