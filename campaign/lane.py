"""A lane: one service lives its lives, one after the other, while the world around it breaks as well.

A process that was killed is started again. One that was stopped is a zombie: a second instance takes over, for longer
than the Kafka session and the leases last, then the zombie wakes and meets what has changed, and the second instance
is drained. A fault that did not strike in time is tried once more; whatever did not strike at all is found at the
end, in the file of visits.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from threading import Event

import psutil

from campaign.journal import Journal
from campaign.plan import Action, Life, Strike
from campaign.provoke import Provoke
from stack.errors import StackError
from stack.house import House

POLL_SECONDS = 0.1
PATIENCE_SECONDS = 40.0
AWAKE_SECONDS = 3.0
LIVES_PER_WISH = 3
# Longer than any part of a drain may take: broker or database may be away for most of it.
DRAINED_WITHIN_SECONDS = 75.0


class Lane:
    """`hold_seconds`: how long a zombie sleeps. `has_replicas`: whether a second instance can take over."""

    def __init__(
        self,
        house: House,
        service: str,
        lives: Sequence[Life],
        *,
        journal: Journal,
        visits: Path,
        stopping: Event,
        provoke: Mapping[str, Provoke],
        hold_seconds: float,
        has_replicas: bool,
        dice: Random,
    ) -> None:
        self._house = house
        self._service = service
        self._lives = lives
        self._journal = journal
        self._visits = visits
        self._stopping = stopping
        self._provoke = provoke
        self._hold_seconds = hold_seconds
        self._has_replicas = has_replicas
        self._dice = dice
        self.is_through = Event()

    def run(self) -> None:
        """Live all lives, those again in which not every wish struck; then be watched over until everything ends."""
        waiting = [(life, 1) for life in self._lives]
        while waiting and not self._stopping.is_set():
            life, time_round = waiting.pop(0)
            missed = self._live(life)
            if missed and time_round < LIVES_PER_WISH and not self._stopping.is_set():
                self._journal.note("missed", self._service, wished=" ".join(strike.spelt for strike in missed))
                waiting.append((Life(wished=missed), time_round + 1))
        self._begin({})
        self.is_through.set()
        while not self._stopping.wait(POLL_SECONDS):
            self._revive()

    def _revive(self) -> None:
        """Starts the process again if it ended though nobody asked it to."""
        process = self._house.process(self._service)
        if not process.is_alive:
            self._journal.note("died unasked", self._service, code=process.exit_code)
            self._begin({})

    def _live(self, life: Life) -> tuple[Strike, ...]:
        """One life, until its faults have struck: the wishes that did not."""
        began_with = len(self._struck())
        self._begin(life.environment)
        if life.end is not None and life.end.action is Action.DIE:
            return self._die()
        until = time.monotonic() + PATIENCE_SECONDS
        provoked = False
        while time.monotonic() < until and not self._stopping.is_set():
            if not provoked:
                provoked = self._provoke_if_ready(life)
            is_alive = self._house.process(
                self._service
            ).is_alive  # asked first: what ended it is written down before it ends
            struck = self._struck()[began_with:]
            if life.end is not None and life.end.visit in struck:
                self._has_struck(life.end)
                return ()
            if life.end is None and all(strike.visit in struck for strike in life.wished):
                break
            if not is_alive:
                self._revive()
                break
            time.sleep(POLL_SECONDS)
        struck = self._struck()[began_with:]
        self._journal.note("raised", self._service, points=" ".join(struck))
        return tuple(strike for strike in life.wished if strike.visit not in struck)

    # what happens to the process ------------------------------------------------------------------------------------------

    def _begin(self, environment: Mapping[str, str]) -> None:
        process = self._house.process(self._service)
        if process.is_alive:
            code = process.stop(timeout=DRAINED_WITHIN_SECONDS)
            self._journal.note("drained" if code == 0 else "ended badly", self._service, code=code)
        told = {"FAULTPOINT_VISITS": str(self._visits), **environment}
        process.start(told)
        self._journal.note("started", self._service, faults=environment.get("FAULTPOINTS", ""))

    def _die(self) -> tuple[Strike, ...]:
        time.sleep(self._dice.uniform(0.5, 8.0))
        self._house.process(self._service).kill()
        self._journal.note("kill", self._service, point="anywhere")
        return ()

    def _has_struck(self, strike: Strike) -> None:
        process = self._house.process(self._service)
        self._journal.note(strike.action.value, self._service, point=strike.point, nth=strike.nth)
        if strike.action is Action.KILL:
            process.wait_end(5)
            process.kill()  # what it had started goes with it
            return
        self._wait_stopped(process.pid)
        replica = self._house.add_replica(self._service) if self._has_replicas else None
        if replica is not None:
            self._journal.note("replica", replica)
        self._stopping.wait(self._hold_seconds)
        process.resume()
        self._journal.note("woke", self._service, point=strike.point)
        self._stopping.wait(AWAKE_SECONDS)
        if replica is not None:
            code = self._house.process(replica).exit_code
            if code is not None:
                self._journal.note("died unasked", replica, code=code)
            self._house.remove_replica(replica)
            self._journal.note("drained", replica)

    def _provoke_if_ready(self, life: Life) -> bool:
        """Some points are passed only when something rare happens: see to it, once the process is ready."""
        # Several points may be passed by one thing that happens.
        provokers = list(
            dict.fromkeys(self._provoke[strike.point] for strike in life.wished if strike.point in self._provoke)
        )
        if not provokers:
            return True
        try:
            self._house.wait_ready([self._service], timeout=PATIENCE_SECONDS / 2)
        except StackError:
            return False
        began_with = len(self._struck())
        for provoke in provokers:
            provoke(lambda: len(self._struck()) > began_with or self._stopping.is_set())
        return True

    # what is known of it --------------------------------------------------------------------------------------------------

    def _struck(self) -> list[str]:
        return self._visits.read_text().splitlines() if self._visits.exists() else []

    def _wait_stopped(self, pid: int) -> None:
        until = time.monotonic() + 5
        while time.monotonic() < until and psutil.Process(pid).status() != psutil.STATUS_STOPPED:
            time.sleep(POLL_SECONDS)
