"""One campaign: servers and house of its own, lanes and world at once, then everything healed, at rest, and judged."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event

from campaign.journal import Journal
from campaign.lane import Lane
from campaign.plan import Extent, Life, lives, planned
from campaign.points import passed_by, services
from campaign.say import say
from campaign.sender import Reporters
from campaign.site import Site, open_site
from campaign.world import World
from laws.judging import judged
from laws.verdict import Verdict
from stack.paths import ROOT

LONGEST_REST_SECONDS = 180.0
TOLD_EVERY_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a campaign is to be: see `__main__` for the two usual ones."""

    seed: int
    notifications: int
    kills: int
    rate: float
    minutes: float
    extents: Mapping[str, Extent]
    world_pause: float
    gateway_dedupes: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What a campaign came to: faults that struck at a point, by action; how many places to break each service has."""

    wish: Wish
    journal: Journal
    sent: Mapping[str, int]
    verdicts: Sequence[Verdict]
    struck: Mapping[str, int]
    never_struck: Mapping[str, Sequence[str]]
    points: Mapping[str, int]
    failures: Sequence[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.failures and all(verdict.holds for verdict in self.verdicts)


class Campaign:
    """Everything of one run, in one directory."""

    def __init__(self, wish: Wish, run_dir: Path) -> None:
        self.wish = wish
        self.run_dir = run_dir
        self.journal = Journal(run_dir / "history.jsonl")
        self._plan: dict[str, list[Life]] = {
            service: lives(passed_by(service, ROOT), wish.extents[service], Random(f"{wish.seed}:{service}"))
            for service in services(ROOT)
        }

    def run(self) -> Account:
        """From nothing to the account; servers and processes are gone when it returns."""
        self._keep_schedule()
        with open_site(
            self.run_dir, seed=self.wish.seed, journal=self.journal, gateway_dedupes=self.wish.gateway_dedupes
        ) as site:
            reporters = site.reporters(rate=self.wish.rate)
            self._break_everything(site, reporters)
            say("healed; waiting for rest, then judging")
            verdicts = asyncio.run(judged(site.sources(), within=LONGEST_REST_SECONDS))
            return self._account(site, reporters.told(), verdicts)

    def _break_everything(self, site: Site, reporters: Reporters) -> None:
        stopping, enough = Event(), Event()
        world = World(
            site.stack,
            site.house,
            journal=self.journal,
            stopping=stopping,
            pause=self.wish.world_pause,
            dice=Random(f"{self.wish.seed}:world"),
        )
        lanes = [site.lane(service, told, stopping) for service, told in self._plan.items()]
        with ThreadPoolExecutor(max_workers=len(lanes) + 2) as pool:
            sending = pool.submit(reporters.run, enough)
            breaking = pool.submit(world.run)
            living = [pool.submit(lane.run) for lane in lanes]
            try:
                self._watch(lanes, [breaking, sending, *living], reporters)
                stopping.set()
                for future in (breaking, *living):
                    future.result()
                self._until_sent(reporters)
            finally:
                stopping.set()
                enough.set()
            sending.result()
        world.heal()
        site.house.wait_ready()

    def _watch(self, lanes: Sequence[Lane], threads: Sequence["Future[None]"], reporters: Reporters) -> None:
        """Until every lane is through, or the time is over, or a thread of ours ended, which none does by itself."""
        until = time.monotonic() + 60 * self.wish.minutes
        told_at = time.monotonic()
        while time.monotonic() < until and not all(lane.is_through.is_set() for lane in lanes):
            if any(thread.done() for thread in threads):
                return
            time.sleep(0.5)
            if time.monotonic() - told_at > TOLD_EVERY_SECONDS:
                told_at = time.monotonic()
                say(self._progress(reporters))

    def _until_sent(self, reporters: Reporters) -> None:
        until = time.monotonic() + self.wish.notifications / self.wish.rate + 30
        while reporters.acknowledged < self.wish.notifications and time.monotonic() < until:
            time.sleep(0.5)

    def _progress(self, reporters: Reporters) -> str:
        count = self.journal.count
        return (
            f"{self.journal.seconds:4.0f} s: {reporters.acknowledged} notifications, {count('kill')} kills, "
            f"{count('stop')} stops, {count('started')} starts"
        )

    def _keep_schedule(self) -> None:
        lines = [
            f"{service} {' '.join(strike.spelt for strike in life.wished)}\n"
            for service, told in self._plan.items()
            for life in told
        ]
        (self.run_dir / "schedule.txt").write_text(f"seed {self.wish.seed}\n{''.join(lines)}")

    def _account(self, site: Site, sent: Mapping[str, int], verdicts: Sequence[Verdict]) -> Account:
        struck = {service: site.struck(service) for service in self._plan}
        missed = {
            service: sorted(wished.difference(struck[service])) for service, wished in planned(self._plan).items()
        }
        never_struck = {service: names for service, names in missed.items() if names}
        return Account(
            wish=self.wish,
            journal=self.journal,
            sent=sent,
            verdicts=verdicts,
            struck=Counter(visit.rpartition(":")[2] for visits in struck.values() for visit in visits),
            never_struck=never_struck,
            points={service: len(passed_by(service, ROOT)) for service in self._plan},
            failures=self._failures(sent, never_struck),
        )

    def _failures(self, sent: Mapping[str, int], never_struck: Mapping[str, Sequence[str]]) -> list[str]:
        """What makes a campaign worthless, or a process of ours faulty, whatever the laws say."""
        found = [f"{service} never met {', '.join(names)}" for service, names in never_struck.items()]
        if sent.get("ok", 0) < self.wish.notifications:
            found.append(f"only {sent.get('ok', 0)} of {self.wish.notifications} notifications were sent")
        if (kills := self.journal.count("kill")) < self.wish.kills:
            found.append(f"only {kills} of {self.wish.kills} kills")
        if crashes := self.journal.count("died unasked", "ended badly"):
            found.append(f"{crashes} processes ended by a fault of ours (history.jsonl tells which)")
        return found
