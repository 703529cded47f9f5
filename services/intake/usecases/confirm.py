"""Names and addresses of accepted notifications: proposed to the vault with the question who somebody is, confirmed afterwards.

Invariants: a card is confirmed only once its notification has taken effect, so nobody's letters go where a rejected message
says; what is to be confirmed is written in the transaction of the effect and deleted only when the vault has answered,
so no accepted card is lost; records never wait for it. Confirming twice changes nothing.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final, Protocol

import structlog

from plumbing.faults import FaultInjected, faultpoint
from plumbing.postgres import Connection, Database, is_transient
from services.intake.domain import Card

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 500
_LONGEST_PAUSE: Final = 30.0


class Cards(Protocol):
    """The vault."""

    async def confirm(self, cards: Sequence[Card]) -> None:
        """The notifications that proposed these are accepted; raises Unavailable."""
        ...


class Unconfirmed(Protocol):
    """What is to be confirmed."""

    async def unconfirmed(self, connection: Connection, limit: int) -> list[Card]: ...

    async def confirmed(self, connection: Connection, cards: Sequence[Card]) -> None: ...


class Confirmer:
    """Runs until it is cancelled; `wake()` after a commit spares the wait."""

    def __init__(self, database: Database, *, cards: Cards, unconfirmed: Unconfirmed, every: float = 5.0) -> None:
        self._database = database
        self._cards = cards
        self._unconfirmed = unconfirmed
        self._every = every
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There may be something to confirm."""
        self._wake.set()

    async def run(self) -> None:
        """Confirm what waits, also what an earlier life left; what cannot be done now is tried again, ever more slowly."""
        pause = 0.5
        while True:
            self._wake.clear()
            try:
                while await self.confirm() == _AT_ONCE:
                    pass
                pause = 0.5
            except Exception as error:
                if not (is_transient(error) or isinstance(error, FaultInjected)):
                    raise
                log.warning("cards could not be confirmed now", error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            with contextlib.suppress(TimeoutError):
                # Not wait_for: before Python 3.12 it loses a cancelling that comes together with what it waits for.
                async with asyncio.timeout(self._every):
                    await self._wake.wait()

    async def confirm(self) -> int:
        """Confirm one batch; how many cards that were."""
        async with self._database.acquire() as connection:
            cards = await self._unconfirmed.unconfirmed(connection, _AT_ONCE)
        if not cards:
            return 0
        faultpoint("intake.before_confirm")
        await self._cards.confirm(cards)
        faultpoint("intake.after_confirm")
        async with self._database.acquire() as connection:
            await self._unconfirmed.confirmed(connection, cards)
        return len(cards)
