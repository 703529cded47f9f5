"""A letter that was surfaced is sent after all, by somebody's decision.

Invariants: only a letter that failed, or of which nobody knows what became, and whose job nobody tries; whoever decides has
made sure that it did not go out, and stands in the audit trail; the sending before is kept, the new one has an id and bytes of
its own.
"""

from typing import Protocol

from plumbing import audit, jobs
from plumbing.clock import Clock
from plumbing.postgres import Connection, Database
from services.notifier import domain
from services.notifier.domain import Channel, Letter, LetterName
from services.notifier.usecases.letter_jobs import job_of
from services.notifier.usecases.move import Move, Mover, entry


class Letters(Protocol):
    """Where letters are kept."""

    async def read(self, connection: Connection, names: list[LetterName]) -> dict[LetterName, Letter]: ...

    async def lock(self, connection: Connection, names: list[LetterName]) -> dict[LetterName, Letter]: ...


class SendAgain:
    """Called by command."""

    def __init__(self, database: Database, letters: Letters, move: Mover, clock: Clock) -> None:
        self._database = database
        self._letters = letters
        self._move = move
        self._clock = clock

    async def __call__(self, name: LetterName, channel: Channel, actor: str) -> bool:
        """Whether there is such a letter that may be sent again."""
        async with self._database.transaction() as connection:
            # Jobs before letters, as they are locked everywhere: that of the sending which is to be the last.
            seen = (await self._letters.read(connection, [name])).get(name)
            if seen is None or not await jobs.withdraw(connection, job_of(seen).job_id):
                return False
            before = (await self._letters.lock(connection, [name])).get(name)
            if before is None or before.sending != seen.sending:
                return False
            if (after := domain.again(before, channel)) == before:
                return False
            await self._move(connection, [Move(before, after)])
            await jobs.add(connection, [job_of(after)])  # where no sending was ended there is no job yet
            await audit.put(connection, [entry(after, "letter.sent_again", self._clock.now(), actor=actor)])
        return True
