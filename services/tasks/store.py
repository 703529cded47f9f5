"""The tables of `tasks`: absences, tasks, letters, what waits. A few statements a batch, however large it is.

Invariants: rows are inserted and locked in the order of their ids, absences or letters before their tasks, so that two batches
never wait for each other in a ring; an absence or a letter is read `for update` before anything about it is decided.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

import asyncpg

from plumbing.postgres import Connection
from services.tasks.domain.absence import Absence, AbsenceState
from services.tasks.domain.clocks import Deadline, Letter, LetterState
from services.tasks.domain.demands import About, CitizenKind, Pay, PayKind, Task, TaskKind, TaskState
from services.tasks.domain.records import NewLetter, Notice, TaskOfLetter, Waiting


class Store:
    """All the SQL of this service; every call is inside the caller's transaction."""

    async def lock_absences(self, connection: Connection, ids: Collection[UUID]) -> dict[UUID, Absence]:
        """Those that are there, locked until the transaction ends."""
        return {row["absence_id"]: _absence(row) for row in await connection.fetch(_LOCK_ABSENCES, list(ids))}

    async def lock_tasks(self, connection: Connection, ids: Collection[UUID]) -> dict[UUID, list[Task]]:
        """The open tasks of absences and all their benefit requests and forms, locked until the transaction ends."""
        found: dict[UUID, list[Task]] = {}
        for row in await connection.fetch(_LOCK_TASKS, list(ids)):
            found.setdefault(row["absence_id"], []).append(_task(row))
        return found

    async def add_absences(self, connection: Connection, absences: Sequence[Absence], at: datetime) -> bool:
        """Insert absences, first heard of `at`. False if one is there already, and the transaction is lost then."""
        if not absences:
            return True
        rows = _by_id([(*_row(one), at) for one in absences])
        try:
            await connection.copy_records_to_table("absence", columns=(*_ABSENCE, "opened_at"), records=rows)
        except asyncpg.UniqueViolationError:
            return False
        return True

    async def save_absences(self, connection: Connection, absences: Sequence[Absence]) -> None:
        """Write locked absences that changed."""
        if absences:
            await connection.execute(_SAVE_ABSENCES, *map(list, zip(*map(_row, absences), strict=True)))

    async def close_tasks(self, connection: Connection, tasks: Sequence[Task], at: datetime) -> None:
        """Write the final state of tasks."""
        if tasks:
            ids, states = [one.task_id for one in tasks], [one.state for one in tasks]
            await connection.execute(_CLOSE_TASKS, ids, states, at)

    async def add_notices(self, connection: Connection, notices: Sequence[Notice]) -> None:
        """Keep what reporters sent beside their reports."""
        if not notices:
            return
        await connection.execute(
            _ADD_NOTICES,
            [one.notification_id for one in notices],
            [one.absence_id for one in notices],
            [one.kind for one in notices],
            [one.version for one in notices],
            [one.sent_at for one in notices],
            [one.reported for one in notices],
        )

    async def waiting_for(self, connection: Connection, ids: Collection[UUID]) -> list[Waiting]:
        """What waits for these absences; they are locked, so nobody else joins it."""
        return [Waiting(**dict(row)) for row in await connection.fetch(_WAITING_FOR, list(ids))]

    async def add_waiting(self, connection: Connection, waiting: Sequence[Waiting]) -> None:
        """Keep events until their absence is known."""
        if not waiting:
            return
        await connection.execute(
            _ADD_WAITING,
            [one.event_id for one in waiting],
            [one.absence_id for one in waiting],
            [one.version for one in waiting],
            [one.type for one in waiting],
            [one.value for one in waiting],
        )

    async def end_waiting(self, connection: Connection, event_ids: Collection[str]) -> None:
        """Forget events that wait no more."""
        if event_ids:
            await connection.execute(_END_WAITING, list(event_ids))

    async def count_waiting(self, connection: Connection) -> tuple[int, float]:
        """How many events wait for their absence, and since how many seconds the oldest does."""
        row = await connection.fetchrow(_COUNT_WAITING)
        assert row is not None
        return row["number"], row["seconds"]

    async def add_letters(self, connection: Connection, letters: Sequence[NewLetter]) -> None:
        """Insert letters with their tasks."""
        if not letters:
            return
        rows = [
            (
                one.letter_id,
                one.version,
                one.absence_id,
                one.citizen_id,
                one.cause_id,
                one.planned_deadline_day,
                one.requested_at,
                LetterState.REQUESTED,
            )
            for one in letters
        ]
        await connection.copy_records_to_table("letter", columns=_LETTER, records=_by_id(rows))
        tasks = [
            (
                task.task_id,
                letter.absence_id,
                letter.citizen_id,
                task.demand.kind,
                letter.letter_id,
                task.order_in_letter,
                letter.requested_at,
                letter.notification_id,
                task.demand.about,
                TaskState.OPEN,
            )
            for letter in letters
            for task in letter.tasks
        ]
        await connection.copy_records_to_table("task", columns=_TASK, records=_by_id(tasks))

    async def lock_letters(self, connection: Connection, letter_ids: Collection[UUID]) -> dict[UUID, Letter]:
        """The letters, locked until the transaction ends."""
        return {row["letter_id"]: _letter(row) for row in await connection.fetch(_LOCK_LETTERS, list(letter_ids))}

    async def tasks_of(self, connection: Connection, letter_ids: Collection[UUID]) -> dict[UUID, list[TaskOfLetter]]:
        """The tasks that letters tell of, in the order of solving; locked until the transaction ends."""
        found: dict[UUID, list[TaskOfLetter]] = {letter_id: [] for letter_id in letter_ids}
        rows = await connection.fetch(_TASKS_OF, list(letter_ids))
        for row in sorted(rows, key=itemgetter("order_in_letter")):
            task = TaskOfLetter(task_id=row["task_id"], letter_id=row["letter_id"], kind=TaskKind(row["kind"]))
            found[task.letter_id].append(task)
        return found

    async def save_letters(self, connection: Connection, letters: Sequence[Letter]) -> None:
        """Write letters that changed, and the deadline of their tasks with them."""
        if not letters:
            return
        await connection.execute(
            _SAVE_LETTERS,
            [one.letter_id for one in letters],
            [one.state for one in letters],
            [one.deadline.day_zero if one.deadline else None for one in letters],
            [one.deadline.day if one.deadline else None for one in letters],
            [one.deadline.at if one.deadline else None for one in letters],
        )


