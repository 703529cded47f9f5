"""What `tasks` does with what it hears. Each use case works a batch inside the caller's transaction and says what to announce.

Invariants: a report opens its tasks and asks for its one letter together or not at all; every id is derived from the
cause, so a repeat makes the same tasks and the same letter; a deadline is set when a letter's dispatch is proven and
by nothing else (T2).
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from contracts.absence.v1 import AbsenceReported
from contracts.events import Decoded, encode
from contracts.letter.v1 import LetterDispatched, LetterFailed, LetterRequested, LetterTask
from contracts.task.v1 import TaskDeadlineSet, TaskKind, TaskOpened
from plumbing import audit, ids
from plumbing.audit import Entry
from plumbing.clock import Clock
from plumbing.outbox import Outgoing
from plumbing.postgres import Connection
from plumbing.stage import Arrival, Refusal, Result
from services.tasks import domain
from services.tasks.domain import (
    CitizenKind,
    Letter,
    NewAbsence,
    NewLetter,
    NewTask,
    Pay,
    PayKind,
    Report,
    TaskOfLetter,
)

ACTOR = "service:tasks"
FIRST_VERSION = 1


class Absences(Protocol):
    """What opening tasks needs to keep."""

    async def add_absences(self, connection: Connection, absences: Sequence[NewAbsence]) -> set[UUID]: ...

    async def add_letters(self, connection: Connection, letters: Sequence[NewLetter]) -> None: ...


class Letters(Protocol):
    """What starting clocks needs to read and keep."""

    async def lock_letters(self, connection: Connection, letter_ids: Collection[UUID]) -> dict[UUID, Letter]: ...

    async def tasks_of(
        self, connection: Connection, letter_ids: Collection[UUID]
    ) -> dict[UUID, list[TaskOfLetter]]: ...

    async def save_letters(self, connection: Connection, letters: Sequence[Letter]) -> None: ...


class OpenTasks:
    """A reported absence becomes the citizen's tasks and one letter about them (spec section 2, M1)."""

    def __init__(self, absences: Absences, clock: Clock) -> None:
        self._absences = absences
        self._clock = clock

    async def __call__(self, connection: Connection, arrivals: Sequence[Arrival[Decoded[AbsenceReported]]]) -> Result:
        result = Result()
        if not arrivals:
            return result
        now = self._clock.now()
        new = await self._absences.add_absences(connection, [_absence(one.message.event, now) for one in arrivals])
        letters = []
        entries = []
        for one in arrivals:
            event = one.message.event
            if event.absence_id not in new:
                result.refused.append(_refuse(one, "absence-is-known", "absence_id"))
                continue
            new.discard(event.absence_id)  # of two reports in one batch the first opens it
            entries.append(_entry("absence.opened", event.citizen_id, "absence", event.absence_id, now))
            letter = _letter(one.message, now)
            if letter is not None:
                letters.append(letter)
                entries += [_entry("task.opened", event.citizen_id, "task", task.task_id, now) for task in letter.tasks]
                entries.append(_entry("letter.requested", event.citizen_id, "letter", letter.letter_id, now))
                result.outgoing += _announce(letter, event)
        await self._absences.add_letters(connection, letters)
        await audit.put(connection, entries)
        return result


class StartClocks:
    """The fate of a letter: a proven dispatch sets the deadline of its tasks, a failure sets nothing (T2, M3)."""

    def __init__(self, letters: Letters, clock: Clock) -> None:
        self._letters = letters
        self._clock = clock

    async def __call__(
        self, connection: Connection, arrivals: Sequence[Arrival[Decoded[LetterDispatched | LetterFailed]]]
    ) -> Result:
        result = Result()
        if not arrivals:
            return result
        now = self._clock.now()
        wanted = {one.message.event.letter_id for one in arrivals}
        letters = await self._letters.lock_letters(connection, wanted)
        tasks = await self._letters.tasks_of(connection, wanted)
        changed: dict[UUID, Letter] = {}
        entries = []
        for one in arrivals:
            event = one.message.event
            before = letters.get(event.letter_id)
            if before is None:
                result.refused.append(_refuse(one, "unknown-letter", "letter_id"))
                continue
            after = _after(before, event)
            if after == before:
                continue
            letters[event.letter_id] = changed[event.letter_id] = after
            entries.append(_entry(f"letter.{after.state}", event.citizen_id, "letter", event.letter_id, now))
            if after.deadline is not None and after.deadline != before.deadline:
                entries += [
                    _entry("task.deadline_set", event.citizen_id, "task", task.task_id, now)
                    for task in tasks[event.letter_id]
                ]
                result.outgoing += _deadlines(one.message, after.deadline, tasks[event.letter_id], now)
        await self._letters.save_letters(connection, list(changed.values()))
        await audit.put(connection, entries)
        return result


