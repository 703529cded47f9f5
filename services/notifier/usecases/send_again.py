"""A letter that was surfaced is sent after all, by somebody's decision.

Invariants: only a letter that failed, or of which nobody knows what became, whose job nobody tries, and of which the gateway
never told a proof; whoever decides has made sure that it did not go out, and stands in the audit trail; the sending before is
kept, the new one has an id and bytes of its own. Who is refused has changed nothing.
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


class Statuses(Protocol):
    """Where statuses are kept."""

    async def told_proven(self, connection: Connection, names: list[LetterName]) -> set[LetterName]: ...


class SendAgain:
    """Called by command."""

    def __init__(self, database: Database, letters: Letters, statuses: Statuses, move: Mover, clock: Clock) -> None:
        self._database = database
        self._letters = letters
        self._statuses = statuses
        self._move = move
        self._clock = clock

    async def __call__(self, name: LetterName, channel: Channel, actor: str) -> bool:
        """Whether there is such a letter that may be sent again."""
        try:
            async with self._database.transaction() as connection:
                await self._send(connection, name, channel, actor)
        except _MayNot:
            return False
        return True

    async def _send(self, connection: Connection, name: LetterName, channel: Channel, actor: str) -> None:
        # Jobs before letters, as they are locked everywhere: the job of the sending that is to be the last.
        seen = (await self._letters.read(connection, [name])).get(name)
        if seen is None or not await jobs.withdraw(connection, job_of(seen).job_id):
            raise _MayNot
        before = (await self._letters.lock(connection, [name]))[name]
        after = domain.again(before, channel)
        if before.sending != seen.sending or after == before:
            raise _MayNot
        if await self._statuses.told_proven(connection, [name]):  # a proof that moved nothing when it came
            raise _MayNot
        await self._move(connection, [Move(before, after)])
        await jobs.add(connection, [job_of(after)])  # where no sending was ended there is no job yet
        await audit.put(connection, [entry(after, "letter.sent_again", self._clock.now(), actor=actor)])


class _MayNot(Exception):
    """Nothing of what was begun is to stay."""