def _letter(row: asyncpg.Record) -> Letter:
    deadline = None
    if row["deadline_day"] is not None:
        deadline = Deadline(day_zero=row["day_zero"], day=row["deadline_day"])
    return Letter(
        letter_id=row["letter_id"],
        absence_id=row["absence_id"],
        citizen_id=row["citizen_id"],
        planned_deadline_day=row["planned_deadline_day"],
        state=LetterState(row["state"]),
        deadline=deadline,
    )


def _absence(row: asyncpg.Record) -> Absence:
    return Absence(
        absence_id=row["absence_id"],
        citizen_id=row["citizen_id"],
        state=AbsenceState(row["state"]),
        version=row["version"],
        told_version=row["told_version"],
        citizen_kind=CitizenKind(row["citizen_kind"]) if row["citizen_kind"] is not None else None,
        municipality_code=row["municipality_code"],
        first_absence_day=row["first_absence_day"],
        last_absence_day=row["last_absence_day"],
        pay=Pay(kind=PayKind(row["pay_kind"]), until=row["pay_until"]) if row["pay_kind"] is not None else None,
        reported=row["reported"],
        fast_track_version=row["fast_track_version"],
        recovered_version=row["recovered_version"],
        recovered_day=row["recovered_day"],
    )


def _row(one: Absence) -> tuple[Any, ...]:
    """The columns of `_ABSENCE`, which `_SAVE_ABSENCES` takes in the same order."""
    return (
        one.absence_id,
        one.citizen_id,
        one.state,
        one.version,
        one.told_version,
        one.citizen_kind,
        one.municipality_code,
        one.first_absence_day,
        one.last_absence_day,
        one.pay.kind if one.pay is not None else None,
        one.pay.until if one.pay is not None else None,
        one.reported,
        one.fast_track_version,
        one.recovered_version,
        one.recovered_day,
    )


