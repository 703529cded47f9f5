"""One campaign: servers and house of its own, everything broken at once, then healed, at rest, and judged."""

import asyncio
import json
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event

from campaign import faults
from campaign.backlog import Backlog
from campaign.crowd import THREADS, Crowd
from campaign.journal import Journal
from campaign.plan import Life, lives, planned
from campaign.points import passed_by
from campaign.say import say
from campaign.site import SURFACED_AFTER_SECONDS, Site, open_site
from campaign.storm import Storm, Wish
from laws.judging import judged
from laws.verdict import Verdict
from stack.members import SERVICES
from stack.paths import ROOT

LONGEST_REST_SECONDS = 300.0
# A request that was lost is given up by Kafka's client after 40 seconds, and what it was for begins anew.
READY_SECONDS = 150.0
TOLD_EVERY_SECONDS = 20.0
# A letter to which no status comes surfaces within the campaign, but not while somebody is away for as long as is wished for.
BEYOND_THE_LONGEST_OUTAGE_SECONDS = 40
# Reporters send for so long before they look whether the house keeps pace, and wait while it is that much behind.
PORTION_SECONDS = 25.0
BEHIND_SECONDS = 45.0
# So many, that the sweeper finds somebody who waited in vain every few seconds.
STRANGERS = 0.3
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What a campaign came to: faults that struck at a point, by action; how many places to break each service has; how often
    each numbered fault was played; of how many members a group was at most. `asked`: what citizens were answered about documents;
    `watched`: how often somebody tried to read all that is stored."""

    wish: Wish
    journal: Journal
    sent: Mapping[str, int]
    asked: Mapping[str, int]
    watched: int
    verdicts: Sequence[Verdict]
    struck: Mapping[str, int]
    never_struck: Mapping[str, Sequence[str]]
    points: Mapping[str, int]
    played: Mapping[str, int]
    most_members: int
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
            for service in SERVICES
        }

    def run(self) -> Account:
        """From nothing to the account; servers and processes are gone when it returns."""
        self._keep_schedule()
        dedupes = self.wish.gateway_dedupes
        surfaced_after = round(self.wish.longest_outage) + BEYOND_THE_LONGEST_OUTAGE_SECONDS
        with open_site(
            self.run_dir,
            seed=self.wish.seed,
            journal=self.journal,
            gateway_dedupes=dedupes,
            surfaced_after_seconds=min(surfaced_after, SURFACED_AFTER_SECONDS[dedupes]),
        ) as site:
            crowd = Crowd(
                reporters=site.reporters(
                    rate=self.wish.rate, strangers=STRANGERS, portion=round(self.wish.rate * PORTION_SECONDS)
                ),
                citizens=site.citizens(rate=self.wish.submission_rate),
                watch=site.watch(),
            )
            storm = self._break_everything(site, crowd)
            say("healed; waiting for rest, then judging")
            storm.rebalances.look()
            crowd.watch.look()
            verdicts = asyncio.run(judged(site.sources(), within=LONGEST_REST_SECONDS))
            self._note_letters_on_paper(site)
            return self._account(site, storm, crowd, verdicts)

    def _break_everything(self, site: Site, crowd: Crowd) -> Storm:
        stopping, enough = Event(), Event()
        backlog = Backlog(sources=site.sources(), most=self.wish.rate * BEHIND_SECONDS)
        storm = Storm(site, self.wish, self._plan, stopping)
        with ThreadPoolExecutor(max_workers=storm.threads + THREADS) as pool:
            working = crowd.start(pool, enough, backlog.is_long)
            breaking = storm.start(pool)
            try:
                self._watch(storm, [*working, *breaking], crowd)
                stopping.set()
                for future in breaking:
                    future.result()
            finally:
                stopping.set()
                enough.set()
            for future in working:
                future.result()
        storm.heal()
        site.house.wait_ready(timeout=READY_SECONDS)
        return storm

    def _watch(self, storm: Storm, threads: Sequence["Future[None]"], crowd: Crowd) -> None:
        """Until all that was wished for came about, or the time is over, or a thread of ours ended, which none does by itself."""
        until = time.monotonic() + 60 * self.wish.minutes
        told_at = time.monotonic()
        while time.monotonic() < until:
            if storm.is_over and self._was_enough(crowd):
                return
            if any(thread.done() for thread in threads):
                return
            time.sleep(0.5)
            if time.monotonic() - told_at > TOLD_EVERY_SECONDS:
                told_at = time.monotonic()
                say(self._progress(crowd))

    def _was_enough(self, crowd: Crowd) -> bool:
        return (
            crowd.reporters.acknowledged >= self.wish.notifications and crowd.citizens.answered >= self.wish.submissions
        )

    def _progress(self, crowd: Crowd) -> str:
        count = self.journal.count
        return (
            f"{self.journal.seconds:4.0f} s: {crowd.reporters.acknowledged} notifications, "
            f"{crowd.citizens.answered} submissions, {count('kill')} kills, "
            f"{count('stop')} stops, {count('started')} starts, {count('rebalance')} rebalances"
        )

    def _keep_schedule(self) -> None:
        lines = [
            f"{service} {' '.join(strike.spelt for strike in life.wished)}\n"
            for service, told in self._plan.items()
            for life in told
        ]
        (self.run_dir / "schedule.txt").write_text(f"seed {self.wish.seed}\n{''.join(lines)}")

    def _note_letters_on_paper(self, site: Site) -> None:
        with _DIRECT.open(f"{site.house.http_url('post_gateway')}/_sim/summary", timeout=60) as answer:
            number = int(json.load(answer)["dispatch_ids_total"])
        for _ in range(number):
            self.journal.note(faults.ON_PAPER, "gateway")

    def _account(self, site: Site, storm: Storm, crowd: Crowd, verdicts: Sequence[Verdict]) -> Account:
        struck = {service: site.struck(service) for service in self._plan}
        missed = {
            service: sorted(wished.difference(struck[service])) for service, wished in planned(self._plan).items()
        }
        never_struck = {**{service: names for service, names in missed.items() if names}, **storm.missed}
        sent, answered = crowd.reporters.told(), crowd.citizens.answered
        visits = [visit for visits in struck.values() for visit in visits]
        played = {number: fault.times(visits, self.journal.count) for number, fault in faults.FAULTS.items()}
        return Account(
            wish=self.wish,
            journal=self.journal,
            sent=sent,
            asked=crowd.citizens.told(),
            watched=crowd.watch.looks,
            verdicts=verdicts,
            struck=Counter(visit.rpartition(":")[2] for visit in visits),
            never_struck=never_struck,
            points={service: len(passed_by(service, ROOT)) for service in self._plan},
            played=played,
            most_members=storm.rebalances.most_members,
            failures=self._failures({**sent, "answered": answered}, never_struck, played),
        )

    def _failures(
        self,
        sent: Mapping[str, int],
        never_struck: Mapping[str, Sequence[str]],
        played: Mapping[str, int],
    ) -> list[str]:
        """What makes a campaign worthless, or a process of ours faulty, whatever the laws say."""
        found = [f"{who} never met {', '.join(names)}" for who, names in never_struck.items()]
        found += [
            f"{number} was never played: {faults.FAULTS[number].what}"
            for number in faults.planned(is_whole=self.wish.is_whole)
            if not played[number]
        ]
        came_to = (
            ("notifications were sent", sent.get("ok", 0), self.wish.notifications),
            ("submissions were answered", sent.get("answered", 0), self.wish.submissions),
            ("kills", self.journal.count("kill"), self.wish.kills),
            ("rebalances", self.journal.count("rebalance"), self.wish.rebalances),
        )
        found += [f"only {number} of {wished} {what}" for what, number, wished in came_to if number < wished]
        if crashes := self.journal.count("died unasked", "ended badly"):
            found.append(f"{crashes} processes ended by a fault of ours (history.jsonl tells which)")
        return found
