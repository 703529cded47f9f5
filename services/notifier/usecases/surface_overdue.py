"""Letters whose status does not come are surfaced: told as unknown, counted, and never guessed; nor do they go another way. Where
a sending before turned out to have arrived, that is what is told.

The wait is real time, not domain time: it is about the gateway, not about the citizen's days.
"""

from collections.abc import Sequence
from typing import Protocol

import structlog

from plumbing.postgres import Connection
from services.notifier import domain
from services.notifier.domain import Letter, LetterState
from services.notifier.usecases.move import Move, Mover

log = structlog.get_logger(__name__)

AT_ONCE = 100


class Letters(Protocol):
    """Where letters wait."""

    async def lock_overdue(
        self, connection: Connection, *, digital_seconds: float, paper_seconds: float, limit: int
    ) -> Sequence[Letter]: ...


class SurfaceOverdue:
    """Surfaces up to a hundred letters, inside the caller's transaction; tells how many it found."""

    def __init__(self, letters: Letters, move: Mover, *, digital_seconds: float, paper_seconds: float) -> None:
        self._letters = letters
        self._move = move
        self._digital_seconds = digital_seconds
        self._paper_seconds = paper_seconds

    async def __call__(self, connection: Connection) -> int:
        found = await self._letters.lock_overdue(
            connection, digital_seconds=self._digital_seconds, paper_seconds=self._paper_seconds, limit=AT_ONCE
        )
        moves = [Move(letter, domain.unknowable(letter)) for letter in found]
        await self._move(connection, moves)
        for before, after in moves:
            if after.state is LetterState.UNKNOWN:
                log.error(
                    "a letter's outcome is unknown", letter=str(before.request.name.letter_id), state=before.state
                )
        return len(found)