def _by_id(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows that begin with their id, in its order."""
    return sorted(rows, key=lambda row: row[0].bytes)


def _task(row: asyncpg.Record) -> Task:
    return Task(
        task_id=row["task_id"],
        letter_id=row["letter_id"],
        kind=TaskKind(row["kind"]),
        about=About(row["about"]),
        state=TaskState(row["state"]),
    )


# What is only ever inserted is copied: of rows of ten columns that is a third of the driver's time.
_ABSENCE = (
    "absence_id",
    "citizen_id",
    "state",
    "version",
    "told_version",
    "citizen_kind",
    "municipality_code",
    "first_absence_day",
    "last_absence_day",
    "pay_kind",
    "pay_until",
    "reported",
    "fast_track_version",
    "recovered_version",
    "recovered_day",
)
_LETTER = (
    "letter_id",
    "version",
    "absence_id",
    "citizen_id",
    "cause_id",
    "planned_deadline_day",
    "requested_at",
    "state",
)
_TASK = (
    "task_id",
    "absence_id",
    "citizen_id",
    "kind",
    "letter_id",
    "order_in_letter",
    "opened_at",
    "notification_id",
    "about",
    "state",
)

_LOCK_ABSENCES = """
select absence_id, citizen_id, state, version, told_version, citizen_kind, municipality_code, first_absence_day,
       last_absence_day, pay_kind, pay_until, reported, fast_track_version, recovered_version, recovered_day
from absence
where absence_id = any ($1::uuid[])
order by absence_id
for update
"""

# Locked in the order of their ids by everybody, whether they come from absences or from letters.
_LOCK_TASKS = """
select task_id, absence_id, letter_id, kind, about, state
from task
where absence_id = any ($1::uuid[]) and (state = 'open' or kind in ('benefit_request', 'information_form'))
order by task_id
for update
"""

_SAVE_ABSENCES = """
update absence
set state = new.state, version = new.version, told_version = new.told_version, citizen_kind = new.citizen_kind,
    municipality_code = new.municipality_code, first_absence_day = new.first_absence_day,
    last_absence_day = new.last_absence_day, pay_kind = new.pay_kind, pay_until = new.pay_until, reported = new.reported,
    fast_track_version = new.fast_track_version, recovered_version = new.recovered_version,
    recovered_day = new.recovered_day
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[], $5::integer[], $6::text[], $7::text[], $8::date[],
            $9::date[], $10::text[], $11::date[], $12::text[], $13::integer[], $14::integer[], $15::date[])
     as new (absence_id, citizen_id, state, version, told_version, citizen_kind, municipality_code, first_absence_day,
             last_absence_day, pay_kind, pay_until, reported, fast_track_version, recovered_version, recovered_day)
where absence.absence_id = new.absence_id
"""

_CLOSE_TASKS = """
update task
set state = new.state, closed_at = $3::timestamptz
from unnest($1::uuid[], $2::text[]) as new (task_id, state)
where task.task_id = new.task_id and task.state = 'open'
"""

_ADD_NOTICES = """
insert into notice (notification_id, absence_id, kind, version, sent_at, reported)
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[], $5::timestamptz[], $6::text[])
order by 1
on conflict do nothing
"""

_WAITING_FOR = """
select event_id, absence_id, version, type, value
from waiting
where absence_id = any ($1::uuid[])
"""

_ADD_WAITING = """
insert into waiting (event_id, absence_id, version, type, value)
select * from unnest($1::text[], $2::uuid[], $3::integer[], $4::text[], $5::bytea[])
order by 1
"""

_END_WAITING = """
delete from waiting where event_id = any ($1::text[])
"""

_COUNT_WAITING = """
select count(*)::integer as number,
       coalesce(extract(epoch from clock_timestamp() - min(waits_since)), 0)::double precision as seconds
from waiting
"""

_LOCK_LETTERS = """
select letter_id, absence_id, citizen_id, planned_deadline_day, state, day_zero, deadline_day
from letter
where letter_id = any ($1::uuid[])
order by letter_id
for update
"""

_TASKS_OF = """
select task_id, letter_id, kind, order_in_letter
from task
where letter_id = any ($1::uuid[])
order by task_id
for update
"""

_SAVE_LETTERS = """
with new as (
    select * from unnest($1::uuid[], $2::text[], $3::date[], $4::date[], $5::timestamptz[])
        as new (letter_id, state, day_zero, deadline_day, deadline_at)
), saved as (
    update letter
    set state = new.state, day_zero = new.day_zero, deadline_day = new.deadline_day
    from new
    where letter.letter_id = new.letter_id
)
update task
set day_zero = new.day_zero, deadline_day = new.deadline_day, deadline_at = new.deadline_at
from new
where task.letter_id = new.letter_id and new.deadline_day is not null
"""
