"""Domain time.

Invariants: rules take the time from a `Clock`, never from the machine or from SQL; instants are aware and in UTC;
leases, time-outs, back-off and session lifetimes do *not* use it: they are real, monotonic time. The simulated clock
is real time plus an offset that somebody else turns; a service takes one only where its settings say that this is a
demonstration or a test.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol

import aiohttp
import structlog

log = structlog.get_logger(__name__)


class Clock(Protocol):
    """Where domain time comes from."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SimulatedClock:
    """The machine's clock moved by an offset that is asked for at `url` every `every` seconds."""

    def __init__(self, url: str, subscriber: str, *, every: float = 0.2) -> None:
        self._url = f"{url.rstrip('/')}/now"
        self._subscriber = subscriber
        self._every = every
        self._offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    async def first(self) -> None:
        """Fetch the offset once; raises ConnectionError while the clock is not there."""
        async with aiohttp.ClientSession() as session:
            try:
                await self.fetch(session)
            except aiohttp.ClientError as error:
                raise ConnectionError(type(error).__name__) from None

    async def fetch(self, session: aiohttp.ClientSession) -> None:
        """Take over the offset that is in force; raises what aiohttp raises when the clock is not there."""
        timeout = aiohttp.ClientTimeout(total=2)
        async with session.get(self._url, params={"subscriber": self._subscriber}, timeout=timeout) as answer:
            answer.raise_for_status()
            body = await answer.json()
        self._offset = timedelta(seconds=float(body["offset_seconds"]))

    async def run(self) -> None:
        """Follow the clock until cancelled; while it is away the last offset stays in force."""
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    await self.fetch(session)
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    log.warning("simulated clock is away", error=type(error).__name__)
                await asyncio.sleep(self._every)
