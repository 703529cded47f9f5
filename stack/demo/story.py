"""What happens in the demonstration: a month of notifications of every kind, over which the clock changes, with faults in it.

Every third day the clock is turned and what was sent since arrives. In the middle of the month intake and notifier are
killed with SIGKILL at their work and started again; the gateway takes letters over and then says that it failed; and later it
tells of some that their citizen has just left Digital Post. Letters on paper are posted the weekday after, and a few come back:
in the end the clock is turned until the print house is empty. Nothing tells the services that it is a demonstration, but for
the clock they follow.
"""

import asyncio
import json
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path

from contracts.topics import NEMREFUSION_NOTIFICATION
from simulators.nemrefusion.ledger import Ledger
from simulators.nemrefusion.mix import MONTH
from simulators.nemrefusion.sending import Sender, kafka_producer
from simulators.nemrefusion.sent import Sent
from simulators.nemrefusion.traffic import generate
from stack.demo import calendar, figures
from stack.errors import StackError
from stack.house import House
from stack.say import say

COUNT = 1_200
DAYS = 30
STEP_DAYS = 3
RATE = 100.0
MIX = replace(MONTH, bad=0.08, duplicates=0.06)
POST: Mapping[str, str] = {"PRINT_DAYS": "1", "RETURN_SHARE": "0.1", "RETURN_DAYS": "7"}
"""What the gateway is told beside the usual: a print house as slow as a real one, and a post that brings letters back."""
_DAYS_AFTER_CHANGE = 5
_BROKEN_WAVE = 4
_LEAVING_WAVE = 6
_MOST_TURNS = 10
_LEFT_DIGITAL_POST: Mapping[str, object] = {
    "mode": "fail_status",
    "error_code": "recipient.exempt",
    "channel": "Digital Post",
    "share": 0.3,
}
_PATIENCE_SECONDS = 180


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What was done, for the account."""

    sent: int
    kills: int
    first_day: date
    last_day: date


async def play(house: House, ledger: Path) -> Told:
    """Play it; returns when everything that was set off has come to rest."""
    # The clock is never turned back, so the month begins after today.
    today = datetime.now(calendar.COPENHAGEN).date()
    change = calendar.next_clock_change(today + timedelta(days=DAYS))
    last = change + timedelta(days=_DAYS_AFTER_CHANGE)
    sent = 0
    for number, (day, records) in enumerate(waves(last)):
        turn_clock(house, calendar.morning(day))
        say(f"it is {day:%A %d %B %Y}, nine in the morning; {len(records)} notifications arrive")
        wave = asyncio.create_task(_send(house, ledger, records))
        if number == _BROKEN_WAVE:
            say("intake and notifier are killed meanwhile, and the gateway misbehaves")
            await _break_things(house)
        if number == _LEAVING_WAVE:
            say("some citizens leave Digital Post while their letters are on the way: those go on paper")
            await _switch(house, _LEFT_DIGITAL_POST)
        sent += await wave
        await rest(house, sent)
        await _switch(house, {"mode": "normal"})
    await empty_print_house(house, sent, last)
    say(f"on {change:%A %d %B} the clock changed")
    return Told(sent=sent, kills=2, first_day=last - timedelta(days=DAYS - 1), last_day=last)


def waves(last: date) -> Iterator[tuple[date, Sequence[Sent]]]:
    """A month of records up to that day, by the day on which the clock stands when they arrive."""
    first = last - timedelta(days=DAYS - 1)
    records = generate(seed=1, count=COUNT, as_of=last, mix=MIX, days=DAYS)
    for number, wave in groupby(records, lambda one: (one.day - first).days // STEP_DAYS):
        yield first + timedelta(days=min((number + 1) * STEP_DAYS, DAYS) - 1), list(wave)


def turn_clock(house: House, to: datetime) -> None:
    """Turn the simulated clock and wait until every service has seen it."""
    answer = _post(f"{house.http_url('clock')}/turn", {"to": to.isoformat()})
    if answer.get("missing"):
        raise StackError(f"the clock was turned, but these did not follow: {answer['missing']}")


async def _send(house: House, ledger: Path, records: Sequence[Sent]) -> int:
    with Ledger(ledger) as book:
        make_producer = kafka_producer(house.stack.kafka_bootstrap)
        async with Sender(make_producer, topic=NEMREFUSION_NOTIFICATION.name, ledger=book, rate=RATE) as sender:
            return (await sender.send_all(records)).ok


async def _break_things(house: House) -> None:
    await asyncio.sleep(0.5)
    await asyncio.to_thread(_kill_and_restart, house, "intake")
    await _switch(house, {"mode": "accept_then_500", "share": 0.3})
    await asyncio.sleep(0.5)
    await asyncio.to_thread(_kill_and_restart, house, "notifier")


async def _switch(house: House, wish: Mapping[str, object]) -> None:
    await asyncio.to_thread(_post, f"{house.http_url('post_gateway')}/_sim/switches", wish)


async def empty_print_house(house: House, sent: int, last: date) -> None:
    """Turn the clock on until every letter on paper is posted, and those that come back are back."""
    for turn in range(1, _MOST_TURNS + 1):
        if not await at_gateway(house, "status_messages_later"):
            return
        turn_clock(house, calendar.morning(last + timedelta(days=turn * STEP_DAYS)))
        await rest(house, sent)
    raise StackError(f"the print house is not empty {_MOST_TURNS * STEP_DAYS} days after the last notification")


def _kill_and_restart(house: House, name: str) -> None:
    house.process(name).kill()
    house.restart(name)


async def rest(house: House, sent: int) -> None:
    """Until every notification has its fate and nothing is on its way any more."""
    dsn = house.stack.postgres_admin_dsn
    left: dict[str, int] = {}
    for _ in range(_PATIENCE_SECONDS * 2):
        left = await figures.under_way(dsn)
        left["statuses to be told"] = await at_gateway(house, "status_messages_waiting")
        if await figures.settled(dsn) >= sent and not any(left.values()):
            return
        await asyncio.sleep(0.5)
    under_way = {name: number for name, number in left.items() if number}
    raise StackError(f"not at rest after {_PATIENCE_SECONDS} seconds: {under_way}; see {house.stack.run_dir / 'logs'}")


async def at_gateway(house: House, what: str) -> int:
    """One of the gateway's counts."""
    told = await asyncio.to_thread(_get, f"{house.http_url('post_gateway')}/_sim/summary")
    return int(str(told[what]))


def _get(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=40) as answer:  # noqa: S310  # an address of our own
        read: dict[str, object] = json.load(answer)
        return read


def _post(url: str, body: Mapping[str, object]) -> dict[str, object]:
    request = urllib.request.Request(  # noqa: S310  # an address of our own
        url, data=json.dumps(dict(body)).encode(), headers={"content-type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=40) as answer:  # noqa: S310
        read: dict[str, object] = json.load(answer)
        return read
