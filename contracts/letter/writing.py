"""Letter events written as text at once; see `contracts/task/writing.py`."""

from collections.abc import Sequence
from datetime import date, datetime
from json.encoder import encode_basestring
from uuid import UUID

from contracts.envelope import spelt
from contracts.events import Encoded, written
from contracts.letter.v1 import LetterRequested
from contracts.task.v1 import TaskKind


def letter_requested(
    *,
    event_id: UUID,
    letter_id: str,
    version: int,
    absence_id: str,
    citizen_id: str,
    municipality_code: str,
    planned_day: date,
    planned_deadline_day: date,
    tasks: Sequence[tuple[UUID, TaskKind]],
    requested_at: datetime,
) -> Encoded:
    """`LetterRequested`, at the time when it was; `tasks` in the order of solving."""
    told = ",".join([f'{{"task_id":"{task_id}","kind":"{kind}"}}' for task_id, kind in tasks])
    value = (
        f'{{"letter_id":"{letter_id}","version":{version},"absence_id":"{absence_id}","citizen_id":"{citizen_id}",'
        f'"municipality_code":{encode_basestring(municipality_code)},"planned_day":"{planned_day.isoformat()}",'
        f'"planned_deadline_day":"{planned_deadline_day.isoformat()}","tasks":[{told}],'
        f'"requested_at":"{spelt(requested_at)}"}}'
    )
    return written(LetterRequested, event_id=event_id, key=absence_id, time=requested_at, value=value)
