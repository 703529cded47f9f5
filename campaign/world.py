"""The world around the services: broker and database die, freeze, cut connections and hold locks; the gateway
misbehaves.

One fault after the other, with a pause between, until told to stop; after each everything is healed, so that no fault
outlives the campaign.
"""

import asyncio
import json
import urllib.request
from collections.abc import Callable, Mapping
from random import Random
from threading import Event

import asyncpg

from campaign.journal import Journal
from campaign.provoke import hold_lock
from stack import Stack
from stack.house import House

Break = Callable[[float], None]

Wishes = tuple[Mapping[str, object], ...]
# A status that comes at once would spare the repeated call, which is what these are about.
_STATUS_COMES_LATER = {"mode": "late_status", "seconds": 6.0}
GATEWAY_MODES: tuple[Wishes, ...] = (
    ({"mode": "slow", "seconds": 3.0, "share": 0.5},),
    ({"mode": "error500"},),
    ({"mode": "error503", "share": 0.7},),
    ({"mode": "error429", "share": 0.7},),
    ({"mode": "down"},),
    ({"mode": "accept_then_500"}, _STATUS_COMES_LATER),
    ({"mode": "accept_then_hang", "seconds": 4.0, "share": 0.5}, _STATUS_COMES_LATER),
    ({"mode": "accept_then_drop"}, _STATUS_COMES_LATER),
    ({"mode": "accept_then_html"}, _STATUS_COMES_LATER),
    ({"mode": "status_twice"},),
    ({"mode": "received_first"},),
    ({"mode": "accept_then_500", "share": 0.3}, {"mode": "status_twice"}),
)
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class World:
    """`run` until `stopping`; each fault lasts some seconds."""

    def __init__(
        self, stack: Stack, house: House, *, journal: Journal, stopping: Event, pause: float, dice: Random
    ) -> None:
        self._stack = stack
        self._house = house
        self._journal = journal
        self._stopping = stopping
        self._pause = pause
        self._dice = dice
        self._modes: list[Wishes] = []
        self._breaks: Mapping[str, Break] = {
            "broker killed": lambda seconds: self._kill("kafka", seconds),
            "broker frozen": lambda seconds: self._freeze("kafka", seconds),
            "database killed": lambda seconds: self._kill("postgres", seconds),
            "database frozen": lambda seconds: self._freeze("postgres", seconds),
            "connections cut": self._cut_connections,
            "inbox locked": self._lock_inbox,
            "gateway killed": self._kill_gateway,
            "gateway misbehaves": self._turn_gateway,
        }

    def run(self) -> None:
        """Each kind of fault in turn, in an order that is drawn anew each round."""
        while True:
            round_of_breaks = list(self._breaks)
            self._dice.shuffle(round_of_breaks)
            for name in round_of_breaks:
                if self._stopping.wait(self._dice.uniform(0.5, 1.5) * self._pause):
                    return
                self._journal.note(name, "world")
                self._breaks[name](self._dice.uniform(2.0, 7.0))

    def heal(self) -> None:
        """The gateway is well behaved; whatever else is broken was mended by who broke it."""
        turn_gateway(self._house, ({"mode": "normal"},))

    def _kill(self, server: str, seconds: float) -> None:
        self._stack.server(server).kill()
        self._stopping.wait(seconds / 2)
        self._stack.start_server(server)

    def _freeze(self, server: str, seconds: float) -> None:
        process = self._stack.server(server)
        process.pause()
        self._stopping.wait(seconds)
        process.resume()
        self._stack.wait_ready()

    def _cut_connections(self, seconds: float) -> None:
        asyncio.run(_cut(self._stack.postgres_admin_dsn, rounds=max(1, int(seconds))))

    def _lock_inbox(self, seconds: float) -> None:
        service = self._dice.choice(("intake", "tasks", "notifier"))
        hold_lock(database_of(self._stack, service), seconds)

    def _kill_gateway(self, seconds: float) -> None:
        process = self._house.process("post_gateway")
        process.kill()
        self._stopping.wait(seconds / 2)
        process.start()
        self._house.wait_ready(["post_gateway"])

    def _turn_gateway(self, seconds: float) -> None:
        self._modes = self._modes or self._dice.sample(GATEWAY_MODES, len(GATEWAY_MODES))
        wishes = self._modes.pop()
        self._journal.note("gateway turned", "world", modes="+".join(str(wish["mode"]) for wish in wishes))
        turn_gateway(self._house, wishes)
        self._stopping.wait(2 * seconds)
        self.heal()


def turn_gateway(house: House, wishes: Wishes) -> None:
    """How the gateway behaves from now on: one switch for its answers, one for its statuses."""
    for wish in wishes:
        post(f"{house.http_url('post_gateway')}/_sim/switches", wish)


def post(url: str, body: Mapping[str, object]) -> None:
    """Tells a simulator something."""
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - loopback
    _DIRECT.open(request, timeout=30).close()


def database_of(stack: Stack, service: str) -> str:
    """The administrator's address of a service's database."""
    return f"{stack.postgres_admin_dsn.rpartition('/')[0]}/{stack.database(service).name}"


async def _cut(dsn: str, *, rounds: int) -> None:
    """Ends every connection to our databases, commits in flight included, again and again."""
    connection = await asyncpg.connect(dsn)
    try:
        for _ in range(rounds):
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname like 'mitsyg%'"
            )
            await asyncio.sleep(0.7)
    finally:
        await connection.close()
