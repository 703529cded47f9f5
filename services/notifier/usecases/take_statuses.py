"""The gateway tells what became of letters: inside the caller's transaction.

Invariants: a status is matched by the id it names and by nothing else; every status is kept once, those that contradict, come
late or belong to no letter too; the letter only moves forward, by the statuses in the order in which they came; what it comes to
is announced with it or not at all.
"""

from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter

from plumbing import audit
from plumbing.clock import Clock
from plumbing.postgres import Connection
from services.notifier import domain
from services.notifier.domain import EXPECTED, FAILED_STATUS, HeardStatus, Hearing, Letter, LetterName, Status, Ways
from services.notifier.usecases.move import Move, Mover, entry

log = structlog.get_logger(__name__)

HEARD: Final = Counter("mitsyg_gateway_statuses", "Status messages, by what they did.", ("hearing",))
AGAIN: Final = "again"
_TO_LOOK_AT: Final = frozenset({Hearing.CONTRADICTION, Hearing.UNKNOWN_CODE, Hearing.UNMATCHED})


class Letters(Protocol):
    """Where letters are kept."""

    async def lock_by_gateway_id(
        self, connection: Connection, gateway_ids: Sequence[str]
    ) -> tuple[dict[str, LetterName], dict[LetterName, Letter]]: ...


class Statuses(Protocol):
    """Where statuses are kept."""

    async def known(self, connection: Connection, besked_ids: Sequence[UUID]) -> set[UUID]: ...

    async def add(self, connection: Connection, heard: Sequence[HeardStatus]) -> set[UUID]: ...


class KeptMeanwhile(Exception):
    """One of several messages was kept by another transaction since it was looked for: they are to be taken one by one."""


class TakeStatuses:
    """Takes status messages, in the order in which they came."""

    def __init__(self, letters: Letters, statuses: Statuses, move: Mover, clock: Clock, ways: Ways) -> None:
        self._letters = letters
        self._statuses = statuses
        self._move = move
        self._clock = clock
        self._ways = ways

    async def __call__(self, connection: Connection, statuses: Sequence[Status]) -> list[Hearing | None]:
        """What each did; None for a message that came before. Raises KeptMeanwhile, never for a single one."""
        about = [one.gateway_id for one in statuses]
        names, letters = await self._letters.lock_by_gateway_id(
            connection, list({one for one in about if one is not None})
        )
        # Under the letters' locks: of a message pushed twice at once the second is seen to be one.
        known = await self._statuses.known(connection, [one.besked_id for one in statuses])
        heard: list[HeardStatus] = []
        moves: list[Move] = []
        hearings: list[Hearing | None] = []
        for status, gateway_id in zip(statuses, about, strict=True):
            if status.besked_id in known:
                hearings.append(None)
                continue
            known.add(status.besked_id)
            name = None if gateway_id is None else names.get(gateway_id)
            hearing = Hearing.UNMATCHED
            if name is not None:
                before = letters[name]
                letters[name], hearing = domain.told(before, status, self._ways)
                moves.append(Move(before, letters[name]))
            heard.append(HeardStatus(status=status, name=name, hearing=hearing))
            hearings.append(hearing)
        if not heard:
            return hearings
        if len(await self._statuses.add(connection, heard)) < len(heard):
            if len(statuses) > 1:
                raise KeptMeanwhile
            return [None]
        await self._move(connection, moves)
        await self._note(connection, heard, letters)
        return hearings

    async def _note(
        self, connection: Connection, heard: Sequence[HeardStatus], letters: dict[LetterName, Letter]
    ) -> None:
        """What moved nothing is in the audit trail too."""
        now = self._clock.now()
        entries = [
            entry(letters[one.name], f"status.{one.hearing}", now)
            for one in heard
            if one.name is not None and one.hearing is not Hearing.APPLIED
        ]
        await audit.put(connection, entries)


def count(status: Status, hearing: Hearing | None) -> None:
    """Tell of a status that is kept for good."""
    HEARD.labels(hearing.value if hearing is not None else AGAIN).inc()
    is_odd_failure = status.status_code == FAILED_STATUS and status.error_code not in EXPECTED
    if hearing in _TO_LOOK_AT or (hearing is Hearing.APPLIED and is_odd_failure):
        log.error(
            "a status to look at",
            hearing=hearing,
            besked=str(status.besked_id),
            about=status.gateway_id,
            channel=status.channel,
            code=status.error_code,
        )