def _absence(event: AbsenceReported, now: datetime) -> NewAbsence:
    return NewAbsence(
        absence_id=event.absence_id,
        citizen_id=event.citizen_id,
        citizen_kind=CitizenKind(event.citizen_kind.value),
        municipality_code=event.municipality_code,
        first_absence_day=event.first_absence_day,
        last_absence_day=event.last_absence_day,
        reported=event.reported,
        opened_at=now,
    )


def _letter(message: Decoded[AbsenceReported], now: datetime) -> NewLetter | None:
    """The one letter about all the tasks of a report; None where it makes none."""
    event = message.event
    pay = Pay(kind=PayKind(event.pay.kind.value), until=event.pay.until) if event.pay is not None else None
    kinds = domain.tasks_at_report(
        Report(
            citizen_kind=CitizenKind(event.citizen_kind.value),
            pay=pay,
            last_absence_day=event.last_absence_day,
            sent_at=event.sent_at,
        )
    )
    if not kinds:
        return None
    cause = message.envelope.id
    return NewLetter(
        letter_id=ids.derive(cause, "letter"),
        version=FIRST_VERSION,
        absence_id=event.absence_id,
        citizen_id=event.citizen_id,
        cause_id=cause,
        planned_deadline_day=domain.planned_deadline_day(domain.civil_day(now)),
        requested_at=now,
        tasks=tuple(
            NewTask(task_id=ids.derive(cause, "task", kind), kind=kind, order_in_letter=place)
            for place, kind in enumerate(kinds, start=1)
        ),
    )


def _announce(letter: NewLetter, event: AbsenceReported) -> list[Outgoing]:
    opened: list[Outgoing] = [
        encode(
            TaskOpened(
                task_id=task.task_id,
                absence_id=letter.absence_id,
                citizen_id=letter.citizen_id,
                kind=TaskKind(task.kind.value),
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
        municipality_code=event.municipality_code,
        planned_day=domain.civil_day(letter.requested_at),
        planned_deadline_day=letter.planned_deadline_day,
        tasks=tuple(LetterTask(task_id=task.task_id, kind=TaskKind(task.kind.value)) for task in letter.tasks),
        requested_at=letter.requested_at,
    )
    request = encode(
        requested, event_id=ids.derive(letter.letter_id, letter.version, "requested"), time=letter.requested_at
    )
    return [*opened, request]


def _after(letter: Letter, event: LetterDispatched | LetterFailed) -> Letter:
    match event:
        case LetterDispatched():
            return domain.dispatched(letter, event.dispatched_at)
        case LetterFailed():
            return domain.failed(letter)


def _deadlines(
    message: Decoded[LetterDispatched | LetterFailed],
    deadline: domain.Deadline,
    tasks: Sequence[TaskOfLetter],
    now: datetime,
) -> list[Outgoing]:
    event = message.event
    assert isinstance(event, LetterDispatched)
    return [
        encode(
            TaskDeadlineSet(
                task_id=task.task_id,
                absence_id=event.absence_id,
                citizen_id=event.citizen_id,
                kind=TaskKind(task.kind.value),
                letter_id=event.letter_id,
                dispatched_at=event.dispatched_at,
                day_zero=deadline.day_zero,
                deadline_day=deadline.day,
                deadline_at=deadline.at,
            ),
            event_id=ids.derive(message.envelope.id, task.task_id, "deadline"),
            time=now,
        )
        for task in tasks
    ]


def _refuse(
    arrival: Arrival[Decoded[AbsenceReported]] | Arrival[Decoded[LetterDispatched | LetterFailed]],
    code: str,
    field: str,
) -> Refusal:
    return Refusal(record=arrival.record, message_id=arrival.message_id, code=code, field=field)


def _entry(action: str, citizen_id: UUID, object_type: str, object_id: UUID, at: datetime) -> Entry:
    return Entry(
        actor=ACTOR,
        action=action,
        subject=citizen_id,
        object_type=object_type,
        object_id=str(object_id),
        purpose="case-handling",
        at=at,
    )
