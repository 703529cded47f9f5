"""The fate of a letter: a proven dispatch sets the deadline of its tasks, a failure or a return sets nothing (T2, M3).

Invariant: a deadline is set when a letter's dispatch is proven and by nothing else. It is set for every task of the letter, one
that is closed too: so it does not matter which of the two was heard first.
"""

from collections.abc import Collection, Sequence
from typing import Final, Protocol
from uuid import UUID

from contracts.events import Decoded
from contracts.letter.v1 import LetterDispatched, LetterFailed, LetterReturned
from plumbing import audit
from plumbing.clock import Clock
from plumbing.postgres import Connection
from plumbing.stage import Arrival, Refusal, Result
from services.tasks.domain import clocks
from services.tasks.domain.clocks import Letter
from services.tasks.domain.records import TaskOfLetter
from services.tasks.usecases import announcements
from services.tasks.usecases.auditing import entry

AnyLetterEvent = LetterDispatched | LetterFailed | LetterReturned
LETTER_EVENTS: Final = (LetterDispatched, LetterFailed, LetterReturned)


class Letters(Protocol):
    """What starting clocks needs to read and keep."""

    async def lock_letters(self, connection: Connection, letter_ids: Collection[UUID]) -> dict[UUID, Letter]: ...

    async def tasks_of(
        self, connection: Connection, letter_ids: Collection[UUID]
    ) -> dict[UUID, list[TaskOfLetter]]: ...

    async def save_letters(self, connection: Connection, letters: Sequence[Letter]) -> None: ...


class StartClocks:
    """The stage's work for what becomes of letters."""

    def __init__(self, letters: Letters, clock: Clock) -> None:
        self._letters = letters
        self._clock = clock

    async def __call__(self, connection: Connection, arrivals: Sequence[Arrival[Decoded[AnyLetterEvent]]]) -> Result:
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
            if isinstance(event, LetterDispatched) and not clocks.is_plausible_dispatch(event.dispatched_at, now):
                result.refused.append(_refuse(one, "implausible-dispatch", "dispatched_at"))
                continue
            after = _after(before, event)
            if after == before:
                continue
            letters[event.letter_id] = changed[event.letter_id] = after
            entries.append(entry(f"letter.{after.state}", after.citizen_id, "letter", after.letter_id, now))
            if after.deadline != before.deadline:
                assert isinstance(event, LetterDispatched)
                dated = tasks[event.letter_id]
                entries += [entry("task.deadline_set", after.citizen_id, "task", task.task_id, now) for task in dated]
                result.outgoing += announcements.deadlines(
                    after, dated, cause=one.message_id, dispatched_at=event.dispatched_at, now=now
                )
        await self._letters.save_letters(connection, list(changed.values()))
        await audit.put(connection, entries)
        return result


def _refuse(arrival: Arrival[Decoded[AnyLetterEvent]], code: str, field: str) -> Refusal:
    return Refusal(record=arrival.record, message_id=arrival.message_id, code=code, field=field)


def _after(letter: Letter, event: AnyLetterEvent) -> Letter:
    match event:
        case LetterDispatched():
            return clocks.dispatched(letter, event.dispatched_at)
        case LetterFailed():
            return clocks.failed(letter)
        case LetterReturned():
            return letter  # what its dispatch started stands (T2); the notifier surfaces it
