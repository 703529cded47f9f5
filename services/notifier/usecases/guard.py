"""The gates of letters, as somebody on duty sees and turns them (M1, the guard against a fault upstream).

Invariants: who turned a gate, when and why stands in the audit trail; letters that are let go get their jobs in the transaction
that lets them go, oldest first; a letter whose bytes are fixed is not stopped, for a call may have been made.
"""

from collections.abc import Sequence
from typing import Protocol

from plumbing import audit, jobs
from plumbing.audit import Entry
from plumbing.clock import Clock
from plumbing.postgres import Connection, Database
from services.notifier import domain
from services.notifier.domain import Letter, Pace
from services.notifier.usecases.letter_jobs import job_of
from services.notifier.usecases.move import PURPOSE, Move, Mover

AT_ONCE = 500


class Gates(Protocol):
    """Where gates are kept."""

    async def shut(self, connection: Connection, paces: Sequence[Pace], actor: str, reason: str) -> None: ...

    async def open(self, connection: Connection, pace: Pace) -> bool: ...

    async def held_by_nobody(self, connection: Connection) -> Sequence[Pace]: ...


class Letters(Protocol):
    """Where held letters are kept."""

    async def lock_held(self, connection: Connection, pace: Pace, limit: int) -> Sequence[Letter]: ...


class Guard:
    """Turns gates."""

    def __init__(self, database: Database, gates: Gates, letters: Letters, move: Mover, clock: Clock) -> None:
        self._database = database
        self._gates = gates
        self._letters = letters
        self._move = move
        self._clock = clock

    async def stop(self, pace: Pace, actor: str) -> None:
        """From now on letters of that key are held; those under way whose bytes are not fixed yet too."""
        async with self._database.transaction() as connection:
            await self._gates.shut(connection, [pace], actor, "by-command")
            await self._note(connection, pace, actor, "gate.shut")

    async def go(self, pace: Pace, actor: str) -> int:
        """Open the gate, count anew, and let go what it held; how many letters that were.

        A letter that another shut gate holds too stays where it is.
        """
        async with self._database.transaction() as connection:
            await self._gates.open(connection, pace)
            await self._note(connection, pace, actor, "gate.opened")
        released = 0
        while found := await self._let_go(pace):
            released += found
        return released

    async def let_go_strays(self) -> int:
        """Let go what is held though no gate is shut for it, because it was being held while its gate was opened, or because
        whoever opened it did not get to it; how many letters that were."""
        async with self._database.acquire() as connection:
            paces = await self._gates.held_by_nobody(connection)
        released = 0
        for pace in paces:
            while found := await self._let_go(pace):
                released += found
        return released

    async def _let_go(self, pace: Pace) -> int:
        async with self._database.transaction() as connection:
            held = await self._letters.lock_held(connection, pace, AT_ONCE)
            moves = [Move(letter, domain.let_go(letter)) for letter in held]
            await self._move(connection, moves)
            await jobs.add(connection, [job_of(letter) for letter in held])
        return len(moves)

    async def _note(self, connection: Connection, pace: Pace, actor: str, action: str) -> None:
        noted = Entry(
            actor=actor,
            action=action,
            subject=None,
            object_type="gate",
            object_id=f"{pace.municipality_code}/{pace.template}",
            purpose=PURPOSE,
            at=self._clock.now(),
        )
        await audit.put(connection, [noted])
