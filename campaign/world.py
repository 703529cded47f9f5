"""The world around the services: broker and database die, freeze, cut connections, hold locks, and are heard no more.

Each play breaks one thing, heals it, and says whether it struck. What is broken between the services and the servers is broken by
links (`link.py`), and written down by them when it happened.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from threading import Event
from typing import Final

import asyncpg

from campaign.journal import Journal
from campaign.link import Link, Links
from campaign.provoke import database_of, hold_lock
from campaign.rounds import Play
from campaign.scanner import Scanner
from campaign.wires import Exchange
from stack import Stack
from stack.house import House
from stack.members import ERASER

LENGTHS: Final[Mapping[str, Sequence[float]]] = {
    "broker killed": (5.0, 30.0, 120.0),
    "broker frozen": (15.0, 90.0),
    "database frozen": (20.0,),
}
"""How long the list of faults wants these to last, each once; everything else, and these beyond that, lasts a few seconds."""

LOSSES: Final = ("commit answer lost", "produce answer lost", "offset commit request lost")
"""As the links tell of them, and as the plays are called."""

_USUAL_SECONDS = (1.0, 7.0)
_LOSSES = (3, 6)
_LONGEST_LOSS_SECONDS = 10.0
_LONGEST_TORN_BYTES = 200
_TORN_WITHIN_SECONDS = 2.0
_POLL_SECONDS = 0.05


class World:
    """`longest`: nothing lasts for more seconds than that."""

    def __init__(
        self,
        stack: Stack,
        links: Links,
        *,
        house: House,
        journal: Journal,
        stopping: Event,
        scanner: Scanner,
        longest: float,
        dice: Random,
    ) -> None:
        self._stack = stack
        self._links = links
        self._house = house
        self._journal = journal
        self._stopping = stopping
        self._scanner = scanner
        self._dice = dice
        self._lengths = {
            name: dice.sample(fit, len(fit))
            for name, wanted in LENGTHS.items()
            if (fit := [seconds for seconds in wanted if seconds <= longest])
        }

    def plays(self) -> Mapping[str, Play]:
        kafka, postgres = self._links.kafka, self._links.postgres
        return {
            "broker killed": lambda: self._kill("kafka", "broker killed"),
            "broker frozen": lambda: self._freeze("kafka", "broker frozen"),
            "database killed": lambda: self._kill("postgres", "database killed"),
            "database stopped at once": self._stop_database_at_once,
            "database frozen": lambda: self._freeze("postgres", "database frozen"),
            "connections cut": self._cut_connections,
            "inbox locked": self._lock_inbox,
            "commit answer lost": lambda: self._lose(lambda: postgres.lose_answer(Exchange.COMMIT)),
            "produce answer lost": lambda: self._lose(lambda: kafka.lose_answer(Exchange.PRODUCE)),
            "offset commit request lost": lambda: self._lose(lambda: kafka.lose_request(Exchange.OFFSET_COMMIT)),
            "link cut": partial(self._disturb, self._cut_link),
            "answers torn": partial(self._disturb, self._tear_link),
            "link stalled": partial(self._disturb, self._stall_link),
            "link refused": partial(self._disturb, self._refuse_link),
            "eraser killed": self._kill_eraser,
            "store killed": lambda: self._kill("minio", "store killed"),
            "store frozen": lambda: self._freeze("minio", "store frozen"),
            **self._scanner.plays(),
        }

    def heal(self) -> None:
        """Whatever else is broken was mended by who broke it."""
        self._links.heal()

    # the servers --------------------------------------------------------------------------------------------------------------

    def _kill(self, server: str, what: str) -> bool:
        seconds = self._seconds(what)
        self._stack.server(server).kill()
        self._journal.note(what, "world", lasted=seconds)
        self._stopping.wait(seconds)
        self._stack.start_server(server)
        return True

    def _kill_eraser(self) -> bool:
        """In the middle of whatever it deletes."""
        process, seconds = self._house.process(ERASER), self._seconds("eraser killed")
        process.kill()
        self._journal.note("eraser killed", "world", lasted=seconds)
        self._stopping.wait(seconds)
        process.start()
        return True

    def _stop_database_at_once(self) -> bool:
        """As `pg_ctl stop -m immediate` does: no checkpoint, so that it recovers when it starts."""
        seconds = self._seconds("database stopped at once")
        self._stack.server("postgres").stop(signal.SIGQUIT)
        self._journal.note("database stopped at once", "world", lasted=seconds)
        self._stopping.wait(seconds)
        self._stack.start_server("postgres")
        return True

    def _freeze(self, server: str, what: str) -> bool:
        seconds = self._seconds(what)
        process = self._stack.server(server)
        process.pause()
        self._journal.note(what, "world", lasted=seconds)
        self._stopping.wait(seconds)
        process.resume()
        return True

    def _cut_connections(self) -> bool:
        ended = asyncio.run(_cut(self._stack.postgres_admin_dsn, rounds=self._dice.randint(2, 7)))
        self._journal.note("connections cut", "world", number=ended)
        return ended > 0

    def _lock_inbox(self) -> bool:
        service = self._dice.choice(("intake", "tasks", "uploads", "notifier"))
        waited = hold_lock(database_of(self._stack, service), self._dice.uniform(*_USUAL_SECONDS))
        self._journal.note("inbox locked", service, waited=waited)
        return True

    def _seconds(self, what: str) -> float:
        wanted = self._lengths.get(what)
        return wanted.pop() if wanted else round(self._dice.uniform(*_USUAL_SECONDS), 1)

    # the links ----------------------------------------------------------------------------------------------------------------

    def _lose(self, lose: Callable[[], None]) -> bool:
        """A few of them, one after the other, as long as there is something to be lost: whether there was."""
        began_with = before = self._journal.count(*LOSSES)
        for _ in range(self._dice.randint(*_LOSSES)):
            lose()
            lost = self._counted(before, _LONGEST_LOSS_SECONDS, *LOSSES)
            if lost == before:
                break
            before = lost
            self._stopping.wait(self._dice.uniform(0.1, 1.0))
        self._links.heal()
        return before > began_with

    def _disturb(self, disturb: Callable[[str, Link], bool]) -> bool:
        links = {"kafka": self._links.kafka, "postgres": self._links.postgres}
        server = self._dice.choice(sorted(links))
        try:
            return disturb(server, links[server])
        finally:
            self._links.heal()

    def _cut_link(self, server: str, link: Link) -> bool:
        number = link.cut()
        self._journal.note("link cut", server, number=number)
        return number > 0

    def _tear_link(self, _server: str, link: Link) -> bool:
        torn = self._journal.count("answer torn")
        link.tear(self._dice.randint(0, _LONGEST_TORN_BYTES))
        return self._counted(torn, _TORN_WITHIN_SECONDS, "answer torn") > torn

    def _stall_link(self, server: str, link: Link) -> bool:
        link.stall()
        self._journal.note("link stalled", server)
        self._stopping.wait(self._dice.uniform(*_USUAL_SECONDS))
        return True

    def _refuse_link(self, server: str, link: Link) -> bool:
        """Those who are connected are put out first, else nobody would be refused."""
        link.refuse()
        number = link.cut()
        self._journal.note("link refused", server, number=number)
        self._stopping.wait(self._dice.uniform(*_USUAL_SECONDS))
        return number > 0

    def _counted(self, before: int, seconds: float, *what: str) -> int:
        """How many there are once there is one more than `before`, or the time is over."""
        until = time.monotonic() + seconds
        while (count := self._journal.count(*what)) <= before and time.monotonic() < until:
            if self._stopping.wait(_POLL_SECONDS):
                break
        return count


async def _cut(dsn: str, *, rounds: int) -> int:
    """Ends every connection to our databases, commits in flight included, again and again: how many."""
    connection = await asyncpg.connect(dsn)
    ended = 0
    try:
        for _ in range(rounds):
            ended += await connection.fetchval(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname like 'mitsyg%'"
            )
            await asyncio.sleep(0.7)
    finally:
        await connection.close()
    return ended
