"""What happens in the demonstration: two waves of notifications, before and after the clock changes, with faults in the first.

Intake and notifier are killed with SIGKILL in the middle of their work and started again; the gateway takes letters over
and then says that it failed. Nothing tells the services that it is a demonstration, but for the clock they follow.
"""

import asyncio
import json
import urllib.request
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from contracts.topics import NEMREFUSION_NOTIFICATION
from simulators.nemrefusion.ledger import Ledger
from simulators.nemrefusion.sending import Sender, kafka_producer
from simulators.nemrefusion.traffic import Mix, generate
from stack.demo import calendar, figures
from stack.errors import StackError
from stack.house import House
from stack.say import say

FIRST_WAVE = 500
SECOND_WAVE = 300
RATE = 120.0
MIX = Mix(bad=0.08, duplicates=0.06)
_PATIENCE_SECONDS = 180


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What was done, for the account."""

    sent: int
    kills: int
    first_day: datetime
    second_day: datetime


async def play(house: House, ledger: Path) -> Told:
    """Play it; returns when everything that was set off has come to rest."""
    change = calendar.next_clock_change(datetime.now(calendar.COPENHAGEN).date())
    first, second = (calendar.morning(change + timedelta(days=days)) for days in (-3, 2))
    turn_clock(house, first)
    say(f"it is {first:%A %d %B %Y}, nine in the morning; on {change:%A} the clock changes")
    say(f"{FIRST_WAVE} notifications arrive; intake and notifier are killed meanwhile, and the gateway misbehaves")
    wave = asyncio.create_task(_send(house, ledger, seed=1, count=FIRST_WAVE, as_of=first))
    await _break_things(house)
    sent = await wave
    await _rest(house, sent)
    turn_clock(house, second)
    say(f"it is {second:%A %d %B %Y}; {SECOND_WAVE} more arrive, nothing is broken")
    sent += await _send(house, ledger, seed=2, count=SECOND_WAVE, as_of=second, first_number=FIRST_WAVE)
    await _rest(house, sent)
    return Told(sent=sent, kills=2, first_day=first, second_day=second)


def turn_clock(house: House, to: datetime) -> None:
    """Turn the simulated clock and wait until every service has seen it."""
    answer = _post(f"{house.http_url('clock')}/turn", {"to": to.isoformat()})
    if answer.get("missing"):
        raise StackError(f"the clock was turned, but these did not follow: {answer['missing']}")


async def _send(house: House, ledger: Path, *, seed: int, count: int, as_of: datetime, first_number: int = 0) -> int:
    day = as_of.astimezone(calendar.COPENHAGEN).date()
    # Numbered on over the waves: the ledger knows a record by its number.
    traffic = (
        replace(one, sequence=one.sequence + first_number)
        for one in generate(seed=seed, count=count, as_of=day, mix=MIX)
    )
    with Ledger(ledger) as book:
        make_producer = kafka_producer(house.stack.kafka_bootstrap)
        async with Sender(make_producer, topic=NEMREFUSION_NOTIFICATION.name, ledger=book, rate=RATE) as sender:
            return (await sender.send_all(traffic)).ok


async def _break_things(house: House) -> None:
    gateway = f"{house.http_url('post_gateway')}/_sim/switches"
    await asyncio.sleep(1.0)
    await asyncio.to_thread(_kill_and_restart, house, "intake")
    await asyncio.to_thread(_post, gateway, {"mode": "accept_then_500", "share": 0.3, "seconds": 5})
    await asyncio.sleep(1.0)
    await asyncio.to_thread(_kill_and_restart, house, "notifier")


def _kill_and_restart(house: House, name: str) -> None:
    house.process(name).kill()
    house.restart(name)


async def _rest(house: House, sent: int) -> None:
    """Until every notification has its fate and nothing is on its way any more."""
    dsn = house.stack.postgres_admin_dsn
    left: dict[str, int] = {}
    for _ in range(_PATIENCE_SECONDS * 2):
        left = await figures.waiting(dsn)
        if await figures.settled(dsn) >= sent and not any(left.values()):
            return
        await asyncio.sleep(0.5)
    under_way = {name: number for name, number in left.items() if number}
    raise StackError(f"not at rest after {_PATIENCE_SECONDS} seconds: {under_way}; see {house.stack.run_dir / 'logs'}")


def _post(url: str, body: dict[str, object]) -> dict[str, object]:
    request = urllib.request.Request(  # noqa: S310  # an address of our own
        url, data=json.dumps(body).encode(), headers={"content-type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=40) as answer:  # noqa: S310
        read: dict[str, object] = json.load(answer)
        return read
