"""The gateway tells what became of a letter: inside the caller's transaction.

Invariants: a status is matched by the id it names and by nothing else; every status is kept once, those that contradict, come
late or belong to no letter too; the letter only moves forward; what it comes to is announced with it or not at all.
"""

from typing import Final, Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter

from plumbing import audit
from plumbing.clock import Clock
from plumbing.postgres import Connection
from services.notifier import domain
from services.notifier.domain import Hearing, Letter, LetterName, Status
from services.notifier.usecases.move import Mover, entry

log = structlog.get_logger(__name__)

HEARD: Final = Counter("mitsyg_gateway_statuses", "Status messages, by what they did.", ("hearing",))
AGAIN: Final = "again"
_TO_LOOK_AT: Final = frozenset({Hearing.CONTRADICTION, Hearing.UNKNOWN_CODE, Hearing.UNMATCHED})


class Letters(Protocol):
    """Where letters and statuses are kept."""

    async def has_status(self, connection: Connection, besked_id: UUID) -> bool: ...

    async def lock_by_message(self, connection: Connection, message_uuid: UUID) -> Letter | None: ...

    async def add_status(
        self, connection: Connection, status: Status, name: LetterName | None, hearing: Hearing
    ) -> None: ...


class TakeStatus:
    """Takes one status message."""

    def __init__(self, letters: Letters, move: Mover, clock: Clock) -> None:
        self._letters = letters
        self._move = move
        self._clock = clock

    async def __call__(self, connection: Connection, status: Status) -> Hearing | None:
        """What it did; None for a message that came before."""
        letter = None
        if status.message_uuid is not None:
            letter = await self._letters.lock_by_message(connection, status.message_uuid)
        # Under the letter's lock: the same message pushed twice at once is seen by the second.
        if await self._letters.has_status(connection, status.besked_id):
            HEARD.labels(AGAIN).inc()
            return None
        if letter is None:
            hearing = Hearing.UNMATCHED
            await self._letters.add_status(connection, status, None, hearing)
        else:
            after, hearing = domain.told(letter, status)
            await self._letters.add_status(connection, status, letter.request.name, hearing)
            await self._move(connection, letter, after)
            if hearing is not Hearing.APPLIED:
                await audit.put(connection, [entry(letter, f"status.{hearing}", self._clock.now())])
        HEARD.labels(hearing.value).inc()
        if hearing in _TO_LOOK_AT:
            log.error(
                "a status to look at",
                hearing=hearing,
                besked=str(status.besked_id),
                about=status.gateway_id,
                channel=status.channel,
            )
        return hearing
