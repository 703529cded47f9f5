"""The tables of `tasks`: absences, tasks, letters. A few statements a batch, however large it is.

Invariants: rows are inserted and locked in the order of their ids, so that two batches never wait for each other in a
ring; a letter is read `for update` before anything about it is decided.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg

from plumbing.postgres import Connection
from services.tasks.domain import Deadline, Letter, LetterState, NewAbsence, NewLetter, TaskKind, TaskOfLetter


class Store:
    """All the SQL of this service; every call is inside the caller's transaction."""

    async def add_absences(self, connection: Connection, absences: Sequence[NewAbsence]) -> set[UUID]:
        """Insert those that are not known yet; their ids."""
        rows = await connection.fetch(
            _ADD_ABSENCES,
            [one.absence_id for one in absences],
            [one.citizen_id for one in absences],
            [one.citizen_kind.value for one in absences],
            [one.municipality_code for one in absences],
            [one.first_absence_day for one in absences],
            [one.last_absence_day for one in absences],
            [one.reported for one in absences],
            [one.opened_at for one in absences],
        )
        return {row["absence_id"] for row in rows}

    async def add_letters(self, connection: Connection, letters: Sequence[NewLetter]) -> None:
        """Insert letters with their tasks."""
        if not letters:
            return
        await connection.execute(
            _ADD_LETTERS,
            [one.letter_id for one in letters],
            [one.version for one in letters],
            [one.absence_id for one in letters],
            [one.citizen_id for one in letters],
            [one.cause_id for one in letters],
            [one.planned_deadline_day for one in letters],
            [one.requested_at for one in letters],
        )
        tasks = [(letter, task) for letter in letters for task in letter.tasks]
        await connection.execute(
            _ADD_TASKS,
            [task.task_id for _, task in tasks],
            [letter.absence_id for letter, _ in tasks],
            [letter.citizen_id for letter, _ in tasks],
            [task.kind.value for _, task in tasks],
            [letter.letter_id for letter, _ in tasks],
            [task.order_in_letter for _, task in tasks],
            [letter.requested_at for letter, _ in tasks],
        )

    async def lock_letters(self, connection: Connection, letter_ids: Collection[UUID]) -> dict[UUID, Letter]:
        """The letters, locked until the transaction ends."""
        return {row["letter_id"]: _letter(row) for row in await connection.fetch(_LOCK_LETTERS, list(letter_ids))}

    async def tasks_of(self, connection: Connection, letter_ids: Collection[UUID]) -> dict[UUID, list[TaskOfLetter]]:
        """The tasks that letters tell of, in the order of solving."""
        found: dict[UUID, list[TaskOfLetter]] = {letter_id: [] for letter_id in letter_ids}
        for row in await connection.fetch(_TASKS_OF, list(letter_ids)):
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
            [one.state.value for one in letters],
            [one.deadline.day_zero if one.deadline else None for one in letters],
            [one.deadline.day if one.deadline else None for one in letters],
        )
        dated = [(one, one.deadline) for one in letters if one.deadline is not None]
        await connection.execute(
            _SAVE_DEADLINES,
            [letter.letter_id for letter, _ in dated],
            [deadline.day_zero for _, deadline in dated],
            [deadline.day for _, deadline in dated],
            [deadline.at for _, deadline in dated],
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


_ADD_ABSENCES = """
insert into absence (absence_id, citizen_id, citizen_kind, municipality_code, first_absence_day, last_absence_day,
                     reported, opened_at)
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::date[], $6::date[], $7::text[],
                     $8::timestamptz[])
order by 1
on conflict do nothing
returning absence_id
"""

_ADD_LETTERS = """
insert into letter (letter_id, version, absence_id, citizen_id, cause_id, planned_deadline_day, requested_at, state)
select *, 'requested' from unnest($1::uuid[], $2::integer[], $3::uuid[], $4::uuid[], $5::text[], $6::date[],
                                  $7::timestamptz[])
order by 1
"""

_ADD_TASKS = """
insert into task (task_id, absence_id, citizen_id, kind, letter_id, order_in_letter, opened_at, state)
select *, 'open' from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::smallint[],
                             $7::timestamptz[])
order by 1
"""

_LOCK_LETTERS = """
select letter_id, absence_id, citizen_id, planned_deadline_day, state, day_zero, deadline_day
from letter
where letter_id = any ($1::uuid[])
order by letter_id
for update
"""

_TASKS_OF = """
select task_id, letter_id, kind
from task
where letter_id = any ($1::uuid[])
order by letter_id, order_in_letter
"""

_SAVE_LETTERS = """
update letter
set state = new.state, day_zero = new.day_zero, deadline_day = new.deadline_day
from unnest($1::uuid[], $2::text[], $3::date[], $4::date[]) as new (letter_id, state, day_zero, deadline_day)
where letter.letter_id = new.letter_id
"""

_SAVE_DEADLINES = """
update task set day_zero = new.day_zero, deadline_day = new.deadline_day, deadline_at = new.deadline_at from
unnest($1::uuid[], $2::date[], $3::date[], $4::timestamptz[]) as new (letter_id, day_zero, deadline_day, deadline_at)
where task.letter_id = new.letter_id
"""
