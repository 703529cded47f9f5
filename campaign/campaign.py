"""One campaign: servers and house of its own, lanes and world at once, then everything healed, at rest, and judged."""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event

from campaign.journal import Journal
from campaign.lane import Lane
from campaign.plan import Extent, Life, lives, planned
from campaign.points import passed_by, services
from campaign.provoke import Provoke, erase_somebody, rebalance_under_way
from campaign.say import say
from campaign.sender import TURNED_TO, Reporters
from campaign.world import World, database_of, post
from laws.judging import judged
from laws.sources import Sources
from laws.verdict import Verdict
from stack import Stack
from stack.house import House
from stack.paths import ROOT
from stack.secrets_file import Secrets

SESSION_TIMEOUT_MS = 3_000
# Longer than the session (3 s) and the outbox lease (10 s); for the notifier also than a job's lease (2 + 10 + 5 s).
HOLD_SECONDS = {"citizens": 4.0, "intake": 11.5, "tasks": 11.5, "notifier": 18.0}
LONGEST_REST_SECONDS = 180.0

ENVIRONMENT: Mapping[str, Mapping[str, str]] = {
    "notifier": {"GATEWAY_SECONDS": "2", "RETRY_CEILING_SECONDS": "2"},
}


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
    """What a campaign came to."""

    wish: Wish
    journal: Journal
    sent: Mapping[str, int]
    verdicts: Sequence[Verdict]
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
        with self._house() as (stack, house):
            reporters = Reporters(
                stack.kafka_bootstrap,
                self._ledger,
                seed=self.wish.seed,
                rate=self.wish.rate,
                log=self.run_dir / "logs" / "reporters.log",
                journal=self.journal,
            )
            self._break_everything(stack, house, reporters)
            say("healed; waiting for rest, then judging")
            verdicts = asyncio.run(judged(self._sources(stack, house), within=LONGEST_REST_SECONDS))
            return self._account(reporters, verdicts)

    @contextlib.contextmanager
    def _house(self) -> Iterator[tuple[Stack, House]]:
        stack = Stack.start(self.run_dir)
        try:
            house = House(
                stack,
                session_timeout_ms=SESSION_TIMEOUT_MS,
                gateway_dedupes=self.wish.gateway_dedupes,
                environment=ENVIRONMENT,
            ).start()
            try:
                house.remember()
                post(f"{house.http_url('clock')}/turn", {"to": TURNED_TO})
                yield stack, house
            finally:
                house.stop()
        finally:
            stack.stop()

    # while it breaks ------------------------------------------------------------------------------------------------------

    def _break_everything(self, stack: Stack, house: House, reporters: Reporters) -> None:
        stopping, enough = Event(), Event()
        world = World(
            stack,
            house,
            journal=self.journal,
            stopping=stopping,
            pause=self.wish.world_pause,
            dice=Random(f"{self.wish.seed}:world"),
        )
        lanes = [self._lane(stack, house, service, stopping) for service in self._plan]
        self._keep_schedule()
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
        house.wait_ready()

    def _lane(self, stack: Stack, house: House, service: str, stopping: Event) -> Lane:
        has_replicas = service != "citizens"  # its callers know one address
        return Lane(
            house,
            service,
            self._plan[service],
            journal=self.journal,
            visits=self._visits(service),
            stopping=stopping,
            provoke=self._provokers(stack, house, service),
            hold_seconds=HOLD_SECONDS[service],
            has_replicas=has_replicas,
            dice=Random(f"{self.wish.seed}:{service}:lane"),
        )

    def _provokers(self, stack: Stack, house: House, service: str) -> Mapping[str, Provoke]:
        if service == "citizens":
            secrets = Secrets.load_or_make(self.run_dir / "secrets.env")
            tokens = secrets.vault_token("intake"), secrets.vault_token("ops")
            return {"citizens.before_destroy_commit": erase_somebody(house, *tokens, self.journal)}
        return {"bus.revoked": rebalance_under_way(house, service, database_of(stack, service), self.journal)}

    def _watch(self, lanes: Sequence[Lane], threads: Sequence["Future[None]"], reporters: Reporters) -> None:
        """Until every lane is through, or the time is over, or a thread of ours ended, which none does by itself."""
        until = time.monotonic() + 60 * self.wish.minutes
        told_at = time.monotonic()
        while time.monotonic() < until and not all(lane.is_through.is_set() for lane in lanes):
            if any(thread.done() for thread in threads):
                return
            time.sleep(0.5)
            if time.monotonic() - told_at > 20:
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
            f"{count('stop')} stops, {count('raise')} raises, {count('started')} starts"
        )

    def _keep_schedule(self) -> None:
        lines = [
            f"{service} {' '.join(strike.spelt for strike in life.wished)}\n"
            for service, told in self._plan.items()
            for life in told
        ]
        (self.run_dir / "schedule.txt").write_text(f"seed {self.wish.seed}\n{''.join(lines)}")

    # afterwards -----------------------------------------------------------------------------------------------------------

    @property
    def _ledger(self) -> Path:
        return self.run_dir / "state" / "nemrefusion.jsonl"

    def _visits(self, service: str) -> Path:
        return self.run_dir / f"visits-{service}.txt"

    def _sources(self, stack: Stack, house: House) -> Sources:
        return Sources(
            kafka=stack.kafka_bootstrap,
            postgres=stack.postgres_admin_dsn,
            gateway=house.http_url("post_gateway"),
            sent=self._ledger,
            logs=self.run_dir / "logs",
            ops_urls={name: house.ops_url(name) for name in house.names},
        )

    def _account(self, reporters: Reporters, verdicts: Sequence[Verdict]) -> Account:
        never = {
            service: sorted(wished - set(_lines(self._visits(service))))
            for service, wished in planned(self._plan).items()
        }
        never = {service: missed for service, missed in never.items() if missed}
        sent = reporters.told()
        failures = [f"{service} never met {', '.join(missed)}" for service, missed in never.items()]
        if sent.get("ok", 0) < self.wish.notifications:
            failures.append(f"only {sent.get('ok', 0)} of {self.wish.notifications} notifications were sent")
        if self.journal.count("kill") < self.wish.kills:
            failures.append(f"only {self.journal.count('kill')} of {self.wish.kills} kills")
        if crashes := self.journal.count("died unasked", "ended badly"):
            failures.append(f"{crashes} processes ended by a fault of ours (history.jsonl tells which)")
        return Account(
            wish=self.wish,
            journal=self.journal,
            sent=sent,
            verdicts=verdicts,
            never_struck=never,
            points={service: len(passed_by(service, ROOT)) for service in self._plan},
            failures=failures,
        )


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
