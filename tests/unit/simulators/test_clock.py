"""The simulated clock: turned forward only, followed by everybody, never forgotten."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from plumbing.clock import SimulatedClock
from simulators.clock.app import make_app
from simulators.clock.dial import DENMARK, Dial, TurnedBack
from tests.unit.simulators.servers import serving


async def turn(address: str, wish: Any, wait: float = 5) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.post(f"{address}/turn?wait={wait}", json=wish) as answer:
        return answer.status, await answer.json()


def test_a_day_later_the_wall_shows_the_same_time_also_over_summer_time() -> None:
    dial = Dial()
    dial.turn_to(datetime(2030, 3, 30, 11, 0, tzinfo=UTC))  # 12:00 in Denmark; the clocks change in the night after
    dial.turn_days(1)
    assert dial.now().astimezone(DENMARK).strftime("%F %H:%M") == "2030-03-31 12:00"
    assert dial.now().hour == 10


def test_time_is_never_turned_back() -> None:
    dial = Dial()
    dial.turn_days(10)
    with pytest.raises(TurnedBack):
        dial.turn_to(datetime.now(UTC) + timedelta(days=9))
    assert dial.setting.version == 1


def test_a_killed_clock_comes_back_with_the_same_time(tmp_path: Path) -> None:
    Dial(tmp_path / "clock.json").turn_days(8)
    again = Dial(tmp_path / "clock.json")
    assert again.setting.version == 1
    assert again.now() - datetime.now(UTC) > timedelta(days=7, hours=22)


async def test_a_turn_waits_until_every_subscriber_has_taken_it_over() -> None:
    async with serving(make_app(Dial())) as address:
        clocks = [SimulatedClock(address, name, every=0.05) for name in ("intake", "tasks")]
        loops = [asyncio.create_task(clock.run()) for clock in clocks]
        await asyncio.sleep(0.2)
        status, body = await turn(address, {"days": 8})
        assert (status, body["missing"], body["subscribers"]) == (200, [], {"intake": 1, "tasks": 1})
        for clock in clocks:
            assert clock.now() - datetime.now(UTC) > timedelta(days=7)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)


async def test_a_turn_names_who_did_not_follow_and_does_not_wait_for_ever() -> None:
    async with serving(make_app(Dial())) as address, aiohttp.ClientSession() as session:
        async with session.get(f"{address}/now?subscriber=asleep"):
            pass
        _, body = await turn(address, {"days": 1}, wait=0.2)
        assert body["missing"] == ["asleep"]


@pytest.mark.parametrize(
    "wish",
    [{}, [], "x", {"days": "8"}, {"days": -1}, {"days": True}, {"days": 1e9}, {"to": "2030-01-01"}, {"to": "x"},
     {"to": "2030-01-01T00:00:00+01:00", "days": 1}],
)  # fmt: skip
async def test_a_turn_that_says_nothing_sensible_is_refused(wish: Any) -> None:
    async with serving(make_app(Dial())) as address:
        assert (await turn(address, wish))[0] == 422


async def test_backwards_is_a_conflict() -> None:
    async with serving(make_app(Dial())) as address:
        assert (await turn(address, {"to": "2020-01-01T00:00:00Z"}))[0] == 409


async def test_no_page_in_a_browser_turns_it() -> None:
    dial = Dial()
    async with serving(make_app(dial)) as address, aiohttp.ClientSession() as session:
        told = {"origin": "https://elsewhere.example", "content-type": "text/plain"}
        async with session.post(f"{address}/turn?wait=0", data='{"days": 3000}', headers=told) as answer:
            assert answer.status == 403
    assert dial.setting.version == 0
