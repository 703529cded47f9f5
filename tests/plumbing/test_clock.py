"""The simulated clock follows the one who turns it, and keeps going when that one is away."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from plumbing.clock import SimulatedClock, SystemClock
from stack.ports import free_port
from tests.plumbing.helpers import until

DAY = 86_400.0


@dataclass(slots=True)
class Turned:
    """A clock server: the offset it tells, and who asked."""

    url: str
    offset: float = 0
    status: int = 200
    asked_by: str | None = None

    async def answer(self, request: web.Request) -> web.Response:
        self.asked_by = request.query.get("subscriber")
        return web.json_response({"offset_seconds": self.offset}, status=self.status)


@pytest.fixture
async def turned() -> AsyncIterator[Turned]:
    port = free_port()
    server = Turned(url=f"http://127.0.0.1:{port}/")
    app = web.Application()
    app.router.add_get("/now", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield server
    await runner.cleanup()


def days_ahead(clock: SimulatedClock) -> int:
    return round((clock.now() - datetime.now(UTC)) / timedelta(days=1))


def test_the_time_is_aware_and_in_utc() -> None:
    for clock in (SystemClock(), SimulatedClock("http://127.0.0.1:1", "tasks")):
        assert clock.now().tzinfo is UTC
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)


async def test_it_stands_where_it_was_turned_to_from_the_first_moment(turned: Turned) -> None:
    turned.offset = 9 * DAY
    clock = SimulatedClock(turned.url, "tasks")
    await clock.first()

    assert days_ahead(clock) == 9
    assert turned.asked_by == "tasks"


async def test_it_follows_each_turn_and_keeps_the_last_while_its_server_is_away(turned: Turned) -> None:
    clock = SimulatedClock(turned.url, "tasks", every=0.02)
    following = asyncio.create_task(clock.run())
    turned.offset = 3 * DAY
    await until(lambda: days_ahead(clock) == 3)
    turned.status = 500
    await asyncio.sleep(0.2)
    assert days_ahead(clock) == 3
    turned.status, turned.offset = 200, 5 * DAY
    await until(lambda: days_ahead(clock) == 5)

    assert not following.done()
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following


async def test_a_clock_that_is_not_there_yet_is_waited_for(turned: Turned) -> None:
    turned.status = 503
    with pytest.raises(ConnectionError):
        await SimulatedClock(turned.url, "tasks").first()
    with pytest.raises(ConnectionError):
        await SimulatedClock(f"http://127.0.0.1:{free_port()}", "tasks").first()
