"""Pushes status messages to the receiver until it has them for good; what is to be told later is told when domain time has come.

Invariants: a bounded number of messages is in flight, each at most once at a time; one is pushed again, ever later, until it is
acknowledged; a process that is killed between the receiver's acknowledgement and our note of it pushes once more, as the real one
may.
"""

import asyncio
import contextlib
import time
from uuid import UUID

import aiohttp

from plumbing.clock import Clock
from simulators.post_gateway.ledger import Ledger, Status
from simulators.post_gateway.statuses import is_acknowledged, push_body

LOOK_AT_THE_CLOCK_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
AGAIN_AFTER_SECONDS = 0.2


class Pusher:
    """Runs until cancelled, with `at_once` pushes in flight; `wake` when a status was written."""

    def __init__(self, ledger: Ledger, clock: Clock, url: str | None, token: str | None, *, at_once: int = 64) -> None:
        self._ledger = ledger
        self._clock = clock
        self._url = url
        self._at_once = at_once
        self._headers = {"content-type": "application/xml"} | ({"authorization": f"Bearer {token}"} if token else {})
        self._wake = asyncio.Event()
        self._in_flight: dict[UUID, asyncio.Task[None]] = {}

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        """Push whatever is due; without an address nothing is pushed."""
        if self._url is None:
            return
        timeout = aiohttp.ClientTimeout(total=10)
        connector = aiohttp.TCPConnector(limit=self._at_once)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            try:
                while True:
                    self._wake.clear()
                    self._ledger.come_due(self._clock.now())
                    self._start(session, self._url)
                    # Not wait_for: before Python 3.12 it loses a cancelling that comes together with what it waits for.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._pause()):
                            await self._wake.wait()
            finally:
                for task in self._in_flight.values():
                    task.cancel()
                await asyncio.gather(*self._in_flight.values(), return_exceptions=True)

    def _start(self, session: aiohttp.ClientSession, url: str) -> None:
        free = self._at_once - len(self._in_flight)
        if free <= 0:
            return
        for status in self._ledger.due(time.time(), free, self._in_flight):
            self._in_flight[status.besked_id] = asyncio.create_task(self._push(session, url, status))

    async def _push(self, session: aiohttp.ClientSession, url: str, status: Status) -> None:
        try:
            acknowledged, answer = await self._post(session, url, push_body(status))
            pause = AGAIN_AFTER_SECONDS
            if not acknowledged:
                pause = min(0.1 * 2 ** min(self._ledger.pushes(status.besked_id), 10), LONGEST_PAUSE_SECONDS)
            self._ledger.pushed(status.besked_id, acknowledged=acknowledged, answer=answer, due=time.time() + pause)
        finally:
            self._in_flight.pop(status.besked_id, None)
            self.wake()

    async def _post(self, session: aiohttp.ClientSession, url: str, body: bytes) -> tuple[bool, str]:
        try:
            async with session.post(url, data=body, headers=self._headers, allow_redirects=False) as answer:
                return is_acknowledged(answer.status, await answer.read()), str(answer.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return False, type(error).__name__

    def _pause(self) -> float:
        # Nobody tells when the clock is turned.
        longest = LONGEST_PAUSE_SECONDS if self._ledger.next_later() is None else LOOK_AT_THE_CLOCK_SECONDS
        due = self._ledger.next_due()
        if due is None or len(self._in_flight) >= self._at_once:
            return longest
        # What is in flight is still due; its end wakes us.
        return min(max(due - time.time(), 0.2 if self._in_flight else 0.01), longest)
