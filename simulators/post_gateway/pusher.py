"""Pushes status messages to the receiver until it has them for good.

Invariants: a message is in flight at most once at a time; it is pushed again, ever later, until it is acknowledged; a
process that is killed between the receiver's acknowledgement and our note of it pushes once more, as the real one may.
"""

import asyncio
import contextlib
import time
from uuid import UUID

import aiohttp

from simulators.post_gateway.ledger import Ledger, Status
from simulators.post_gateway.statuses import is_acknowledged, push_body

AT_ONCE = 16
LONGEST_PAUSE_SECONDS = 5.0
AGAIN_AFTER_SECONDS = 0.2


class Pusher:
    """Runs until cancelled; `wake` when a status was written."""

    def __init__(self, ledger: Ledger, url: str | None, token: str | None) -> None:
        self._ledger = ledger
        self._url = url
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
        connector = aiohttp.TCPConnector(limit=AT_ONCE)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            try:
                while True:
                    self._wake.clear()
                    self._start(session, self._url)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), self._pause())
            finally:
                for task in self._in_flight.values():
                    task.cancel()
                await asyncio.gather(*self._in_flight.values(), return_exceptions=True)

    def _start(self, session: aiohttp.ClientSession, url: str) -> None:
        free = AT_ONCE - len(self._in_flight)
        if free <= 0:
            return
        due = self._ledger.due(time.time(), free + len(self._in_flight))
        for status in [one for one in due if one.besked_id not in self._in_flight][:free]:
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
        if len(self._in_flight) >= AT_ONCE:
            return LONGEST_PAUSE_SECONDS
        due = self._ledger.next_due()
        if due is None:
            return LONGEST_PAUSE_SECONDS
        # What is in flight is still due; its end wakes us.
        return min(max(due - time.time(), 0.2 if self._in_flight else 0.01), LONGEST_PAUSE_SECONDS)
